import type { Entry } from '../log/entry.js'
import type { Claimed, LaneState, Lease, Mark } from '../log/progress.js'
import type { LaneKey, Target } from '../log/target.js'
import type { Appended } from '../ports/store.js'
import { TURN } from './gate.js'
import {
  endOf,
  isActive,
  isFor,
  type Lane,
  type LaneStep,
  openLane,
  readyAt,
  type Settlement,
  stateOf,
  type Underway,
  WINDOW,
} from './lane.js'
import { isOutage, judge } from './retry.js'
import type { Batch, Head, Resolved, TargetConfig } from './target-config.js'
import type { DeliveryFailure } from './transport.js'

/**
 * The deliveries of one stream as data, and what becomes of them: `transition` takes a stream and an event, and returns
 * the next stream and the effects to perform. It reads no clock, does no I/O and changes nothing that it was given.
 * {@link StreamRunner} performs the effects and turns their results into events.
 *
 * A stream is
 * - `delivering`: this process has its lease;
 * - `releasing`: the last mark gives the lease back, because no work is possible before some later time. Nothing starts;
 * - `recovering`: the store failed to write a mark, or did not answer. It is unknown whether the mark is stored, so the
 *   lease is reclaimed (which makes the old mark void) and the mark is written again. Nothing starts;
 * - `ended`: given back, or lost. It is not used any more.
 *
 * One object in it changes from outside: a mark that renews the lease moves `Lease.until`. Decisions use only
 * {@link HeldLease}, which is replaced.
 */
export interface Stream {
  readonly phase: 'delivering' | 'releasing' | 'recovering' | 'ended'
  readonly lease: HeldLease
  /** The newest known number. */
  readonly tail: number
  /** The last number whose recipients were read. Each recipient has a lane, unless it has received everything. */
  readonly scanned: number
  readonly lanes: ReadonlyMap<LaneKey, Lane>
  /** Keys of the lanes in the store. */
  readonly stored: ReadonlySet<LaneKey>
  /** The entries after `scanned` are being read. */
  readonly isScanning: boolean
  /** No scan before this time: a reserved number has no entry yet, or the store could not be read. */
  readonly scanAt: Date | undefined
  /** Something changed since the last mark. */
  readonly hasProgress: boolean
  /** The mark or reclaim under way. */
  readonly write: Write | undefined
  /** When to reclaim the lease while recovering, in milliseconds of the monotonic clock. */
  readonly reclaimAt: number
  /** The rest of the lease is too short to start an attempt: renew first. */
  readonly isLeaseShort: boolean
  /** Entries appended while not `delivering`, for the next runner. */
  readonly late: readonly Appended[]
  /** `late` may be outdated: read the entries from the store. */
  readonly isLateStale: boolean
  /** The store gave the stream to this process again while it was `releasing`. */
  readonly claimedAgain: ClaimedAgain | undefined
  /** Steps of all lanes so far: no two have the same id, also after a lane was closed and opened again. */
  readonly steps: number
  /** Number of writes so far; the id of the last one. */
  readonly writes: number
  /** The timer that is set, in milliseconds of the epoch; infinite when none is. */
  readonly timerAt: number
}

/** A claim of a stream that this process has, or had until a moment ago. `held`: its lease by the monotonic clock. */
interface ClaimedAgain {
  readonly claimed: Claimed
  readonly held: HeldLease
}

/** A lease, by the monotonic clock. */
export interface HeldLease {
  readonly lease: Lease
  /** In milliseconds of the monotonic clock; infinite if it never ends. */
  readonly endsAt: number
  /** When to renew it. */
  readonly renewAt: number
}

/** A mark or a reclaim that the store has not answered. */
type Write =
  | {
      readonly do: 'mark'
      readonly id: number
      readonly mark: Mark
      readonly lease: Lease
      readonly giveUpAt: number
    }
  | { readonly do: 'reclaim'; readonly id: number; readonly giveUpAt: number }

/** The store's answer to a mark or a reclaim: the newest number, and the lease as it is now. */
interface LeaseAnswer {
  readonly seq: number
  readonly held: HeldLease
}

/** State of a gate when the lane arrives at it, see `Gate`. */
interface GateView {
  hasQueue: boolean
  isScarce: boolean
  isCrowded: boolean
}

