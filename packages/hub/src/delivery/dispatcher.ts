import type { Id, Logger } from '@plugboard/core'
import type { Dead, Entry } from '../entry.js'
import type { Claimed } from '../progress.js'
import type { Appended, Replayed, Store } from '../store.js'
import { parseTarget, type Target } from '../target.js'
import type { Gate, GateLimits } from './gate.js'
import { Gates } from './gates.js'
import type { Lane } from './lane.js'
import type { Outcomes } from './outcomes.js'
import type { Route, Routing } from './route.js'
import type { RunnerHost } from './runner-host.js'
import { StreamRunner } from './stream-runner.js'
import type { DeliveryFailure, TransportListener } from './transport.js'

/** Limits of the deliveries of one process. */
export interface DispatcherLimits {
  /** Streams under way at once; the others wait in the store. */
  streams: number
  /** Of one client, so that a client with an outage leaves room to the others. */
  streamsPerClient: number
  gate: GateLimits
  /** Longest time between two looks at what is due in the store, in milliseconds. */
  pollMs: number
}

/** What is told of deliveries, for metrics. */
export interface DeliveryObserver {
  /** `ageMs`: since the entry was taken in. */
  delivered(kind: Route['kind'], ageMs: number): void
  retried(kind: Route['kind']): void
  died(kind: Route['kind']): void
}

export interface DispatcherOptions {
  store: Store
  limits: DispatcherLimits
  route(stream: Claimed, target: Target): Routing | Promise<Routing>
  /** The credentials of this target do not work any more. */
  refused(clientId: Id, route: Route, reason: string): Promise<void>
  observer: DeliveryObserver
  log: Logger
  now(): Date
  random?: () => number
}

/** How long to leave the store alone after it failed. */
const STORE_FAILURE_MS = 1000
const CLAIM_AT_ONCE = 256
/** Streams that end within this time make room together. */
const ROOM_MS = 10

/**
 * Runs the deliveries of this process: starts a {@link StreamRunner} for each stream that has something to do, from
 * fresh appends and from what is due in the store, within limits of memory that hold for each client and for all.
 */
export class Dispatcher implements RunnerHost {
  readonly store: Store
  /** What the transports report to. */
  readonly listener: TransportListener = {
    delivered: (handle, ...what) =>
      this.#report(handle, (outcomes, lane) => outcomes.delivered(lane, ...what)),
    progressed: (handle, ...what) =>
      this.#report(handle, (outcomes, lane) => outcomes.progressed(lane, ...what)),
    failed: (handle, ...what) => this.#report(handle, (outcomes, lane) => outcomes.failed(lane, ...what)),
    cancelled: (handle, ...what) =>
      this.#report(handle, (outcomes, lane) => outcomes.cancelled(lane, ...what)),
  }
  isStopping = false
  /** As {@link DispatcherLimits.pollMs}; longer once it is known that the store tells what is due. */
  pollMs: number
  readonly now: () => Date
  readonly random: () => number
  readonly #options: DispatcherOptions
  readonly #runners = new Map<Id, StreamRunner>()
  readonly #perClient = new Map<Id, number>()
  readonly #lanes = new Map<number, { lane: Lane; runner: StreamRunner }>()
  readonly #gates: Gates
  #lastHandle = 0
  #timer: NodeJS.Timeout | undefined
  #wakeAt = Number.POSITIVE_INFINITY
  #isPolling = false
  #idle: (() => void) | undefined

  constructor(options: DispatcherOptions) {
    this.#options = options
    this.store = options.store
    this.now = options.now
    this.random = options.random ?? Math.random
    this.#gates = new Gates(options.limits.gate, options.limits.streams)
    this.pollMs = options.limits.pollMs
  }

  /** A stream that nobody holds is due then. */
  due(at: Date): void {
    this.#wake(Math.max(0, at.getTime() - this.now().getTime()))
  }

  /** Begins to take up what is due in the store. */
  start(): void {
    this.#wake(0)
  }

