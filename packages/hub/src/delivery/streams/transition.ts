import type { Entry } from '../../log/entry.js'
import type { LaneState, Mark } from '../../log/progress.js'
import { type LaneKey, nameOf } from '../../log/target.js'
import type { Appended } from '../../ports/store.js'
import { isOutage, judge, scheduledFrom, type Verdict } from '../retry.js'
import type { Batch, Head, Resolved, TargetConfig } from '../targets/target-config.js'
import { TURN } from '../targets/target-gate.js'
import type { DeliveryFailure } from '../transport.js'
import { MAX_REPLAYS, ReplayLimit } from './replay-limit.js'
import type {
  ClaimedAgain,
  Context,
  Effect,
  GateView,
  LaneEvent,
  LeaseAnswer,
  Outcome,
  Stream,
  StreamEvent,
} from './stream.js'
import {
  endOf,
  isActive,
  isFor,
  type Lane,
  type LaneStep,
  MAX_UNDERWAY,
  openLane,
  readyAt,
  type Settlement,
  stateOf,
} from './target-lane.js'

/** Pause of a lane whose integration is paused. Long, because the change that ends the pause wakes the lane. */
const PAUSED_MS = 60 * 60 * 1000
/** Pause of a lane whose channel is not loaded. Nothing wakes it when a later start loads the channel. */
const UNLOADED_MS = 60 * 1000
/** Pause of a lane whose target cannot be resolved or whose entries cannot be read. One retry a second is little load. */
const FAILED_MS = 1000
/**
 * Pause of a lane after its credentials were refused, in case the integration was not paused because its credentials had
 * changed. Short, because the new ones can be tried.
 */
const REFUSED_MS = 1000
const HOLDS_MS = { paused: PAUSED_MS, unloaded: UNLOADED_MS, failed: FAILED_MS } as const
/** Delay before a missing number is read again. A store fills an unused number after about 2 s: a few reads per hole. */
const HOLE_RETRY_MS = 500
/** Delay before a reclaim: nothing starts before it, but a store that has just failed needs a moment. */
const RECLAIM_MS = 1000
/**
 * After this time, a mark or a reclaim without an answer counts as failed. A store answers in milliseconds. With a short
 * lease it is a quarter of the lease: a mark renews the lease when half of it is left, so that a reclaim is still in time.
 */
const ANSWER_MS = 5000
/** A timer is not set again for a smaller difference: timers have whole milliseconds, and the two clocks drift. */
const CLOCKS_DIFFER_MS = 2
/**
 * Smallest extension of a lease that is sent to the transports. A busy stream renews its lease with each mark, many times
 * a second, and each message goes to another thread.
 */
const RENEW_STEP_MS = 1000

/** Applies an event to a stream. Pure: reads no clock, does no I/O and changes nothing that it was given. */
export function transition(
  stream: Stream,
  event: StreamEvent,
  context: Context,
): { stream: Stream; effects: readonly Effect[] } {
  const transitions = new Transitions(stream, context)
  const effects = [...transitions.apply(event), ...transitions.proceed()]
  return { stream: transitions.stream, effects }
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] }
/** A lane that these transitions have copied, and may change. */
type OwnLane = Mutable<Lane>

/** Transitions one after another at one point in time, that copy what they change only once. */
export class Transitions {
  /** What the stream has become. */
  readonly stream: Mutable<Stream>
  /** As it was before. Never changed. */
  readonly #given: Stream
  /** The lanes of {@link stream}, once they are a copy. */
  #lanes: Map<LaneKey, Lane> | undefined
  #effects: Effect[] = []
  readonly #context: Context

  constructor(stream: Stream, context: Context) {
    this.#given = stream
    this.stream = { ...stream }
    this.#context = context
  }

  /** Returns the effects of the event, to be performed in order before the next event is applied. */
  apply(event: StreamEvent): readonly Effect[] {
    this.#effects = []
    if (this.stream.phase === 'ended') this.#ignore(event)
    else this.#apply(event)
    return this.#effects
  }

  /** Starts what can start now. To be called after the last event. Returns the effects, as {@link apply}. */
  proceed(): readonly Effect[] {
    this.#effects = []
    if (this.stream.phase === 'recovering') this.#reclaim()
    if (this.stream.phase === 'delivering') {
      this.#scan()
      this.#feedAll()
      this.#mark()
    }
    if (this.stream.phase !== 'ended') this.#setTimer()
    return this.#effects
  }

