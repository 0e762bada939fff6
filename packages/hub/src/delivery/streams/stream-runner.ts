import type { Id } from '@plugboard/core'
import { yieldIfBusy } from '../../event-loop.js'
import type { Entry } from '../../log/entry.js'
import type { Claimed, Lease } from '../../log/progress.js'
import type { LaneKey, Target } from '../../log/target.js'
import type { Appended, Store } from '../../ports/store.js'
import type { OutcomeReports } from '../outcome-reports.js'
import { deadlineOf, scheduledFrom } from '../retry.js'
import type { Batch, Resolved, TargetConfig } from '../targets/target-config.js'
import type { TargetGate } from '../targets/target-gate.js'
import { type EntryRange, EntryReader } from './entry-reader.js'
import { type SettlementHost, storeSettlement } from './store-settlement.js'
import {
  type Context,
  type Effect,
  type HeldLease,
  type LaneEvent,
  type Outcome,
  openStream,
  type Stream,
  type StreamEvent,
} from './stream.js'
import { isFor, sizeOf, type Underway } from './target-lane.js'
import { Transitions } from './transition.js'

/** Maximum time that the events of one stream keep the thread, in milliseconds. */
const SLICE_MS = 10
/** Delay before a settlement is stored again after a failure: one try a second is little load. */
const STORE_RETRY_MS = 1000
/** Lanes that wait for one target come back spread over this time: short against the first pause (1 s by default). */
const SPREAD_MS = 250

/** The dispatcher, as its runners see it. */
export interface RunnerHost extends SettlementHost {
  readonly store: Store
  readonly reports: OutcomeReports
  /** See {@link scheduledFrom}. */
  readonly startedAt: Date
  /** The process stops: nothing new is sent. */
  readonly isStopping: boolean
  now(): Date
  monotonicMs(): number
  /** In [0, 1). */
  random(): number
  resolve(stream: Claimed, target: Target, key: LaneKey): Resolved | Promise<Resolved>
  gate(name: string, clientId: Id): TargetGate
  /** Returns a handle, the number that identifies a lane of this runner to the transports until it is unregistered. */
  register(runner: StreamRunner, key: LaneKey): number
  unregister(handle: number): void
  /** The circuit of a gate opened (calls to its target stop), or closed (calls continue). */
  circuitOpened(gate: string, stream: Claimed, config: TargetConfig): void
  circuitClosed(gate: string, stream: Claimed, config: TargetConfig): void
  ended(runner: StreamRunner, outcome: Outcome): void
}

/** Performs the effects of the {@link Transitions} of one stream, and turns their results into events. */
export class StreamRunner {
  #claimed: Claimed
  readonly #host: RunnerHost
  readonly #entries: EntryReader
  /** Those of the events that are being applied, or were applied last. */
  #transitions: Transitions
  readonly #events: StreamEvent[] = []
  #isDispatching = false
  #timer: NodeJS.Timeout | undefined
  readonly #handles = new Map<LaneKey, number>()
  /** Functions that take a waiting lane out of the queue of its gate. */
  readonly #leaves = new Map<LaneKey, () => void>()
  /** The gate that has called a lane: its turn ends with `passOn`. */
  readonly #calledBy = new Map<LaneKey, TargetGate>()

  constructor(host: RunnerHost, claimed: Claimed) {
    this.#host = host
    this.#claimed = claimed
    this.#entries = new EntryReader(host.store, claimed)
    this.#transitions = new Transitions(openStream(claimed, this.#held(claimed.lease)), this.#context)
  }

  /** The stream, with its user and its endpoints as they are now. Its progress and its lease are those of the start. */
  get claimed(): Claimed {
    return this.#claimed
  }

  /** When an entry was accepted that a lane has under way; undefined if an attempt at it has failed before. */
  firstAttemptSince(key: LaneKey, seq: number): Date | undefined {
    const lane = this.#stream.lanes.get(key)
    const place = lane?.underway.findIndex(({ entry }) => entry.seq === seq) ?? -1
    const isRetry = place === 0 && lane !== undefined && lane.attempt > 0
    return isRetry ? undefined : lane?.underway[place]?.entry.at
  }