export type StreamEvent =
  | { type: 'tick' }
  /** `claimedAgain`: the append took the lease. */
  | { type: 'appended'; appended: Appended; claimedAgain?: ClaimedAgain }
  /** The store has entries up to this number. */
  | { type: 'reached'; seq: number }
  /** The store has one more lane: a delivery is replayed. */
  | { type: 'lane-added'; key: LaneKey; state: LaneState }
  /** Entries or the client's configuration changed: what was not sent is withdrawn and prepared again. */
  | { type: 'changed' }
  /** The process stops: what was not sent is withdrawn. */
  | { type: 'stopping' }
  /** The transports are closed: the outcome of what they have not reported is unknown. */
  | { type: 'aborted' }
  /** Performing an effect failed: nobody knows what was done. */
  | { type: 'broken' }
  /** The circuit of a target opened (calls stop), or closed (calls continue). */
  | { type: 'circuit-opened'; gate: string }
  | { type: 'circuit-closed'; gate: string }
  /** The store gave the stream to this process while it has a runner for it. */
  | { type: 'claimed'; claimedAgain: ClaimedAgain }
  | { type: 'scanned'; entries: readonly Entry[] }
  | { type: 'scan-failed' }
  | { type: 'marked'; id: number; answer: LeaseAnswer | 'lost' }
  | { type: 'reclaimed'; id: number; answer: LeaseAnswer | 'lost' }
  | { type: 'write-failed'; id: number }
  | LaneEvent

/** Results of the steps of a lane, and reports of the transport. */
export type LaneEvent = { key: LaneKey } & (
  | { type: 'resolved'; stepId: number; config: Resolved | 'failed'; gate?: GateView }
  | { type: 'read'; stepId: number; entries: readonly Entry[]; room: number }
  | {
      type: 'admitted'
      stepId: number
      config: TargetConfig
      underway: readonly Underway[]
      /** The last number considered. */
      taken: number
      verdict: Admitted
    }
  | { type: 'rendered'; stepId: number; batch: Batch }
  /** The store could not be read. */
  | { type: 'step-failed'; stepId: number }
  /** It is the lane's turn at the gate where it waits. */
  | { type: 'called' }
  | { type: 'settled'; stepId: number }
  | { type: 'delivered'; generation: number; seq: number }
  | { type: 'progressed'; generation: number; seq: number; parts: number }
  | { type: 'failed'; generation: number; seq: number; failure: DeliveryFailure }
  | { type: 'cancelled'; generation: number }
  | { type: 'expired'; generation: number }
)

/** Why no more entries were admitted: all were, the lane must wait in the queue of the gate, or until this time. */
type Admitted = 'all' | 'wait' | { until: Date }

export type Effect =
  | { do: 'scan'; after: number; limit: number }
  | { do: 'resolve'; key: LaneKey; target: Target; stepId: number }
  /** `room`: how many entries the lane may have under way now. */
  | { do: 'read'; key: LaneKey; stepId: number; after: number; limit: number; room: number }
  /** Admit what is for the lane: no entry after `end`, and no more than `room` with those under way. */
  | {
      do: 'admit'
      lane: Lane
      stepId: number
      config: TargetConfig
      entries: readonly Entry[]
      end: number
      room: number
    }
  | {
      do: 'render'
      key: LaneKey
      target: Target
      stepId: number
      config: TargetConfig
      entries: readonly Entry[]
      head: Head
    }
  | { do: 'push'; key: LaneKey; generation: number; batch: Batch; leaseEndsAt: number }
  | { do: 'renew'; key: LaneKey; config: TargetConfig; leaseEndsAt: number }
  | { do: 'cancel'; key: LaneKey; config: TargetConfig; generation: number }
  /** Frees room at a gate. `hasArrived`: the entries were delivered (else they go out again later). */
  | { do: 'free-room'; underway: readonly Underway[]; config: TargetConfig; hasArrived: boolean }
  /** `foundNoRoom`: see `Gate.joinQueue`. */
  | { do: 'join-queue'; key: LaneKey; gate: string; foundNoRoom: boolean }
  | { do: 'leave-queue'; key: LaneKey }
  | { do: 'pass-on'; key: LaneKey }
  | { do: 'count-failure'; gate: string; config: TargetConfig }
  | { do: 'pause-gate'; gate: string; until: Date; config: TargetConfig }
  | {
      do: 'report-retry'
      config: TargetConfig
      entry: Entry
      attempts: number
      failure: DeliveryFailure
      nextAt: Date
    }
  /** The runner repeats it until the store has it. */
  | { do: 'settle'; key: LaneKey; stepId: number; target: Target; settlement: Settlement }
  | { do: 'close'; key: LaneKey }
  | { do: 'mark'; id: number; mark: Mark; lease: Lease }
  | { do: 'reclaim'; id: number; lease: Lease }
  /** Sets the one timer of the stream; infinite: none. */
  | { do: 'set-timer'; ms: number }
  | { do: 'end'; outcome: Outcome }

/** How a stream ended. */
export interface Outcome {
  /** When it is due again, if known. */
  nextAt: Date | null
  /** Entries appended while it was not `delivering`. */
  late: readonly Appended[]
  isLateStale: boolean
  /** A newer claim of this process. */
  claimedAgain?: Claimed | undefined
  /** The lease is gone: another process may have it. */
  isLost: boolean
}

