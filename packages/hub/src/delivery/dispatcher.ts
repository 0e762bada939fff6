import type { Id, Logger } from '@plugboard/core'
import type { Dead, Entry, StreamRef } from '../log/entry.js'
import type { Claimed } from '../log/progress.js'
import { parseTarget, type Target } from '../log/target.js'
import type { Appended, Replayed, Store } from '../ports/store.js'
import { DueClock } from './due-clock.js'
import type { Gate, GateLimits } from './gate.js'
import { Gates } from './gates.js'
import type { Lane } from './lane.js'
import { LaneRegistry } from './lane-registry.js'
import type { Route, RouteListener, Routing } from './route.js'
import type { RunnerHost } from './runner-host.js'
import { StreamRunner } from './stream-runner.js'
import type { Late } from './tenure.js'
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
  /** A delivery was given up; what it tells comes before the entry is passed. Never rejects. */
  gaveUp(stream: StreamRef, target: Target, entry: Entry, dead: Dead): Promise<void>
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
  isStopping = false
  /** As {@link DispatcherLimits.pollMs}; longer once it is known that the store tells what is due. */
  pollMs: number
  readonly now: () => Date
  readonly random: () => number
  readonly #options: DispatcherOptions
  readonly #runners = new Map<Id, StreamRunner>()
  readonly #perClient = new Map<Id, number>()
  readonly #lanes = new LaneRegistry()
  readonly #gates: Gates
  readonly #clock = new DueClock({
    look: () => this.#takeUp(),
    looked: () => {
      if (this.#isIdle) this.#idle?.()
    },
  })
  #idle: (() => void) | undefined

  constructor(options: DispatcherOptions) {
    this.#options = options
    this.store = options.store
    this.now = options.now
    this.random = options.random ?? Math.random
    this.#gates = new Gates(options.limits.gate, options.limits.streams)
    this.pollMs = options.limits.pollMs
  }

  /** What the transports and the routes report to. */
  get listener(): TransportListener & RouteListener {
    return this.#lanes.listener
  }

  /** A stream that nobody holds is due then. */
  due(at: Date): void {
    this.#clock.wake(Math.max(0, at.getTime() - this.now().getTime()))
  }

  /** Begins to take up what is due in the store. */
  start(): void {
    this.#clock.wake(0)
  }

  /** Whether polling for due work goes on. */
  get isRunning(): boolean {
    return this.#clock.isRunning
  }

  /** Takes back what has not begun, waits for what has, and gives the streams back; at the latest after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.isStopping = true
    this.#clock.stop()
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
    return this.#runners.size === 0 && !this.#clock.isLooking
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
    this.#take(appended, false)
  }

  /** `isStale`: the entry is to be read from the store. */
  #take(appended: Appended, isStale: boolean): void {
    const { entry, claimed } = appended
    const runner = this.#runners.get(entry.streamId) ?? (claimed && this.#begin(claimed))
    if (runner) isStale ? runner.reach(entry.seq) : runner.appended(appended)
    else if (entry.owes.length > 0) this.#clock.wake(this.pollMs)
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
      this.#clock.wake(0)
    }
  }

  #tell(clientId: Id, tell: (runner: StreamRunner) => void): void {
    for (const runner of this.#runners.values()) if (runner.stream.clientId === clientId) tell(runner)
  }

  /** A dead delivery was given a lane. */
  replayed({ streamId, key, lane }: Replayed): void {
    const runner = this.#runners.get(streamId)
    if (!runner) return this.#clock.wake(0)
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
    if (left + 1 >= streamsPerClient || this.#runners.size + 1 >= streams) this.#clock.wake(ROOM_MS)
    if (this.#isIdle) this.#idle?.()
  }

  /** Takes up what is due, as far as there is room; answers when there may be more. */
  async #takeUp(): Promise<number> {
    try {
      const { streams, streamsPerClient } = this.#options.limits
      const limit = Math.min(CLAIM_AT_ONCE, streamsPerClient, streams - this.#runners.size)
      if (limit <= 0) return this.pollMs
      const except = [...this.#perClient].filter(([, n]) => n >= streamsPerClient).map(([id]) => id)
      const now = this.now()
      const due = await this.store.claimDue({ now, limit, except })
      for (const claimed of due.claimed) this.#claimed(claimed)
      if (due.claimed.length === limit) return 0
      return due.nextAt
        ? Math.min(this.pollMs, Math.max(1, due.nextAt.getTime() - now.getTime()))
        : this.pollMs
    } catch (err) {
      this.#options.log.error({ err }, 'cannot take up what is due')
      return STORE_FAILURE_MS
    }
  }

  #claimed(claimed: Claimed): void {
    const runner = this.#runners.get(claimed.streamId)
    if (runner) runner.renewed(claimed)
    else this.#begin(claimed).run()
  }

  register(runner: StreamRunner, open: (handle: number) => Lane): Lane {
    return this.#lanes.add(runner, open)
  }

  unregister(lane: Lane): void {
    this.#lanes.delete(lane)
  }

  route(stream: Claimed, target: Target): Routing | Promise<Routing> {
    return this.#options.route(stream, target)
  }

  gate(route: Route): Gate {
    return this.#gates.of(route.gate, this.now())
  }

  leftAlone(gate: Gate): void {
    this.#lanes.takeBackBehind(gate)
  }

  recovered(stream: Claimed): void {
    this.#wakeClient(stream.clientId, (runner) => runner.resume()).catch((err) =>
      this.#options.log.error({ err }, 'cannot wake a client'),
    )
  }

  refused(stream: Claimed, route: Route, reason: string): Promise<void> {
    return this.#options.refused(stream.clientId, route, reason)
  }

  rested(runner: StreamRunner, nextAt: Date | null, { appended, isStale }: Late): void {
    this.#end(runner)
    if (nextAt) this.#clock.wake(Math.max(0, nextAt.getTime() - this.now().getTime()))
    for (const late of appended) this.#take(late, isStale)
  }

  abandoned(runner: StreamRunner, err?: unknown): void {
    const { clientId, streamId } = runner.stream
    this.#options.log.error({ err, clientId, streamId }, 'gave up a stream for now')
    this.#end(runner)
    this.#clock.wake(STORE_FAILURE_MS)
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

  gaveUp(stream: StreamRef, target: Target, entry: Entry, dead: Dead): Promise<void> {
    return this.#options.gaveUp(stream, target, entry, dead)
  }

  unrouted({ clientId, streamId }: Claimed, target: Target, err: unknown): void {
    this.#options.log.error(
      { err, clientId, streamId, target },
      'cannot find the route to a target; trying again',
    )
  }

  observeDeath(target: Target, entry: Entry, dead: Dead): void {
    this.#options.observer.died(parseTarget(target).kind)
    this.#options.log.error({ entryId: entry.id, target: dead.label, ...dead }, 'delivery given up')
  }
}
