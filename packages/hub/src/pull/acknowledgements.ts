import { PlugboardError } from '@plugboard/core'
import type { ClientView } from '../clients/directory.js'
import type { DeliveryObserver } from '../delivery/outcome-reports.js'
import type { TargetMonitor } from '../delivery/targets/target-monitor.js'
import type { QueueBell } from '../delivery/to-readers/queue-bell.js'
import type { PullLane } from '../log/pull-lane.js'
import type { Store } from '../ports/store.js'
import { MAX_TRIES } from './lane-entries.js'
import { isHeldBy, passed, released } from './lane-rules.js'
import { laneKey, type PullPosition, positionOf } from './position.js'

export interface AcknowledgementsOptions {
  store: Store
  bell: QueueBell
  observer: DeliveryObserver
  monitor: Pick<TargetMonitor, 'delivered'>
  now(): Date
}

/** What readers do with the events that they have. Each change of a lane is one compare-and-set, on any replica. */
export class Acknowledgements {
  readonly #options: AcknowledgementsOptions

  constructor(options: AcknowledgementsOptions) {
    this.#options = options
  }

  /**
   * Acknowledges events, each with the earlier ones of its conversation. Returns the positions that are of no event which
   * a reader got. It also counts after the end of the lease.
   */
  async acknowledge(client: ClientView, positions: readonly string[]): Promise<string[]> {
    const { observer, monitor, now } = this.#options
    return this.#change(client, positions, (lane, { seq, fence }, count) => {
      const next = acknowledged(lane, { seq, fence, now: now() })
      if (next === 'unknown' || next === undefined) return next
      if (next.done > lane.done)
        return {
          next,
          written: () => {
            for (let each = 0; each < count; each += 1) {
              observer.delivered({ kind: 'webhook' }, Math.max(0, now().getTime() - lane.since.getTime()))
              monitor.delivered({ clientId: client.id, targetId: lane.webhookId })
            }
          },
        }
      return { next }
    })
  }

  /**
   * Gives events back after a pause: the first one that is not acknowledged comes again, and with it the later ones of its
   * conversation. Returns the positions whose lease is over.
   */
  async release(client: ClientView, positions: readonly string[], delayMs: number): Promise<string[]> {
    const dueAt = new Date(this.#options.now().getTime() + delayMs)
    return this.#change(client, positions, (lane, { fence }) =>
      isHeldBy(lane, fence) ? { next: released(lane, dueAt) } : 'unknown',
    )
  }

  /** Moves the end of leases. Returns the positions whose lease is over. */
  async extend(client: ClientView, positions: readonly string[], leaseMs: number): Promise<string[]> {
    const dueAt = new Date(this.#options.now().getTime() + leaseMs)
    return this.#change(client, positions, (lane, { fence }) =>
      isHeldBy(lane, fence) ? { next: { ...lane, dueAt, version: lane.version + 1 } } : 'unknown',
    )
  }

  /** Changes each lane once, by its furthest position. Returns the positions that were refused. */
  async #change(
    client: ClientView,
    texts: readonly string[],
    change: (lane: PullLane, position: PullPosition, count: number) => Change | 'unknown' | undefined,
  ): Promise<string[]> {
    const refused: string[] = []
    let left = new Map<string, Claim>()
    for (const text of new Set(texts)) {
      const position = positionOf(text)
      if (!position || !client.webhooks.some(({ id, mode }) => id === position.webhookId && mode === 'pull'))
        refused.push(text)
      else {
        const known = left.get(laneKey(position))
        const furthest = known && isBefore(position, known.position) ? known.position : position
        left.set(laneKey(position), { position: furthest, texts: [...(known?.texts ?? []), text] })
      }
    }
    for (let tries = 0; left.size > 0; tries += 1) {
      if (tries === MAX_TRIES)
        throw new PlugboardError('CONFLICT', 'the events changed concurrently; try again')
      left = await this.#changeOnce(client, left, change, refused)
    }
    return refused
  }

  /** Returns what has to be tried again. */
  async #changeOnce(
    client: ClientView,
    claims: ReadonlyMap<string, Claim>,
    change: (lane: PullLane, position: PullPosition, count: number) => Change | 'unknown' | undefined,
    refused: string[],
  ): Promise<Map<string, Claim>> {
    const { store, bell } = this.#options
    const found = await store.findPulls(
      client.id,
      [...claims.values()].map(({ position }) => position),
    )
    const lanes = new Map(found.map((lane) => [laneKey(lane), lane]))
    const changes: (Change & { key: string; claim: Claim })[] = []
    for (const [key, claim] of claims) {
      const lane = lanes.get(key)
      const changed = lane ? change(lane, claim.position, claim.texts.length) : 'unknown'
      if (changed === 'unknown') refused.push(...claim.texts)
      else if (changed) changes.push({ ...changed, key, claim })
    }
    const isWritten = await store.replacePulls(changes.map(({ next }) => next))
    const again = new Map<string, Claim>()
    for (const [index, { key, claim, next, written }] of changes.entries()) {
      if (!isWritten[index]) again.set(key, claim)
      else {
        written?.()
        if (next.dueAt && next.heldTo === undefined) bell.ring(next.webhookId)
      }
    }
    return again
  }
}

/**
 * The lane after a reader acknowledged everything up to a number; undefined if it stays as it is. `unknown`: the entry
 * was never given to a reader. A late acknowledgement, after the end of the lease, counts too. Pure.
 */
function acknowledged(
  lane: PullLane,
  { seq, fence, now }: { seq: number; fence: number; now: Date },
): PullLane | 'unknown' | undefined {
  if (seq > Math.max(lane.done, lane.given.at(-1)?.seq ?? 0)) return 'unknown'
  const done = Math.max(lane.done, seq)
  const isOver = lane.fence === fence && lane.heldTo !== undefined && done >= lane.heldTo
  if (done === lane.done && !isOver) return undefined
  return passed(lane, done, { now, isOver })
}

/** The furthest position of a lane, and all that were given. */
interface Claim {
  position: PullPosition
  texts: readonly string[]
}

interface Change {
  next: PullLane
  /** Once it is written. */
  written?(): void
}

const isBefore = (a: PullPosition, b: PullPosition): boolean =>
  a.fence < b.fence || (a.fence === b.fence && a.seq < b.seq)
