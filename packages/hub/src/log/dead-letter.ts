import type { Id } from '@plugboard/core'
import type { Dead, DeadEntry, EntryType } from './entry.js'
import type { Target } from './target.js'

/** A delivery that was given up. */
export interface DeadLetter {
  entry: DeadEntry
  target: Target
  dead: Dead
}

/** What is known of a dead letter without its entry. */
export interface DeadRef extends Pick<Dead, 'reason' | 'at' | 'channel' | 'integrationId'> {
  streamId: Id
  seq: number
  entryId: Id
  type: EntryType
  target: Target
}

/** Selects the dead letters that match every member. */
export interface DeadFilter {
  target?: Target
  reason?: Dead['reason']
  /** Name of a channel. */
  channel?: string
  integrationId?: Id
  type?: EntryType
  /** Given up at this time or later. */
  since?: Date
  /** Given up at this time or earlier. */
  until?: Date
}

/** Dead letters, the newest death first, and then by the ids of the entry and the target, backwards. */
export interface DeadPage extends DeadFilter {
  /** Where the previous page ended. */
  before?: DeadPlace
  /** At least 1. */
  limit: number
}

/** A place among the dead letters of a client in the order of their deaths. */
export type DeadPlace = Pick<DeadRef, 'at' | 'entryId' | 'target'>

/** `next`: where to continue; absent at the end. A page with `next` may have fewer letters than its limit, or none. */
export interface DeadLetters {
  letters: DeadLetter[]
  next?: DeadPlace
}

/** Dead letters by conversation (any stream), and then in the order of its entries. */
export interface DeadWalk {
  /** Of one stream. */
  streamId?: Id
  /** Where the previous page ended. */
  after?: DeadSpot
  limit: number
}

/** A place among the dead letters of a client in the order of their streams. */
export type DeadSpot = Pick<DeadRef, 'streamId' | 'seq' | 'target'>

/** Members of a filter that stores have an index for; what is likely to match the fewest comes first. */
const deadKeys = ['target', 'integrationId', 'channel', 'reason'] as const
export type DeadKey = (typeof deadKeys)[number]

/**
 * How many dead letters one call looks at that match one member of the filter and perhaps no other, so that a page is
 * read in bounded time.
 */
const LOOKS = 1000

/** How a store reads a page: by which index beside the time, and how many dead letters. */
export interface DeadLook {
  key: DeadKey | undefined
  count: number
}

/** How a store reads a page of dead letters. Pure. */
export function deadLook({ limit, ...filter }: DeadPage): DeadLook {
  const key = deadKeys.find((each) => filter[each] !== undefined)
  const others = [filter.type, ...deadKeys.map((each) => (each === key ? undefined : filter[each]))]
  return { key, count: others.every((each) => each === undefined) ? limit + 1 : LOOKS }
}

/** The page, of as many dead letters as were to be read, or of all that are left. Pure. */
export function deadPageOf(
  read: readonly DeadRef[],
  { limit, ...filter }: DeadPage,
  { count }: DeadLook,
): { refs: DeadRef[]; next?: DeadPlace } {
  const found = read.filter((ref) => matchesDead(ref, filter))
  const refs = found.slice(0, limit)
  const last = found.length > limit ? refs.at(-1) : read.length >= count ? read.at(-1) : undefined
  if (!last) return { refs }
  const { at, entryId, target } = last
  return { refs, next: { at, entryId, target } }
}

/** The deaths of an entry that nobody discarded. Pure. */
export const listedDeaths = ({ dead = {} }: Pick<DeadEntry, 'dead'>): (readonly [Target, Dead])[] =>
  Object.entries(dead).flatMap(([target, death]) =>
    death && !death.isDiscarded ? [[target as Target, death] as const] : [],
  )

/** Whether a dead letter matches. Pure. */
export const matchesDead = (
  dead: Omit<DeadRef, 'streamId' | 'seq' | 'entryId'>,
  filter: DeadFilter,
): boolean =>
  deadKeys.every((key) => filter[key] === undefined || filter[key] === dead[key]) &&
  (filter.type === undefined || filter.type === dead.type) &&
  (filter.since === undefined || dead.at >= filter.since) &&
  (filter.until === undefined || dead.at <= filter.until)
