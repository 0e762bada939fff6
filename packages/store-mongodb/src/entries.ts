import type { Id } from '@plugboard/core'
import type { Entry, MessageCount, MessagePage, Page } from '@plugboard/hub'
import type { PipelineStage } from 'mongoose'
import type { EntryDoc, ObjectId, StreamDoc } from './documents.js'
import { Holes } from './holes.js'
import type { Inserter } from './inserter.js'
import { NEVER, oid, type StreamEnd, toEntry, toVoidDoc } from './rows.js'
import type { Models } from './schemas.js'
import type { Streams } from './streams.js'

/** Of its stream, what tells how an entry is to be read. */
const STREAM = { clientId: 1, kind: 1, seq: 1, deletedAt: 1, open: 1, kept: 1, lastAt: 1, isOver: 1 } as const
type Stream = Pick<StreamDoc, '_id' | keyof typeof STREAM>

/** A message with what it takes from its stream. */
type PlacedDoc = EntryDoc & { stream: Stream[] }

const WITH_STREAM = (clientId: ObjectId): PipelineStage => ({
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
  readonly #streams: Streams
  readonly #inserter: Inserter
  readonly #holes = new Holes()

  constructor(models: Models, streams: Streams, inserter: Inserter) {
    this.#models = models
    this.#streams = streams
    this.#inserter = inserter
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
    const hole = await this.#lowestHole(state, docs)
    if (hole === undefined || !bounds || !docs.some(({ seq }) => seq > hole)) return docs.map(toRead(state))
    // Who reads on finds nothing beyond it for now.
    if (isOnwards(bounds)) return docs.filter(({ seq }) => seq < hole).map(toRead(state))
    const before = { ...bounds, seq: { $lt: Math.min(hole, bounds.seq.$lt) } }
    return (await this.#messages(stream, before, page.limit)).map(toRead(state))
  }

  async #messages(stream: StreamKey, bounds: Bounds, limit: number): Promise<PlacedDoc[]> {
    const direction = isOnwards(bounds) ? 1 : -1
    const docs = await this.#models.entries.aggregate<PlacedDoc>([
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

  async listNewest(clientId: Id, streamId: Id, limit: number): Promise<Entry[]> {
    const stream = { clientId: oid(clientId), streamId: oid(streamId) }
    const read = (below: number) =>
      this.#models.entries
        .find({ ...stream, seq: { $lt: below }, type: { $ne: 'void' } })
        .sort({ seq: -1 })
        .limit(limit)
        .lean<EntryDoc[]>()
    const [docs, state] = await Promise.all([read(Number.MAX_SAFE_INTEGER), this.#stream(clientId, streamId)])
    if (!state) return []
    const hole = await this.#lowestHole(state, docs)
    const visible = hole === undefined || docs.every(({ seq }) => seq < hole) ? docs : await read(hole)
    return visible.map(toRead(state))
  }

  async listReplies(clientId: Id, streamId: Id, incomingId: Id): Promise<Entry[]> {
    const filter = { clientId: oid(clientId), streamId: oid(streamId), incomingId: oid(incomingId) }
    const [docs, state] = await Promise.all([
      this.#models.entries
        .find({ ...filter, authorId: null, listed: true })
        .sort({ seq: 1 })
        .lean<EntryDoc[]>(),
      this.#stream(clientId, streamId),
    ])
    if (!state || state.deletedAt) return []
    const replies = docs.filter(({ authorId }) => authorId === null)
    const hole = (await this.#lowestHole(state, replies)) ?? Number.POSITIVE_INFINITY
    return replies.filter(({ seq }) => seq < hole).map(toRead(state))
  }

  async listDead(clientId: Id, { before, limit }: Page): Promise<Entry[]> {
    const client = oid(clientId)
    const docs = await this.#models.entries.aggregate<PlacedDoc>([
      { $match: { clientId: client, isDead: true, ...(before && { _id: { $lt: oid(before) } }) } },
      { $sort: { _id: -1 } },
      { $limit: limit },
      WITH_STREAM(client),
    ])
    return docs.map((doc) => toEntry(doc, doc.stream[0]))
  }

  /** After a number, in order; where one is missing for long it is given up, so that it holds nobody up. */
  async listAfter(clientId: Id, streamId: Id, after: number, limit: number): Promise<Entry[]> {
    const stream = { clientId: oid(clientId), streamId: oid(streamId) }
    const [state, docs] = await Promise.all([
      this.#stream(clientId, streamId),
      this.#models.entries
        .find({ ...stream, seq: { $gt: after } })
        .sort({ seq: 1 })
        .limit(limit)
        .lean<EntryDoc[]>(),
    ])
    if (!state) return []
    const entries: Entry[] = []
    let next = after + 1
    for (const doc of docs) {
      if (doc.seq !== next) break
      entries.push(toRead(state)(doc))
      next += 1
    }
    const isHole = next <= state.seq && entries.length < limit
    if (isHole && (await this.#heal(state, next)) && entries.length === 0) {
      return this.listAfter(clientId, streamId, after, limit)
    }
    return entries
  }

  /** The lowest number of a stream that may still become an entry, if it stands below one of these. */
  async #lowestHole(state: Stream, docs: readonly { seq: number }[]): Promise<number | undefined> {
    const newest = Math.max(0, ...docs.map(({ seq }) => seq))
    const known = new Set(docs.map(({ seq }) => seq))
    const doubtful = (state.open ?? []).filter((seq) => seq < newest && !known.has(seq))
    for (const { seq } of state.kept) if (seq < newest && seq > 1 && !known.has(seq)) doubtful.push(seq)
    if (doubtful.length === 0) return undefined
    const { _id: streamId, clientId } = state
    const there = await this.#models.entries
      .find({ clientId, streamId, seq: { $in: doubtful } }, { _id: 0, seq: 1 })
      .lean<{ seq: number }[]>()
    for (const { seq } of there) known.add(seq)
    await this.#models.streams.updateOne({ _id: streamId, clientId }, { $pullAll: { open: [...known] } })
    const missing = doubtful.filter((seq) => !known.has(seq)).sort((a, b) => a - b)
    for (const seq of missing) if (!(await this.#heal(state, seq))) return seq
    return undefined
  }

  /** Fills a number with the entry that its stream has kept for it, or, after a while, with nothing. True when done. */
  async #heal(state: Stream, seq: number): Promise<boolean> {
    if (state.isOver) return false
    const kept = state.kept.find((doc) => doc.seq === seq)
    const { _id: streamId, clientId } = state
    if (!kept && !this.#holes.isStale(streamId, seq)) return false
    await this.#inserter.insert(
      kept ?? toVoidDoc({ clientId, streamId, seq, at: await this.#timeBefore(state, seq) }),
    )
    return true
  }

  async #timeBefore({ _id: streamId, clientId }: Stream, seq: number): Promise<Date> {
    const before = await this.#models.entries
      .findOne({ clientId, streamId, seq: { $lt: seq } }, { at: 1 })
      .sort({ seq: -1 })
      .lean<{ at: Date }>()
    return before?.at ?? new Date(0)
  }

  #stream(clientId: Id, streamId: Id): Promise<Stream | undefined> {
    return this.#streams.find(clientId, streamId, STREAM)
  }
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
  seq: { $gt: number }
}

const isOnwards = (bounds: Bounds): bounds is Onwards => '$gt' in bounds.seq

const toRead = (state: StreamEnd) => (doc: EntryDoc) => toEntry(doc, state)
