import type { Id } from '@plugboard/core'
import type { Dead, Entry, StreamRef } from '../log/entry.js'
import type { Claimed } from '../log/progress.js'
import { type LaneKey, parseLaneKey, parseTarget, type Target } from '../log/target.js'
import type { Appended, Replayed, Store } from '../ports/store.js'
import type { AttemptLog } from './attempts.js'
import { LeasesInDoubt } from './leases-in-doubt.js'
import { OutcomeReports, type OutcomeReportsOptions } from './outcome-reports.js'
import { DueClock } from './streams/due-clock.js'
import type { LaneEvent, Outcome } from './streams/stream.js'
import { type RunnerHost, StreamRunner } from './streams/stream-runner.js'
import type { Resolved, TargetConfig } from './targets/target-config.js'
import { type GateLimits, type TargetGate, TargetGates } from './targets/target-gate.js'
import type { TargetMonitor } from './targets/target-monitor.js'
import { monotonicMs, type TransportListener } from './transport.js'

/** Limits of the deliveries of one process. */
export interface DispatcherLimits {
  /** Maximum concurrent streams; the others wait in the store. */
  streams: number
  /** Maximum concurrent streams of one client, so that a client with an outage leaves room for the others. */
  streamsPerClient: number
  gate: GateLimits
  /** Longest time between two polls for due streams, in milliseconds. */
  pollMs: number
}

export interface DispatcherOptions extends OutcomeReportsOptions {
  store: Store
  limits: DispatcherLimits
  /** How entries are sent to a target, from the client's current configuration. */
  resolve(stream: Claimed, target: Target, key: LaneKey): Resolved | Promise<Resolved>
  /** The credentials of this target no longer work. */
  refused(clientId: Id, config: TargetConfig, reason: string): Promise<void>
  /** Called with each entry that this process appended. Must not throw. */
  appended?(appended: Appended): void
  /** Called after the death is stored and before the progress passes the entry. Never rejects. */
  gaveUp(stream: StreamRef, target: Target, entry: Entry, dead: Dead): Promise<void>
  /** Of the webhooks. */
  monitor: OutcomeReportsOptions['monitor'] & Pick<TargetMonitor, 'attempted'>
  /** Keeps the history of attempts. */
  attempts: Pick<AttemptLog, 'add'>
  monotonicMs?: () => number
  random?: () => number
}

/** Delay before the store is called again after it failed: one call a second is little load. */
const STORE_FAILURE_MS = 1000
/** Maximum streams per claim: bounds the size and the duration of one call. The next poll follows at once. */
const CLAIM_AT_ONCE = 256
/** Wait for more streams to end before polling. Streams often end together, and 10 ms are short against a delivery. */
const ROOM_MS = 10

/**
 * Runs the deliveries of this process: starts a {@link StreamRunner} for each stream that has work, from new appends and
 * from polls for due streams. Limits per client and for the process bound the memory.
 */
