import type { Id } from '@plugboard/core'
import {
  type Claimed,
  type EndpointRecord,
  type Entry,
  type LaneKey,
  type LaneState,
  type Lease,
  type Mark,
  movedActivity,
  type StreamKind,
} from '@plugboard/hub'
import type { Hold, Lanes } from '../encoding.js'

/** A stream as the rows have it, or will have it at the end of the batch. Times are milliseconds. */
export interface StreamState {
  /** Its row. */
  readonly n: number
  readonly clientId: Id
  readonly streamId: Id
  readonly kind: StreamKind
  /** Whose conversation or stream it is. */
  readonly userId: Id | undefined
  /** The row of the user whose conversation it is. */
  readonly userN: number | null
  /** Of a user: the one that it was merged into. */
  mergedInto: Id | undefined
  readonly createdAt: number
  endpoints: readonly EndpointRecord[]
  /** The newest number, and its time. */
  seq: number
  lastAt: number
  lastMessageAt: number | null
  /** Its place among the conversations of its user (see `ConversationOrder`); null where it has none. */
  rank: number | null
  /** Of a conversation: its place in the order of recent ones. Null in no conversation, and where it has none yet. */
  activeAt: number | null
  deletedAt: number | null
  scanned: number
  /** Never changed, only replaced. */
  lanes: Lanes
  /** When there is something to do, or the end of the hold; null when nothing is owed. */
  nextAt: number | null
  hold: Hold
  /** Of the lease, while the stream is held. */
  fence: number
  /** The fence of the lease that was reclaimed last, if it was: that reclaim may be repeated. */
  reclaimedFrom: number | undefined
}

export const NO_LANES: Lanes = {}

const hasLanes = ({ lanes }: StreamState): boolean => {
  for (const _ in lanes) return true
  return false
}

/** Gives the stream to a holder, with a fence that no lease had before. */
export function take(state: StreamState, fence: number, now: number, leaseMs: number): void {
  state.hold = 'held'
  state.fence = fence
  state.reclaimedFrom = undefined
  state.nextAt = now + leaseMs
}

/** Leaves the stream to its holder. The end of the lease moves seldom, since each time costs a change of the index. */
function keep(state: StreamState, now: number, leaseMs: number): void {
  const left = (state.nextAt ?? 0) - now
  if (left < leaseMs / 2 || left > leaseMs) state.nextAt = now + leaseMs
}

/** Takes the lease anew for its holder. */
export function retake(state: StreamState, fence: number, now: number, leaseMs: number): void {
  if (fence !== state.fence) state.reclaimedFrom = state.fence
  state.fence = fence
  keep(state, now, leaseMs)
}

/** Makes the stream due, at the latest when its holder gives it back. */
export function wake(state: StreamState, now: number): void {
  if (state.hold !== 'free') state.hold = 'woken'
  else state.nextAt = Math.min(state.nextAt ?? now, now)
}

/** Moves the end of the stream to an entry. Answers whether the lease is to be given to whoever appended it. */
export function advance(
  state: StreamState,
  { seq, at, type, owes }: Entry,
  claim: boolean,
  now: () => number,
): boolean {
  const isIdle = state.nextAt === null
  state.seq = seq
  state.lastAt = at.getTime()
  if (type === 'message') {
    state.lastMessageAt = state.lastAt
    if (state.kind === 'conversation')
      state.activeAt = state.activeAt === null ? state.lastAt : movedActivity(state.activeAt, state.lastAt)
  }
  if (owes.length === 0) {
    if (isIdle) state.scanned = seq
    return false
  }
  // A holder learns of the entry with its next mark.
  const isHeld = state.hold !== 'free'
  if (claim) return !isHeld || (state.nextAt ?? 0) <= now()
  if (!isHeld) wake(state, Math.min(state.lastAt, now()))
  return false
}

/** Takes over how far the lanes got, and the stream itself when its holder gives it back. */
export function progress(
  state: StreamState,
  { scanned, lanes, nextAt }: Mark,
  now: number,
  leaseMs: number,
): void {
  state.scanned = Math.max(state.scanned, scanned)
  state.lanes = merge(state.lanes, lanes)
  if (nextAt === 'active' || state.seq > state.scanned) return keep(state, now, leaseMs)
  const isDue = state.hold === 'woken' || (nextAt === null && hasLanes(state))
  state.hold = 'free'
  state.nextAt = nextAt?.getTime() ?? null
  // The time of the newest entry is past by any clock.
  if (isDue) wake(state, Math.min(state.lastAt, now))
}

function merge(lanes: Lanes, changes: Mark['lanes']): Lanes {
  const merged: Record<LaneKey, LaneState> = { ...lanes }
  let isChanged = false
  for (const key of Object.keys(changes) as LaneKey[]) {
    const lane = changes[key]
    if (lane) merged[key] = lane
    else delete merged[key]
    isChanged = true
  }
  return isChanged ? merged : lanes
}

/** The last number that nothing is owed of, nor of any before it. */
export function settledUpTo({ scanned, lanes }: Pick<StreamState, 'scanned' | 'lanes'>): number {
  let lowest = scanned
  for (const key in lanes) lowest = Math.min(lowest, lanes[key as LaneKey]?.done ?? lowest)
  return lowest
}

/** Whether this is the newest lease of the stream, and the stream was not given back. */
export const isHolder = (state: StreamState, { fence }: Lease): boolean =>
  state.hold !== 'free' && fence === state.fence

/** Whether a reclaim may have the lease: it is still this one, or what an earlier reclaim made of it. */
export const mayReclaim = ({ hold, fence, reclaimedFrom }: StreamState, lease: Lease | undefined): boolean =>
  hold !== 'free' && (lease === undefined || lease.fence === fence || lease.fence === reclaimedFrom)

/** The lease of a stream that is held. */
export const leaseOf = ({ fence, nextAt }: StreamState): Lease => ({ fence, until: new Date(nextAt ?? 0) })

/** What someone needs to know who delivers it. */
export function claimedOf(state: StreamState): Claimed {
  const { clientId, streamId, userId, endpoints, seq, scanned, lanes } = state
  const claimed: Claimed = { clientId, streamId, endpoints, seq, scanned, lanes, lease: leaseOf(state) }
  if (userId !== undefined) claimed.userId = userId
  return claimed
}
