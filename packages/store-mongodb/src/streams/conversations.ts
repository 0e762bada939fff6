import { type Conversation, type Id, PlugboardError, type User } from '@plugboard/core'
import type {
  Appended,
  ConversationRecord,
  Merged,
  MergeUsers,
  MessageText,
  NewEntry,
  Page,
  Range,
} from '@plugboard/hub'
import type { EntryDoc, ObjectId, StreamDoc } from '../database/document-types.js'
import { findRange } from '../database/ranges.js'
import type { Models } from '../database/schemas.js'
import {
  idOf,
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
import type { Reservations, Reserved } from './reservations.js'
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
    const { id, clientId, createdAt } = conversation
    const user = conversation.userId && (await this.findUser(clientId, conversation.userId))
    if (conversation.userId && !user) throw new PlugboardError('NOT_FOUND', 'there is no such user')
    const userId = user?.id
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
    const doc = await this.#streams.findUser(clientId, id)
    return doc && toUser(doc)
  }

  /**
   * The last entry of the younger one decides. What moves after it is moved again by the next call, also where the
   * process died in between. Whoever writes for the younger one concurrently finds that it was merged.
   */
  async merge({ clientId, users, event }: MergeUsers): Promise<Merged | undefined> {
    const [one, other] = await Promise.all(users.map((id) => this.findUser(clientId, id)))
    for (const id of new Set(users)) if (one?.id !== id && other?.id !== id) await this.#moveAll(clientId, id)
    if (!one || !other || one.id === other.id) return undefined
    const [older, younger] = one.id < other.id ? [one.id, other.id] : [other.id, one.id]
    const stream = { _id: oid(younger), clientId: oid(clientId) }
    const head = await this.#streams.head(clientId, younger)
    if (!head) return undefined
    const last = event(younger, older)
    const base = toEntryDoc(last, last, { ...stream, streamId: stream._id, seq: 0, at: last.at })
    const item = { entry: last, resolved: last }
    const reserved = await this.#reservations.end(stream, head, item, base, oid(older))
    this.#streams.forget(clientId, younger)
    if (reserved) await this.#appender.materialise([lastOf(base, reserved)])
    await this.#moveAll(clientId, younger)
    if (!reserved) return undefined
    const doc = lastOf(base, reserved)
    const appended = toAppended(toEntry(doc, undefined), false, oid(younger))
    const claimed = reserved.claimed?.(doc.seq)
    return { younger, older, appended: claimed ? { ...appended, claimed } : appended }
  }

  /** Moves what is of a merged user, and of those between, to the one that has it all. */
  async #moveAll(clientId: Id, id: Id): Promise<void> {
    const chain: ObjectId[] = []
    for (let next: ObjectId | undefined = oid(id); next; ) {
      const doc = await this.#streams.find(clientId, idOf(next), { mergedInto: 1 })
      if (doc?.mergedInto) chain.push(next)
      else if (chain.length > 0) await this.#move(oid(clientId), chain, next)
      next = doc?.mergedInto
    }
  }

  async #move(clientId: ObjectId, from: readonly ObjectId[], userId: ObjectId): Promise<void> {
    const { addresses, streams } = this.#models
    const theirs = { clientId, userId: { $in: from } }
    await addresses.updateMany(theirs, { $set: { userId } })
    const talks = { ...theirs, kind: 'conversation', ...LISTED } as const
    const docs = await streams.find(talks, { _id: 1 }).lean<Pick<StreamDoc, '_id'>[]>()
    await streams.updateMany(talks, { $set: { userId } })
    for (const { _id } of docs) this.#streams.forget(idOf(clientId), idOf(_id))
    await streams.updateMany({ clientId, mergedInto: { $in: from } }, { $set: { mergedInto: userId } })
    await this.#fillData(clientId, from, userId)
  }

  /** Gives a user the data that it lacks; again if another call changed it concurrently. */
  async #fillData(clientId: ObjectId, from: readonly ObjectId[], userId: ObjectId): Promise<void> {
    const { streams } = this.#models
    const docs = await streams
      .find({ clientId, _id: { $in: [...from, userId] } }, { data: 1 })
      .lean<Pick<StreamDoc, '_id' | 'data'>[]>()
    const own = docs.find(({ _id }) => _id.equals(userId))
    if (!own) return
    const others = docs.filter((doc) => doc !== own).sort((a, b) => (idOf(a._id) < idOf(b._id) ? 1 : -1))
    const filled = Object.assign({}, ...[...others, own].map(({ data = '{}' }) => JSON.parse(data)))
    const data = JSON.stringify(filled)
    if (data === (own.data ?? '{}')) return
    const same = { _id: userId, clientId, data: own.data ?? null }
    const { matchedCount } = await streams.updateOne(same, { $set: { data } })
    if (matchedCount === 0) await this.#fillData(clientId, from, userId)
  }

  /** Its addresses are marked before and removed after, as those of a conversation are. */
  async deleteUser(clientId: Id, id: Id, event: NewEntry): Promise<Appended | undefined> {
    const head = await this.#streams.head(clientId, id)
    if (head?.kind !== 'user') return undefined
    const ids = { clientId: oid(clientId), userId: oid(id) }
    const appended = await this.#end({ clientId, id }, head, event, ids)
    if (appended) await this.#endMerged(ids, appended.entry.at)
    else {
      const user = await this.findUser(clientId, id)
      if (user && user.id !== id) return this.deleteUser(clientId, user.id, event)
    }
    return appended
  }

  /** Who was merged into a user ends with that one. */
  async #endMerged(ids: { clientId: ObjectId; userId: ObjectId }, deletedAt: Date): Promise<void> {
    const { streams } = this.#models
    const merged = { clientId: ids.clientId, mergedInto: ids.userId }
    await streams.updateMany(merged, { $set: { deletedAt } })
    await streams.updateMany({ ...merged, nextAt: { $exists: false } }, { $set: { isOver: true } })
  }

  async find(clientId: Id, id: Id): Promise<ConversationRecord | undefined> {
    const doc = await this.#streams.find(clientId, id, CONVERSATION)
    if (doc?.kind !== 'conversation' || doc.deletedAt) return undefined
    this.#streams.know(doc)
    return toConversationRecord(doc)
  }

  async findAll(clientId: Id, ids: readonly Id[]): Promise<ConversationRecord[]> {
    const docs = await this.#models.streams
      .find({ _id: { $in: ids.map(oid) }, clientId: oid(clientId) }, { clientId: 1, ...CONVERSATION })
      .lean<StreamDoc[]>()
    return docs
      .filter(({ kind, deletedAt }) => kind === 'conversation' && !deletedAt)
      .map(toConversationRecord)
  }

  async walk(clientId: Id, { userId, ...range }: Range & { userId?: Id }): Promise<ConversationRecord[]> {
    const of = userId ? { userId: oid(userId) } : { kind: 'conversation' }
    const filter = { clientId: oid(clientId), ...of, ...LISTED }
    const projection = { clientId: 1, ...CONVERSATION }
    const docs = await findRange(this.#models.streams, filter, '_id', range, projection)
    const older = userId && docs.length === 0 ? await this.#olderOf(clientId, userId) : undefined
    if (older) return this.walk(clientId, { ...range, userId: older })
    return docs.map(toConversationRecord)
  }

  /** The user that this one was merged into. */
  async #olderOf(clientId: Id, id: Id): Promise<Id | undefined> {
    const user = await this.findUser(clientId, id)
    return user && user.id !== id ? user.id : undefined
  }

  /** One round trip for the first page, two for the others, since the place of the last one may have moved. */
  async list(clientId: Id, userId: Id, page: Page): Promise<Conversation[]> {
    const found = await this.#list(clientId, userId, page)
    const older = found.length === 0 ? await this.#olderOf(clientId, userId) : undefined
    return older ? this.#list(clientId, older, page) : found
  }

  async #list(clientId: Id, userId: Id, { before, limit }: Page): Promise<Conversation[]> {
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
    const last = reserved && lastOf(base, reserved)
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

/** The last entry at its place. */
const lastOf = (entry: EntryDoc, { seq, times }: Reserved): EntryDoc => ({
  ...entry,
  seq: seq + 1,
  at: times[0] as Date,
})
