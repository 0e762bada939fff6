import type { Entry } from '../../log/entry.js'
import type { Claimed, LaneState, Lease, Mark } from '../../log/progress.js'
import type { LaneKey, Target } from '../../log/target.js'
import type { Appended } from '../../ports/store.js'
import type { Batch, Head, Resolved, TargetConfig } from '../targets/target-config.js'
import type { DeliveryFailure } from '../transport.js'
import { type Lane, openLane, type Settlement, type Underway } from './target-lane.js'

/**
 * The deliveries of one stream as data: its state, the events that change it, and the effects that follow. `transition`
 * takes a stream and an event, and returns the next stream and the effects to perform. `StreamRunner` performs them and
 * turns their results into events.
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
  /** When the timer runs out, in milliseconds of the epoch; infinite when none is set. It may run out too early. */
  readonly timerAt: number
}

/** A claim of a stream that this process has, or had until a moment ago. `held`: its lease by the monotonic clock. */
export interface ClaimedAgain {
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
export interface LeaseAnswer {
  readonly seq: number
  readonly held: HeldLease
}

/** State of a gate when the lane arrives at it, see `TargetGate`. */
export interface GateView {
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
  | { type: 'resolved'; stepId: number; config: Resolved | 'failed'; gate: GateView | undefined }
  /** Entries were read for a lane whose target was removed. */
  | { type: 'read'; stepId: number; entries: readonly Entry[] }
  | {
      type: 'taken'
      stepId: number
      config: TargetConfig
      underway: readonly Underway[]
      /** The last number considered; undefined if there was nothing to read. */
      taken: number | undefined
      verdict: Admitted
    }
  | { type: 'rendered'; stepId: number; batch: Batch }
  /** The store could not be read. */
  | { type: 'step-failed'; stepId: number }
  /** It is the lane's turn at the gate where it waits. */
  | { type: 'called' }
  | { type: 'settled'; stepId: number }
  /** Reports of the transport, see `TransportListener`: everything up to `seq` was delivered. */
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
  /** For a lane whose target was removed. */
  | { do: 'read'; key: LaneKey; stepId: number; after: number; limit: number }
  /** Reads the next entries, up to `end` and `limit` at most, and admits what is for the lane at the gate. */
  | {
      do: 'take'
      lane: Lane
      stepId: number
      config: TargetConfig
      after: number
      end: number
      limit: number
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
  /** `foundNoRoom`: see `TargetGate.joinQueue`. */
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
  /** When this process began to deliver. */
  startedAt: Date
  isStopping: boolean
}

/** A stream of which this process has just taken the lease. */
export function openStream(claimed: Claimed, lease: HeldLease): Stream {
  const lanes = new Map<LaneKey, Lane>()
  for (const [key, state] of Object.entries(claimed.lanes) as [LaneKey, LaneState][])
    lanes.set(key, openLane(key, state, true))
  // Written out, since it is copied often: an object that is spread together is copied slowly.
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
