import { type Conversation, type Endpoint, type Id, PlugboardError, type User } from '@plugboard/core'
import type {
  Append,
  ArchivedStore,
  ChannelRef,
  ClientRecord,
  Dead,
  KeyClaim,
  Lease,
  MapEndpoint,
  MapSender,
  Mark,
  MergeUsers,
  MessageCount,
  MessagePage,
  MessageText,
  NewEntry,
  Page,
  Range,
  Replay,
  ReplyPage,
  SentMessage,
  StoredDocument,
  StreamRef,
  Target,
  Watcher,
} from '@plugboard/hub'
import type { Connection } from 'mongoose'
import type { MongoArchive } from './archive/archive.js'
import { ChangeStreams } from './database/change-streams.js'
import type { DatabaseClock } from './database/clock.js'
import { toStoreError } from './database/failure.js'
import type { Parts } from './parts.js'

/** The port, call by call. */
export class MongoStore implements ArchivedStore {
  readonly archive: MongoArchive
  readonly #connection: Connection
  readonly #clock: DatabaseClock
  readonly #parts: Parts
  readonly #isInstant: boolean
  readonly #underway = new Set<Promise<unknown>>()
  #changes: ChangeStreams | undefined
  #closed: Promise<void> | undefined

  constructor(connection: Connection, clock: DatabaseClock, parts: Parts, isInstant: boolean) {
    this.#connection = connection
    this.#clock = clock
    this.#parts = parts
    this.archive = parts.archive
    this.#isInstant = isInstant
  }

  getMeta(key: string) {
    return this.#do(({ meta }) => meta.get(key))
  }

  putMetaIfAbsent(key: string, value: string) {
    return this.#do(({ meta }) => meta.putIfAbsent(key, value))
  }

  putMeta(key: string, value: string) {
    return this.#do(({ meta }) => meta.put(key, value))
  }

  replaceMeta(key: string, from: string, to: string) {
    return this.#do(({ meta }) => meta.replace(key, from, to))
  }

  insertClient(client: ClientRecord) {
    return this.#do(({ clients }) => clients.insert(client))
  }

  findClient(by: { id: Id } | { externalId: string } | { name: string }) {
    return this.#do(({ clients }) => clients.find(by))
  }

  replaceClient(client: ClientRecord) {
    return this.#do(({ clients }) => clients.replace(client))
  }

  listClients(range: Range) {
    return this.#do(({ clients }) => clients.list(range))
  }

  purgeClient(clientId: Id, limit: number) {
    return this.#do(({ purge }) => purge.client(clientId, limit))
  }

  claimKey(claim: KeyClaim & { expiresBefore: Date }) {
    return this.#do(({ keys }) => keys.claim(claim))
  }

  purgeKeys(before: Date, limit: number) {
    return this.#do(({ purge }) => purge.keys(before, limit))
  }

  createUser(user: User, event: NewEntry) {
    return this.#do(({ conversations }) => conversations.createUser(user, event))
  }

  findUser(clientId: Id, id: Id) {
    return this.#do(({ conversations }) => conversations.findUser(clientId, id))
  }

  deleteUser(clientId: Id, id: Id, event: NewEntry) {
    return this.#do(({ conversations }) => conversations.deleteUser(clientId, id, event))
  }

  mergeUsers(merge: MergeUsers) {
    return this.#do(({ conversations }) => conversations.merge(merge))
  }

  createConversation(conversation: Conversation, event: NewEntry) {
    return this.#do(({ conversations }) => conversations.createConversation(conversation, event))
  }

  findConversation(clientId: Id, id: Id) {
    return this.#do(({ conversations }) => conversations.find(clientId, id))
  }

  listConversations(clientId: Id, userId: Id, page: Page) {
    return this.#do(({ conversations }) => conversations.list(clientId, userId, page))
  }

  walkConversations(clientId: Id, range: Range & { userId?: Id }) {
    return this.#do(({ conversations }) => conversations.walk(clientId, range))
  }

  deleteConversation(clientId: Id, id: Id, event: NewEntry) {
    return this.#do(({ conversations }) => conversations.delete(clientId, id, event))
  }

  purgeDeleted(limit: number) {
    return this.#do(({ purge }) => purge.deleted(limit))
  }

  mapEndpoint(input: MapEndpoint) {
    return this.#do(({ endpoints }) => endpoints.map(input))
  }

  findEndpoint(clientId: Id, channel: ChannelRef, endpoint: Endpoint) {
    return this.#do(({ endpoints }) => endpoints.find(clientId, channel, endpoint))
  }

  mapSender(input: MapSender) {
    return this.#do(({ endpoints }) => endpoints.mapSender(input))
  }

  findSender(clientId: Id, channel: ChannelRef, endpoint: Omit<Endpoint, 'thread'>) {
    return this.#do(({ endpoints }) => endpoints.findSender(clientId, channel, endpoint))
  }

  removeEndpoint(clientId: Id, conversationId: Id, endpointId: Id) {
    return this.#do(({ endpoints }) => endpoints.remove(clientId, conversationId, endpointId))
  }

  append(append: Append) {
    return this.#do(({ appender }) => appender.append(append))
  }

  findEntry(clientId: Id, id: Id) {
    return this.#do(({ entries }) => entries.find(clientId, id))
  }

