import type { Id, Logger } from '@plugboard/core'
import type { Dead, Entry, StreamRef } from '../log/entry.js'
import type { Claimed } from '../log/progress.js'
import { type LaneKey, parseTarget, type Target } from '../log/target.js'
import type { Appended, Replayed, Store } from '../ports/store.js'
import { DueClock } from './due-clock.js'
import { type Gate, type GateLimits, Gates } from './gate.js'
import type { Effect, LaneEvent, Outcome } from './stream.js'
import { type RunnerHost, StreamRunner } from './stream-runner.js'
import type { Resolved, TargetConfig } from './target-config.js'
import { monotonicMs, type TransportListener } from './transport.js'

/** Limits of the deliveries of one process. */
export interface DispatcherLimits {
  /** Most streams under way at once; the others wait in the store. */
  streams: number
  /** Most of one client, so that a client with an outage leaves room to the others. */
  streamsPerClient: number
  gate: GateLimits
  /** Longest time between two polls for due streams, in milliseconds. */
  pollMs: number
}

/** Notifications about deliveries, for metrics. */
export interface DeliveryObserver {
  /** `ageMs`: since the entry was accepted. */
  delivered(kind: TargetConfig['kind'], ageMs: number): void
  retried(kind: TargetConfig['kind']): void
  died(kind: TargetConfig['kind']): void
}

export interface DispatcherOptions {
  store: Store
  limits: DispatcherLimits
  /** How entries go to a target, by the client's configuration as it is now. */
  resolve(stream: Claimed, target: Target): Resolved | Promise<Resolved>
  /** The credentials of this target do not work any more. */
  refused(clientId: Id, config: TargetConfig, reason: string): Promise<void>
  /** A delivery was given up; what this notifies comes before the entry is passed. Never rejects. */
  gaveUp(stream: StreamRef, target: Target, entry: Entry, dead: Dead): Promise<void>
  observer: DeliveryObserver
  log: Logger
  now(): Date
  monotonicMs?: () => number
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
  /** As {@link DispatcherLimits.pollMs}; longer once the store reports what becomes due. */
  pollMs: number
  readonly now: () => Date
  readonly monotonicMs: () => number
  readonly random: () => number
  /** What the transports report to. */
  readonly listener: TransportListener
  readonly #options: DispatcherOptions
  readonly #runners = new Map<Id, StreamRunner>()
  readonly #perClient = new Map<Id, number>()
  /** Streams of which an append may have taken the lease, though it failed. */
  readonly #orphans = new Map<Id, Orphan>()
  /** Those that have a runner: their leases are looked for when it ends. */
  readonly #inDoubt = new Set<Id>()
  /** Lanes by the numbers that name them to the transports. */
  readonly #lanes = new Map<number, { runner: StreamRunner; key: LaneKey }>()
  #lastHandle = 0
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
    this.monotonicMs = options.monotonicMs ?? monotonicMs
    this.random = options.random ?? Math.random
    this.#gates = new Gates(options.limits.gate, options.limits.streams)
    this.pollMs = options.limits.pollMs
    this.listener = this.#listen()
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

