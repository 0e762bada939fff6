import { type Id, isPlugboardError } from '@plugboard/core'
import {
  type Entry,
  isFull,
  type MessageCount,
  type MessagePage,
  type ReplyPage,
  type StreamRef,
} from '@plugboard/hub'
import type { PipelineStage } from 'mongoose'
import type { EntryDoc, ObjectId, StreamDoc } from '../database/document-types.js'
import { toStoreError } from '../database/failure.js'
import { readPage } from '../database/pages.js'
import type { Models } from '../database/schemas.js'
import { idOf, NEVER, oid, type StreamEnd, toEntry } from '../encoding.js'
import type { Holes } from './holes.js'
import type { StreamCache } from './stream-cache.js'

/** Of its stream, what tells how an entry is to be read. */
const STREAM = { clientId: 1, kind: 1, seq: 1, deletedAt: 1, reserved: 1, kept: 1, isOver: 1 } as const
type Stream = Pick<StreamDoc, '_id' | keyof typeof STREAM>

/** A message with what it takes from its stream. */
export type PlacedDoc = EntryDoc & { stream: Stream[] }

export const WITH_STREAM = (clientId: ObjectId): PipelineStage => ({
  $lookup: {
    from: 'streams',
    localField: 'streamId',
    foreignField: '_id',
    pipeline: [{ $match: { clientId } }, { $project: STREAM }],
    as: 'stream',
  },
})

/** Reads entries. No reader passes a number that may still become an entry. */
export class Entries {
  readonly #models: Models
  readonly #streams: StreamCache
  readonly #holes: Holes

  constructor(models: Models, streams: StreamCache, holes: Holes) {
    this.#models = models
    this.#streams = streams
    this.#holes = holes
  }

  find(clientId: Id, id: Id): Promise<Entry | undefined> {
    return this.#findOne(oid(clientId), { _id: oid(id) })
  }

  findByDedupe(clientId: Id, streamId: Id, dedupe: string): Promise<Entry | undefined> {
    return this.#findOne(oid(clientId), { streamId: oid(streamId), dedupe })
  }

