import { type Conversation, type Id, PlugboardError, type User } from '@plugboard/core'
import type { Appended, ConversationRecord, NewEntry, Page } from '@plugboard/hub'
import type { EntryDoc, StreamDoc } from './documents.js'
import type { Log } from './log.js'
import type { Reservations } from './reservation.js'
import { NEVER, oid, toAppended, toConversation, toEndpoint, toEntry, toEntryDoc, toUser } from './rows.js'
import type { Models } from './schemas.js'
import type { NewStream, Streams } from './streams.js'

const CONVERSATION = {
  userId: 1,
  createdAt: 1,
  lastMessageAt: 1,
  kind: 1,
  deletedAt: 1,
  endpoints: 1,
} as const

/** Users and their conversations: made, read, ended. */
export class Conversations {
  readonly #models: Models
  readonly #streams: Streams
  readonly #reservations: Reservations
  readonly #log: Log

  constructor(models: Models, streams: Streams, reservations: Reservations, log: Log) {
    this.#models = models
    this.#streams = streams
    this.#reservations = reservations
    this.#log = log
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
    const user = await this.#streams.head(clientId, userId)
    if (user?.kind !== 'user') throw new PlugboardError('NOT_FOUND', 'there is no such user')
    const ids = { _id: oid(id), clientId: oid(clientId), userId: oid(userId) }
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
    if (created) await this.#log.materialise([first])
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
    const doc = await this.#streams.find(clientId, id, { kind: 1, createdAt: 1, data: 1 })
    return doc?.kind === 'user' ? toUser(doc) : undefined
  }

  async find(clientId: Id, id: Id): Promise<ConversationRecord | undefined> {
    const doc = await this.#streams.find(clientId, id, CONVERSATION)
    if (doc?.kind !== 'conversation' || doc.deletedAt) return undefined
    this.#streams.know(doc)
    return { ...toConversation(doc), endpoints: doc.endpoints.map(toEndpoint) }
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

  /**
   * Its end and its last entry are one write. Before it its addresses are marked, so that whoever finds one looks whether
   * the conversation is there; after it they are removed.
   */
  async delete(clientId: Id, id: Id, event: NewEntry): Promise<Appended | undefined> {
    const head = await this.#streams.head(clientId, id)
    if (head?.kind !== 'conversation') return undefined
    const stream = { _id: oid(id), clientId: oid(clientId) }
    const addresses = { clientId: stream.clientId, conversationId: stream._id }
    const ends = head.endpoints.length > 0
    if (ends) await this.#models.addresses.updateMany(addresses, { $set: { check: 'end' } })
    const base = toEntryDoc(event, event, { ...stream, streamId: stream._id, seq: 0, at: event.at })
    const reserved = await this.#reservations.end(stream, { entry: event, resolved: event }, base)
    if (!reserved) return undefined
    const [at] = reserved.times as [Date]
    const last = { ...base, seq: reserved.seq + 1, at }
    await this.#log.materialise([last])
    if (ends) await this.#models.addresses.deleteMany(addresses)
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

  async deleteMessages(clientId: Id, id: Id, only: Id | 'all', at: Date): Promise<number> {
    if (!(await this.find(clientId, id))) return 0
    const stream = { clientId: oid(clientId), streamId: oid(id), listed: true as const }
    const { modifiedCount } = await this.#models.entries.updateMany(
      only === 'all' ? stream : { ...stream, _id: oid(only) },
      { $set: { payload: '', deletedAt: at }, $unset: { listed: 1 } },
    )
    return modifiedCount
  }
}
