import { setMaxListeners } from 'node:events'
import { type Id, isPlugboardError, PlugboardError } from '@plugboard/core'
import type { ClientView } from '../clients/directory.js'
import type { Deliveries } from '../conversations/deliveries.js'
import { type DeadFilter, type DeadRef, type DeadSpot, matchesDead } from '../log/dead-letter.js'
import { type LaneKey, parseLaneKey, parseTarget, type Target } from '../log/target.js'
import type { Store } from '../ports/store.js'
import type { NewJob } from './dead-letter-job.js'
import { insist, pause, RETRY_MS } from './insist.js'

export interface JobRunOptions {
  store: Pick<Store, 'walkDead' | 'findProgress' | 'findEntry'>
  deliveries: Pick<Deliveries, 'replay' | 'discard'>
  /** The client as it is now. */
  client(): ClientView
  job: Pick<NewJob, 'action' | 'to' | 'perSecond'> & { filter: DeadFilter }
  /** Aborted when it is to end early. */
  signal: AbortSignal
  /** Resolves when this process surely owns the job. */
  owned(): Promise<void>
  /** One more was replayed or discarded. */
  done(): void
  /** One could not be. */
  failed(): void
}

/** Conversations at the same time. */
const WIDTH = 32
const PAGE = 500
/** Of one conversation. */
const STEP = 50
/** How often the end of a replay is looked for, at first and at last. */
const FIRST_LOOK_MS = 4
const LAST_LOOK_MS = 1_000
/** After waiting for so long, a conversation lets others go first. */
const PATIENCE_MS = 10_000
/** Between two passes, while conversations wait for their targets. */
const PASS_MS = 2_000
/** Dead letters that stay listed and are remembered, so that each is counted once. */
const MAX_SETTLED = 100_000

/** What became of a conversation: all of its dead letters are dealt with, or it waits for a target. */
type Outcome = 'over' | 'waits'

/**
 * Goes through the dead letters of a client that match, in passes, until none is left. Those of one conversation and
 * target are replayed in order, each after the replay before it has ended. It keeps nothing that another process would
 * need: what was replayed or discarded is no dead letter any more, and what is being replayed has a lane.
 */
export class JobRun {
  readonly #options: JobRunOptions
  readonly #end = new AbortController()
  readonly #signal: AbortSignal
  /** Not to be looked at again: those that failed, and those that are only listed any more. */
  readonly #settled = new Set<string>()
  readonly #waiting = new Set<Id>()
  /** When the next one may be dealt with, by the monotonic clock. */
  #nextAt = 0

