import { type Conversation, type Id, PlugboardError, type User } from '@plugboard/core'
import type { Appended, ConversationRecord, MessageText, NewEntry, Page, Range } from '@plugboard/hub'
import type { EntryDoc, StreamDoc } from '../database/document-types.js'
import { findRange } from '../database/ranges.js'
import type { Models } from '../database/schemas.js'
import {
  NEVER,
  oid,
  toAppended,
  toConversation,
  toConversationRecord,
  toEntry,
  toEntryDoc,
  toUser,
} from '../encoding.js'
import type { Appender } from './append.js'
import type { Reservations } from './reservations.js'
import type { Head, NewStream, StreamCache } from './stream-cache.js'

const CONVERSATION = {
  userId: 1,
  createdAt: 1,
  lastMessageAt: 1,
  kind: 1,
  deletedAt: 1,
  endpoints: 1,
  seq: 1,
} as const

/** Conversations that were not deleted, and nothing else. */
const LISTED = { listAt: { $exists: true } } as const

/** Users and their conversations: made, read, ended. */
export class Conversations {
  readonly #models: Models
  readonly #streams: StreamCache
  readonly #reservations: Reservations
  readonly #appender: Appender

  constructor(models: Models, streams: StreamCache, reservations: Reservations, appender: Appender) {
    this.#models = models
    this.#streams = streams
    this.#reservations = reservations
    this.#appender = appender
  }

  /** @throws CONFLICT when the id is taken by something else */
  createUser({ id, clientId, createdAt, data }: User, event: NewEntry): Promise<Appended> {
    const ids = { _id: oid(id), clientId: oid(clientId), userId: oid(id) }
    const stream = { ...ids, kind: 'user', createdAt, ...(data && { data: JSON.stringify(data) }) } as const
    return this.#create({ clientId, id }, stream, event)
  }

  /** @throws NOT_FOUND when the client has no such user, CONFLICT when the id is taken by something else */
  async createConversation(conversation: Conversation, event: NewEntry): Promise<Appended> {
    const { id, clientId, userId, createdAt } = conversation
    if (userId && !(await this.findUser(clientId, userId)))
      throw new PlugboardError('NOT_FOUND', 'there is no such user')
    const ids = { _id: oid(id), clientId: oid(clientId), ...(userId && { userId: oid(userId) }) }
    return this.#create({ clientId, id }, { ...ids, kind: 'conversation', createdAt }, event)
  }