  /** Whether polling for due work goes on. */
  get isRunning(): boolean {
    return !this.isStopping && (this.#timer !== undefined || this.#isPolling)
  }

  /** Takes back what has not begun, waits for what has, and gives the streams back; at the latest after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.isStopping = true
    clearTimeout(this.#timer)
    for (const runner of this.#runners.values()) runner.changed()
    if (!this.#isIdle) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs)
        this.#idle = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    for (const runner of this.#runners.values()) runner.stop()
    this.#runners.clear()
  }

  /** A look at what is due counts, since it may take something up. */
  get #isIdle(): boolean {
    return this.#runners.size === 0 && !this.#isPolling
  }

  /** Whether there is room to deliver a stream of this client now. Where there is not, the store keeps it due. */
  hasRoom(clientId: Id, streamId: Id): boolean {
    if (this.isStopping) return false
    if (this.#runners.has(streamId)) return true
    const { streams, streamsPerClient } = this.#options.limits
    return this.#runners.size < streams && (this.#perClient.get(clientId) ?? 0) < streamsPerClient
  }

  /** An entry was appended. */
  appended(appended: Appended): void {
    const { entry, claimed } = appended
    const runner = this.#runners.get(entry.streamId)
    if (runner) runner.appended(appended)
    else if (claimed) this.#begin(claimed).appended(appended)
    else if (entry.owes.length > 0) this.#wake(this.pollMs)
  }

  /** Entries of a stream were changed, so that what has not gone out yet must be looked at again. */
  streamChanged(streamId: Id): void {
    this.#runners.get(streamId)?.changed()
  }

  /** The configuration of a client was changed; what rests in the store is woken through the store. */
  clientChanged(clientId: Id): Promise<void> {
    return this.#wakeClient(clientId, (runner) => runner.changed())
  }

  /** As {@link clientChanged}, where another process has woken what rests. */
  clientChangedElsewhere(clientId: Id): void {
    this.#tell(clientId, (runner) => runner.changed())
  }

  /** What is in memory is told in any case. */
  async #wakeClient(clientId: Id, tell: (runner: StreamRunner) => void): Promise<void> {
    try {
      await this.store.wakeClient(clientId, this.now())
    } finally {
      this.#tell(clientId, tell)
      this.#wake(0)
    }
  }

  #tell(clientId: Id, tell: (runner: StreamRunner) => void): void {
    for (const runner of this.#runners.values()) if (runner.stream.clientId === clientId) tell(runner)
  }

  /** A dead delivery was given a lane. */
  replayed({ streamId, key, lane }: Replayed): void {
    const runner = this.#runners.get(streamId)
    if (!runner) return this.#wake(0)
    runner.adopt(key, lane)
    runner.run()
  }

