import { ACTIVITY_GRAIN_MS, type Append, type Claimed } from '@plugboard/hub'
import { Types } from 'mongoose'
import type { DatabaseClock } from '../database/clock.js'
import type { EntryDoc, ObjectId, StreamDoc } from '../database/document-types.js'
import type { Models } from '../database/schemas.js'
import { isFree, isMissing, type Leases, taking, waking } from '../delivery/leases.js'
import { later, toClaimed, toEndpoint } from '../encoding.js'
import type { Head } from './stream-cache.js'

type Resolved = ReturnType<Append['resolve']>

/** What an entry needs of its stream beside a number. */
export interface Wanted {
  entry: Append['entry']
  resolved: Resolved
}

/** The numbers that follow `seq` are reserved. */
export interface Reserved {
  /** The newest number before. */
  seq: number
  /** Of each entry, in the order that they were given. */
  times: Date[]
  /** The lease, when it was taken; how far the lanes are. */
  claimed?: (seq: number) => Claimed
  /** Nothing was owed before. */
  wasIdle: boolean
}

/** Fields of the document after the update. `priorAt` keeps the value from before, so that one answer has both. */
const AFTER = {
  clientId: 1,
  kind: 1,
  userId: 1,
  endpoints: 1,
  seq: 1,
  priorAt: 1,
  scanned: 1,
  lanes: 1,
  fence: 1,
  claim: 1,
} as const

const isOwed = ({ resolved }: Wanted) => resolved.owes.length > 0
const isClaim = (item: Wanted) => isOwed(item) && item.entry.claim

/** Takes numbers for entries of one stream, the lease with them where it is wanted and can be had: one round trip. */
export class Reservations {
  readonly #streams: Models['streams']
  readonly #clock: DatabaseClock
  readonly #leases: Leases

  constructor({ streams }: Models, clock: DatabaseClock, leases: Leases) {
    this.#streams = streams
    this.#clock = clock
    this.#leases = leases
  }

  /** Undefined when there is no such stream of this kind, or it was deleted. */
  async reserve(
    stream: { _id: ObjectId; clientId: ObjectId },
    head: Head,
    items: readonly Wanted[],
  ): Promise<Reserved | undefined> {
    const call = this.#call()
    const filled = head.filled
    head.filled = []
    const stage = { ...this.#numbers(head, items, filled, call), ...this.#lease(items, call) }
    return this.#update(stream, head, stage, items, call)
  }

  /** The last entry of a user or a conversation, kept in it, which ends it in the same write. */
  async end(
    stream: { _id: ObjectId; clientId: ObjectId },
    head: Head,
    item: Wanted,
    last: EntryDoc,
    /** The user that it is merged into, and not deleted. */
    mergedInto?: ObjectId,
  ): Promise<Reserved | undefined> {
    const call = this.#call()
    const lastAt = { $max: ['$lastAt', item.entry.at] }
    const place = { seq: { $add: ['$seq', 1] }, at: lastAt }
    const { _id, ...fields } = last
    const isOver = isOwed(item) ? '$$REMOVE' : { $cond: [isMissing('$nextAt'), true, '$$REMOVE'] }
    const stage = {
      seq: place.seq,
      lastAt,
      ...(mergedInto
        ? { mergedInto }
        : { deletedAt: lastAt, listAt: '$$REMOVE', activeAt: '$$REMOVE', isOver }),
      kept: { $concatArrays: ['$kept', [{ $mergeObjects: [{ $literal: { _id, ...fields } }, place] }]] },
      ...(isOwed(item) ? {} : scanning(1)),
      ...this.#lease([item], call),
    }
    return this.#update(stream, head, stage, [item], call)
  }

  #call(): Call {
    return { now: this.#clock.now(), at: this.#clock.measured(), claim: new Types.ObjectId() }
  }

  /** What becomes of the numbers, the times and the place in the list. */
  #numbers({ kind }: Head, items: readonly Wanted[], filled: readonly number[], { at }: Call) {
    const newest = items.findLastIndex(({ entry }) => entry.type === 'message')
    const upTo = (end: number) => ({ $max: ['$lastAt', newestOf(items.slice(0, end))] })
    const isListed = kind === 'conversation' && newest >= 0
    const last = { $add: ['$seq', items.length] }
    const mine = { first: { $add: ['$seq', 1] }, last, at }
    const reserved = { $ifNull: ['$reserved', []] }
    const isLeft = { $not: [{ $in: ['$$each.first', filled] }] }
    const left = { $filter: { input: reserved, as: 'each', cond: isLeft } }
    return {
      seq: last,
      lastAt: upTo(items.length),
      reserved: { $concatArrays: [filled.length > 0 ? left : reserved, [mine]] },
      ...(isListed && listing(upTo(newest + 1))),
      ...(items.some(isOwed) ? {} : scanning(items.length)),
    }
  }