export class Dispatcher implements RunnerHost {
  readonly store: Store
  /** When polling began; before, when this was made. */
  startedAt: Date
  isStopping = false
  /** As {@link DispatcherLimits.pollMs}; longer if the store reports streams that become due. */
  pollMs: number
  readonly now: () => Date
  readonly monotonicMs: () => number
  readonly random: () => number
  /** Receives the reports of the transports. */
  readonly listener: TransportListener
  readonly reports: OutcomeReports
  readonly #options: DispatcherOptions
  readonly #runners = new Map<Id, StreamRunner>()
  readonly #perClient = new Map<Id, number>()
  /** Of streams without a runner. */
  readonly #inDoubt: LeasesInDoubt
  /** Streams with a runner, which renews the lease: it is in doubt when the runner ends. */
  readonly #inDoubtAtEnd = new Set<Id>()
  /** Lanes by handle, the number that identifies them to the transports. */
  readonly #lanes = new Map<number, { runner: StreamRunner; key: LaneKey }>()
  #lastHandle = 0
  readonly #gates: TargetGates
  readonly #clock = new DueClock({
    poll: () => this.#claimDue(),
    polled: () => {
      if (this.#isIdle) this.#idle?.()
    },
  })
  #idle: (() => void) | undefined

  constructor(options: DispatcherOptions) {
    this.#options = options
    this.reports = new OutcomeReports(options)
    this.store = options.store
    this.now = options.now
    this.startedAt = options.now()
    this.monotonicMs = options.monotonicMs ?? monotonicMs
    this.random = options.random ?? Math.random
    this.#gates = new TargetGates(options.limits.gate, options.limits.streams)
    this.pollMs = options.limits.pollMs
    this.listener = this.#listen()
    this.#inDoubt = new LeasesInDoubt({
      store: options.store,
      isStopping: () => this.isStopping,
      answered: (claimed) => {
        if (claimed) this.#claimed(claimed)
        if (this.#isIdle) this.#idle?.()
      },
    })
  }

  /** A stream without a holder is due at this time. */
  due(at: Date): void {
    this.#clock.wake(Math.max(0, at.getTime() - this.now().getTime()))
  }

  /** Starts to poll for due streams. */
  start(): void {
    this.startedAt = this.now()
    this.#clock.wake(0)
  }

  /** Whether polling for due streams continues. */
  get isRunning(): boolean {
    return this.#clock.isRunning
  }

  /** Number of streams that are being delivered. */
  get streams(): number {
    return this.#runners.size
  }

  /**
   * Withdraws deliveries that have not started, and waits up to `graceMs` for the others to end and all streams to be
   * given back.
   */
  async stop(graceMs: number): Promise<void> {
    this.isStopping = true
    this.#clock.stop()
    for (const runner of this.#runners.values()) runner.dispatch({ type: 'stopping' })
    await this.#untilIdle(graceMs)
  }

  /** Gives the remaining streams back, in `graceMs` at most. To be called after the transports are closed. */
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

  /** A poll counts as work, because it may claim streams. */
  get #isIdle(): boolean {
    return this.#runners.size === 0 && this.#inDoubt.size === 0 && !this.#clock.isPolling
  }

  /**
   * Waits for a write that may take the lease of a stream. If it fails, it is unknown whether it took the lease. If it
   * did, no process would deliver the stream until the lease ends, so this process asks for the lease.
   */
  async claiming<T>(stream: StreamRef, write: Promise<T>): Promise<T> {
    try {
      return await write
    } catch (error) {
      if (this.#runners.has(stream.streamId)) this.#inDoubtAtEnd.add(stream.streamId)
      else this.#inDoubt.ask(stream)
      throw error
    }
  }

  /** Whether there is room to deliver a stream of this client now. If not, it stays due in the store. */
  hasRoom(clientId: Id, streamId: Id): boolean {
    if (this.isStopping || this.#inDoubt.has(streamId)) return false
    if (this.#runners.has(streamId)) return true
    const { streams, streamsPerClient } = this.#options.limits
    return this.#runners.size < streams && (this.#perClient.get(clientId) ?? 0) < streamsPerClient
  }

  /** An entry was appended. */
  appended(appended: Appended): void {
    this.#options.appended?.(appended)
    this.#take(appended, false)
  }

  /** `isStale`: the entry may be outdated, so it is read from the store. */
  #take(appended: Appended, isStale: boolean): void {
    const { entry, claimed } = appended
    const runner = this.#runners.get(entry.streamId) ?? (claimed && this.#begin(claimed))
    if (!runner) {
      if (entry.owes.length > 0) this.#clock.wake(this.pollMs)
    } else if (isStale) runner.dispatch({ type: 'reached', seq: entry.seq })
    else runner.appended(appended)
  }

  /** Entries of a stream changed: what was not sent is prepared again. */
  streamChanged(streamId: Id): void {
    this.#runners.get(streamId)?.changed()
  }

  /** An endpoint was removed from its conversation. */
  endpointRemoved(streamId: Id, endpointId: Id): void {
    this.#runners.get(streamId)?.endpointRemoved(endpointId)
  }

  /** A user was merged into another by this process. */
  userMerged(from: Id, into: Id): void {
    for (const runner of this.#runners.values()) runner.userMerged(from, into)
  }

  /** The configuration of a client changed. Wakes its streams in the store; those in memory even if the store fails. */
  async clientChanged(clientId: Id): Promise<void> {
    try {
      await this.store.wakeClient(clientId, this.now())
    } finally {
      this.clientChangedElsewhere(clientId)
      this.#clock.wake(0)
    }
  }

  /** As {@link clientChanged}, but another process has woken the streams in the store. */
  clientChangedElsewhere(clientId: Id): void {
    for (const runner of this.#runners.values()) if (runner.claimed.clientId === clientId) runner.changed()
  }

  /** A dead letter is replayed, in a lane of its own. */
  replayed({ streamId, key, lane }: Replayed): void {
    const runner = this.#runners.get(streamId)
    if (runner) runner.dispatch({ type: 'lane-added', key, state: lane })
    else this.#clock.wake(0)
  }

  /** The store gave a stream to this process. If its lease is in doubt, it waits for the answer to the reclaim. */
  #claimed(claimed: Claimed): void {
    if (this.#inDoubt.keep(claimed)) return
    const runner = this.#runners.get(claimed.streamId)
    if (runner) runner.claimedAgain(claimed)
    else this.#begin(claimed)?.dispatch({ type: 'tick' })
  }

  #begin(claimed: Claimed): StreamRunner | undefined {
    if (this.#inDoubt.keep(claimed)) return undefined
    const runner = new StreamRunner(this, claimed)
    this.#runners.set(claimed.streamId, runner)
    this.#perClient.set(claimed.clientId, (this.#perClient.get(claimed.clientId) ?? 0) + 1)
    return runner
  }

  /** Claims due streams as far as there is room. Returns the delay before the next poll. */
  async #claimDue(): Promise<number> {
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
      this.reports.claimFailed(err)
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

  /** Reports on closed lanes are dropped. */
  #listen(): TransportListener {
    const report = (handle: number, event: TransportReport): void => {
      const lane = this.#lanes.get(handle)
      lane?.runner.dispatch({ ...event, key: lane.key })
    }
    return {
      attempted: (handle, seq, attempt) => {
        const lane = this.#lanes.get(handle)
        if (!lane) return
        const { runner, key } = lane
        const { target } = parseLaneKey(key)
        const { clientId } = runner.claimed
        const { kind, id: targetId } = parseTarget(target)
        if (kind === 'webhook')
          this.#options.monitor.attempted({ clientId, targetId }, attempt.durationMs, !!attempt.failure)
        this.#options.attempts.add(runner.claimed, seq, target, attempt, runner.firstAttemptSince(key, seq))
      },
      delivered: (handle, generation, seq) => report(handle, { type: 'delivered', generation, seq }),
      progressed: (handle, generation, seq, parts) =>
        report(handle, { type: 'progressed', generation, seq, parts }),
      failed: (handle, generation, seq, failure) =>
        report(handle, { type: 'failed', generation, seq, failure }),
      cancelled: (handle, generation) => report(handle, { type: 'cancelled', generation }),
      expired: (handle, generation) => report(handle, { type: 'expired', generation }),
    }
  }

  resolve(stream: Claimed, target: Target, key: LaneKey): Resolved | Promise<Resolved> {
    return this.#options.resolve(stream, target, key)
  }

  gate(name: string, clientId: Id): TargetGate {
    return this.#gates.of(name, clientId, this.now())
  }

  circuitOpened(gate: string, stream: Claimed, config: TargetConfig): void {
    this.reports.circuitOpened(gate, stream, config, this.gate(gate, stream.clientId).pausedUntil)
    for (const runner of this.#runners.values()) runner.dispatch({ type: 'circuit-opened', gate })
  }

  /** Streams in the store are due again at the end of the pause, so nothing has to be woken there. */
  circuitClosed(gate: string, stream: Claimed, config: TargetConfig): void {
    this.reports.circuitClosed(gate, stream, config)
    for (const runner of this.#runners.values()) runner.dispatch({ type: 'circuit-closed', gate })
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
    // Due streams may wait in the store for the room that is free now.
    if (left + 1 >= streamsPerClient || this.#runners.size + 1 >= streams) this.#clock.wake(ROOM_MS)
    if (nextAt) this.due(nextAt)
    if (isLost) {
      this.reports.lostLease(runner.claimed)
      this.#clock.wake(0)
    }
    // An append that failed may have taken the lease after the runner gave it back.
    if (this.#inDoubtAtEnd.delete(streamId) || isLost) this.#inDoubt.ask(runner.claimed)
    if (claimedAgain) this.#claimed(claimedAgain)
    for (const appended of late) this.#take(appended, isLateStale)
    if (this.#isIdle) this.#idle?.()
  }
}

type Unnamed<T> = T extends unknown ? Omit<T, 'key'> : never
/** A report of a transport. */
type TransportReport = Unnamed<
  LaneEvent & { type: 'delivered' | 'progressed' | 'failed' | 'cancelled' | 'expired' }
>