  #apply(event: StreamEvent): void {
    const { stream } = this
    switch (event.type) {
      case 'tick':
        return this.#tick()
      case 'appended':
        return this.#appended(event.appended, event.claimedAgain)
      case 'reached':
        return this.#raiseTail(event.seq)
      case 'lane-added':
        if (!stream.lanes.has(event.key)) this.#open(event.key, event.state, true)
        return
      case 'changed':
        if (stream.late.length > 0) stream.isLateStale = true
        return this.#eachLane((lane) => {
          const own = this.#own(lane)
          this.#leaveQueue(own)
          own.heldUntil = undefined
          this.#takeBack(own)
        })
      case 'stopping':
        return this.#eachLane((lane) => {
          const own = this.#own(lane)
          this.#leaveQueue(own)
          this.#takeBack(own)
        })
      case 'aborted':
        // Nothing of a settling lane is with a transport, and a rewind would drop the result of the settlement.
        return this.#eachLane((lane) => {
          if (lane.step !== 'settling') this.#rewind(this.#own(lane))
        })
      case 'circuit-opened':
        // By the gate that admitted the entries: after a change of the configuration, the lane may have another one.
        return this.#eachLane((lane) => {
          if (lane.underway[0]?.gate === event.gate) this.#takeBack(this.#own(lane))
        })
      case 'circuit-closed':
        // By the configuration, because a lane that is held has nothing under way.
        return this.#eachLane((lane) => {
          if (lane.config?.gate === event.gate) this.#own(lane).heldUntil = undefined
        })
      case 'broken':
        return this.#end({})
      case 'claimed':
        if (stream.phase === 'releasing') stream.claimedAgain = event.claimedAgain
        else this.#takeNewerLease(event.claimedAgain)
        return
      case 'scanned':
        stream.isScanning = false
        return this.#scanned(event.entries)
      case 'scan-failed':
        stream.isScanning = false
        stream.scanAt = this.#after(FAILED_MS)
        return
      case 'marked':
        return this.#marked(event.id, event.answer)
      case 'reclaimed':
        return this.#reclaimed(event.id, event.answer)
      case 'write-failed':
        if (stream.write?.id === event.id) this.#writeFailed()
        return
      default:
        return this.#laneEvent(event)
    }
  }

  #own(lane: Lane): OwnLane {
    if (this.#given.lanes.get(lane.key) !== lane) return lane
    const copy = { ...lane }
    this.#ownLanes().set(lane.key, copy)
    return copy
  }

  /** A copy of the lanes, made once: a stream may have thousands, one for each replay. */
  #ownLanes(): Map<LaneKey, Lane> {
    if (!this.#lanes) {
      this.#lanes = new Map(this.stream.lanes)
      this.stream.lanes = this.#lanes
    }
    return this.#lanes
  }

  /** A handler changes no lane but its own. */
  #eachLane(handle: (lane: Lane) => void): void {
    for (const lane of this.stream.lanes.values()) handle(lane)
  }

  #after(ms: number): Date {
    return new Date(this.#context.now.getTime() + ms)
  }

  // The stream.

  #tick(): void {
    const { stream } = this
    const { now, monotonicMs } = this.#context
    // Also if the timer ran out a little early: then it is set again for the rest.
    stream.timerAt = Number.POSITIVE_INFINITY
    if (stream.scanAt && now >= stream.scanAt) stream.scanAt = undefined
    if (stream.write && monotonicMs >= stream.write.giveUpAt) this.#writeFailed()
  }

  #raiseTail(seq: number): void {
    this.stream.tail = Math.max(this.stream.tail, seq)
  }

  /** Unless `delivering`, the entry is also kept in `late`, for the next runner. */
  #appended(appended: Appended, claimedAgain: ClaimedAgain | undefined): void {
    const { stream } = this
    const { entry } = appended
    this.#raiseTail(entry.seq)
    if (stream.phase !== 'delivering') {
      stream.late = [...stream.late, appended]
      return
    }
    if (claimedAgain) this.#takeNewerLease(claimedAgain)
    // The next entry need not be read to know its recipients.
    if (!stream.isScanning && entry.seq === stream.scanned + 1) this.#scanned([entry])
  }

  /** This process took the lease again. Continues if nobody else had it in between. */
  #takeNewerLease({ claimed, held }: ClaimedAgain): void {
    const { fence } = this.stream.lease.lease
    // A late answer about this lease or an older one.
    if (claimed.lease.fence <= fence) return
    if (claimed.lease.fence !== fence + 1) return this.#end({ claimedAgain: claimed })
    if (this.stream.write?.do === 'mark') this.#redo(this.stream.write.mark)
    this.#confirmLease({ seq: claimed.seq, held })
  }

  /** The store confirmed the lease: the stream is still ours. */
  #confirmLease({ seq, held }: LeaseAnswer): void {
    const { stream } = this
    stream.phase = 'delivering'
    stream.lease = held
    stream.write = undefined
    stream.isLeaseShort = false
    // They are in the store, up to the tail: a scan finds them.
    stream.late = []
    stream.isLateStale = false
    stream.claimedAgain = undefined
    this.#raiseTail(seq)
    this.#eachLane((lane) => {
      const { key, config, sent, sentUntil } = lane
      if (!config || sent === 0 || held.endsAt < sentUntil + RENEW_STEP_MS) return
      this.#effects.push({ do: 'renew', key, config, leaseEndsAt: held.endsAt })
      this.#own(lane).sentUntil = held.endsAt
    })
  }

  /** Opens a lane for each recipient of the entries after `scanned`. */
  #scanned(entries: readonly Entry[]): void {
    const { stream } = this
    for (const entry of entries) {
      if (entry.deletedAt) continue
      for (const target of entry.owes)
        if (!stream.lanes.has(target) && !entry.dead?.[target])
          this.#open(target, { done: entry.seq - 1 }, false)
    }
    stream.scanned = entries.at(-1)?.seq ?? stream.scanned
    stream.scanAt = entries.length === 0 ? this.#after(HOLE_RETRY_MS) : undefined
  }

  #open(key: LaneKey, state: LaneState, isStored: boolean): void {
    this.#ownLanes().set(key, openLane(key, state, isStored))
    if (isStored) this.stream.stored = new Set(this.stream.stored).add(key)
  }

  #close({ key }: Lane): void {
    this.#ownLanes().delete(key)
    this.stream.hasProgress = true
    this.#effects.push({ do: 'close', key })
  }

  #scan(): void {
    const { stream } = this
    if (stream.isScanning || stream.scanAt || stream.scanned >= stream.tail) return
    stream.isScanning = true
    this.#effects.push({ do: 'scan', after: stream.scanned, limit: MAX_UNDERWAY })
  }

  // Marks and reclaims.

  get #isActive(): boolean {
    const { isScanning, scanned, tail, lanes } = this.stream
    if (isScanning || scanned < tail) return true
    for (const lane of lanes.values()) if (isActive(lane)) return true
    return false
  }

  /** Writes the progress of the lanes. Gives the stream back if no work is possible before some later time. */
  #mark(): void {
    const { stream } = this
    if (stream.write) return
    const isBusy = this.#isActive
    const isRenewalDue = stream.isLeaseShort || this.#context.monotonicMs >= stream.lease.renewAt
    if (isBusy && !stream.hasProgress && !isRenewalDue) return
    const nextAt = isBusy ? 'active' : this.#nextAt
    const mark: Mark = { scanned: stream.scanned, lanes: this.#takeChanges(), nextAt }
    const { lease } = stream.lease
    stream.writes += 1
    stream.write = { do: 'mark', id: stream.writes, mark, lease, giveUpAt: this.#giveUpAt }
    stream.hasProgress = false
    if (!isBusy) stream.phase = 'releasing'
    this.#effects.push({ do: 'mark', id: stream.writes, mark, lease })
  }

  /** When a write that starts now counts as failed. */
  get #giveUpAt(): number {
    const { endsAt, renewAt } = this.stream.lease
    const halfOfRenewal = Number.isFinite(endsAt) ? (endsAt - renewAt) / 2 : ANSWER_MS
    return this.#context.monotonicMs + Math.min(ANSWER_MS, halfOfRenewal)
  }

  /** Returns the changed lanes and marks them as stored (`#redo` reverts this). */
  #takeChanges(): Mark['lanes'] {
    const { lanes, stored } = this.stream
    const changes: Record<LaneKey, LaneState | null> = {}
    let isStored = true
    for (const key of stored) {
      if (lanes.has(key)) continue
      changes[key] = null
      isStored = false
    }
    this.#eachLane((lane) => {
      if (!stored.has(lane.key)) isStored = false
      if (!lane.isDirty) return
      changes[lane.key] = stateOf(lane)
      this.#own(lane).isDirty = false
    })
    if (!isStored) this.stream.stored = new Set(lanes.keys())
    return changes
  }

  /** When the first lane has something to do; null without lanes. */
  get #nextAt(): Date | null {
    let next: Date | null = null
    for (const lane of this.stream.lanes.values()) {
      const at = readyAt(lane) ?? this.#context.now
      if (next === null || at < next) next = at
    }
    return next
  }

  #marked(id: number, answer: LeaseAnswer | 'lost'): void {
    const { write, claimedAgain, late, isLateStale } = this.stream
    if (write?.do !== 'mark' || write.id !== id) return
    const { nextAt, scanned } = write.mark
    if (answer === 'lost') {
      // The mark has the fence of the older lease. This process may still have the newer one.
      if (claimedAgain) return this.#takeNewerLease(claimedAgain)
      return this.#end({ isLost: true, late, isLateStale })
    }
    // The store takes no stream back that has entries after `scanned`.
    if (nextAt === 'active' || answer.seq > scanned) return this.#confirmLease(answer)
    this.#end({ nextAt, late, isLateStale, claimedAgain: claimedAgain?.claimed })
  }

  /** It is unknown whether the store has the mark: reclaim the lease, then write it again. */
  #writeFailed(): void {
    const { stream } = this
    if (stream.write?.do === 'mark') this.#redo(stream.write.mark)
    stream.phase = 'recovering'
    stream.write = undefined
    stream.reclaimAt = this.#context.monotonicMs + RECLAIM_MS
    if (stream.claimedAgain) this.#takeNewerLease(stream.claimedAgain)
  }

  /** Marks all lanes as changed, so that the next mark repeats this one. */
  #redo({ lanes }: Mark): void {
    this.stream.stored = new Set([...this.stream.stored, ...(Object.keys(lanes) as LaneKey[])])
    this.stream.hasProgress = true
    this.#eachLane((lane) => {
      this.#own(lane).isDirty = true
    })
  }

  #reclaim(): void {
    const { stream } = this
    if (stream.write || this.#context.monotonicMs < stream.reclaimAt) return
    stream.writes += 1
    stream.write = { do: 'reclaim', id: stream.writes, giveUpAt: this.#giveUpAt }
    this.#effects.push({ do: 'reclaim', id: stream.writes, lease: stream.lease.lease })
  }

  #reclaimed(id: number, answer: LeaseAnswer | 'lost'): void {
    const { write, late, isLateStale } = this.stream
    if (write?.do !== 'reclaim' || write.id !== id) return
    if (answer === 'lost') this.#end({ isLost: true, late, isLateStale })
    else this.#confirmLease(answer)
  }

  /** Gives up all state in memory: it is stored, or no longer valid. */
  #end(outcome: Partial<Outcome>): void {
    this.#eachLane((lane) => {
      const { key, sent, underway, config, generation } = lane
      if (lane.queue !== 'none') this.#leaveQueue(this.#own(lane))
      if (config && sent > 0) this.#effects.push({ do: 'cancel', key, config, generation })
      if (config && underway.length > 0)
        this.#effects.push({ do: 'free-room', underway, config, hasArrived: false })
    })
    this.stream.phase = 'ended'
    const nothing: Outcome = { nextAt: null, late: [], isLateStale: false, isLost: false }
    this.#effects.push({ do: 'end', outcome: { ...nothing, ...outcome } })
  }

  /** Sets the timer only if it would run out too late, because this runs after every event. */
  #setTimer(): void {
    const inMs = this.#wakeInMs()
    const at = this.#context.now.getTime() + inMs
    if (at > this.stream.timerAt - CLOCKS_DIFFER_MS || at === Number.POSITIVE_INFINITY) return
    this.stream.timerAt = at
    this.#effects.push({ do: 'set-timer', ms: inMs })
  }

  #wakeInMs(): number {
    const { phase, write, reclaimAt, scanAt, lease, lanes } = this.stream
    const { now, monotonicMs } = this.#context
    let at = Number.POSITIVE_INFINITY
    if (write) at = Math.min(at, write.giveUpAt - monotonicMs)
    if (phase === 'recovering' && !write) at = Math.min(at, reclaimAt - monotonicMs)
    if (phase === 'delivering') {
      if (!write) at = Math.min(at, lease.renewAt - monotonicMs)
      if (scanAt) at = Math.min(at, scanAt.getTime() - now.getTime())
      for (const lane of lanes.values()) {
        const ready = isActive(lane) || !this.#mayBegin ? undefined : readyAt(lane)
        if (ready) at = Math.min(at, ready.getTime() - now.getTime())
      }
    }
    return Math.max(0, at)
  }

  // Lanes: from the store to the transport.

  get #mayBegin(): boolean {
    const { phase, isLeaseShort, lease } = this.stream
    const { isStopping, monotonicMs } = this.#context
    return phase === 'delivering' && !isStopping && !isLeaseShort && monotonicMs < lease.endsAt
  }

  /** Feeds every lane, but only a few of the replays to one target, because a client may ask for thousands at once. */
  #feedAll(): void {
    if (this.stream.lanes.size <= MAX_REPLAYS) return this.#eachLane((lane) => this.#feed(lane))
    const replays = new ReplayLimit(this.stream.lanes.values())
    this.#eachLane((lane) => {
      if (lane.only === undefined || isActive(lane)) return this.#feed(lane)
      if (!replays.hasRoom(lane.target)) return
      this.#feed(lane)
      replays.count(this.stream.lanes.get(lane.key))
    })
  }

  /** Begins with the next entries if there are any and the lane may have more under way. */
  #feed(lane: Lane): void {
    // Nothing follows an entry that cannot be rendered before it has failed.
    if (lane.step !== 'ready' || lane.queue === 'waiting' || lane.unrendered) return
    const end = endOf(lane, this.stream.scanned)
    const hasEnough = lane.taken >= end || lane.isFull || lane.underway.length > MAX_UNDERWAY / 2
    const isBlocked = (readyAt(lane) ?? this.#context.now) > this.#context.now
    if (hasEnough || isBlocked || !this.#mayBegin) {
      if (lane.queue === 'called') this.#endTurn(this.#own(lane))
      if (lane.done >= end && lane.underway.length === 0) this.#close(lane)
      return
    }
    const own = this.#own(lane)
    this.#step(own, 'resolving')
    this.#effects.push({ do: 'resolve', key: own.key, target: own.target, stepId: own.stepId })
  }

  #step(lane: OwnLane, step: LaneStep): void {
    this.stream.steps += 1
    lane.step = step
    lane.stepId = this.stream.steps
  }

  #laneEvent(event: LaneEvent): void {
    const found = this.stream.lanes.get(event.key)
    const isCurrent =
      found !== undefined &&
      (!('stepId' in event) || event.stepId === found.stepId) &&
      (!('generation' in event) || event.generation === found.generation)
    if (!isCurrent) return this.#ignore(event)
    const lane = this.#own(found)
    switch (event.type) {
      case 'resolved':
        return this.#resolved(lane, event.config, event.gate)
      case 'read':
        return this.#retire(lane, event.entries)
      case 'taken':
        return this.#taken(lane, event)
      case 'rendered':
        return this.#rendered(lane, event.batch)
      case 'step-failed':
        return this.#stepFailed(lane)
      case 'called':
        if (lane.queue === 'waiting') lane.queue = 'called'
        else this.#ignore(event)
        return
      case 'settled':
        return this.#settled(lane)
      case 'delivered':
        return this.#delivered(lane, event.seq)
      case 'progressed':
        return this.#progressed(lane, event.seq, event.parts)
      case 'failed':
        return this.#failed(lane, event.seq, event.failure)
      case 'cancelled':
        if (lane.step === 'draining') this.#rewind(lane)
        return
      case 'expired':
        this.#rewind(lane)
        this.stream.isLeaseShort = true
        return
    }
  }

  /**
   * A result of an earlier step or generation, or of a stream that has ended. Gives back the room or the turn that it took
   * at a gate, since a gate whose turn nobody passes on serves nobody else.
   */
  #ignore(event: StreamEvent): void {
    if (event.type === 'taken' && event.underway.length > 0) {
      const { underway, config } = event
      this.#effects.push({ do: 'free-room', underway, config, hasArrived: false })
    }
    if (event.type === 'called') this.#effects.push({ do: 'pass-on', key: event.key })
  }

  #resolved(lane: OwnLane, config: Resolved | 'failed', gate: GateView | undefined): void {
    if (config === 'gone') return this.#gone(lane)
    if (typeof config === 'string') {
      lane.heldUntil = this.#after(HOLDS_MS[config])
      return this.#step(lane, 'ready')
    }
    if (!gate) return
    lane.config = config
    this.#approach(lane, config, gate)
  }

  /** The target was removed. */
  #gone(lane: OwnLane): void {
    if (lane.underway.length > 0) {
      this.#step(lane, 'ready')
      return this.#takeBack(lane)
    }
    this.#step(lane, 'retiring')
    const { key, stepId, done } = lane
    this.#effects.push({ do: 'read', key, stepId, after: done, limit: MAX_UNDERWAY })
  }

  /** Waits in the queue of the gate, or takes as many entries as the lane may have. */
  #approach(lane: OwnLane, config: TargetConfig, gate: GateView): void {
    const { gate: name } = config
    const isUnderway = lane.underway.length > 0
    // Waits behind lanes that came earlier, so that none starves. A lane with entries under way tries again after them.
    if (gate.hasQueue && lane.queue !== 'called') {
      this.#step(lane, 'ready')
      lane.isFull = isUnderway
      if (!isUnderway) this.#joinQueue(lane, name, false)
      return
    }
    // Not before half of the room is free, so that one read returns many entries.
    const room = gate.isScarce ? TURN : MAX_UNDERWAY
    if (lane.underway.length > room / 2) {
      lane.isFull = true
      return this.#step(lane, 'ready')
    }
    if (gate.isCrowded) {
      this.#step(lane, 'ready')
      return this.#joinQueue(lane, name, true)
    }
    this.#step(lane, 'taking')
    const { stepId, taken: after } = lane
    const end = endOf(lane, this.stream.scanned)
    const limit = room - lane.underway.length
    this.#effects.push({ do: 'take', lane, stepId, config, after, end, limit })
  }

  #taken(lane: OwnLane, { underway, taken, verdict, config }: LaneEvent & { type: 'taken' }): void {
    this.#step(lane, 'ready')
    if (taken === undefined) {
      lane.heldUntil = this.#after(HOLE_RETRY_MS)
      return
    }
    const isHead = lane.underway.length === 0
    lane.taken = taken
    lane.underway = isHead ? underway : [...lane.underway, ...underway]
    if (verdict === 'wait') this.#joinQueue(lane, config.gate, true)
    else if (verdict !== 'all') lane.heldUntil = verdict.until
    this.#endTurn(lane)
    if (lane.underway.length === 0) return this.#advance(lane, taken)
    const [first] = underway
    if (!first) return
    // Skipped entries before the first one are done. `attempt` and `part` belonged to one of them, so they are reset.
    if (isHead) this.#advance(lane, first.entry.seq - 1)
    this.#step(lane, 'rendering')
    const { key, target, stepId, part, attempt } = lane
    const head: Head = isHead ? { part, attempt } : { part: 0, attempt: 0 }
    const entries = underway.map(({ entry }) => entry)
    this.#effects.push({ do: 'render', key, target, stepId, config, entries, head })
  }

  #rendered(lane: OwnLane, batch: Batch): void {
    if (!this.#mayBegin) return this.#rewindUnsent(lane)
    const { endsAt: leaseEndsAt } = this.stream.lease
    const { key, generation } = lane
    if (batch.count > 0) this.#effects.push({ do: 'push', key, generation, batch, leaseEndsAt })
    this.#step(lane, 'ready')
    lane.sent += batch.count
    lane.sentUntil = leaseEndsAt
    lane.unrendered = batch.unrendered
    this.#failUnrendered(lane)
  }

  #stepFailed(lane: OwnLane): void {
    lane.heldUntil = this.#after(FAILED_MS)
    if (lane.step === 'rendering') this.#rewindUnsent(lane)
    else this.#step(lane, 'ready')
  }

  /** Takes back the entries that were admitted and not handed to the transport. */
  #rewindUnsent(lane: OwnLane): void {
    const unsent = lane.underway.slice(lane.sent)
    if (unsent.length > 0 && lane.config)
      this.#effects.push({ do: 'free-room', underway: unsent, config: lane.config, hasArrived: false })
    lane.underway = lane.underway.slice(0, lane.sent)
    lane.taken = lane.underway.at(-1)?.entry.seq ?? lane.done
    this.#step(lane, 'ready')
  }

  /** The target was removed: its entries become dead letters, which can be replayed to another target. Page by page. */
  #retire(lane: OwnLane, entries: readonly Entry[]): void {
    const end = endOf(lane, this.stream.scanned)
    const upTo = Math.min(entries.at(-1)?.seq ?? end, end)
    const deaths = entries
      .filter((entry) => entry.seq <= end && isFor(lane, entry))
      .map((entry, i) => ({
        ...{ entry, reason: 'target-removed' as const, label: nameOf(lane.target) },
        ...(i === 0 ? { attempts: lane.attempt, error: lane.error } : { attempts: 0, error: undefined }),
      }))
    if (deaths.length > 0) return this.#settle(lane, { do: 'bury', deaths, upTo })
    this.#step(lane, 'ready')
    this.#advance(lane, upTo)
  }

  // Lanes: what the transport reports.

  #delivered(lane: OwnLane, seq: number): void {
    this.#arrived(lane, seq)
    if (lane.underway.length === 0) this.#advance(lane, lane.taken)
    else this.#failUnrendered(lane)
  }

  #progressed(lane: OwnLane, seq: number, parts: number): void {
    this.#arrived(lane, seq - 1)
    lane.part = parts
    lane.isDirty = true
    this.stream.hasProgress = true
  }

  /** Everything up to this number was delivered. */
  #arrived(lane: OwnLane, seq: number): void {
    const { underway, config } = lane
    const count = underway.findIndex(({ entry }) => entry.seq > seq)
    const arrived = count === -1 ? underway : underway.slice(0, count)
    const last = arrived.at(-1)
    if (!last || !config) return
    this.#effects.push({ do: 'free-room', underway: arrived, config, hasArrived: true })
    lane.underway = underway.slice(arrived.length)
    lane.sent -= arrived.length
    lane.isFull = false
    // Entries between two that are under way are not for this lane. `attempt` and `part` are those of the next one.
    const next = lane.underway[0]?.entry.seq ?? last.entry.seq + 1
    this.#advance(lane, next - 1)
  }

  /** Everything up to `seq` is done: the next entry starts without attempts or parts. */
  #advance(lane: OwnLane, seq: number): void {
    if (seq <= lane.done) return
    lane.done = seq
    lane.taken = Math.max(lane.taken, seq)
    lane.attempt = 0
    lane.part = 0
    lane.blockedUntil = undefined
    lane.error = undefined
    lane.isDirty = true
    this.stream.hasProgress = true
  }

  /** An entry that cannot be rendered fails once everything before it has arrived. */
  #failUnrendered(lane: OwnLane): void {
    const { unrendered, underway, step } = lane
    if (!unrendered || step === 'draining' || underway[0]?.entry.seq !== unrendered.seq) return
    this.#failed(lane, unrendered.seq, unrendered.failure)
  }

  /** This entry failed, and everything before it has arrived. The transport has dropped what came after it. */
  #failed(lane: OwnLane, seq: number, failure: DeliveryFailure): void {
    this.#arrived(lane, seq - 1)
    const { config } = lane
    const [head] = lane.underway
    if (!head || !config) return this.#rewind(lane)
    // Another process may have delivered it since: only the holder of the lease may count attempts and give up.
    if (this.#context.monotonicMs >= this.stream.lease.endsAt) {
      this.#rewind(lane)
      this.stream.isLeaseShort = true
      return
    }
    // Counted before the room is freed, so that the next lane sees the circuit already open.
    const { status } = failure
    const isGone = status !== undefined && config.isGone?.(status) === true
    if (isOutage(failure) && !isGone) this.#effects.push({ do: 'count-failure', gate: head.gate, config })
    const { now, random, startedAt } = this.#context
    const isFinal = status !== undefined && config.isFinal?.(status) === true
    const attempts = lane.attempt + 1
    const verdict: Verdict = isGone
      ? { do: 'bury', reason: 'gone' }
      : judge({
          failure: isFinal ? { kind: 'invalid', message: failure.message } : failure,
          ...{ schedule: config.schedule, attempts, now, random },
          since: scheduledFrom(head.entry, lane.since, startedAt),
        })
    if (verdict.do === 'pause-target')
      this.#effects.push({ do: 'pause-gate', gate: head.gate, until: verdict.until, config })
    this.#rewind(lane)
    const error = failure.message
    lane.error = error
    lane.part = failure.parts ?? lane.part
    lane.isDirty = true
    this.stream.hasProgress = true
    const { entry } = head
    switch (verdict.do) {
      case 'pause-target':
        return this.#reportRetry({ config, entry, attempts: lane.attempt, failure, nextAt: verdict.until })
      case 'pause-lane':
        lane.blockedUntil = verdict.until
        return this.#reportRetry({ config, entry, attempts: lane.attempt, failure, nextAt: verdict.until })
      case 'retry':
        lane.attempt = attempts
        lane.blockedUntil = verdict.at
        return this.#reportRetry({ config, entry, attempts, failure, nextAt: verdict.at })
      case 'refuse':
        return this.#settle(lane, { do: 'refuse', config, reason: error })
      case 'bury': {
        const { label, channel, integration } = config
        const { code } = failure
        const of = {
          ...(channel !== undefined && { channel }),
          ...(integration !== undefined && { integrationId: integration }),
        }
        const death = { entry, reason: verdict.reason, label, ...of, attempts, error, code }
        return this.#settle(lane, { do: 'bury', deaths: [death], upTo: entry.seq })
      }
    }
  }

  #reportRetry(retry: Omit<Effect & { do: 'report-retry' }, 'do'>): void {
    this.#effects.push({ do: 'report-retry', ...retry })
  }

  #settle(lane: OwnLane, settlement: Settlement): void {
    this.#step(lane, 'settling')
    lane.settlement = settlement
    const { key, target, stepId } = lane
    this.#effects.push({ do: 'settle', key, target, stepId, settlement })
  }

  #settled(lane: OwnLane): void {
    const { settlement } = lane
    this.#step(lane, 'ready')
    lane.settlement = undefined
    if (settlement?.do === 'bury') this.#advance(lane, settlement.upTo)
    else lane.heldUntil = this.#after(REFUSED_MS)
  }

  // Lanes: taking back.

  /** Takes back what the transport has not started. */
  #takeBack(lane: OwnLane): void {
    if (lane.step === 'draining' || lane.step === 'settling') return
    const { underway, sent, config, key, generation } = lane
    if (underway.length === 0 || !config) {
      if (lane.step !== 'ready') this.#step(lane, 'ready')
      return
    }
    if (sent === 0) return this.#rewind(lane)
    this.#step(lane, 'draining')
    this.#effects.push({ do: 'cancel', key, config, generation })
  }

  /** Takes the lane back to `done`. Later reports of the transport about this generation are ignored. */
  #rewind(lane: OwnLane): void {
    this.#leaveQueue(lane)
    const { underway, config } = lane
    if (underway.length > 0 && config)
      this.#effects.push({ do: 'free-room', underway, config, hasArrived: false })
    lane.underway = []
    lane.sent = 0
    lane.unrendered = undefined
    lane.isFull = false
    lane.generation += 1
    lane.taken = lane.done
    this.#step(lane, 'ready')
  }

  // Lanes: the queue of a gate.

  /** `foundNoRoom`: see {@link Effect}. */
  #joinQueue(lane: OwnLane, gate: string, foundNoRoom: boolean): void {
    this.#effects.push({ do: 'join-queue', key: lane.key, gate, foundNoRoom })
    this.#endTurn(lane)
    lane.queue = 'waiting'
  }

  /** Ends the turn of this lane: the next waiting lane is called. */
  #endTurn(lane: OwnLane): void {
    if (lane.queue !== 'called') return
    this.#effects.push({ do: 'pass-on', key: lane.key })
    lane.queue = 'none'
  }

  #leaveQueue(lane: OwnLane): void {
    if (lane.queue !== 'waiting') return this.#endTurn(lane)
    this.#effects.push({ do: 'leave-queue', key: lane.key })
    lane.queue = 'none'
  }
}