  /** Takes back what has not begun and waits until what has is over and all streams are given back, `graceMs` at most. */
  async stop(graceMs: number): Promise<void> {
    this.isStopping = true
    this.#clock.stop()
    for (const runner of this.#runners.values()) runner.dispatch({ type: 'stopping' })
    await this.#untilIdle(graceMs)
  }

  /** To be called when the transports are closed: gives the streams back that are left, `graceMs` at most. */
  async release(graceMs: number): Promise<void> {
    for (const runner of this.#runners.values()) runner.dispatch({ type: 'aborted' })
    await this.#untilIdle(graceMs)
  }

  async #untilIdle(graceMs: number): Promise<void> {
    if (this.#isIdle) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, graceMs)
      this.#idle = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** A poll for due streams counts, since it may take some up. */
  get #isIdle(): boolean {
    return this.#runners.size === 0 && this.#orphans.size === 0 && !this.#clock.isLooking
  }

  /**
   * A write that may take the lease of a stream. When it fails nobody knows whether it has: then the lease would keep the
   * stream from everybody until it ends, so this process asks for it.
   */
  async claiming<T>(stream: StreamRef, write: Promise<T>): Promise<T> {
    try {
      return await write
    } catch (error) {
      if (this.#runners.has(stream.streamId)) this.#inDoubt.add(stream.streamId)
      else this.#mayBeOrphaned(stream)
      throw error
    }
  }

  /** Whether there is room to deliver a stream of this client now. Where there is not, the store keeps it due. */
  hasRoom(clientId: Id, streamId: Id): boolean {
    if (this.isStopping || this.#orphans.has(streamId)) return false
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
    if (!runner) {
      if (entry.owes.length > 0) this.#clock.wake(this.pollMs)
    } else if (isStale) runner.dispatch({ type: 'reached', seq: entry.seq })
    else runner.appended(appended)
  }

  /** Entries of a stream were changed, so that what has not gone out yet must be looked at again. */
  streamChanged(streamId: Id): void {
    this.#runners.get(streamId)?.changed()
  }

  /** The configuration of a client was changed. What rests in the store is woken there, what is in memory in any case. */
  async clientChanged(clientId: Id): Promise<void> {
    try {
      await this.store.wakeClient(clientId, this.now())
    } finally {
      this.clientChangedElsewhere(clientId)
      this.#clock.wake(0)
    }
  }

  /** As {@link clientChanged}, where another process has woken what rests. */
  clientChangedElsewhere(clientId: Id): void {
    for (const runner of this.#runners.values()) if (runner.claimed.clientId === clientId) runner.changed()
  }

  /** A dead delivery was given a lane. */
  replayed({ streamId, key, lane }: Replayed): void {
    const runner = this.#runners.get(streamId)
    if (runner) runner.dispatch({ type: 'adopted', key, state: lane })
    else this.#clock.wake(0)
  }

  /** The store gave a stream to this process. While an orphan's lease is asked for, that answer comes first. */
  #claimed(claimed: Claimed): void {
    const orphan = this.#orphans.get(claimed.streamId)
    const runner = this.#runners.get(claimed.streamId)
    if (orphan) orphan.claimed = claimed
    else if (runner) runner.claimedAgain(claimed)
    else this.#begin(claimed)?.dispatch({ type: 'tick' })
  }

  #begin(claimed: Claimed): StreamRunner | undefined {
    const orphan = this.#orphans.get(claimed.streamId)
    if (orphan) {
      orphan.claimed = claimed
      return undefined
    }
    const runner = new StreamRunner(this, claimed)
    this.#runners.set(claimed.streamId, runner)
    this.#perClient.set(claimed.clientId, (this.#perClient.get(claimed.clientId) ?? 0) + 1)
    return runner
  }

  #mayBeOrphaned(stream: StreamRef): void {
    if (this.#orphans.has(stream.streamId) || this.isStopping) return
    const orphan: Orphan = {}
    this.#orphans.set(stream.streamId, orphan)
    this.#adopt(stream, orphan)
  }

  /** Asks until the store answers. */
  #adopt(stream: StreamRef, orphan: Orphan): void {
    const found = (answer: Claimed | 'lost'): void => {
      this.#orphans.delete(stream.streamId)
      const claimed = answer === 'lost' ? orphan.claimed : answer
      if (claimed) this.#claimed(claimed)
      if (this.#isIdle) this.#idle?.()
    }
    this.store.reclaim(stream).then(found, () => {
      if (this.isStopping) return found('lost')
      setTimeout(() => this.#adopt(stream, orphan), STORE_FAILURE_MS).unref()
    })
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
      this.#options.log.error({ err }, 'cannot claim due streams; will retry')
      return STORE_FAILURE_MS
    }
  }

  // What runners ask for and report.

  register(runner: StreamRunner, key: LaneKey): number {
    this.#lastHandle += 1
    this.#lanes.set(this.#lastHandle, { runner, key })
    return this.#lastHandle
  }

  unregister(handle: number): void {
    this.#lanes.delete(handle)
  }

  /** A report on a lane that has been closed is nobody's. */
  #listen(): TransportListener {
    const report = (handle: number, event: TransportReport): void => {
      const lane = this.#lanes.get(handle)
      lane?.runner.dispatch({ ...event, key: lane.key })
    }
    return {
      delivered: (handle, generation, seq) => report(handle, { type: 'delivered', generation, seq }),
      progressed: (handle, generation, seq, parts) =>
        report(handle, { type: 'progressed', generation, seq, parts }),
      failed: (handle, generation, seq, failure) =>
        report(handle, { type: 'failed', generation, seq, failure }),
      cancelled: (handle, generation) => report(handle, { type: 'cancelled', generation }),
      expired: (handle, generation) => report(handle, { type: 'expired', generation }),
    }
  }

  resolve(stream: Claimed, target: Target): Resolved | Promise<Resolved> {
    return this.#options.resolve(stream, target)
  }

  gate(name: string): Gate {
    return this.#gates.of(name, this.now())
  }

  gateClosed(gate: string, { clientId }: Claimed, { label }: TargetConfig): void {
    const { pausedUntil } = this.gate(gate)
    this.#options.log.warn({ clientId, target: label, pausedUntil }, 'pausing all deliveries to this target')
    for (const runner of this.#runners.values()) runner.dispatch({ type: 'gate-closed', gate })
  }

  /** What rests in the store is due again at the end of the pause, so nothing has to be woken there. */
  gateOpened(gate: string, { clientId }: Claimed, { label }: TargetConfig): void {
    this.#options.log.info({ clientId, target: label }, 'this target answers again; deliveries continue')
    for (const runner of this.#runners.values()) runner.dispatch({ type: 'gate-opened', gate })
  }

  refused(stream: Claimed, config: TargetConfig, reason: string): Promise<void> {
    return this.#options.refused(stream.clientId, config, reason)
  }

  gaveUp(stream: StreamRef, target: Target, entry: Entry, dead: Dead): Promise<void> {
    return this.#options.gaveUp(stream, target, entry, dead)
  }

  ended(runner: StreamRunner, outcome: Outcome): void {
    const { clientId, streamId } = runner.claimed
    const { streams, streamsPerClient } = this.#options.limits
    const { nextAt, late, isLateStale, claimedAgain, isLost } = outcome
    this.#runners.delete(streamId)
    const left = (this.#perClient.get(clientId) ?? 1) - 1
    if (left > 0) this.#perClient.set(clientId, left)
    else this.#perClient.delete(clientId)
    // Others may wait in the store for the room that there is now.
    if (left + 1 >= streamsPerClient || this.#runners.size + 1 >= streams) this.#clock.wake(ROOM_MS)
    if (nextAt) this.due(nextAt)
    if (isLost) {
      this.#options.log.warn({ clientId, streamId }, 'lost the lease of a conversation while delivering it')
      this.#clock.wake(0)
    }
    // An append that failed may have taken the lease anew after it was given back.
    if (this.#inDoubt.delete(streamId) || isLost) this.#mayBeOrphaned(runner.claimed)
    if (claimedAgain) this.#claimed(claimedAgain)
    for (const appended of late) this.#take(appended, isLateStale)
    if (this.#isIdle) this.#idle?.()
  }

  reportDelivered({ kind }: TargetConfig, entry: Entry): void {
    this.#options.observer.delivered(kind, this.now().getTime() - entry.at.getTime())
  }

  reportRetry({ config, entry, attempts, failure, nextAt }: Effect & { do: 'report-retry' }): void {
    this.#options.observer.retried(config.kind)
    const { clientId, streamId, id: entryId } = entry
    const { kind, message: error } = failure
    this.#options.log.warn(
      { clientId, streamId, entryId, target: config.label, attempts, kind, error, nextAt },
      'delivery failed; will retry',
    )
  }

  reportDeath(target: Target, entry: Entry, dead: Dead): void {
    this.#options.observer.died(parseTarget(target).kind)
    this.#options.log.error(
      { clientId: entry.clientId, entryId: entry.id, target: dead.label, ...dead },
      'delivery given up',
    )
  }

  reportFault({ clientId, streamId }: Claimed, target: Target, err: unknown): void {
    this.#options.log.error(
      { err, clientId, streamId, target },
      'cannot prepare a delivery to this target; will retry',
    )
  }

  reportStoreFailure({ clientId, streamId }: Claimed, err: unknown): void {
    this.#options.log.error({ err, clientId, streamId }, 'the store failed while delivering; will retry')
  }
}

/** What is known of a stream whose lease this process may have without a runner. */
interface Orphan {
  /** The store gave the stream to this process in another way. */
  claimed?: Claimed
}

type Unnamed<T> = T extends unknown ? Omit<T, 'key'> : never
/** A report of a transport. */
type TransportReport = Unnamed<
  LaneEvent & { type: 'delivered' | 'progressed' | 'failed' | 'cancelled' | 'expired' }
>
