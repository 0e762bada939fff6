import type { Id } from '@plugboard/core'
import {
  type Entry,
  type OwingPage,
  type OwingStream,
  PREVIEW_BYTES,
  type RecentConversation,
  type RecentPage,
} from '@plugboard/hub'
import type { DatabaseClock } from '../database/clock.js'
import type { StreamDoc } from '../database/document-types.js'
import type { Models } from '../database/schemas.js'
import { idOf, NEVER, oid, toConversationRecord, toEndpoint, toEntry } from '../encoding.js'
import { type PlacedDoc, WITH_STREAM } from '../streams/entries.js'

const CONVERSATION = {
  ...{ clientId: 1, userId: 1, createdAt: 1, lastMessageAt: 1, endpoints: 1, seq: 1, activeAt: 1 },
} as const
const OWING = {
  ...{ clientId: 1, userId: 1, endpoints: 1, seq: 1, scanned: 1, lanes: 1, nextAt: 1, owner: 1 },
} as const

/** What operators look for. */
export class Lists {
  readonly #models: Models
  readonly #clock: DatabaseClock

  constructor(models: Models, clock: DatabaseClock) {
    this.#models = models
    this.#clock = clock
  }

  async recent(
    clientId: Id,
    { before, since, until, channel, limit }: RecentPage,
  ): Promise<RecentConversation[]> {
    const last = before && (!until || before.activeAt <= until) ? before.activeAt : until
    const behind = before && {
      $or: [
        { activeAt: { $lt: before.activeAt } },
        { activeAt: before.activeAt, _id: { $lt: oid(before.id) } },
      ],
    }
    const filter = {
      clientId: oid(clientId),
      ...(channel !== undefined && { 'endpoints.channel': channel }),
      activeAt: { $lte: last ?? NEVER, ...(since && { $gte: since }) },
      ...behind,
    }
    const docs = await this.#models.streams
      .find(filter, CONVERSATION)
      .sort({ activeAt: -1, _id: -1 })
      .limit(limit)
      .lean<StreamDoc[]>()
    return docs.map((doc) => ({ ...toConversationRecord(doc), activeAt: doc.activeAt ?? doc.createdAt }))
  }

  async newestMessages(clientId: Id, ids: readonly Id[]): Promise<Entry[]> {
    const found = await Promise.all(ids.map((id) => this.#newestOf(clientId, id)))
    return found.flat()
  }

  async #newestOf(client: Id, id: Id): Promise<Entry[]> {
    const clientId = oid(client)
    const sizes = ['$payload', { $ifNull: ['$details', ''] }].map((text) => ({ $strLenBytes: text }))
    const [doc] = await this.#models.entries.aggregate<PlacedDoc & { bytes: number }>([
      { $match: { clientId, streamId: oid(id), listed: true, at: { $lte: NEVER } } },
      { $sort: { at: -1, seq: -1 } },
      { $limit: 1 },
      { $set: { bytes: { $add: sizes } } },
      { $set: { payload: { $cond: [{ $gt: ['$bytes', PREVIEW_BYTES] }, '', '$payload'] } } },
      WITH_STREAM(clientId),
    ])
    const stream = doc?.stream[0]
    if (!doc || !stream || stream.deletedAt || doc.bytes > PREVIEW_BYTES) return []
    return [toEntry(doc, stream)]
  }

  async owing(clientId: Id, { after, limit }: OwingPage): Promise<OwingStream[]> {
    const nextAt = after ? { $gte: this.#clock.toDatabase(after.nextAt) } : { $gt: new Date(0) }
    const docs = await this.#models.streams
      .find({ clientId: oid(clientId), nextAt }, OWING)
      .sort({ nextAt: 1 })
      .skip(after?.count ?? 0)
      .limit(limit)
      .lean<StreamDoc[]>()
    return docs.map((doc) => {
      const { _id, userId, endpoints, seq, scanned, lanes, owner } = doc
      return {
        ...{ clientId, streamId: idOf(_id), endpoints: endpoints.map(toEndpoint), seq, scanned, lanes },
        ...(userId && { userId: idOf(userId) }),
        nextAt: this.#clock.fromDatabase(doc.nextAt as Date),
        isHeld: owner !== undefined,
      }
    })
  }
}
