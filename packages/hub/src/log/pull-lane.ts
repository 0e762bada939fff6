import type { Id } from '@plugboard/core'
import type { StreamRef } from './entry.js'

/**
 * What a pull webhook has of one stream: its readers got everything up to `done`, and the entries after it, up to `upTo`,
 * wait for them. Whether an entry in between is for the webhook is in the entry itself (`owes`).
 */
export interface PullLane extends StreamRef {
  webhookId: Id
  /** Of a replay: the number of its entry and the time of the death that it undoes. Absent: the order of the stream. */
  replay?: string
  /** The user of the conversation when it was offered, or of the stream. */
  userId?: Id
  /** The last acknowledged number. */
  done: number
  /** The last offered number. */
  upTo: number
  /** At or before the time of the first waiting entry. Without one: when the last was acknowledged. */
  since: Date
  /**
   * When readers may take it: the end of a lease, or the end of a pause. Absent if nothing waits.
   */
  dueAt?: Date
  /** A reader has it until then, and got the entries up to this number. */
  heldTo?: number
  /** Rises with each lease. */
  fence: number
  /** How often entries were given to readers: those up to `seq` (and after the range before) `count` times. */
  given: readonly Given[]
  /** Rises with each change, by one. */
  version: number
}

/** A range of entries that were given to readers equally often. */
export interface Given {
  /** The last number of the range. */
  seq: number
  count: number
}

/** Identifies a lane. */
export type PullLaneRef = Pick<PullLane, 'streamId' | 'webhookId' | 'replay'>

/** Entries that wait for the readers of a pull webhook. */
export interface PullOffer extends PullLaneRef {
  userId?: Id
  /** The number before the first of them: a lane without waiting entries skips what it was not offered. */
  after: number
  upTo: number
  /** Time of the first of them. */
  at: Date
}

/** Lanes that readers may take, longest due first, and when the next one is due, if the store knows. */
export interface DuePulls {
  lanes: PullLane[]
  nextAt?: Date
}

/**
 * The lane after an offer; undefined if it stays as it is. A lane in which nothing waited skips the numbers before the
 * first offered one. Pure.
 */
export function offered(
  lane: PullLane | undefined,
  clientId: Id,
  { after, upTo, at, ...ref }: PullOffer,
  now: Date,
): PullLane | undefined {
  if (!lane)
    return { ...ref, clientId, done: after, upTo, since: at, dueAt: now, fence: 0, given: [], version: 1 }
  if (upTo <= lane.upTo) return undefined
  const next = { ...lane, upTo, version: lane.version + 1 }
  if (lane.dueAt) return next
  return { ...next, done: Math.max(lane.done, after), since: at, dueAt: now, given: [] }
}

/** How often an entry was given to a reader. */
export const attemptsOf = (given: readonly Given[], seq: number): number =>
  given.find((range) => range.seq >= seq)?.count ?? 0