  /** The first entry is kept in the stream, and is written to its place after that: a reader that comes first does it. */
  async #create(
    { clientId, id }: { clientId: Id; id: Id },
    stream: NewStream,
    event: NewEntry,
  ): Promise<Appended> {
    const created = await this.#streams.create(stream, event)
    const doc = created?.doc ?? (await this.#streams.existing(clientId, id, stream.kind))
    const first = doc.kept[0] ?? (await this.#first(doc))
    if (created) await this.#appender.materialise([first])
    const appended = toAppended(toEntry(first, undefined), !created, stream.userId)
    return created?.claimed ? { ...appended, claimed: created.claimed } : appended
  }

  /** A stream that was copied from another store keeps none. */
  async #first({ _id: streamId, clientId }: StreamDoc): Promise<EntryDoc> {
    const first = await this.#models.entries.findOne({ clientId, streamId, seq: 1 }).lean<EntryDoc>()
    if (!first) throw new PlugboardError('CONFLICT', 'this id is taken')
    return first
  }

  async findUser(clientId: Id, id: Id): Promise<User | undefined> {
    const doc = await this.#streams.find(clientId, id, { kind: 1, createdAt: 1, data: 1, deletedAt: 1 })
    return doc?.kind === 'user' && !doc.deletedAt ? toUser(doc) : undefined
  }

  /** Its addresses are marked before and removed after, as those of a conversation are. */
  async deleteUser(clientId: Id, id: Id, event: NewEntry): Promise<Appended | undefined> {
    const head = await this.#streams.head(clientId, id)
    if (head?.kind !== 'user') return undefined
    return this.#end({ clientId, id }, head, event, { clientId: oid(clientId), userId: oid(id) })
  }

  async find(clientId: Id, id: Id): Promise<ConversationRecord | undefined> {
    const doc = await this.#streams.find(clientId, id, CONVERSATION)
    if (doc?.kind !== 'conversation' || doc.deletedAt) return undefined
    this.#streams.know(doc)
    return toConversationRecord(doc)
  }

  async walk(clientId: Id, { userId, ...range }: Range & { userId?: Id }): Promise<ConversationRecord[]> {
    const of = userId ? { userId: oid(userId) } : { kind: 'conversation' }
    const filter = { clientId: oid(clientId), ...of, ...LISTED }
    const projection = { clientId: 1, ...CONVERSATION }
    const docs = await findRange(this.#models.streams, filter, '_id', range, projection)
    return docs.map(toConversationRecord)
  }

  /** One round trip for the first page, two for the others, since the place of the last one may have moved. */
  async list(clientId: Id, userId: Id, { before, limit }: Page): Promise<Conversation[]> {
    const user = { clientId: oid(clientId), userId: oid(userId) }
    const last = before && (await this.#streams.find(clientId, before, CONVERSATION))
    if (before && !(last?.kind === 'conversation' && last.userId?.equals(user.userId))) return []
    const at = last?.lastMessageAt ?? NEVER
    const behind = last ? { $or: [{ listAt: { $lt: at } }, { listAt: at, _id: { $lt: last._id } }] } : {}
    const docs = await this.#models.streams
      .find(
        { ...user, listAt: { $lte: at }, ...behind },
        { ...user, ...CONVERSATION, clientId: 1, userId: 1 },
      )
      .sort({ listAt: -1, _id: -1 })
      .limit(limit)
      .lean<StreamDoc[]>()
    return docs.map(toConversation)
  }

  async delete(clientId: Id, id: Id, event: NewEntry): Promise<Appended | undefined> {
    const head = await this.#streams.head(clientId, id)
    if (head?.kind !== 'conversation') return undefined
    const { userId, endpoints } = head
    const hasAddresses = userId !== undefined && endpoints.length > 0
    const addresses = { clientId: oid(clientId), userId, conversationId: oid(id) }
    return this.#end({ clientId, id }, head, event, hasAddresses ? addresses : undefined)
  }

  /**
   * Its end and its last entry are one write. Before it its addresses are marked, so that whoever finds one looks whether
   * what it names is there; after it they are removed, also where that is all that a process left undone which died.
   */
  async #end(
    { clientId, id }: { clientId: Id; id: Id },
    head: Head,
    event: NewEntry,
    addresses: object | undefined,
  ): Promise<Appended | undefined> {
    const stream = { _id: oid(id), clientId: oid(clientId) }
    if (addresses) await this.#models.addresses.updateMany(addresses, { $set: { check: 'end' } })
    const base = toEntryDoc(event, event, { ...stream, streamId: stream._id, seq: 0, at: event.at })
    const reserved = await this.#reservations.end(stream, head, { entry: event, resolved: event }, base)
    const last = reserved && { ...base, seq: reserved.seq + 1, at: reserved.times[0] as Date }
    if (last) await this.#appender.materialise([last])
    if (addresses) await this.#models.addresses.deleteMany(addresses)
    if (!last) return undefined
    const appended = toAppended(toEntry(last, undefined), false, head.userId)
    return reserved.claimed ? { ...appended, claimed: reserved.claimed(last.seq) } : appended
  }

  async endTurn(clientId: Id, messageId: Id, at: Date): Promise<boolean> {
    const message = await this.#models.entries
      .findOne({ _id: oid(messageId), clientId: oid(clientId) }, { clientId: 1, streamId: 1, listed: 1 })
      .lean<EntryDoc>()
    if (!message?.listed) return false
    const id = { _id: message._id, clientId: message.clientId, streamId: message.streamId }
    const streamId = message.streamId.toHexString() as Id
    if (!(await this.find(clientId, streamId))) return false
    const update = [{ $set: { turnEndedAt: { $ifNull: ['$turnEndedAt', at] } } }]
    const options = { updatePipeline: true }
    const { matchedCount } = await this.#models.entries.updateOne(
      { ...id, listed: true },
      update as never,
      options,
    )
    return matchedCount > 0
  }

  async editMessage(
    clientId: Id,
    id: Id,
    messageId: Id,
    { payload, details }: MessageText,
  ): Promise<boolean> {
    if (!(await this.find(clientId, id))) return false
    const message = { _id: oid(messageId), clientId: oid(clientId), streamId: oid(id), listed: true as const }
    const { matchedCount } = await this.#models.entries.updateOne(
      message,
      details === undefined ? { $set: { payload }, $unset: { details: 1 } } : { $set: { payload, details } },
    )
    return matchedCount > 0
  }

  async deleteMessages(clientId: Id, id: Id, only: Id | 'all', at: Date): Promise<number> {
    if (!(await this.find(clientId, id))) return 0
    const stream = { clientId: oid(clientId), streamId: oid(id), listed: true as const }
    const { modifiedCount } = await this.#models.entries.updateMany(
      only === 'all' ? stream : { ...stream, _id: oid(only) },
      { $set: { payload: '', deletedAt: at }, $unset: { listed: 1, details: 1 } },
    )
    return modifiedCount
  }
}