/** The clocks, a random number, and the state of the process. */
export interface Context {
  now: Date
  /** In milliseconds, see `monotonicMs`. */
  monotonicMs: number
  /** In [0, 1). */
  random: number
  isStopping: boolean
}

/** Pause of a lane whose integration is paused. Long, because the change that ends the pause wakes the lane. */
const PAUSED_MS = 60 * 60 * 1000
/** Pause of a lane whose target cannot be resolved or whose entries cannot be read. One retry a second is little load. */
const FAILED_MS = 1000
/**
 * Pause of a lane after its credentials were refused, in case the integration was not paused because its credentials had
 * changed. Short, because the new ones can be tried.
 */
const REFUSED_MS = 1000
/** Delay before a missing number is read again. A store fills an unused number after about 2 s: a few reads per hole. */
const HOLE_RETRY_MS = 500
/** Delay before a reclaim: nothing starts before it, but a store that has just failed needs a moment. */
const RECLAIM_MS = 1000
/**
 * After this time, a mark or a reclaim without an answer counts as failed. A store answers in milliseconds. With a short
 * lease it is a quarter of the lease: a mark renews the lease when half of it is left, so that a reclaim is still in time.
 */
const ANSWER_MS = 5000
/** Maximum concurrent replays to one target in one stream. */
const MAX_REPLAYS = 8
/** Lanes that wait for one target come back spread over this time: short against the first pause (1 s by default). */
export const SPREAD_MS = 250
/** A timer is not set again for a smaller difference: timers have whole milliseconds, and the two clocks drift. */
const CLOCKS_DIFFER_MS = 2
/**
 * Smallest extension of a lease that is sent to the transports. A busy stream renews its lease with each mark, many times
 * a second, and each message goes to another thread.
 */
const RENEW_STEP_MS = 1000

/** A stream of which this process has just taken the lease. */
export function openStream(claimed: Claimed, lease: HeldLease): Stream {
  const lanes = new Map<LaneKey, Lane>()
  for (const [key, state] of Object.entries(claimed.lanes) as [LaneKey, LaneState][])
    lanes.set(key, openLane(key, state, true))
  // Written out, since it is copied with every event: an object that is spread together is copied slowly.
  return {
    phase: 'delivering',
    lease,
    tail: claimed.seq,
    scanned: claimed.scanned,
    lanes,
    stored: new Set(lanes.keys()),
    isScanning: false,
    scanAt: undefined,
    hasProgress: false,
    write: undefined,
    reclaimAt: 0,
    isLeaseShort: false,
    late: [],
    isLateStale: false,
    claimedAgain: undefined,
    steps: 0,
    writes: 0,
    timerAt: Number.POSITIVE_INFINITY,
  }
}

/** Applies an event to a stream. Pure. */
export function transition(
  stream: Stream,
  event: StreamEvent,
  context: Context,
): { stream: Stream; effects: readonly Effect[] } {
  // A gate whose turn nobody passes on serves nobody else.
  if (stream.phase === 'ended')
    return { stream, effects: event.type === 'called' ? [{ do: 'pass-on', key: event.key }] : [] }
  const draft = new Draft(stream, context)
  draft.apply(event)
  draft.proceed()
  return { stream: draft.stream, effects: draft.effects }
}

/** One transition in progress. Streams and lanes are replaced, never changed. */
class Draft {
  readonly effects: Effect[] = []
  /** A copy, which this transition alone changes. */
  readonly stream: Stream
  readonly #context: Context
  /** Lanes that this transition has copied, and alone changes. */
  readonly #copies = new Set<Lane>()
  /** The lanes of {@link stream}, once they are a copy. */
  #lanes: Map<LaneKey, Lane> | undefined

  constructor(stream: Stream, context: Context) {
    this.stream = { ...stream }
    this.#context = context
  }