  #lease(items: readonly Wanted[], { now, claim }: Call) {
    if (!items.some(isOwed)) return {}
    const lastAt = { $max: ['$lastAt', newestOf(items)] }
    const owedAt = { $ifNull: ['$owedAt', lastAt] }
    if (!items.some(isClaim)) return { ...waking({ $min: [lastAt, now] }), owedAt }
    const given = isFree(now)
    const taken = taking(this.#leases.owner, this.#leases.until(now), given)
    return { ...taken, claim: { $cond: [given, claim, '$claim'] }, owedAt }
  }

  async #update(
    { _id, clientId }: { _id: ObjectId; clientId: ObjectId },
    head: Head,
    stage: object,
    items: readonly Wanted[],
    call: Call,
  ): Promise<Reserved | undefined> {
    const update = [{ $set: { ...stage, priorAt: '$lastAt' } }]
    const after = await this.#streams
      .findOneAndUpdate(
        { _id, clientId, kind: head.kind, deletedAt: null, mergedInto: null },
        update as never,
        {
          updatePipeline: true,
          returnDocument: 'after',
          projection: AFTER,
        },
      )
      .lean<StreamDoc>()
    if (!after) return undefined
    // Another process may have removed some.
    head.userId = after.userId
    if (after.endpoints.length !== head.endpoints.length) head.endpoints = after.endpoints.map(toEndpoint)
    const seq = after.seq - items.length
    const times: Date[] = []
    for (const { entry } of items) times.push(later(times.at(-1) ?? after.priorAt ?? entry.at, entry.at))
    const wasIdle = after.scanned === seq && Object.keys(after.lanes).length === 0
    const reserved = { seq, times, wasIdle }
    if (!after.claim?.equals(call.claim)) return reserved
    const lease = this.#leases.leaseOf(after.fence, this.#leases.until(call.now))
    return { ...reserved, claimed: (newest) => toClaimed(after, newest, lease) }
  }
}

/** What one call writes: its time by the database's clock, and its name, by which it knows that it took the lease. */
interface Call {
  now: Date
  /** The same as exactly as it is known: when the numbers were reserved. */
  at: Date
  claim: ObjectId
}

/** Entries that are owed to nobody need not be looked at, where everything before them has been. */
const scanning = (count: number) => ({
  scanned: { $cond: [isMissing('$nextAt'), { $add: ['$seq', count] }, '$scanned'] },
})

/** What a message at this time changes in lists: the same as `movedActivity` of the hub. */
const listing = (at: object) => {
  const since = { $subtract: [at, { $ifNull: ['$activeAt', new Date(0)] }] }
  const activeAt = { $cond: [{ $gte: [since, ACTIVITY_GRAIN_MS] }, at, '$activeAt'] }
  return { lastMessageAt: at, listAt: at, activeAt }
}

const newestOf = (items: readonly Wanted[]): Date =>
  items.map(({ entry }) => entry.at).reduce((newest, at) => later(newest, at))
