import type { Dead, Entry } from '../log/entry.js'
import type { Claimed } from '../log/progress.js'
import { type Lane, sizeOf, type Underway, WINDOW } from './lane.js'
import type { Route } from './route.js'
import type { RunnerHost } from './runner-host.js'
import { isOutage, settle } from './settle.js'
import type { Tenure } from './tenure.js'
import type { DeliveryFailure } from './transport.js'

/** How long a lane stays away whose credentials were refused, should that have paused nothing. */
const REFUSED_MS = 1000

export interface OutcomesOptions {
  host: RunnerHost
  stream: Claimed
  tenure: Tenure
  /** Does what there is to do now. */
  run(): void
  /** Writes down where the stream is. */
  save(): void
  /** What is in memory of the stream is void. */
  abandon(error: unknown): void
}

/** What becomes of the entries of one stream that are with the transports, and of those that are given up. */
export class Outcomes {
  readonly #host: RunnerHost
  readonly #stream: Claimed
  readonly #tenure: Tenure
  readonly #runner: Pick<OutcomesOptions, 'run' | 'save' | 'abandon'>

  constructor({ host, stream, tenure, ...runner }: OutcomesOptions) {
    this.#host = host
    this.#stream = stream
    this.#tenure = tenure
    this.#runner = runner
  }

  /** Everything up to this number is done with in the lane. */
  advance(lane: Lane, seq: number): void {
    lane.advance(seq)
    this.#tenure.progressed()
  }

  /**
   * The target is gone: what the lane owes is given up, so that it can be listed, and replayed to another. One page at
   * a time, so that other lanes have their turn. Answers whether it did something, so that there may be more.
   */
  async abolish(lane: Lane, end: number, isStill: () => boolean): Promise<boolean> {
    const entries = await this.#host.store.readEntries(this.#stream, lane.done, WINDOW)
    if (!isStill()) return false
    const last = Math.min(entries.at(-1)?.seq ?? end, end)
    const owed = entries.filter((entry) => entry.seq <= end && lane.owes(entry))
    const { attempt, error } = lane
    await Promise.all(
      owed.map((entry, i) => {
        const history = i === 0 ? { attempts: attempt, error } : { attempts: 0 }
        return this.bury(lane, entry, { reason: 'target-removed', label: lane.target, ...history })
      }),
    )
    this.advance(lane, last)
    return true
  }

  /** Written before the mark that passes the entry, so that a crash between the two loses nothing. */
  async bury(
    lane: Lane,
    entry: Entry,
    { error, ...why }: Pick<Dead, 'reason' | 'label' | 'attempts'> & { error?: string | undefined },
  ): Promise<void> {
    const dead: Dead = { ...why, at: this.#host.now(), ...(error !== undefined && { error }) }
    await this.#host.store.bury(this.#stream, entry.seq, lane.target, dead)
    this.#host.observeDeath(lane.target, entry, dead)
    await this.#host.gaveUp(this.#stream, lane.target, entry, dead)
  }

  /** The transport: everything up to this number has arrived. */
  delivered(lane: Lane, generation: number, seq: number): void {
    if (generation !== lane.generation) return
    this.#arrived(lane, seq)
    if (lane.underway.length === 0) this.advance(lane, lane.taken)
    this.#failUnrendered(lane)
    this.#runner.run()
  }

  /** The route: this entry cannot be rendered. It is given up once everything before it has arrived. */
  unrendered(lane: Lane, generation: number, seq: number, failure: DeliveryFailure): void {
    if (generation !== lane.generation) return
    lane.unrendered = { seq, failure }
    this.#failUnrendered(lane)
  }

  /** Not while the lane is taken back: then it is rendered again. */
  #failUnrendered(lane: Lane): void {
    const { unrendered, underway, isDraining, generation } = lane
    if (!unrendered || isDraining || underway[0]?.entry.seq !== unrendered.seq) return
    this.failed(lane, generation, unrendered.seq, unrendered.failure)
  }

  #arrived(lane: Lane, seq: number): void {
    for (let head = lane.underway[0]; head && head.entry.seq <= seq; head = lane.underway[0]) {
      lane.underway.shift()
      if (head.gate.succeeded(this.#host.now())) this.#host.recovered(this.#stream)
      head.gate.release(sizeOf(head.entry), head.isProbe)
      if (lane.route) this.#host.observeDelivered(lane.route, head.entry)
      this.advance(lane, head.entry.seq)
    }
  }

  /** The transport: so many parts of this entry have arrived. */
  progressed(lane: Lane, generation: number, seq: number, parts: number): void {
    if (generation !== lane.generation) return
    this.#arrived(lane, seq - 1)
    lane.part = parts
    lane.isDirty = true
    this.#tenure.progressed()
    this.#runner.save()
  }

  /** The transport: nothing of the lane is under way any more, as was asked. */
  cancelled(lane: Lane, generation: number): void {
    if (generation !== lane.generation) return
    lane.rewind()
    lane.isDraining = false
    this.#runner.run()
  }

  /** The transport: this entry failed, and everything before it has arrived. */
  failed(lane: Lane, generation: number, seq: number, failure: DeliveryFailure): void {
    if (generation !== lane.generation) return
    this.#arrived(lane, seq - 1)
    const head = lane.underway[0]
    lane.rewind()
    lane.isDraining = false
    if (!head || !lane.route) return this.#runner.run()
    lane.isDraining = true
    this.#settle(lane, lane.route, head, failure)
      .then(() => {
        lane.isDraining = false
        this.#runner.run()
      })
      .catch((error) => this.#runner.abandon(error))
  }

  /** Up to its first wait it is done at once: who is let in by the gate meets it as this failure left it. */
  async #settle(lane: Lane, route: Route, { entry, gate }: Underway, told: DeliveryFailure): Promise<void> {
    const isFinal = told.status !== undefined && route.isFinal?.(told.status) === true
    const failure: DeliveryFailure = isFinal ? { kind: 'invalid', message: told.message } : told
    const now = this.#host.now()
    const attempts = lane.attempt + 1
    const since = lane.since ?? entry.at
    const { schedule, label } = route
    const next = settle({ failure, schedule, attempts, since, now, random: this.#host.random() })
    lane.error = failure.message
    lane.part = failure.parts ?? lane.part
    lane.isDirty = true
    this.#tenure.progressed()
    if (isOutage(failure) && gate.failed(now)) this.#host.leftAlone(gate)
    switch (next.do) {
      case 'refuse':
        await this.#host.refused(this.#stream, route, failure.message)
        lane.heldUntil = new Date(now.getTime() + REFUSED_MS)
        return
      case 'pause-target':
        if (gate.pause(next.until, now)) this.#host.leftAlone(gate)
        return
      case 'wait':
        lane.blockedUntil = next.until
        return
      case 'retry':
        lane.attempt = attempts
        lane.blockedUntil = next.at
        return this.#host.observeRetry(route, entry, attempts, failure)
      case 'bury':
        await this.bury(lane, entry, { reason: next.reason, label, attempts, error: failure.message })
        return this.advance(lane, entry.seq)
    }
  }
}
