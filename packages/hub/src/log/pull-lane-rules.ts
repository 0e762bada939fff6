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

/** What a reader gets of a lane. */
export interface Gift {
  /** The number before the first given entry: what is up to there needs no reader. */
  after: number
  /** The last given number. */
  last: number
  /** End of the lease. */
  until: Date
  /** Time of the first given entry. */
  since: Date
}

/** The lane after a reader took entries of it. Pure. */
export function given(lane: PullLane, { after, last, until, since }: Gift): PullLane {
  const done = Math.max(lane.done, after)
  return {
    ...changed(lane),
    ...{ done, since, dueAt: until, heldTo: last, fence: lane.fence + 1 },
    given: counted(lane.given, done, last),
  }
}

/** Counts one more for the numbers after `after` up to `last`. */
function counted(before: readonly Given[], after: number, last: number): Given[] {
  const ranges: Given[] = []
  let from = after
  const add = (seq: number, count: number): void => {
    if (seq <= from) return
    if (ranges.at(-1)?.count === count) ranges.pop()
    ranges.push({ seq, count })
    from = seq
  }
  for (const { seq, count } of before) {
    add(Math.min(seq, last), count + 1)
    if (seq > last) add(seq, count)
  }
  add(last, 1)
  return ranges
}

/**
 * The lane after a reader acknowledged everything up to a number; undefined if it stays as it is. `unknown`: the entry
 * was never given to a reader. An acknowledgement counts after the end of the lease too: its entries are done. Pure.
 */
export function acknowledged(
  lane: PullLane,
  { seq, fence, now }: { seq: number; fence: number; now: Date },
): PullLane | 'unknown' | undefined {
  if (seq > Math.max(lane.done, lane.given.at(-1)?.seq ?? 0)) return 'unknown'
  const done = Math.max(lane.done, seq)
  const isOver = lane.fence === fence && lane.heldTo !== undefined && done >= lane.heldTo
  if (done === lane.done && !isOver) return undefined
  return passed(lane, done, { now, isOver })
}

/** The lane after everything up to a number is done. `isOver`: the lease ends. Pure. */
export function passed(
  lane: PullLane,
  done: number,
  { now, isOver, since = lane.since }: { now: Date; isOver: boolean; since?: Date },
): PullLane {
  const { dueAt: _, heldTo: __, ...rest } = changed(lane)
  if (done >= lane.upTo) return { ...rest, done, since: now, given: [] }
  const left = { ...changed(lane), done, since, given: lane.given.filter(({ seq }) => seq > done) }
  return isOver ? released(left, now, lane.version) : left
}

/** The lane without its lease, due at a time. Pure. */
export function released({ heldTo: _, ...lane }: PullLane, dueAt: Date, version = lane.version): PullLane {
  return { ...lane, dueAt, version: version + 1 }
}

/** Whether this lease, which the fence names, is not over or taken by another reader. */
export const isHeldBy = ({ heldTo, fence }: PullLane, of: number): boolean =>
  heldTo !== undefined && fence === of

const changed = (lane: PullLane): PullLane => ({ ...lane, version: lane.version + 1 })
