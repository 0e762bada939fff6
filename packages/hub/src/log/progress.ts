import type { Id } from '@plugboard/core'
import type { EndpointRecord } from './endpoint-record.js'
import type { StreamRef } from './entry.js'
import type { LaneKey } from './target.js'

/** The right to deliver a stream. */
export interface Lease {
  /** Rises each time that the stream is taken, also by the same process. A write with an older fence is refused. */
  fence: number
  /**
   * The end, by the clock of this process; undefined when the lease never ends. A mark with `active` renews the lease:
   * the store moves the time in this object. A holder with nothing to mark renews with a mark that changes nothing.
   * After this time the holder must start nothing new until a mark or a reclaim was answered, since another may have
   * taken the stream.
   */
  until?: Date
}

/**
 * Progress of a stream: everything up to `scanned` has been looked at, and a target that has no lane has all that it
 * was owed up to there. A lane says where its target really is.
 */
export interface Progress {
  scanned: number
  lanes: Readonly<Record<LaneKey, LaneState>>
}

/** A stream that this process may deliver. */
export interface Claimed extends StreamRef, Progress {
  /** The person whose conversation it is, or whose stream. */
  userId?: Id
  /** Where the conversation lives. */
  endpoints: readonly EndpointRecord[]
  /** The newest number. */
  seq: number
  lease: Lease
}

/** Where a target is that is not at the end. */
export interface LaneState {
  /** The last number handled. */
  done: number
  /** Attempts made at the next one. */
  attempt?: number
  /** Parts of the next one that the provider has. */
  part?: number
  /** No attempt before this time. */
  blockedUntil?: Date
  /** When the schedule of the next one starts, if not when it was taken in (a replay). */
  since?: Date
  /** What the last attempt met. */
  error?: string
}

export interface Mark {
  scanned: number
  /** Only those that changed; null removes one. */
  lanes: Readonly<Record<LaneKey, LaneState | null>>
  /** `active`: the holder goes on. Else when there is something to do next; null when nothing is owed. */
  nextAt: 'active' | Date | null
}