  constructor(options: JobRunOptions) {
    this.#options = options
    this.#signal = AbortSignal.any([options.signal, this.#end.signal])
    // Each conversation under way may wait with it. Node would call more than ten a leak, in the log of the server.
    setMaxListeners(0, this.#signal)
  }

  /** Conversations that wait for a target. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Resolves at the end, or when it was aborted. @throws Error when it cannot go on */
  async run(): Promise<void> {
    while (!this.#signal.aborted) {
      const isOver = await this.#pass()
      if (isOver) return
      await this.#pause(PASS_MS)
    }
  }

  /** True if nothing is left. */
  async #pass(): Promise<boolean> {
    let isOver = true
    const underway = new Set<Promise<void>>()
    const begin = (streamId: Id): void => {
      const work = this.#stream(streamId).then((outcome) => {
        underway.delete(work)
        this.#waiting.delete(streamId)
        if (outcome === 'waits') isOver = false
      })
      underway.add(work)
    }
    try {
      for await (const streamId of this.#streams()) {
        begin(streamId)
        if (underway.size >= WIDTH) await Promise.race(underway)
      }
      await Promise.all(underway)
      return isOver && !this.#signal.aborted
    } catch (error) {
      this.#end.abort()
      await Promise.allSettled(underway)
      throw error
    }
  }

  /** Streams with something to do. */
  async *#streams(): AsyncGenerator<Id, void> {
    const { client, store } = this.#options
    for (let after: DeadSpot | undefined; !this.#signal.aborted; ) {
      const page = { limit: PAGE, ...(after && { after }) }
      const refs = await this.#insist(() => store.walkDead(client().id, page))
      if (!refs) return
      const wanted = refs.filter((ref) => this.#isWanted(ref))
      yield* new Set(wanted.map(({ streamId }) => streamId))
      const last = refs.at(-1)
      if (!last || refs.length < PAGE) return
      after = { ...last, seq: Number.MAX_SAFE_INTEGER }
    }
  }

  #isWanted(ref: DeadRef): boolean {
    return matchesDead(ref, this.#options.job.filter) && !this.#settled.has(nameOf(ref))
  }

  async #stream(streamId: Id): Promise<Outcome> {
    const { client, store } = this.#options
    for (let after: DeadSpot | undefined; !this.#signal.aborted; ) {
      const page = { streamId, limit: STEP, ...(after && { after }) }
      const refs = await this.#insist(() => store.walkDead(client().id, page))
      if (!refs) return 'waits'
      for (const ref of refs) {
        if (this.#isWanted(ref) && (await this.#one(ref)) === 'waits') return 'waits'
        if (this.#signal.aborted) return 'waits'
      }
      after = refs.at(-1)
      if (!after || refs.length < STEP) return 'over'
    }
    return 'waits'
  }

  async #one(ref: DeadRef): Promise<Outcome> {
    const { client, deliveries, done, job } = this.#options
    const { entryId, target } = ref
    for (;;) {
      if (job.action === 'replay' && !this.#hasTarget(job.to ?? target)) return this.#fail(ref)
      if (job.action === 'replay' && !(await this.#isFree(ref, job.to ?? target))) return 'waits'
      await this.#turn()
      if (this.#signal.aborted) return 'waits'
      try {
        if (job.action === 'discard') await deliveries.discard(client(), entryId, target)
        else await deliveries.replay(client(), entryId, target, job.to)
        done()
        return 'over'
      } catch (error) {
        if (isPlugboardError(error, 'UNAVAILABLE')) await this.#pause(RETRY_MS)
        else if (isPlugboardError(error, 'RATE_LIMITED')) return 'waits'
        else if (!isPlugboardError(error, 'NOT_FOUND')) throw error
        else if (job.action === 'discard' || this.#hasTarget(job.to ?? target)) {
          // A process that died in the middle of a replay may still have it in hand.
          if (await this.#isDead(ref)) return 'waits'
          // Somebody else dealt with it: it is no dead letter any more, though it may be listed for a while.
          if (this.#settled.size < MAX_SETTLED) this.#settled.add(nameOf(ref))
          done()
          return 'over'
        }
      }
    }
  }

  async #isDead({ entryId, target }: DeadRef): Promise<boolean> {
    const { client, store } = this.#options
    const entry = await this.#insist(() => store.findEntry(client().id, entryId))
    const dead = entry?.dead?.[target]
    return dead !== undefined && !dead.isDiscarded
  }

  #hasTarget(target: Target): boolean {
    const { kind, id } = parseTarget(target)
    return kind !== 'webhook' || this.#options.client().webhooks.some((hook) => hook.id === id)
  }

  /** Once for each. */
  #fail(ref: DeadRef): Outcome {
    if (this.#settled.size >= MAX_SETTLED)
      throw new PlugboardError('CONFLICT', 'too many dead letters are for targets that were removed')
    this.#settled.add(nameOf(ref))
    this.#options.failed()
    return 'over'
  }

  /** Waits until no earlier replay to this target is under way in the stream. False if that takes long. */
  async #isFree({ streamId }: DeadRef, to: Target): Promise<boolean> {
    const { client, store } = this.#options
    const stream = { clientId: client().id, streamId }
    const start = performance.now()
    for (let ms = FIRST_LOOK_MS; !this.#signal.aborted; ms = Math.min(LAST_LOOK_MS, ms * 1.5)) {
      const progress = await this.#insist(() => store.findProgress(stream))
      const lanes = Object.keys(progress?.lanes ?? {}).map((key) => parseLaneKey(key as LaneKey))
      if (!lanes.some(({ target, only }) => only !== undefined && target === to)) {
        this.#waiting.delete(streamId)
        return true
      }
      if (performance.now() - start > PATIENCE_MS) return false
      if (ms > 100) this.#waiting.add(streamId)
      await this.#pause(ms)
    }
    return false
  }

  /** Waits for the pace, and for certainty that nobody else does the job. */
  async #turn(): Promise<void> {
    const { job, owned } = this.#options
    const now = performance.now()
    const at = Math.max(now, this.#nextAt)
    this.#nextAt = at + 1000 / job.perSecond
    if (at > now) await this.#pause(at - now)
    await owned()
  }

  /** Undefined when it was aborted. */
  #insist<T>(read: () => Promise<T>): Promise<T | undefined> {
    return insist(read, this.#signal)
  }

  #pause(ms: number): Promise<void> {
    return pause(ms, this.#signal)
  }
}

const nameOf = ({ entryId, target }: DeadRef): string => `${entryId} ${target}`
