import { type Conversation, type Id, PlugboardError, type User } from '@plugboard/core'
import type {
  Append,
  ArchivedStore,
  ClientRecord,
  Dead,
  Entry,
  KeyClaim,
  Lease,
  MapEndpoint,
  Mark,
  MessageCount,
  MessagePage,
  MessageText,
  NewEntry,
  Page,
  Range,
  Replay,
  StoredDocument,
  StreamRef,
  Target,
} from '@plugboard/hub'
import { SqliteArchive } from './archive.js'
import { Clients } from './clients.js'
import { Conversations } from './conversations.js'
import { type OpenDatabase, openDatabase } from './database.js'
import { Deliveries } from './deliveries.js'
import { Documents } from './documents.js'
import { Endpoints } from './endpoints.js'
import { Entries } from './entries.js'
import { toStoreError } from './failure.js'
import { Log } from './log.js'
import { Notes } from './notes.js'
import { Purge } from './purge.js'
import { Streams } from './streams.js'
import { type Batch, Writer } from './writer.js'

export interface SqliteStoreOptions {
  /** The database file; it and its folder are made where they are not. */
  path: string
  /** The clock of leases. Default: the system's. */
  now?: () => Date
  /** Streams kept in memory, at some 600 bytes each. Default: 20,000. */
  cacheSize?: number
  /** Told of each transaction. */
  onBatch?: (batch: Batch) => void
}

/**
 * Opens the store in a file, which no other process may have open.
 * @throws CONFLICT when another has, or when a newer Plugboard wrote the file; UNAVAILABLE when it cannot be opened
 */
export async function sqliteStore(options: SqliteStoreOptions): Promise<ArchivedStore> {
  const database = openDatabase(options.path)
  try {
    return new SqliteStore(database, options)
  } catch (error) {
    database.close()
    throw toStoreError(error)
  }
}

/** The port, call by call: reads run at once, writes wait for the next transaction. */
class SqliteStore implements ArchivedStore {
  readonly archive: SqliteArchive
  readonly #database: OpenDatabase
  readonly #writer: Writer
  readonly #notes: Notes
  readonly #clients: Clients
  readonly #entries: Entries
  readonly #log: Log
  readonly #conversations: Conversations
  readonly #endpoints: Endpoints
  readonly #deliveries: Deliveries
  readonly #documents: Documents
  readonly #purge: Purge
  readonly #streams: Streams
  #isClosed = false

  constructor(database: OpenDatabase, options: SqliteStoreOptions) {
    const { db } = database
    const { cacheSize = 20_000, onBatch } = options
    const now = options.now ? () => (options.now as () => Date)().getTime() : Date.now
    this.#database = database
    this.#streams = new Streams(db, cacheSize)
    this.#writer = new Writer(db, this.#streams, onBatch)
    this.#notes = new Notes(db)
    this.#clients = new Clients(db)
    this.#entries = new Entries(db)
    this.#log = new Log(this.#streams, this.#entries, now)
    this.#conversations = new Conversations(db, this.#streams, this.#log)
    this.#endpoints = new Endpoints(db, this.#streams, this.#log)
    this.#deliveries = new Deliveries(db, this.#streams, now)
    this.#documents = new Documents(db)
    this.#purge = new Purge(db, this.#streams)
    const doing = { read: this.#read.bind(this), write: this.#write.bind(this) }
    this.archive = new SqliteArchive(db, this.#streams, doing)
  }

  getMeta(key: string) {
    return this.#read(() => this.#notes.get(key))
  }

  putMetaIfAbsent(key: string, value: string) {
    return this.#write(() => this.#notes.putIfAbsent(key, value))
  }

  putMeta(key: string, value: string) {
    return this.#write(() => this.#notes.put(key, value))
  }

  replaceMeta(key: string, from: string, to: string) {
    return this.#write(() => this.#notes.replace(key, from, to))
  }

  insertClient(client: ClientRecord) {
    return this.#write(() => this.#clients.insert(client))
  }

  findClient(by: { id: Id } | { externalId: string } | { name: string }) {
    return this.#read(() => this.#clients.find(by))
  }

  replaceClient(client: ClientRecord) {
    return this.#write(() => this.#clients.replace(client))
  }

  listClients(range: Range) {
    return this.#read(() => this.#clients.list(range))
  }

  purgeClient(clientId: Id, limit: number) {
    return this.#write(() => this.#purge.client(clientId, limit))
  }

  claimKey(claim: KeyClaim & { expiresBefore: Date }) {
    return this.#write(() => this.#notes.claimKey(claim))
  }

  purgeKeys(before: Date, limit: number) {
    return this.#write(() => this.#purge.keys(before, limit))
  }

  createUser(user: User, event: NewEntry) {
    return this.#write(() => this.#log.createUser(user, event))
  }

  findUser(clientId: Id, id: Id) {
    return this.#read(() => this.#conversations.findUser(clientId, id))
  }

  deleteUser(clientId: Id, id: Id, event: NewEntry) {
    return this.#write(() => this.#conversations.deleteUser(clientId, id, event))
  }

  createConversation(conversation: Conversation, event: NewEntry) {
    return this.#write(() => this.#log.createConversation(conversation, event))
  }

  findConversation(clientId: Id, id: Id) {
    return this.#read(() => this.#conversations.findRecord(clientId, id))
  }

  listConversations(clientId: Id, userId: Id, page: Page) {
    return this.#read(() => this.#conversations.list(clientId, userId, page))
  }

  walkConversations(clientId: Id, range: Range & { userId?: Id }) {
    return this.#read(() => this.#conversations.walk(clientId, range))
  }

  deleteConversation(clientId: Id, id: Id, event: NewEntry) {
    return this.#write(() => this.#conversations.delete(clientId, id, event))
  }

  purgeDeleted(limit: number) {
    return this.#write(() => this.#purge.deleted(limit))
  }

  async mapEndpoint(input: MapEndpoint) {
    const known = await this.#read(() => this.#endpoints.find(input))
    return known ?? this.#write(() => this.#endpoints.map(input))
  }

  removeEndpoint(clientId: Id, conversationId: Id, endpointId: Id) {
    return this.#write(() => {
      const stream = this.#conversations.find(clientId, conversationId)
      return stream !== undefined && this.#endpoints.remove(stream, endpointId)
    })
  }

