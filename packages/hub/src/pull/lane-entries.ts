import type { Dispatcher } from '../delivery/dispatcher.js'
import type { OutcomeReports } from '../delivery/outcome-reports.js'
import type { QueueBell } from '../delivery/to-readers/queue-bell.js'
import type { Dead, Entry, StreamRef } from '../log/entry.js'
import type { PullLane } from '../log/pull-lane.js'
import { webhookTarget } from '../log/target.js'
import type { Store } from '../ports/store.js'
import { isHeldBy, passed } from './lane-rules.js'

/** Most entries of one lane for one reader. */
export const MAX_PER_LANE = 64
/** Time for burying entries of a lane, in milliseconds. */
export const BURY_MS = 60_000
/** Attempts of a change when offers or readers interfere. */
export const MAX_TRIES = 50

export const NOT_ACKNOWLEDGED = 'no reader acknowledged it in time'

/** An entry that is given up, and why. */
export interface Death extends Pick<Dead, 'reason' | 'attempts'> {
  entry: Entry
  error: string
}

export interface PullLanesOptions {
  store: Store
  bell: QueueBell
  reports: Pick<OutcomeReports, 'died'>
  dispatcher: Pick<Dispatcher, 'gaveUp' | 'startedAt'>
  now(): Date
}

/** What readers and housekeeping need of the lanes of pull webhooks. */
export class PullLanes {
  readonly #options: PullLanesOptions

  constructor(options: PullLanesOptions) {
    this.#options = options
  }

  /** Whether its stream is no longer there. */
  async isPurged(lane: StreamRef): Promise<boolean> {
    return (await this.#options.store.findProgress(lane)) === undefined
  }

  /** The next entries of a lane. */
  async entriesOf(lane: PullLane, limit: number): Promise<Entry[]> {
    const wanted = Math.min(limit, lane.upTo - lane.done)
    const entries = await this.#options.store.readEntries(lane, lane.done, Math.max(1, wanted))
    return entries.filter(({ seq }) => seq <= lane.upTo)
  }

  /** Under a lease. Deaths are stored before the lane passes them, so that a crash in between loses nothing. */
  async bury(
    lane: PullLane,
    label: string,
    deaths: readonly Death[],
    upTo = deaths.at(-1)?.entry.seq ?? lane.done,
  ): Promise<void> {
    const { store, reports, dispatcher, bell } = this.#options
    const target = webhookTarget(lane.webhookId)
    for (const { entry, ...why } of deaths) {
      const dead: Dead = { ...why, at: this.#options.now(), label }
      await store.bury(lane, entry.seq, target, dead)
      reports.died(target, entry, dead)
      await dispatcher.gaveUp(lane, target, entry, dead)
    }
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const [now] = await store.findPulls(lane.clientId, [lane])
      if (!now || !isHeldBy(now, lane.fence)) return
      const next = passed(now, upTo, { now: this.#options.now(), isOver: true })
      if ((await store.replacePulls([next]))[0]) return bell.ring(lane.webhookId)
    }
  }
}

/** Whether an entry is to be given to the readers of a lane. */
export function isForReaders({ webhookId, replay, upTo }: PullLane, entry: Entry): boolean {
  if (entry.type === 'void' || entry.deletedAt) return false
  if (replay !== undefined) return entry.seq === upTo
  const target = webhookTarget(webhookId)
  return entry.owes.includes(target) && !entry.dead?.[target]
}