  apply(event: StreamEvent): void {
    switch (event.type) {
      case 'tick':
        return this.#tick()
      case 'appended':
        return this.#appended(event.appended, event.claimedAgain)
      case 'reached':
        return this.#raiseTail(event.seq)
      case 'lane-added':
        if (!this.stream.lanes.has(event.key)) this.#open(event.key, event.state, true)
        return
      case 'changed':
        this.#update({ isLateStale: this.stream.late.length > 0 })
        return this.#eachLane((lane) =>
          this.#takeBack(this.#edit(this.#leaveQueue(lane), { heldUntil: undefined })),
        )
      case 'stopping':
        return this.#eachLane((lane) => this.#takeBack(this.#leaveQueue(lane)))
      case 'aborted':
        // Nothing of a settling lane is with a transport, and a rewind would drop the result of the settlement.
        return this.#eachLane((lane) => lane.step !== 'settling' && this.#rewind(lane))
      case 'circuit-opened':
        // By the gate that admitted the entries: after a change of the configuration, the lane may have another one.
        return this.#eachLane((lane) => lane.underway[0]?.gate === event.gate && this.#takeBack(lane))
      case 'circuit-closed':
        // By the configuration, because a lane that is held has nothing under way.
        return this.#eachLane(
          (lane) => lane.config?.gate === event.gate && this.#edit(lane, { heldUntil: undefined }),
        )
      case 'broken':
        return this.#end({})
      case 'claimed':
        if (this.stream.phase === 'releasing') return this.#update({ claimedAgain: event.claimedAgain })
        return this.#takeNewerLease(event.claimedAgain)
      case 'scanned':
        return this.#scanned(event.entries)
      case 'scan-failed':
        return this.#update({ isScanning: false, scanAt: this.#after(FAILED_MS) })
      case 'marked':
        return this.#marked(event.id, event.answer)
      case 'reclaimed':
        return this.#reclaimed(event.id, event.answer)
      case 'write-failed':
        if (this.stream.write?.id === event.id) this.#writeFailed()
        return
      default:
        return this.#laneEvent(event)
    }
  }

  /** Starts what can start now. */
  proceed(): void {
    if (this.stream.phase === 'recovering') this.#reclaim()
    if (this.stream.phase === 'delivering') {
      this.#scan()
      this.#feedAll()
      this.#mark()
    }
    if (this.stream.phase !== 'ended') this.#setTimer()
  }

  #update(changes: Partial<Stream>): void {
    Object.assign(this.stream, changes)
  }

  #edit(lane: Lane, changes: Partial<Lane>): Lane {
    if (this.#copies.has(lane)) return Object.assign(lane, changes)
    const copy = Object.assign({ ...lane }, changes)
    this.#copies.add(copy)
    this.#ownLanes().set(lane.key, copy)
    return copy
  }

  /** A copy of the lanes, made once in a transition: a stream may have thousands, one for each replay. */
  #ownLanes(): Map<LaneKey, Lane> {
    if (this.#lanes) return this.#lanes
    this.#lanes = new Map(this.stream.lanes)
    this.#update({ lanes: this.#lanes })
    return this.#lanes
  }

  /** A handler changes no lane but its own. */
  #eachLane(handle: (lane: Lane) => unknown): void {
    for (const lane of this.stream.lanes.values()) handle(lane)
  }

  #after(ms: number): Date {
    return new Date(this.#context.now.getTime() + ms)
  }

  // The stream.

  #tick(): void {
    const { write, scanAt } = this.stream
    const { now, monotonicMs } = this.#context
    // Also if the timer ran out a little early: then it is set again for the rest.
    this.#update({ timerAt: Number.POSITIVE_INFINITY })
    if (scanAt && now >= scanAt) this.#update({ scanAt: undefined })
    if (write && monotonicMs >= write.giveUpAt) this.#writeFailed()
  }

  #raiseTail(seq: number): void {
    this.#update({ tail: Math.max(this.stream.tail, seq) })
  }

  /** Unless `delivering`, the entry is also kept in `late`, for the next runner. */
  #appended(appended: Appended, claimedAgain: ClaimedAgain | undefined): void {
    this.#raiseTail(appended.entry.seq)
    if (this.stream.phase !== 'delivering') this.#update({ late: [...this.stream.late, appended] })
    else if (claimedAgain) this.#takeNewerLease(claimedAgain)
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
    this.#update({
      ...{ phase: 'delivering', lease: held, write: undefined, isLeaseShort: false },
      ...{ late: [], isLateStale: false, claimedAgain: undefined },
    })
    this.#raiseTail(seq)
    this.#eachLane((lane) => {
      const { key, config, sent, sentUntil } = lane
      if (!config || sent === 0 || held.endsAt < sentUntil + RENEW_STEP_MS) return
      this.effects.push({ do: 'renew', key, config, leaseEndsAt: held.endsAt })
      this.#edit(lane, { sentUntil: held.endsAt })
    })
  }

  /** Opens a lane for each recipient of the entries after `scanned`. */
  #scanned(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.deletedAt) continue
      for (const target of entry.owes)
        if (!this.stream.lanes.has(target) && !entry.dead?.[target])
          this.#open(target, { done: entry.seq - 1 }, false)
    }
    const scanned = entries.at(-1)?.seq ?? this.stream.scanned
    this.#update({
      isScanning: false,
      scanned,
      scanAt: entries.length === 0 ? this.#after(HOLE_RETRY_MS) : undefined,
    })
  }

  #open(key: LaneKey, state: LaneState, isStored: boolean): void {
    this.#ownLanes().set(key, openLane(key, state, isStored))
    if (isStored) this.#update({ stored: new Set(this.stream.stored).add(key) })
  }

  #close({ key }: Lane): void {
    this.#ownLanes().delete(key)
    this.#update({ hasProgress: true })
    this.effects.push({ do: 'close', key })
  }

  #scan(): void {
    const { isScanning, scanAt, scanned, tail } = this.stream
    if (isScanning || scanAt || scanned >= tail) return
    this.#update({ isScanning: true })
    this.effects.push({ do: 'scan', after: scanned, limit: WINDOW })
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
    const { write, hasProgress, lease, isLeaseShort, scanned } = this.stream
    if (write) return
    const isBusy = this.#isActive
    const isRenewalDue = isLeaseShort || this.#context.monotonicMs >= lease.renewAt
    if (isBusy && !hasProgress && !isRenewalDue) return
    const mark: Mark = { scanned, lanes: this.#takeChanges(), nextAt: isBusy ? 'active' : this.#nextAt }
    const id = this.#write('mark', { mark, lease: lease.lease })
    this.#update({ hasProgress: false, ...(!isBusy && { phase: 'releasing' }) })
    this.effects.push({ do: 'mark', id, mark, lease: lease.lease })
  }

  #write(kind: 'reclaim', what: object): number
  #write(kind: 'mark', what: { mark: Mark; lease: Lease }): number
  #write(kind: Write['do'], what: object): number {
    const id = this.stream.writes + 1
    const { endsAt, renewAt } = this.stream.lease
    const halfOfRenewal = Number.isFinite(endsAt) ? (endsAt - renewAt) / 2 : ANSWER_MS
    const giveUpAt = this.#context.monotonicMs + Math.min(ANSWER_MS, halfOfRenewal)
    this.#update({ writes: id, write: { ...what, do: kind, id, giveUpAt } as Write })
    return id
  }

  /** Returns the changed lanes and marks them as stored (`#redo` reverts this). */
  #takeChanges(): Mark['lanes'] {
    const { lanes, stored } = this.stream
    const changes: Record<LaneKey, LaneState | null> = {}
    for (const key of stored) if (!lanes.has(key)) changes[key] = null
    this.#eachLane((lane) => {
      if (!lane.isDirty) return
      changes[lane.key] = stateOf(lane)
      this.#edit(lane, { isDirty: false })
    })
    this.#update({ stored: new Set(lanes.keys()) })
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
    const { write, claimedAgain } = this.stream
    if (write?.do === 'mark') this.#redo(write.mark)
    const reclaimAt = this.#context.monotonicMs + RECLAIM_MS
    this.#update({ phase: 'recovering', write: undefined, reclaimAt })
    if (claimedAgain) this.#takeNewerLease(claimedAgain)
  }

  /** Marks all lanes as changed, so that the next mark repeats this one. */
  #redo({ lanes }: Mark): void {
    const stored = new Set([...this.stream.stored, ...(Object.keys(lanes) as LaneKey[])])
    this.#update({ stored, hasProgress: true })
    this.#eachLane((lane) => this.#edit(lane, { isDirty: true }))
  }

  #reclaim(): void {
    const { write, reclaimAt, lease } = this.stream
    if (write || this.#context.monotonicMs < reclaimAt) return
    const id = this.#write('reclaim', {})
    this.effects.push({ do: 'reclaim', id, lease: lease.lease })
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
      const { key, sent, underway, config, generation } = this.#leaveQueue(lane)
      if (config && sent > 0) this.effects.push({ do: 'cancel', key, config, generation })
      if (config && underway.length > 0)
        this.effects.push({ do: 'free-room', underway, config, hasArrived: false })
    })
    this.#update({ phase: 'ended' })
    const nothing: Outcome = { nextAt: null, late: [], isLateStale: false, isLost: false }
    this.effects.push({ do: 'end', outcome: { ...nothing, ...outcome } })
  }

  /** Sets the timer only if its time changed, because this runs after every event. */
  #setTimer(): void {
    const inMs = this.#wakeInMs()
    const at = this.#context.now.getTime() + inMs
    const { timerAt } = this.stream
    if (at === timerAt || Math.abs(at - timerAt) < CLOCKS_DIFFER_MS) return
    this.#update({ timerAt: at })
    this.effects.push({ do: 'set-timer', ms: inMs })
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
    const replays = new Map<Target, number>()
    const countActive = (lane: Lane | undefined): void => {
      if (lane?.only !== undefined && isActive(lane))
        replays.set(lane.target, (replays.get(lane.target) ?? 0) + 1)
    }
    this.#eachLane(countActive)
    this.#eachLane((lane) => {
      if (lane.only === undefined || isActive(lane)) return this.#feed(lane)
      if ((replays.get(lane.target) ?? 0) >= MAX_REPLAYS) return
      this.#feed(lane)
      countActive(this.stream.lanes.get(lane.key))
    })
  }

  /** Begins with the next entries if there are any and the lane may have more under way. */
  #feed(lane: Lane): void {
    // Nothing follows an entry that cannot be rendered before it has failed.
    if (lane.step !== 'ready' || lane.queue === 'waiting' || lane.unrendered) return
    const end = endOf(lane, this.stream.scanned)
    const hasEnough = lane.taken >= end || lane.isFull || lane.underway.length > WINDOW / 2
    const isBlocked = (readyAt(lane) ?? this.#context.now) > this.#context.now
    if (hasEnough || isBlocked || !this.#mayBegin) {
      const still = this.#endTurn(lane)
      if (still.done >= end && !isActive(still)) this.#close(still)
      return
    }
    const { key, target, stepId } = this.#step(lane, 'resolving')
    this.effects.push({ do: 'resolve', key, target, stepId })
  }

  #step(lane: Lane, step: LaneStep, changes: Partial<Lane> = {}): Lane {
    const stepId = this.stream.steps + 1
    this.#update({ steps: stepId })
    return this.#edit(lane, { ...changes, step, stepId })
  }

  #laneEvent(event: LaneEvent): void {
    const lane = this.stream.lanes.get(event.key)
    const isCurrent =
      lane !== undefined &&
      (!('stepId' in event) || event.stepId === lane.stepId) &&
      (!('generation' in event) || event.generation === lane.generation)
    if (!isCurrent) return this.#ignore(event)
    switch (event.type) {
      case 'resolved':
        return this.#resolved(lane, event.config, event.gate)
      case 'read':
        return lane.step === 'retiring'
          ? this.#retire(lane, event.entries)
          : this.#read(lane, event.entries, event.room)
      case 'admitted':
        return this.#admitted(lane, event)
      case 'rendered':
        return this.#rendered(lane, event.batch)
      case 'step-failed':
        return this.#stepFailed(lane)
      case 'called':
        if (lane.queue === 'waiting') this.#edit(lane, { queue: 'called' })
        else this.#ignore(event)
        return
      case 'settled':
        return this.#settled(lane)
      case 'delivered':
        return this.#delivered(lane, event.seq)
      case 'progressed':
        return this.#progressed(lane, event)
      case 'failed':
        return this.#failed(lane, event.seq, event.failure)
      case 'cancelled':
        if (lane.step === 'draining') this.#rewind(lane)
        return
      case 'expired':
        this.#rewind(lane)
        return this.#update({ isLeaseShort: true })
    }
  }

  /** A result of an earlier step or generation. Gives back the room or the turn that it took at a gate. */
  #ignore(event: LaneEvent): void {
    if (event.type === 'admitted' && event.underway.length > 0)
      this.effects.push({
        do: 'free-room',
        underway: event.underway,
        config: event.config,
        hasArrived: false,
      })
    if (event.type === 'called') this.effects.push({ do: 'pass-on', key: event.key })
  }

  #resolved(lane: Lane, config: Resolved | 'failed', gate: GateView | undefined): void {
    if (config === 'gone') {
      if (lane.underway.length > 0) return void this.#takeBack(this.#step(lane, 'ready'))
      const { key, stepId } = this.#step(lane, 'retiring')
      this.effects.push({ do: 'read', key, stepId, after: lane.done, limit: WINDOW, room: WINDOW })
      return
    }
    if (config === 'paused' || config === 'failed') {
      const heldUntil = this.#after(config === 'paused' ? PAUSED_MS : FAILED_MS)
      return void this.#step(lane, 'ready', { heldUntil })
    }
    if (gate) this.#approach(this.#edit(lane, { config }), config, gate)
  }

  /** Waits in the queue of the gate, or reads as many entries as the lane may take. */
  #approach(lane: Lane, { gate: name }: TargetConfig, gate: GateView): void {
    const isUnderway = lane.underway.length > 0
    // Waits behind lanes that came earlier, so that none starves. A lane with entries under way tries again after them.
    if (gate.hasQueue && lane.queue !== 'called') {
      const still = this.#step(lane, 'ready', { isFull: isUnderway })
      if (!isUnderway) this.#joinQueue(still, name, false)
      return
    }
    // Not before half of the room is free, so that one read returns many entries.
    const room = gate.isScarce ? TURN : WINDOW
    if (lane.underway.length > room / 2) return void this.#step(lane, 'ready', { isFull: true })
    if (gate.isCrowded) return void this.#joinQueue(this.#step(lane, 'ready'), name, true)
    const { key, stepId, taken } = this.#step(lane, 'reading')
    this.effects.push({ do: 'read', key, stepId, after: taken, limit: room - lane.underway.length, room })
  }

  #read(lane: Lane, entries: readonly Entry[], room: number): void {
    if (entries.length === 0 || !lane.config)
      return void this.#step(lane, 'ready', { heldUntil: this.#after(HOLE_RETRY_MS) })
    const end = endOf(lane, this.stream.scanned)
    const { stepId, config } = lane
    this.effects.push({ do: 'admit', lane, stepId, config, entries, end, room })
  }

  #admitted(lane: Lane, { underway, taken, verdict, config }: LaneEvent & { type: 'admitted' }): void {
    const isHead = lane.underway.length === 0
    let next = this.#step(lane, 'ready', { taken, underway: [...lane.underway, ...underway] })
    if (verdict === 'wait') next = this.#joinQueue(next, config.gate, true)
    else if (verdict !== 'all') next = this.#edit(next, { heldUntil: verdict.until })
    next = this.#endTurn(next)
    if (next.underway.length === 0) return void this.#advance(next, taken)
    const [first] = underway
    if (!first) return
    // Skipped entries before the first one are done. `attempt` and `part` belonged to one of them, so they are reset.
    if (isHead) next = this.#advance(next, first.entry.seq - 1)
    const { key, target, stepId, part, attempt } = this.#step(next, 'rendering')
    const head: Head = isHead ? { part, attempt } : { part: 0, attempt: 0 }
    const entries = underway.map(({ entry }) => entry)
    this.effects.push({ do: 'render', key, target, stepId, config, entries, head })
  }

  #rendered(lane: Lane, batch: Batch): void {
    if (!this.#mayBegin) return void this.#rewindUnsent(lane)
    const { endsAt: leaseEndsAt } = this.stream.lease
    const { key, generation } = lane
    if (batch.count > 0) this.effects.push({ do: 'push', key, generation, batch, leaseEndsAt })
    const sent = lane.sent + batch.count
    const next = this.#step(lane, 'ready', { sent, sentUntil: leaseEndsAt, unrendered: batch.unrendered })
    this.#failUnrendered(next)
  }

  #stepFailed(lane: Lane): void {
    const heldUntil = this.#after(FAILED_MS)
    if (lane.step !== 'rendering' || !lane.config) return void this.#step(lane, 'ready', { heldUntil })
    this.#edit(this.#rewindUnsent(lane), { heldUntil })
  }

  /** Takes back the entries that were admitted and not handed to the transport. */
  #rewindUnsent(lane: Lane): Lane {
    const unsent = lane.underway.slice(lane.sent)
    const underway = lane.underway.slice(0, lane.sent)
    if (unsent.length > 0 && lane.config)
      this.effects.push({ do: 'free-room', underway: unsent, config: lane.config, hasArrived: false })
    return this.#step(lane, 'ready', { underway, taken: underway.at(-1)?.entry.seq ?? lane.done })
  }

  /** The target was removed: its entries become dead letters, which can be replayed to another target. Page by page. */
  #retire(lane: Lane, entries: readonly Entry[]): void {
    const end = endOf(lane, this.stream.scanned)
    const upTo = Math.min(entries.at(-1)?.seq ?? end, end)
    const deaths = entries
      .filter((entry) => entry.seq <= end && isFor(lane, entry))
      .map((entry, i) => ({
        ...{ entry, reason: 'target-removed' as const, label: lane.target },
        ...(i === 0 ? { attempts: lane.attempt, error: lane.error } : { attempts: 0, error: undefined }),
      }))
    if (deaths.length > 0) return this.#settle(lane, { do: 'bury', deaths, upTo })
    this.#advance(this.#step(lane, 'ready'), upTo)
  }

  // Lanes: what the transport reports.

  #delivered(lane: Lane, seq: number): void {
    const next = this.#arrived(lane, seq)
    this.#failUnrendered(next.underway.length === 0 ? this.#advance(next, next.taken) : next)
  }

  #progressed(lane: Lane, { seq, parts }: LaneEvent & { type: 'progressed' }): void {
    this.#edit(this.#arrived(lane, seq - 1), { part: parts, isDirty: true })
    this.#update({ hasProgress: true })
  }

  /** Everything up to this number was delivered. */
  #arrived(lane: Lane, seq: number): Lane {
    const { underway, config } = lane
    const count = underway.findIndex(({ entry }) => entry.seq > seq)
    const arrived = count === -1 ? underway : underway.slice(0, count)
    const last = arrived.at(-1)
    if (!last || !config) return lane
    this.effects.push({ do: 'free-room', underway: arrived, config, hasArrived: true })
    const left = { underway: underway.slice(arrived.length), sent: lane.sent - arrived.length, isFull: false }
    // Entries between two that are under way are not for this lane. `attempt` and `part` are those of the next one.
    const next = left.underway[0]?.entry.seq ?? last.entry.seq + 1
    return this.#advance(this.#edit(lane, left), next - 1)
  }

  /** Everything up to `seq` is done: the next entry starts without attempts or parts. */
  #advance(lane: Lane, seq: number): Lane {
    if (seq <= lane.done) return lane
    this.#update({ hasProgress: true })
    return this.#edit(lane, {
      ...{ done: seq, taken: Math.max(lane.taken, seq), attempt: 0, part: 0 },
      ...{ blockedUntil: undefined, error: undefined, isDirty: true },
    })
  }

  /** An entry that cannot be rendered fails once everything before it has arrived. */
  #failUnrendered(lane: Lane): void {
    const { unrendered, underway, step } = lane
    if (!unrendered || step === 'draining' || underway[0]?.entry.seq !== unrendered.seq) return
    this.#failed(lane, unrendered.seq, unrendered.failure)
  }

  /** This entry failed, and everything before it has arrived. Nothing of the lane is under way any more. */
  #failed(failing: Lane, seq: number, failure: DeliveryFailure): void {
    const lane = this.#arrived(failing, seq - 1)
    const { config } = lane
    const [head] = lane.underway
    if (!head || !config) return void this.#rewind(lane)
    // Another process may have delivered it since: only the holder of the lease may count attempts and give up.
    if (this.#context.monotonicMs >= this.stream.lease.endsAt) {
      this.#rewind(lane)
      return this.#update({ isLeaseShort: true })
    }
    // Counted before the room is freed, so that the next lane sees the circuit already open.
    if (isOutage(failure)) this.effects.push({ do: 'count-failure', gate: head.gate, config })
    const { now, random } = this.#context
    const isFinal = failure.status !== undefined && config.isFinal?.(failure.status) === true
    const attempts = lane.attempt + 1
    const verdict = judge({
      failure: isFinal ? { kind: 'invalid', message: failure.message } : failure,
      ...{ schedule: config.schedule, attempts, since: lane.since ?? head.entry.at, now, random },
    })
    if (verdict.do === 'pause-target')
      this.effects.push({ do: 'pause-gate', gate: head.gate, until: verdict.until, config })
    const error = failure.message
    const changes = { error, part: failure.parts ?? lane.part, isDirty: true }
    const next = this.#edit(this.#rewind(lane), changes)
    this.#update({ hasProgress: true })
    switch (verdict.do) {
      case 'pause-target':
        return
      case 'pause-lane':
        return void this.#edit(next, { blockedUntil: verdict.until })
      case 'retry':
        this.#edit(next, { attempt: attempts, blockedUntil: verdict.at })
        return void this.effects.push({
          ...{ do: 'report-retry', config, entry: head.entry, attempts, failure },
          nextAt: verdict.at,
        })
      case 'refuse':
        return this.#settle(next, { do: 'refuse', config, reason: error })
      case 'bury': {
        const death = { entry: head.entry, reason: verdict.reason, label: config.label, attempts, error }
        return this.#settle(next, { do: 'bury', deaths: [death], upTo: head.entry.seq })
      }
    }
  }

  #settle(lane: Lane, settlement: Settlement): void {
    const { key, target, stepId } = this.#step(lane, 'settling', { settlement })
    this.effects.push({ do: 'settle', key, target, stepId, settlement })
  }

  #settled(lane: Lane): void {
    const { settlement } = lane
    const next = this.#step(lane, 'ready', { settlement: undefined })
    if (settlement?.do === 'bury') this.#advance(next, settlement.upTo)
    else this.#edit(next, { heldUntil: this.#after(REFUSED_MS) })
  }

  // Lanes: taking back.

  /** Takes back what the transport has not started. */
  #takeBack(lane: Lane): void {
    if (lane.step === 'draining' || lane.step === 'settling') return
    const { underway, sent, config, key, generation } = lane
    if (underway.length === 0 || !config) return void (lane.step !== 'ready' && this.#step(lane, 'ready'))
    if (sent === 0) return void this.#rewind(lane)
    this.#step(lane, 'draining')
    this.effects.push({ do: 'cancel', key, config, generation })
  }

  /** Takes the lane back to `done`. Later reports of the transport about this generation are ignored. */
  #rewind(given: Lane): Lane {
    const lane = this.#leaveQueue(given)
    const { underway, config } = lane
    if (underway.length > 0 && config)
      this.effects.push({ do: 'free-room', underway, config, hasArrived: false })
    return this.#step(lane, 'ready', {
      ...{ underway: [], sent: 0, unrendered: undefined, isFull: false },
      ...{ generation: lane.generation + 1, taken: lane.done },
    })
  }

  // Lanes: the queue of a gate.

  /** `foundNoRoom`: see {@link Effect}. */
  #joinQueue(lane: Lane, gate: string, foundNoRoom: boolean): Lane {
    this.effects.push({ do: 'join-queue', key: lane.key, gate, foundNoRoom })
    return this.#edit(this.#endTurn(lane), { queue: 'waiting' })
  }

  /** Ends the turn of this lane: the next waiting lane is called. */
  #endTurn(lane: Lane): Lane {
    if (lane.queue !== 'called') return lane
    this.effects.push({ do: 'pass-on', key: lane.key })
    return this.#edit(lane, { queue: 'none' })
  }

  #leaveQueue(lane: Lane): Lane {
    if (lane.queue !== 'waiting') return this.#endTurn(lane)
    this.effects.push({ do: 'leave-queue', key: lane.key })
    return this.#edit(lane, { queue: 'none' })
  }
}