  findByDedupe(clientId: Id, streamId: Id, dedupe: string) {
    return this.#do(({ entries }) => entries.findByDedupe(clientId, streamId, dedupe))
  }

  listMessages(clientId: Id, conversationId: Id, page: MessagePage) {
    return this.#do(({ entries }) => entries.listMessages(clientId, conversationId, page))
  }

  countMessages(clientId: Id, conversationId: Id, of: MessageCount) {
    return this.#do(({ entries }) => entries.countMessages(clientId, conversationId, of))
  }

  sizeOfMessages(clientId: Id, conversationId: Id) {
    return this.#do(({ entries }) => entries.sizeOfMessages(clientId, conversationId))
  }

  sizeOfActivities(clientId: Id, conversationId: Id) {
    return this.#do(({ entries }) => entries.sizeOfActivities(clientId, conversationId))
  }

  listEntries(clientId: Id, streamId: Id, limit: number) {
    return this.#do(({ entries }) => entries.listNewest(clientId, streamId, limit))
  }

  listReplies(clientId: Id, conversationId: Id, incomingId: Id, page: ReplyPage) {
    return this.#do(({ entries }) => entries.listReplies(clientId, conversationId, incomingId, page))
  }

  endTurn(clientId: Id, messageId: Id, at: Date) {
    return this.#do(({ conversations }) => conversations.endTurn(clientId, messageId, at))
  }

  editMessage(clientId: Id, conversationId: Id, id: Id, to: MessageText) {
    return this.#do(({ conversations }) => conversations.editMessage(clientId, conversationId, id, to))
  }

  deleteMessages(clientId: Id, conversationId: Id, only: Id | 'all', at: Date) {
    return this.#do(({ conversations }) => conversations.deleteMessages(clientId, conversationId, only, at))
  }

  claimDue(claim: { now: Date; limit: number; except: readonly Id[] }) {
    return this.#do(({ claims }) => claims.claimDue(claim))
  }

  readEntries({ clientId, streamId }: StreamRef, after: number, limit: number) {
    return this.#do(({ entries }) => entries.listAfter(clientId, streamId, after, limit))
  }

  mark(stream: StreamRef, lease: Lease, progress: Mark) {
    return this.#do(({ claims }) => claims.mark(stream, lease, progress))
  }

  reclaim(stream: StreamRef, lease?: Lease) {
    return this.#do(({ claims }) => claims.reclaim(stream, lease))
  }

  bury(stream: StreamRef, seq: number, target: Target, dead: Dead) {
    return this.#do(({ deadLetters }) => deadLetters.bury(stream, seq, target, dead))
  }

  recordSent(stream: StreamRef, seq: number, target: Target, sent: SentMessage) {
    return this.#do(({ sentMessages }) => sentMessages.record(stream, seq, target, sent))
  }

  listDead(clientId: Id, page: Page) {
    return this.#do(({ deadLetters }) => deadLetters.list(clientId, page))
  }

  replay(replay: Replay) {
    return this.#do(({ deadLetters }) => deadLetters.replay(replay))
  }

  wakeClient(clientId: Id, now: Date) {
    return this.#do(({ claims }) => claims.wakeClient(clientId, now))
  }

  findProgress(stream: StreamRef) {
    return this.#do(({ claims }) => claims.findProgress(stream))
  }

  backlog() {
    return this.#do(({ backlog }) => backlog.measure())
  }

  increment(clientId: Id, name: string, by?: number) {
    return this.#do(({ documents }) => documents.increment(clientId, name, by))
  }

  insertDocument(document: StoredDocument) {
    return this.#do(({ documents }) => documents.insert(document))
  }

  findDocument(clientId: Id, collection: string, by: { id: Id } | { name: string }) {
    return this.#do(({ documents }) => documents.find(clientId, collection, by))
  }

  findDocuments(clientId: Id, collection: string, ids: readonly Id[]) {
    return this.#do(({ documents }) => documents.findAll(clientId, collection, ids))
  }

  replaceDocument(document: StoredDocument) {
    return this.#do(({ documents }) => documents.replace(document))
  }

  removeDocument(clientId: Id, collection: string, id: Id) {
    return this.#do(({ documents }) => documents.remove(clientId, collection, id))
  }

  listDocuments(clientId: Id, collection: string, range: Range & { term?: string }) {
    return this.#do(({ documents }) => documents.list(clientId, collection, range))
  }

  watch(watcher: Watcher) {
    return this.#do(async () => {
      if (!this.#isInstant) return { isInstant: false }
      await this.#changes?.close()
      this.#changes = new ChangeStreams(this.#connection, this.#clock, watcher)
      const refusal = await this.#changes.open()
      return refusal === undefined ? { isInstant: true } : { isInstant: false, reason: refusal }
    })
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await this.#changes?.close()
    await Promise.allSettled(this.#underway)
    await this.#connection.close()
  }

  async #do<T>(work: (parts: Parts) => Promise<T>): Promise<T> {
    if (this.#closed) throw new PlugboardError('UNAVAILABLE', 'the store is closed')
    const promise = work(this.#parts)
    this.#underway.add(promise)
    try {
      return await promise
    } catch (error) {
      throw toStoreError(error)
    } finally {
      this.#underway.delete(promise)
    }
  }
}
