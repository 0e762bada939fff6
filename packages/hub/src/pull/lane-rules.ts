import type { Given, PullLane } from '../log/pull-lane.js'

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