  #begin(claimed: Claimed): StreamRunner {
    const runner = new StreamRunner(this, claimed)
    this.#runners.set(claimed.streamId, runner)
    this.#perClient.set(claimed.clientId, (this.#perClient.get(claimed.clientId) ?? 0) + 1)
    return runner
  }

  #end({ stream }: StreamRunner): void {
    const { streams, streamsPerClient } = this.#options.limits
    this.#runners.delete(stream.streamId)
    const left = (this.#perClient.get(stream.clientId) ?? 1) - 1
    if (left > 0) this.#perClient.set(stream.clientId, left)
    else this.#perClient.delete(stream.clientId)
    // Others may wait in the store for the room that there is now.
    if (left + 1 >= streamsPerClient || this.#runners.size + 1 >= streams) this.#wake(ROOM_MS)
    if (this.#isIdle) this.#idle?.()
  }

  /** Looks at what is due in `ms` at the latest. */
  #wake(ms: number): void {
    const at = Date.now() + ms
    if (this.isStopping || this.#isPolling || at >= this.#wakeAt) {
      this.#wakeAt = Math.min(this.#wakeAt, at)
      return
    }
    clearTimeout(this.#timer)
    this.#wakeAt = at
    this.#timer = setTimeout(() => void this.#poll(), ms)
  }

  async #poll(): Promise<void> {
    const { limits, log } = this.#options
    this.#timer = undefined
    this.#isPolling = true
    this.#wakeAt = Number.POSITIVE_INFINITY
    let wait = this.pollMs
    try {
      const room = limits.streams - this.#runners.size
      const limit = Math.min(CLAIM_AT_ONCE, limits.streamsPerClient, room)
      if (limit > 0) {
        const except = [...this.#perClient].filter(([, n]) => n >= limits.streamsPerClient).map(([id]) => id)
        const now = this.now()
        const due = await this.store.claimDue({ now, limit, except })
        for (const claimed of due.claimed) this.#claimed(claimed)
        if (due.claimed.length === limit) wait = 0
        else if (due.nextAt) wait = Math.min(wait, Math.max(1, due.nextAt.getTime() - now.getTime()))
      }
    } catch (err) {
      log.error({ err }, 'cannot take up what is due')
      wait = STORE_FAILURE_MS
    }
    this.#isPolling = false
    if (this.#isIdle) this.#idle?.()
    const wakeAt = this.#wakeAt
    this.#wakeAt = Number.POSITIVE_INFINITY
    this.#wake(Math.max(0, Math.min(wait, wakeAt - Date.now())))
  }

  #claimed(claimed: Claimed): void {
    const runner = this.#runners.get(claimed.streamId)
    if (runner) runner.renewed(claimed)
    else this.#begin(claimed).run()
  }

  register(runner: StreamRunner, open: (handle: number) => Lane): Lane {
    this.#lastHandle += 1
    const lane = open(this.#lastHandle)
    this.#lanes.set(lane.handle, { lane, runner })
    return lane
  }

  unregister(lane: Lane): void {
    this.#lanes.delete(lane.handle)
  }

  route(stream: Claimed, target: Target): Routing | Promise<Routing> {
    return this.#options.route(stream, target)
  }

  gate(route: Route): Gate {
    return this.#gates.of(route.gate, this.now())
  }

  leftAlone(gate: Gate): void {
    for (const { lane, runner } of this.#lanes.values()) {
      if (lane.underway[0]?.gate === gate) runner.cancel(lane)
    }
  }

  recovered(stream: Claimed): void {
    this.#wakeClient(stream.clientId, (runner) => runner.resume()).catch((err) =>
      this.#options.log.error({ err }, 'cannot wake a client'),
    )
  }

  refused(stream: Claimed, route: Route, reason: string): Promise<void> {
    return this.#options.refused(stream.clientId, route, reason)
  }

  rested(runner: StreamRunner, nextAt: Date | null, late: readonly Appended[]): void {
    this.#end(runner)
    if (nextAt) this.#wake(Math.max(0, nextAt.getTime() - this.now().getTime()))
    for (const appended of late) this.appended(appended)
  }

  abandoned(runner: StreamRunner, err?: unknown): void {
    const { clientId, streamId } = runner.stream
    this.#options.log.error({ err, clientId, streamId }, 'gave up a stream for now')
    this.#end(runner)
    this.#wake(STORE_FAILURE_MS)
  }

  observeDelivered(route: Route, entry: Entry): void {
    this.#options.observer.delivered(route.kind, this.now().getTime() - entry.at.getTime())
  }

  observeRetry(route: Route, entry: Entry, attempts: number, failure: DeliveryFailure): void {
    const { kind, message: error } = failure
    this.#options.observer.retried(route.kind)
    this.#options.log.warn(
      { entryId: entry.id, target: route.label, attempts, kind, error },
      'delivery failed',
    )
  }

  observeDeath(target: Target, entry: Entry, dead: Dead): void {
    this.#options.observer.died(parseTarget(target).kind)
    this.#options.log.error({ entryId: entry.id, target: dead.label, ...dead }, 'delivery given up')
  }

  #report(handle: number, tell: (outcomes: Outcomes, lane: Lane) => void): void {
    const found = this.#lanes.get(handle)
    if (found) tell(found.runner.outcomes, found.lane)
  }
}