  get #stream(): Stream {
    return this.#transitions.stream
  }

  /** An entry was appended to the stream. */
  appended(appended: Appended): void {
    const { entry, claimed, userId } = appended
    if (userId) this.#belongsTo(userId)
    if (entry.seq > this.#stream.scanned) this.#entries.add(entry)
    this.dispatch(
      claimed
        ? { type: 'appended', appended, claimedAgain: this.#withLease(claimed) }
        : { type: 'appended', appended },
    )
  }

  /** The store gave the stream to this process while this runner is at work. */
  claimedAgain(claimed: Claimed): void {
    const { endpoints, userId } = claimed
    this.#claimed = { ...this.#claimed, endpoints, ...(userId && { userId }) }
    this.dispatch({ type: 'claimed', claimedAgain: this.#withLease(claimed) })
  }

  /** What was not sent to this endpoint is withdrawn, and finds its target gone. */
  endpointRemoved(endpointId: Id): void {
    const endpoints = this.#claimed.endpoints.filter(({ id }) => id !== endpointId)
    this.#claimed = { ...this.#claimed, endpoints }
    this.changed()
  }

  /** A user was merged into another, whose the conversations are now. */
  userMerged(from: Id, into: Id): void {
    if (this.#claimed.userId === from && this.#claimed.streamId !== from) this.#belongsTo(into)
  }

  /** What was not sent is prepared again if its user has changed. */
  #belongsTo(userId: Id): void {
    if (this.#claimed.userId === userId) return
    this.#claimed = { ...this.#claimed, userId }
    this.changed()
  }

  /** Entries or the client's configuration changed. */
  changed(): void {
    this.#entries.forget()
    this.dispatch({ type: 'changed' })
  }

  /** Applies an event, and the events that its effects cause synchronously. */
  dispatch(event: StreamEvent): void {
    this.#events.push(event)
    if (!this.#isDispatching) this.#drain()
  }

  /** Applies events in slices, so that a stream with very many lanes does not block other work. */
  #drain(): void {
    this.#isDispatching = true
    this.#transitions = new Transitions(this.#stream, this.#context)
    const until = performance.now() + SLICE_MS
    do {
      for (let next = this.#events.shift(); next; next = this.#events.shift()) {
        this.#transition(next)
        if (this.#events.length > 0 && performance.now() > until) {
          setImmediate(() => this.#drain())
          return
        }
      }
      this.#transition()
    } while (this.#events.length > 0)
    this.#isDispatching = false
    this.#trimBuffer()
  }

  /** Without an event, what can start now is started. */
  #transition(event?: StreamEvent): void {
    try {
      const effects = event ? this.#transitions.apply(event) : this.#transitions.proceed()
      for (const effect of effects) this.#perform(effect)
    } catch (error) {
      this.#break(error)
    }
  }

  get #context(): Context {
    const host = this.#host
    return {
      now: host.now(),
      monotonicMs: host.monotonicMs(),
      random: host.random(),
      startedAt: host.startedAt,
      isStopping: host.isStopping,
    }
  }

  /** After a fault in this program: the stream is let go, and taken up again once its lease has ended. */
  #break(error: unknown): void {
    this.#host.reports.broke(this.claimed, error)
    this.#events.length = 0
    for (const effect of this.#transitions.apply({ type: 'broken' })) {
      try {
        this.#perform(effect)
      } catch (again) {
        this.#host.reports.broke(this.claimed, again)
      }
    }
  }

  /** Drops entries that every lane has taken. */
  #trimBuffer(): void {
    if (!this.#entries.hasBuffered) return
    let lowest = this.#stream.scanned
    for (const { taken } of this.#stream.lanes.values()) lowest = Math.min(lowest, taken)
    this.#entries.dropUpTo(lowest)
  }

  #perform(effect: Effect): void {
    const host = this.#host
    switch (effect.do) {
      case 'scan':
        return this.#entriesAfter(
          effect,
          (entries) => this.dispatch({ type: 'scanned', entries }),
          () => this.dispatch({ type: 'scan-failed' }),
        )
      case 'resolve':
        return this.#resolve(effect)
      case 'read': {
        const { key, stepId } = effect
        return this.#entriesAfter(
          effect,
          (entries) => this.dispatch({ type: 'read', key, stepId, entries }),
          () => this.dispatch({ type: 'step-failed', key, stepId }),
        )
      }
      case 'take':
        return this.#take(effect)
      case 'render':
        return this.#render(effect)
      case 'push':
        return effect.batch.push(this.#handleOf(effect.key), effect.generation, effect.leaseEndsAt)
      case 'renew':
        return effect.config.renew(this.#handleOf(effect.key), effect.leaseEndsAt)
      case 'cancel':
        return effect.config.cancel(this.#handleOf(effect.key), effect.generation)
      case 'free-room':
        return this.#freeRoom(effect.underway, effect.config, effect.hasArrived)
      case 'join-queue':
        return this.#joinQueue(effect.key, effect.gate, effect.foundNoRoom)
      case 'leave-queue':
        this.#leaves.get(effect.key)?.()
        this.#leaves.delete(effect.key)
        return
      case 'pass-on': {
        const gate = this.#calledBy.get(effect.key)
        this.#calledBy.delete(effect.key)
        return gate?.passOn()
      }
      case 'count-failure':
        if (this.#gate(effect.gate).failed(host.now()))
          host.circuitOpened(effect.gate, this.claimed, effect.config)
        return
      case 'pause-gate':
        if (this.#gate(effect.gate).pause(effect.until, host.now()))
          host.circuitOpened(effect.gate, this.claimed, effect.config)
        return
      case 'report-retry':
        return host.reports.retried(effect, this.#gate(effect.config.gate).pausedUntil)
      case 'settle':
        return void this.#settle(effect)
      case 'close':
        return this.#unregister(effect.key)
      case 'mark':
        return this.#mark(effect)
      case 'reclaim':
        return this.#reclaim(effect)
      case 'set-timer':
        return this.#setTimer(effect.ms)
      case 'end':
        return this.#end(effect.outcome)
    }
  }

  #withLease(claimed: Claimed): { claimed: Claimed; held: HeldLease } {
    return { claimed, held: this.#held(claimed.lease) }
  }

  /**
   * The lease by the monotonic clock, because the system clock may change during the lease. Renewed at half of its time, so
   * that a failed mark leaves time to reclaim it.
   */
  #held(lease: Lease): HeldLease {
    if (!lease.until) return { lease, endsAt: Number.POSITIVE_INFINITY, renewAt: Number.POSITIVE_INFINITY }
    const leftMs = Math.max(0, lease.until.getTime() - this.#host.now().getTime())
    const now = this.#host.monotonicMs()
    return { lease, endsAt: now + leftMs, renewAt: now + leftMs / 2 }
  }

  #entriesAfter(range: EntryRange, read: (entries: readonly Entry[]) => void, failed: () => void): void {
    const entries = this.#entries.after(range)
    if (!(entries instanceof Promise)) return read(entries)
    entries.then(read, (error) => {
      this.#host.reports.storeFailed(this.claimed, error)
      failed()
    })
  }

  #resolve({ key, target, stepId }: Effect & { do: 'resolve' }): void {
    const resolved = (config: Resolved | 'failed'): void => {
      const gate = typeof config === 'string' ? undefined : viewOf(this.#gate(config.gate))
      this.dispatch({ type: 'resolved', key, stepId, config, gate })
    }
    const failed = (error: unknown): void => {
      this.#host.reports.faulted(this.claimed, target, error)
      resolved('failed')
    }
    try {
      const config = this.#host.resolve(this.claimed, target, key)
      if (config instanceof Promise) config.then(resolved, failed)
      else resolved(config)
    } catch (error) {
      failed(error)
    }
  }

  #take(effect: Effect & { do: 'take' }): void {
    const { stepId } = effect
    const { key } = effect.lane
    this.#entriesAfter(
      effect,
      (entries) => this.dispatch(this.#admit(effect, entries)),
      () => this.dispatch({ type: 'step-failed', key, stepId }),
    )
  }

  /** Admits what is for the lane at the gate of its target. */
  #admit(effect: Effect & { do: 'take' }, entries: readonly Entry[]): LaneEvent {
    const { lane, stepId, config, after, end } = effect
    const gate = this.#gate(config.gate)
    const underway: Underway[] = []
    let taken = entries.length === 0 ? undefined : after
    let verdict: (LaneEvent & { type: 'taken' })['verdict'] = 'all'
    for (const entry of entries) {
      if (entry.seq > end) break
      if (isFor(lane, entry)) {
        const now = this.#host.now()
        const deadline = deadlineOf(config.schedule, scheduledFrom(entry, lane.since, this.#host.startedAt))
        const admission = gate.admit(sizeOf(entry), now >= deadline, now)
        if (admission === 'wait') verdict = 'wait'
        else if (typeof admission === 'object') {
          const until = admission.until.getTime() + this.#host.random() * SPREAD_MS
          verdict = { until: new Date(Math.min(until, deadline.getTime())) }
        }
        if (verdict !== 'all') break
        underway.push({ entry, gate: config.gate, isProbe: admission === 'probe' })
      }
      taken = entry.seq
    }
    return { type: 'taken', key: lane.key, stepId, config, underway, taken, verdict }
  }

  /** Synchronous if it needs no look-ups and the event loop is not busy. */
  #render({ key, stepId, config, entries, head, target }: Effect & { do: 'render' }): void {
    const rendered = (batch: Batch): void => this.dispatch({ type: 'rendered', key, stepId, batch })
    const failed = (error: unknown): void => {
      this.#host.reports.faulted(this.claimed, target, error)
      this.dispatch({ type: 'step-failed', key, stepId })
    }
    try {
      const turn = yieldIfBusy()
      const batch = turn ? turn.then(() => config.render(entries, head)) : config.render(entries, head)
      if (batch instanceof Promise) batch.then(rendered, failed)
      else rendered(batch)
    } catch (error) {
      failed(error)
    }
  }

  #freeRoom(underway: readonly Underway[], config: TargetConfig, hasArrived: boolean): void {
    for (const { entry, gate: name, isProbe } of underway) {
      const gate = this.#gate(name)
      if (hasArrived && gate.succeeded(this.#host.now())) this.#host.circuitClosed(name, this.claimed, config)
      gate.freeRoom(sizeOf(entry), isProbe)
      if (hasArrived) this.#host.reports.delivered(config, entry)
    }
  }

  #gate(name: string): TargetGate {
    return this.#host.gate(name, this.claimed.clientId)
  }

  #joinQueue(key: LaneKey, name: string, foundNoRoom: boolean): void {
    const gate = this.#gate(name)
    let isCalled = false
    const leave = gate.joinQueue(() => {
      isCalled = true
      this.#leaves.delete(key)
      this.#calledBy.set(key, gate)
      this.dispatch({ type: 'called', key })
    }, foundNoRoom)
    // A gate with nothing under way calls inside `joinQueue`: then the lane has left the queue already.
    if (!isCalled) this.#leaves.set(key, leave)
  }

  get #isHeld(): boolean {
    const { phase, lease } = this.#stream
    return phase === 'delivering' && this.#host.monotonicMs() < lease.endsAt
  }

  /** Repeats until it is stored: the lane cannot continue before. */
  async #settle({ key, stepId, target, settlement }: Effect & { do: 'settle' }): Promise<void> {
    while (this.#stream.phase !== 'ended') {
      try {
        // Without the lease another process may have delivered the entry.
        if (this.#isHeld) {
          await storeSettlement(this.#host, this.claimed, target, settlement)
          return this.dispatch({ type: 'settled', key, stepId })
        }
      } catch (error) {
        this.#host.reports.storeFailed(this.claimed, error)
      }
      await new Promise((next) => setTimeout(next, STORE_RETRY_MS).unref())
    }
  }

  #mark({ id, mark, lease }: Effect & { do: 'mark' }): void {
    this.#host.store.mark(this.claimed, lease, mark).then(
      (seq) =>
        this.dispatch({
          ...{ type: 'marked', id },
          answer: seq === 'lost' ? 'lost' : { seq, held: this.#held(lease) },
        }),
      (error) => this.#writeFailed(id, error),
    )
  }

  #reclaim({ id, lease }: Effect & { do: 'reclaim' }): void {
    this.#host.store.reclaim(this.claimed, lease).then(
      (got) =>
        this.dispatch({
          ...{ type: 'reclaimed', id },
          answer: got === 'lost' ? 'lost' : { seq: got.seq, held: this.#held(got.lease) },
        }),
      (error) => this.#writeFailed(id, error),
    )
  }

  #writeFailed(id: number, error: unknown): void {
    this.#host.reports.storeFailed(this.claimed, error)
    this.dispatch({ type: 'write-failed', id })
  }

  #setTimer(ms: number): void {
    clearTimeout(this.#timer)
    if (ms < MAX_TIMER_MS)
      this.#timer = setTimeout(() => this.dispatch({ type: 'tick' }), Math.ceil(ms)).unref()
  }

  #handleOf(key: LaneKey): number {
    const known = this.#handles.get(key)
    if (known !== undefined) return known
    const handle = this.#host.register(this, key)
    this.#handles.set(key, handle)
    return handle
  }

  #unregister(key: LaneKey): void {
    const handle = this.#handles.get(key)
    if (handle === undefined) return
    this.#handles.delete(key)
    this.#host.unregister(handle)
  }

  #end(outcome: Outcome): void {
    clearTimeout(this.#timer)
    for (const key of [...this.#handles.keys()]) this.#unregister(key)
    this.#host.ended(this, outcome)
  }
}

/** The longest time of a timer in Node.js. */
const MAX_TIMER_MS = 2 ** 31 - 1

const viewOf = ({ hasQueue, isScarce, isCrowded }: TargetGate) => ({ hasQueue, isScarce, isCrowded })