  async #findOne(clientId: ObjectId, filter: Partial<EntryDoc>): Promise<Entry | undefined> {
    const [doc] = await this.#models.entries.aggregate<PlacedDoc>([
      { $match: { ...filter, clientId } },
      WITH_STREAM(clientId),
    ])
    return doc && toEntry(doc, doc.stream[0])
  }

  /** One round trip for the first page: the stream comes with the messages. */
  async listMessages(clientId: Id, streamId: Id, page: MessagePage): Promise<Entry[] | undefined> {
    const stream = { clientId: oid(clientId), streamId: oid(streamId) }
    const bounds = await this.#boundsOf(stream, page)
    const docs = bounds ? await this.#messages(stream, bounds, page.limit) : []
    const state = docs[0]?.stream[0] ?? (await this.#stream(clientId, streamId))
    if (state?.kind !== 'conversation' || state.deletedAt) return undefined
    if (!bounds) return []
    const read = (below: number) => this.#messages(stream, endingBelow(bounds, below), page.limit)
    const first = isOnwards(bounds) ? bounds.seq.$gt : undefined
    return (await this.#settled(state, { docs, limit: page.limit, first, read })).map(toRead(state))
  }

  async #messages(stream: StreamKey, bounds: Bounds, limit: number): Promise<PlacedDoc[]> {
    const direction = isOnwards(bounds) ? 1 : -1
    const docs = await this.#page<PlacedDoc>([
      { $match: { ...stream, listed: true, ...bounds } },
      { $sort: { at: direction, seq: direction } },
      { $limit: limit },
      WITH_STREAM(stream.clientId),
    ])
    return direction === 1 ? docs.reverse() : docs
  }

  /** Undefined when the page starts at an entry that is not there. */
  async #boundsOf(stream: StreamKey, { before, after, until }: MessagePage): Promise<Bounds | undefined> {
    // Bounds on both fields of the index, although a time follows from a number.
    const cursor = before ?? after
    if (cursor === undefined) return { at: { $lte: until ?? NEVER }, seq: { $lt: Number.MAX_SAFE_INTEGER } }
    const place = await this.#models.entries
      .findOne({ _id: oid(cursor), ...stream }, { seq: 1, at: 1 })
      .lean<Pick<EntryDoc, 'seq' | 'at'>>()
    if (!place) return undefined
    if (before === undefined) return { at: { $gte: place.at }, seq: { $gt: place.seq } }
    return { at: { $lte: until && until < place.at ? until : place.at }, seq: { $lt: place.seq } }
  }

  /** By number, so that it looks at no more than what came in since; the server stops at the limit. */
  async countMessages(clientId: Id, streamId: Id, { after, except, limit }: MessageCount): Promise<number> {
    const stream = { clientId: oid(clientId), streamId: oid(streamId) }
    const others = except && { authorId: { $ne: oid(except) } }
    const [[counted], state] = await Promise.all([
      this.#models.entries.aggregate<{ messages: number }>([
        { $match: { ...stream, seq: { $gt: after }, listed: true, ...others } },
        { $limit: limit },
        { $count: 'messages' },
      ]),
      this.#stream(clientId, streamId),
    ])
    return state?.kind === 'conversation' && !state.deletedAt ? (counted?.messages ?? 0) : 0
  }

  sizeOfMessages(clientId: Id, streamId: Id): Promise<number> {
    return this.#sizeOf(clientId, streamId, { listed: true })
  }

  sizeOfActivities(clientId: Id, streamId: Id): Promise<number> {
    return this.#sizeOf(clientId, streamId, { type: 'activity' })
  }

  async #sizeOf(clientId: Id, streamId: Id, which: { listed: true } | { type: 'activity' }): Promise<number> {
    const bytesOf = (field: string) => ({ $strLenBytes: { $ifNull: [field, ''] } })
    const bytes = { $sum: { $add: [bytesOf('$payload'), bytesOf('$details')] } }
    const [[sum], state] = await Promise.all([
      this.#models.entries.aggregate<{ bytes: number }>([
        { $match: { clientId: oid(clientId), streamId: oid(streamId), ...which } },
        { $group: { _id: null, bytes } },
      ]),
      this.#stream(clientId, streamId),
    ])
    return state?.kind === 'conversation' && !state.deletedAt ? (sum?.bytes ?? 0) : 0
  }

  async listNewest(clientId: Id, streamId: Id, limit: number): Promise<Entry[]> {
    const stream = { clientId: oid(clientId), streamId: oid(streamId) }
    const read = (below: number) =>
      this.#page([
        { $match: { ...stream, seq: { $lt: below }, type: { $ne: 'void' } } },
        { $sort: { seq: -1 } },
        { $limit: limit },
      ])
    const state = await this.#stream(clientId, streamId)
    if (!state) return []
    const docs = await read(state.seq + 1)
    return (await this.#settled(state, { docs, limit, read })).map(toRead(state))
  }

  async listReplies(
    clientId: Id,
    streamId: Id,
    incomingId: Id,
    { after = 0, limit }: ReplyPage,
  ): Promise<Entry[]> {
    const filter = { clientId: oid(clientId), streamId: oid(streamId), incomingId: oid(incomingId) }
    const read = (below: number) =>
      this.#page([
        {
          $match: { ...filter, authorId: { $type: 'null' }, listed: true, seq: { $gt: after, $lt: below } },
        },
        { $sort: { seq: 1 } },
        { $limit: limit },
      ])
    const state = await this.#stream(clientId, streamId)
    if (!state || state.deletedAt) return []
    const docs = await read(state.seq + 1)
    return (await this.#settled(state, { docs, limit, first: after, read })).map(toRead(state))
  }

  /** After a number, in order; where one is missing for long it is given up, so that it holds nobody up. */
  async listAfter(clientId: Id, streamId: Id, after: number, limit: number): Promise<Entry[]> {
    const stream = { clientId: oid(clientId), streamId: oid(streamId) }
    const [state, docs] = await Promise.all([
      this.#stream(clientId, streamId),
      this.#page([{ $match: { ...stream, seq: { $gt: after } } }, { $sort: { seq: 1 } }, { $limit: limit }]),
    ])
    if (!state) return []
    const entries: Entry[] = []
    let next = after + 1
    for (const doc of docs) {
      if (doc.seq !== next) break
      entries.push(toRead(state)(doc))
      next += 1
    }
    // What is missing behind all of them is met by who reads on.
    if (next > state.seq || (docs.length > 0 && entries.length === docs.length)) return entries
    const end = docs.at(-1)?.seq ?? state.seq
    const isFilled = await this.#hasFilled(state, missingBetween(docs, next, end))
    return isFilled && entries.length === 0 ? this.listAfter(clientId, streamId, after, limit) : entries
  }

  /** One round trip for a thousand streams. */
  async findHeads(streams: readonly StreamRef[]): Promise<(number | undefined)[]> {
    const heads = new Map<string, number>()
    for (let start = 0; start < streams.length; start += HEADS_AT_ONCE) {
      const some = streams.slice(start, start + HEADS_AT_ONCE)
      const filter = {
        _id: { $in: some.map(({ streamId }) => oid(streamId)) },
        clientId: { $in: [...new Set(some.map(({ clientId }) => clientId))].map(oid) },
      }
      const docs = await this.#models.streams
        .find(filter, { clientId: 1, seq: 1 })
        .lean<Pick<StreamDoc, '_id' | 'clientId' | 'seq'>[]>()
      for (const { _id, clientId, seq } of docs) heads.set(idOf(clientId) + idOf(_id), seq)
    }
    return streams.map(({ clientId, streamId }) => heads.get(clientId + streamId))
  }

  /** Whether the first of these numbers is there now. A write that fails leaves it missing, to be tried again. */
  async #hasFilled(state: Stream, missing: readonly number[]): Promise<boolean> {
    try {
      const { hole } = await this.#holes.fill(state, missing)
      return hole === undefined || hole !== missing[0]
    } catch (error) {
      // Who delivers would give the stream up for it, and wait for the end of the lease.
      if (isPlugboardError(toStoreError(error), 'UNAVAILABLE')) return false
      throw error
    }
  }

  /**
   * What may be read of a list: nothing behind a number that may still become an entry, and all that is before it, also
   * what arrived after the list was read.
   */
  async #settled<T extends EntryDoc>(state: Stream, list: Listed<T>): Promise<T[]> {
    const { docs, limit, first, read } = list
    const { hole, arrived } = await this.#holes.settle(state, docs)
    const numbers = docs.map(({ seq }) => seq)
    const oldest = first ?? (isFull(docs, limit) ? Math.min(...numbers) : 0)
    const isWhole = hole === undefined && !arrived.some((seq) => seq > oldest)
    return isWhole ? docs : read(hole ?? Math.max(...numbers) + 1)
  }

  #page<T extends EntryDoc = EntryDoc>(stages: readonly PipelineStage[]): Promise<T[]> {
    return readPage<T>(this.#models.entries, ['payload', 'details'], stages)
  }

  #stream(clientId: Id, streamId: Id): Promise<Stream | undefined> {
    return this.#streams.find(clientId, streamId, STREAM)
  }
}

