import type { Id } from '@plugboard/core'
import type { EndpointRecord } from './endpoint-record.js'
import type { Entry, StreamRef } from './entry.js'
import { type LaneKey, parseLaneKey, type Target } from './target.js'

/** The right to deliver a stream. */
export interface Lease {
  /** Rises each time that the stream is taken, also by the same process. A write with an older fence is refused. */
  fence: number
  /**
   * The end, by the system clock of this process; undefined if the lease never ends. (The store converts the database's
   * time into this clock; the runner converts this time into the monotonic clock.) A mark with `active` renews the lease:
   * the store moves the time in this object. A holder with nothing to mark renews with a mark that changes nothing.
   * After this time the holder must start nothing new until a mark or a reclaim was answered, since another may have
   * taken the stream.
   */
  until?: Date
}

/**
 * Progress of a stream: the recipients of all entries up to `scanned` were read. A target without a lane has received
 * everything up to there. A lane stores the position of its target.
 */
export interface Progress {
  scanned: number
  lanes: Readonly<Record<LaneKey, LaneState>>
}

/** When a stream is delivered. */
export interface Schedule {
  /** When it has something to do; absent while somebody has its lease, and if nothing is pending. */
  dueAt?: Date
  /** The end of its lease, which its holder renews. */
  leasedUntil?: Date
}

/** A stream that this process may deliver. */
export interface Claimed extends StreamRef, Progress {
  /** The user of the conversation, or of the stream. */
  userId?: Id
  /** The endpoints of the conversation. */
  endpoints: readonly EndpointRecord[]
  /** The newest number. */
  seq: number
  lease: Lease
}

/** Position of a target that is behind. */
export interface LaneState {
  /** The last completed number. */
  done: number
  /** Attempts for the next entry. */
  attempt?: number
  /** Sent parts of the next entry. */
  part?: number
  /** No attempt before this time. */
  blockedUntil?: Date
  /** Start of the retry schedule of the next entry, if not when it was accepted (a replay). */
  since?: Date
  /** Error of the last attempt. */
  error?: string
}

export interface Mark {
  scanned: number
  /** Only changed lanes; null removes one. */
  lanes: Readonly<Record<LaneKey, LaneState | null>>
  /** `active`: the holder continues. Otherwise when the stream is due next; null if nothing is pending. */
  nextAt: 'active' | Date | null
}

/** The lane of the last replay of an entry to a target, if it is not over. */
export const replayOf = (
  progress: Progress | undefined,
  seq: number,
  target: Target,
): LaneState | undefined =>
  Object.entries(progress?.lanes ?? {}).findLast(([key]) => {
    const lane = parseLaneKey(key as LaneKey)
    return lane.only === seq && lane.target === target
  })?.[1]

/** Whether a target has received an entry that it is owed. Progress may be stored a moment after a delivery. */
export function hasReceived(
  { seq, dead, sent }: Entry,
  target: Target,
  progress: Progress | undefined,
): boolean {
  if (dead?.[target]) return false
  if (sent?.[target]?.isWhole) return true
  const lane = replayOf(progress, seq, target) ?? progress?.lanes[target]
  return (lane?.done ?? progress?.scanned ?? 0) >= seq
}
