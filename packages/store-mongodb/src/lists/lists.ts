import type { Id } from '@plugboard/core'
import {
  COUNTED_DEAD,
  type ConversationState,
  type Entry,
  type OwingPage,
  type OwingStream,
  PREVIEW_BYTES,
  type RecentConversation,
  type RecentPage,
} from '@plugboard/hub'
import type { EntryDoc, StreamDoc } from '../database/document-types.js'
import type { Models } from '../database/schemas.js'
import { idOf, NEVER, oid, toConversationRecord, toEndpoint, toEntry } from '../encoding.js'

const CONVERSATION = {
  ...{ clientId: 1, userId: 1, createdAt: 1, lastMessageAt: 1, endpoints: 1, seq: 1, activeAt: 1 },
} as const
const OWING = {
  ...{ clientId: 1, userId: 1, endpoints: 1, seq: 1, scanned: 1, lanes: 1, nextAt: 1, owner: 1 },
} as const

type WithNewest = Pick<StreamDoc, '_id' | 'seq' | 'deletedAt'> & { newest: EntryDoc[] }
type WithDead = Pick<StreamDoc, '_id' | 'lanes'> & { dead: unknown[] }

const conversations = (clientId: Id, ids: readonly Id[]) => ({
  ...{ _id: { $in: ids.map(oid) }, clientId: oid(clientId) },
  ...{ kind: 'conversation', deletedAt: null },
})

/** What operators look for. */
export class Lists {
  readonly #models: Models

  constructor(models: Models) {
    this.#models = models
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

  /** One round trip, as for {@link states}. */
  async newestMessages(client: Id, ids: readonly Id[]): Promise<Entry[]> {
    const clientId = oid(client)
    const sizes = ['$payload', { $ifNull: ['$details', ''] }].map((text) => ({ $strLenBytes: text }))
    const docs = await this.#models.streams.aggregate<WithNewest>([
      { $match: conversations(client, ids) },
      { $project: { seq: 1, deletedAt: 1 } },
      {
        $lookup: {
          ...{ from: 'entries', localField: '_id', foreignField: 'streamId', as: 'newest' },
          pipeline: [
            { $match: { clientId, listed: true, at: { $lte: NEVER } } },
            { $sort: { at: -1, seq: -1 } },
            { $limit: 1 },
            { $set: { bytes: { $add: sizes } } },
            { $match: { bytes: { $lte: PREVIEW_BYTES } } },
          ],
        },
      },
    ])
    return docs.flatMap(({ newest, ...stream }) => newest.map((doc) => toEntry(doc, stream)))
  }

  async states(client: Id, ids: readonly Id[]): Promise<ConversationState[]> {
    const docs = await this.#models.streams.aggregate<WithDead>([
      { $match: conversations(client, ids) },
      { $project: { lanes: 1 } },
      {
        $lookup: {
          ...{ from: 'deadLetters', localField: '_id', foreignField: 'streamId', as: 'dead' },
          pipeline: [
            { $match: { clientId: oid(client) } },
            { $limit: COUNTED_DEAD },
            { $project: { _id: 0, streamId: 1 } },
          ],
        },
      },
    ])
    return docs.map(({ _id, lanes, dead }) => ({
      ...{ id: idOf(_id), pending: Object.keys(lanes).length, dead: dead.length },
    }))
  }

  async owing(clientId: Id, { after, limit }: OwingPage): Promise<OwingStream[]> {
    const find = (where: object, count: number) =>
      this.#models.streams
        .find({ clientId: oid(clientId), ...where }, OWING)
        .sort({ nextAt: 1, _id: 1 })
        .limit(count)
        .lean<StreamDoc[]>()
    // Apart, so that both begin in the index where the page begins, however many streams there are of that time.
    const docs = after ? await find({ nextAt: after.nextAt, _id: { $gt: oid(after.streamId) } }, limit) : []
    const nextAt = { $gt: after?.nextAt ?? new Date(0) }
    if (docs.length < limit) docs.push(...(await find({ nextAt }, limit - docs.length)))
    return docs.map((doc) => {
      const { _id, userId, endpoints, seq, scanned, lanes, owner } = doc
      return {
        ...{ clientId, streamId: idOf(_id), endpoints: endpoints.map(toEndpoint), seq, scanned, lanes },
        ...(userId && { userId: idOf(userId) }),
        nextAt: doc.nextAt as Date,
        isHeld: owner !== undefined,
      }
    })
  }
}
