import type { Conversation, Id, User } from '@plugboard/core'
import type {
  Append,
  ArchivedStore,
  Dead,
  Entry,
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
  ReplyPage,
  StreamRef,
  Target,
} from '@plugboard/hub'
import { SqliteArchive } from './archive.js'
import { Conversations } from './conversations.js'
import { type OpenDatabase, openDatabase } from './database.js'
import { Deliveries } from './deliveries.js'
import { Endpoints } from './endpoints.js'
import { Entries } from './entries.js'
import { toStoreError } from './failure.js'
import { Log } from './log.js'
import { ProgressRows } from './progress-rows.js'
import { Purge } from './purge.js'
import { SideStore } from './side-store.js'
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

/** The port, call by call. */
class SqliteStore extends SideStore implements ArchivedStore {
  readonly archive: SqliteArchive
  readonly #entries: Entries
  readonly #log: Log
  readonly #conversations: Conversations
  readonly #endpoints: Endpoints
  readonly #deliveries: Deliveries
  readonly #purge: Purge
  readonly #streams: Streams

  constructor(database: OpenDatabase, options: SqliteStoreOptions) {
    const { db } = database
    const { cacheSize = 20_000, onBatch } = options
    const now = options.now ? () => (options.now as () => Date)().getTime() : Date.now
    const progress = new ProgressRows(db)
    const streams = new Streams(db, progress, cacheSize)
    super(database, new Writer(db, streams, onBatch))
    this.#streams = streams
    this.#entries = new Entries(db)
    this.#log = new Log(this.#streams, this.#entries, now)
    this.#conversations = new Conversations(db, this.#streams, this.#log)
    this.#endpoints = new Endpoints(db, this.#streams, this.#log)
    this.#deliveries = new Deliveries(db, this.#streams, progress, now)
    this.#purge = new Purge(db, this.#streams)
    const doing = { read: this.read.bind(this), write: this.write.bind(this) }
    this.archive = new SqliteArchive(db, this.#streams, progress, doing)
  }

  purgeClient(clientId: Id, limit: number) {
    return this.write(() => this.#purge.client(clientId, limit))
  }

  purgeKeys(before: Date, limit: number) {
    return this.write(() => this.#purge.keys(before, limit))
  }

  createUser(user: User, event: NewEntry) {
    return this.write(() => this.#log.createUser(user, event))
  }

  findUser(clientId: Id, id: Id) {
    return this.read(() => this.#conversations.findUser(clientId, id))
  }

  deleteUser(clientId: Id, id: Id, event: NewEntry) {
    return this.write(() => this.#conversations.deleteUser(clientId, id, event))
  }

  createConversation(conversation: Conversation, event: NewEntry) {
    return this.write(() => this.#log.createConversation(conversation, event))
  }

  findConversation(clientId: Id, id: Id) {
    return this.read(() => this.#conversations.findRecord(clientId, id))
  }

  listConversations(clientId: Id, userId: Id, page: Page) {
    return this.read(() => this.#conversations.list(clientId, userId, page))
  }

  walkConversations(clientId: Id, range: Range & { userId?: Id }) {
    return this.read(() => this.#conversations.walk(clientId, range))
  }

  deleteConversation(clientId: Id, id: Id, event: NewEntry) {
    return this.write(() => this.#conversations.delete(clientId, id, event))
  }

  purgeDeleted(limit: number) {
    return this.write(() => this.#purge.deleted(limit))
  }

  mapEndpoint(input: MapEndpoint) {
    return this.write(() => this.#endpoints.map(input))
  }

  removeEndpoint(clientId: Id, conversationId: Id, endpointId: Id) {
    return this.write(() => {
      const stream = this.#conversations.find(clientId, conversationId)
      return stream !== undefined && this.#endpoints.remove(stream, endpointId)
    })
  }

  append(append: Append) {
    return this.write(() => this.#log.append(append))
  }

  findEntry(clientId: Id, id: Id) {
    return this.read(() => this.#entries.find(clientId, id))
  }

  findByDedupe(clientId: Id, streamId: Id, dedupe: string) {
    return this.read(() => {
      const stream = this.#streams.find(clientId, streamId)
      return stream && this.#entries.findDuplicate(stream, dedupe)
    })
  }

  listMessages(clientId: Id, conversationId: Id, page: MessagePage) {
    return this.read(() => {
      const stream = this.#conversations.find(clientId, conversationId)
      return stream && this.#entries.listMessages(stream, page)
    })
  }

  countMessages(clientId: Id, conversationId: Id, of: MessageCount) {
    return this.read(() => {
      const stream = this.#conversations.find(clientId, conversationId)
      return stream ? this.#entries.countMessages(stream, of) : 0
    })
  }

  sizeOfMessages(clientId: Id, conversationId: Id) {
    return this.read(() => {
      const stream = this.#conversations.find(clientId, conversationId)
      return stream ? this.#entries.sizeOfMessages(stream) : 0
    })
  }

  sizeOfActivities(clientId: Id, conversationId: Id) {
    return this.read(() => {
      const stream = this.#conversations.find(clientId, conversationId)
      return stream ? this.#entries.sizeOfActivities(stream) : 0
    })
  }

  listEntries(clientId: Id, streamId: Id, limit: number) {
    return this.read(() => {
      const stream = this.#streams.find(clientId, streamId)
      return stream ? this.#entries.listNewest(stream, limit) : []
    })
  }

  listReplies(clientId: Id, conversationId: Id, incomingId: Id, page: ReplyPage) {
    return this.read(() => {
      const stream = this.#conversations.find(clientId, conversationId)
      return stream ? this.#entries.listReplies(stream, incomingId, page) : []
    })
  }

  endTurn(clientId: Id, messageId: Id, at: Date) {
    return this.write(() => {
      const message = this.#entries.find(clientId, messageId)
      const stream = message && this.#conversations.find(clientId, message.streamId)
      return stream !== undefined && this.#entries.endTurn(stream, message?.seq ?? 0, at)
    })
  }

  editMessage(clientId: Id, conversationId: Id, id: Id, to: MessageText) {
    return this.write(() => {
      const stream = this.#conversations.find(clientId, conversationId)
      return stream !== undefined && this.#entries.edit(stream, id, to)
    })
  }

  /** All of them in several writes, so that others have their turn between two of many. */
  async deleteMessages(clientId: Id, conversationId: Id, only: Id | 'all', at: Date) {
    let upTo: number | undefined
    for (let count = 0; ; ) {
      const deleted = await this.write(() => {
        const stream = this.#conversations.find(clientId, conversationId)
        if (!stream) return 0
        if (only !== 'all') return this.#entries.deleteMessage(stream, only, at)
        upTo ??= stream.seq
        return this.#entries.deleteMessages(stream, upTo, at)
      })
      count += deleted
      if (only !== 'all' || deleted === 0) return count
    }
  }

  claimDue(claim: { now: Date; limit: number; except: readonly Id[] }) {
    return this.write(() => this.#deliveries.claimDue(claim))
  }

  readEntries({ clientId, streamId }: StreamRef, after: number, limit: number): Promise<Entry[]> {
    return this.read(() => {
      const stream = this.#streams.find(clientId, streamId)
      return stream ? this.#entries.listAfter(stream, after, limit) : []
    })
  }

  async mark(stream: StreamRef, lease: Lease, progress: Mark) {
    const marked = await this.write(() => this.#deliveries.mark(stream, lease, progress))
    if (marked === 'lost') return marked
    if (marked.lease.until) lease.until = marked.lease.until
    return marked.seq
  }

  reclaim(stream: StreamRef, lease?: Lease) {
    return this.write(() => this.#deliveries.reclaim(stream, lease))
  }

  bury(stream: StreamRef, seq: number, target: Target, dead: Dead) {
    return this.write(() => this.#deliveries.bury(stream, seq, target, dead))
  }

  listDead(clientId: Id, page: Page) {
    return this.read(() => this.#entries.listDead(clientId, page))
  }

  replay(replay: Replay) {
    return this.write(() => this.#deliveries.replay(replay))
  }

  wakeClient(clientId: Id, now: Date) {
    return this.write(() => this.#deliveries.wakeClient(clientId, now))
  }

  findProgress(stream: StreamRef) {
    return this.read(() => this.#deliveries.findProgress(stream))
  }

  backlog() {
    return this.read(() => this.#deliveries.backlog())
  }

  /** Nobody else can change it, so that there is nothing to tell. */
  async watch() {
    return { isInstant: true }
  }
}