const HEADS_AT_ONCE = 1000

/** A list as it was read, and how to read it anew, below a number. */
interface Listed<T> {
  docs: T[]
  limit: number
  /** It begins behind this number. Default: it ends at the newest. */
  first?: number | undefined
  read(below: number): Promise<T[]>
}

/** Numbers that are looked for in one go. */
const MAX_MISSING = 1000

/** The numbers from `next` to `end` that these entries do not have, the lowest of them. */
function missingBetween(docs: readonly Pick<EntryDoc, 'seq'>[], next: number, end: number): number[] {
  const known = new Set(docs.map(({ seq }) => seq))
  const missing: number[] = []
  for (let seq = next; seq <= end && missing.length < MAX_MISSING; seq += 1) {
    if (!known.has(seq)) missing.push(seq)
  }
  return missing
}

interface StreamKey {
  clientId: ObjectId
  streamId: ObjectId
}

/** Of messages until a place, or after one. */
type Bounds = Until | Onwards

interface Until {
  at: { $lte: Date }
  seq: { $lt: number }
}

interface Onwards {
  at: { $gte: Date }
  seq: { $gt: number; $lt?: number }
}

const isOnwards = (bounds: Bounds): bounds is Onwards => '$gt' in bounds.seq

const endingBelow = (bounds: Bounds, below: number): Bounds =>
  isOnwards(bounds)
    ? { ...bounds, seq: { ...bounds.seq, $lt: below } }
    : { ...bounds, seq: { $lt: Math.min(below, bounds.seq.$lt) } }

const toRead = (state: StreamEnd) => (doc: EntryDoc) => toEntry(doc, state)