  append(append: Append) {
    return this.#write(() => this.#log.append(append))
  }

  findEntry(clientId: Id, id: Id) {
    return this.#read(() => this.#entries.find(clientId, id))
  }

  findByDedupe(clientId: Id, streamId: Id, dedupe: string) {
    return this.#read(() => {
      const stream = this.#streams.find(clientId, streamId)
      return stream && this.#entries.findDuplicate(stream, dedupe)
    })
  }

  listMessages(clientId: Id, conversationId: Id, page: MessagePage) {
    return this.#read(() => {
      const stream = this.#conversations.find(clientId, conversationId)
      return stream && this.#entries.listMessages(stream, page)
    })
  }

  countMessages(clientId: Id, conversationId: Id, of: MessageCount) {
    return this.#read(() => {
      const stream = this.#conversations.find(clientId, conversationId)
      return stream ? this.#entries.countMessages(stream, of) : 0
    })
  }

  listEntries(clientId: Id, streamId: Id, limit: number) {
    return this.#read(() => {
      const stream = this.#streams.find(clientId, streamId)
      return stream ? this.#entries.listNewest(stream, limit) : []
    })
  }

  listReplies(clientId: Id, conversationId: Id, incomingId: Id) {
    return this.#read(() => {
      const stream = this.#conversations.find(clientId, conversationId)
      return stream ? this.#entries.listReplies(stream, incomingId) : []
    })
  }

  endTurn(clientId: Id, messageId: Id, at: Date) {
    return this.#write(() => {
      const message = this.#entries.find(clientId, messageId)
      const stream = message && this.#conversations.find(clientId, message.streamId)
      return stream !== undefined && this.#entries.endTurn(stream, message?.seq ?? 0, at)
    })
  }

  editMessage(clientId: Id, conversationId: Id, id: Id, to: MessageText) {
    return this.#write(() => {
      const stream = this.#conversations.find(clientId, conversationId)
      return stream !== undefined && this.#entries.edit(stream, id, to)
    })
  }

  deleteMessages(clientId: Id, conversationId: Id, only: Id | 'all', at: Date) {
    return this.#write(() => {
      const stream = this.#conversations.find(clientId, conversationId)
      return stream ? this.#entries.deleteMessages(stream, only, at) : 0
    })
  }

  claimDue(claim: { now: Date; limit: number; except: readonly Id[] }) {
    return this.#write(() => this.#deliveries.claimDue(claim))
  }

  readEntries({ clientId, streamId }: StreamRef, after: number, limit: number): Promise<Entry[]> {
    return this.#read(() => {
      const stream = this.#streams.find(clientId, streamId)
      return stream ? this.#entries.listAfter(stream, after, limit) : []
    })
  }

  mark(stream: StreamRef, lease: Lease, progress: Mark) {
    return this.#write(() => this.#deliveries.mark(stream, lease, progress))
  }

  bury(stream: StreamRef, seq: number, target: Target, dead: Dead) {
    return this.#write(() => this.#deliveries.bury(stream, seq, target, dead))
  }

  listDead(clientId: Id, page: Page) {
    return this.#read(() => this.#entries.listDead(clientId, page))
  }

  replay(replay: Replay) {
    return this.#write(() => this.#deliveries.replay(replay))
  }

  wakeClient(clientId: Id, now: Date) {
    return this.#write(() => this.#deliveries.wakeClient(clientId, now))
  }

  findProgress(stream: StreamRef) {
    return this.#read(() => this.#deliveries.findProgress(stream))
  }

  backlog() {
    return this.#read(() => this.#deliveries.backlog())
  }

  increment(clientId: Id, name: string) {
    return this.#write(() => this.#documents.increment(clientId, name))
  }

  insertDocument(document: StoredDocument) {
    return this.#write(() => this.#documents.insert(document))
  }

  findDocument(clientId: Id, collection: string, by: { id: Id } | { name: string }) {
    return this.#read(() => this.#documents.find(clientId, collection, by))
  }

  findDocuments(clientId: Id, collection: string, ids: readonly Id[]) {
    return this.#read(() => this.#documents.findAll(clientId, collection, ids))
  }

  replaceDocument(document: StoredDocument) {
    return this.#write(() => this.#documents.replace(document))
  }

  removeDocument(clientId: Id, collection: string, id: Id) {
    return this.#write(() => this.#documents.remove(clientId, collection, id))
  }

  listDocuments(clientId: Id, collection: string, range: Range & { term?: string }) {
    return this.#read(() => this.#documents.list(clientId, collection, range))
  }

  /** Nobody else can change it, so that there is nothing to tell. */
  async watch() {
    return { isInstant: true }
  }

  async close() {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#writer.drain()
    this.#database.close()
  }

  async #read<T>(read: () => T): Promise<T> {
    if (this.#isClosed) throw closed()
    try {
      return read()
    } catch (error) {
      throw toStoreError(error)
    }
  }

  #write<T>(work: () => T): Promise<T> {
    return this.#isClosed ? Promise.reject(closed()) : this.#writer.write(work)
  }
}

const closed = () => new PlugboardError('UNAVAILABLE', 'the store is closed')
