import { setTimeout } from 'node:timers/promises'
import { type Conversation, type Endpoint, type Id, PlugboardError, type User } from '@plugboard/core'
import type {
  Append,
  ArchivedStore,
  ChannelRef,
  ClientRecord,
  Dead,
  DeadPage,
  DeadWalk,
  Entry,
  KeyClaim,
  Lease,
  MapEndpoint,
  MapSender,
  Mark,
  MergeUsers,
  MessageCount,
  MessagePage,
  MessageText,
  NewAttempt,
  NewEntry,
  OwingPage,
  Page,
  PullLane,
  PullLaneRef,
  PullOffer,
  QueueItem,
  QueuePage,
  Range,
  RecentPage,
  Replay,
  ReplyPage,
  SentMessage,
  StoredDocument,
  StreamRef,
  Target,
} from '@plugboard/hub'
import { SqliteArchive } from './archive/archive.js'
import { Clients } from './clients.js'
import { type OpenDatabase, openDatabase } from './database/database.js'
import { toStoreError } from './database/failure.js'
import { type Batch, GroupCommit } from './database/group-commit.js'
import { Attempts } from './delivery/attempts.js'
import { Claims } from './delivery/claims.js'
import { DeadLetters } from './delivery/dead-letters.js'
import { ProgressTable } from './delivery/progress-table.js'
import { SentMessages } from './delivery/sent-messages.js'
import { IdempotencyKeys } from './idempotency-keys.js'
import { Activity } from './lists/activity.js'
import { Backfill } from './lists/backfill.js'
import { Lists } from './lists/lists.js'
import { Meta } from './meta.js'
import { Pulls } from './pull-lanes.js'
import { Purge } from './purge.js'
import { Queues } from './queues.js'
import { StoredDocuments } from './stored-documents.js'
import { Appender } from './streams/append.js'
import { Conversations } from './streams/conversations.js'
import { Endpoints } from './streams/endpoints.js'
import { Entries } from './streams/entries.js'
import { StreamCache } from './streams/stream-cache.js'

export interface SqliteStoreOptions {
  /** The database file. Creates the file and its folder if they are missing. */
  path: string
  /** Clock for leases. Default: the system clock. */
  now?: () => Date
  /**
   * How long a lease lasts, in milliseconds, unless it is renewed. Longer than the longest attempt at a delivery, since
   * none outlasts its lease. Default: 60 seconds.
   */
  leaseMs?: number
  /** Streams kept in memory, at about a kilobyte each. Default: 20,000. */
  cacheSize?: number
  /** Called after each transaction. */
  onBatch?: (batch: Batch) => void
  /**
   * How often the log is copied back into the database file, in milliseconds, if something was written. Otherwise, at low
   * traffic, the file would be hours behind its log. Default: 30 seconds.
   */
  checkpointMs?: number
}

/**
 * Opens the store in a file that no other process has open.
 * @throws CONFLICT when another process has the file open or a newer Plugboard wrote it, UNAVAILABLE when it cannot be
 * opened
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
class SqliteStore implements ArchivedStore {
  readonly archive: SqliteArchive
  readonly #database: OpenDatabase
  readonly #commits: GroupCommit
  readonly #meta: Meta
  readonly #clients: Clients
  readonly #keys: IdempotencyKeys
  readonly #documents: StoredDocuments
  readonly #queues: Queues
  readonly #pulls: Pulls
  readonly #streams: StreamCache
  readonly #entries: Entries
  readonly #appender: Appender
  readonly #conversations: Conversations
  readonly #endpoints: Endpoints
  readonly #claims: Claims
  readonly #attempts: Attempts
  readonly #deadLetters: DeadLetters
  readonly #sentMessages: SentMessages
  readonly #lists: Lists
  readonly #backfill: Backfill
  readonly #purge: Purge
  readonly #checkpoints: NodeJS.Timeout
  #hasWritten = false
  #isClosed = false

  constructor(database: OpenDatabase, options: SqliteStoreOptions) {
    const { db } = database
    const { cacheSize = 20_000, leaseMs = 60_000, checkpointMs = 30_000, onBatch } = options
    const now = options.now ? () => (options.now as () => Date)().getTime() : Date.now
    const progress = new ProgressTable(db)
    this.#database = database
    const activity = new Activity(db)
    this.#streams = new StreamCache(db, { progress, activity }, { cacheSize, leaseMs })
    this.#commits = new GroupCommit(db, this.#streams, onBatch)
    this.#meta = new Meta(db)
    this.#clients = new Clients(db)
    this.#keys = new IdempotencyKeys(db)
    this.#documents = new StoredDocuments(db)
    this.#queues = new Queues(db)
    this.#pulls = new Pulls(db)
    this.#entries = new Entries(db)
    this.#appender = new Appender(this.#streams, this.#entries, now)
    this.#conversations = new Conversations(db, this.#streams, this.#appender)
    this.#endpoints = new Endpoints(db, this.#streams, this.#appender, activity)
    this.#claims = new Claims(db, this.#streams, progress, now)
    this.#attempts = new Attempts(db, this.#streams)
    this.#deadLetters = new DeadLetters(db, this.#streams)
    this.#sentMessages = new SentMessages(db, this.#streams)
    this.#lists = new Lists(db, this.#streams, this.#conversations)
    this.#backfill = new Backfill(db, this.#streams)
    this.#purge = new Purge(db, this.#streams)
    const access = { read: this.#read.bind(this), write: this.#write.bind(this) }
    this.archive = new SqliteArchive(db, this.#streams, access)
    this.#checkpoints = setInterval(() => this.#checkpoint(), checkpointMs)
    this.#checkpoints.unref()
    if (this.#backfill.isNeeded) void this.#fill()
  }

  /** With pauses, so that it takes a small share of the time of what else is to be done. */
  async #fill(): Promise<void> {
    for (let pauseMs = FILL_PAUSE_MS; ; ) {
      await setTimeout(pauseMs, undefined, { ref: false })
      if (this.#isClosed) return
      try {
        if (!(await this.#write(() => this.#backfill.step()))) return
        pauseMs = FILL_PAUSE_MS
      } catch {
        // A full disk, for instance. Whoever writes something is told.
        pauseMs = FILL_AGAIN_MS
      }
    }
  }

  #checkpoint(): void {
    if (!this.#hasWritten) return
    this.#hasWritten = false
    this.#database.checkpoint()
  }

  getMeta(key: string) {
    return this.#read(() => this.#meta.get(key))
  }

  putMetaIfAbsent(key: string, value: string) {
    return this.#write(() => this.#meta.putIfAbsent(key, value))
  }

  putMeta(key: string, value: string) {
    return this.#write(() => this.#meta.put(key, value))
  }

  replaceMeta(key: string, from: string, to: string) {
    return this.#write(() => this.#meta.replace(key, from, to))
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

  findClients(prefix: string, page: { limit: number; after?: string }) {
    return this.#read(() => this.#clients.named(prefix, page))
  }

  purgeClient(clientId: Id, limit: number) {
    return this.#write(() => this.#purge.client(clientId, limit))
  }

  claimKey(claim: KeyClaim & { expiresBefore: Date }) {
    return this.#write(() => this.#keys.claim(claim))
  }

  purgeKeys(before: Date, limit: number) {
    return this.#write(() => this.#purge.keys(before, limit))
  }

  createUser(user: User, event: NewEntry) {
    return this.#write(() => this.#appender.createUser(user, event))
  }

  findUser(clientId: Id, id: Id) {
    return this.#read(() => this.#conversations.findUser(clientId, id))
  }

  deleteUser(clientId: Id, id: Id, event: NewEntry) {
    return this.#write(() => this.#conversations.deleteUser(clientId, id, event))
  }

  mergeUsers(merge: MergeUsers) {
    return this.#write(() => this.#conversations.merge(merge))
  }

  createConversation(conversation: Conversation, event: NewEntry) {
    return this.#write(() => this.#appender.createConversation(conversation, event))
  }

  findConversation(clientId: Id, id: Id) {
    return this.#read(() => this.#conversations.findRecord(clientId, id))
  }

  findConversations(clientId: Id, ids: readonly Id[]) {
    return this.#read(() => ids.flatMap((id) => this.#conversations.findRecord(clientId, id) ?? []))
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

  mapEndpoint(input: MapEndpoint) {
    return this.#write(() => this.#endpoints.map(input))
  }

  findEndpoint(clientId: Id, channel: ChannelRef, endpoint: Endpoint) {
    return this.#read(() => this.#endpoints.find({ clientId, channel, endpoint }))
  }

  mapSender(input: MapSender) {
    return this.#write(() => this.#endpoints.mapSender(input))
  }

  findSender(clientId: Id, channel: ChannelRef, endpoint: Omit<Endpoint, 'thread'>) {
    return this.#read(() => this.#endpoints.findSender({ clientId, channel, endpoint }))
  }

  removeEndpoint(clientId: Id, conversationId: Id, endpointId: Id) {
    return this.#write(() => {
      const stream = this.#conversations.find(clientId, conversationId)
      return stream !== undefined && this.#endpoints.remove(stream, endpointId)
    })
  }

  append(append: Append) {
    return this.#write(() => this.#appender.append(append))
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

  sizeOfMessages(clientId: Id, conversationId: Id) {
    return this.#read(() => {
      const stream = this.#conversations.find(clientId, conversationId)
      return stream ? this.#entries.sizeOfMessages(stream) : 0
    })
  }

  sizeOfActivities(clientId: Id, conversationId: Id) {
    return this.#read(() => {
      const stream = this.#conversations.find(clientId, conversationId)
      return stream ? this.#entries.sizeOfActivities(stream) : 0
    })
  }

  listEntries(clientId: Id, streamId: Id, limit: number) {
    return this.#read(() => {
      const stream = this.#streams.find(clientId, streamId)
      return stream ? this.#entries.listNewest(stream, limit) : []
    })
  }

  listReplies(clientId: Id, conversationId: Id, incomingId: Id, page: ReplyPage) {
    return this.#read(() => {
      const stream = this.#conversations.find(clientId, conversationId)
      return stream ? this.#entries.listReplies(stream, incomingId, page) : []
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

  /** Several writes for many messages, so that other writes run in between. */
  async deleteMessages(clientId: Id, conversationId: Id, only: Id | 'all', at: Date) {
    let upTo: number | undefined
    for (let count = 0; ; ) {
      const deleted = await this.#write(() => {
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
    return this.#write(() => this.#claims.claimDue(claim))
  }

  readEntries({ clientId, streamId }: StreamRef, after: number, limit: number): Promise<Entry[]> {
    return this.#read(() => {
      const stream = this.#streams.find(clientId, streamId)
      return stream ? this.#entries.listAfter(stream, after, limit) : []
    })
  }

  async mark(stream: StreamRef, lease: Lease, progress: Mark) {
    if (this.#isClosed) throw closed()
    // A commit waits for the disk, and costs more than all else of a delivery.
    const marked = await this.#commits.writeAlong(() => this.#claims.mark(stream, lease, progress))
    if (marked === 'lost') return marked
    if (marked.lease.until) lease.until = marked.lease.until
    return marked.seq
  }

  reclaim(stream: StreamRef, lease?: Lease) {
    return this.#write(() => this.#claims.reclaim(stream, lease))
  }

  bury(stream: StreamRef, seq: number, target: Target, dead: Dead) {
    return this.#write(() => this.#deadLetters.bury(stream, seq, target, dead))
  }

  recordSent(stream: StreamRef, seq: number, target: Target, sent: SentMessage) {
    return this.#write(() => this.#sentMessages.record(stream, seq, target, sent))
  }

  listDead(clientId: Id, page: Page) {
    return this.#read(() => this.#deadLetters.list(clientId, page))
  }

  recentConversations(clientId: Id, page: RecentPage) {
    return this.#read(() => this.#lists.recent(clientId, page))
  }

  newestMessages(clientId: Id, conversationIds: readonly Id[]) {
    return this.#read(() => this.#lists.newestMessages(clientId, conversationIds))
  }

  conversationStates(clientId: Id, conversationIds: readonly Id[]) {
    return this.#read(() => this.#lists.states(clientId, conversationIds))
  }

  findPlaces(clientId: Id, sender: string, limit: number) {
    return this.#read(() => this.#lists.places(clientId, sender, limit))
  }

  findDead(clientId: Id, page: DeadPage) {
    return this.#read(() => this.#lists.dead(clientId, page))
  }

  walkDead(clientId: Id, walk: DeadWalk) {
    return this.#read(() => this.#lists.walkDead(clientId, walk))
  }

  listOwing(clientId: Id, page: OwingPage) {
    return this.#read(() => this.#lists.owing(clientId, page))
  }

  discard(clientId: Id, entryId: Id, target: Target) {
    return this.#write(() => this.#deadLetters.discard(clientId, entryId, target))
  }

  replay(replay: Replay) {
    return this.#write(() => this.#deadLetters.replay(replay))
  }

  wakeClient(clientId: Id, now: Date) {
    return this.#write(() => this.#claims.wakeClient(clientId, now))
  }

  findProgress(stream: StreamRef) {
    return this.#read(() => this.#claims.findProgress(stream))
  }

  findSchedule(stream: StreamRef) {
    return this.#read(() => this.#claims.findSchedule(stream))
  }

  recordAttempts(attempts: readonly NewAttempt[]) {
    if (this.#isClosed) return Promise.reject(closed())
    this.#hasWritten = true
    return this.#commits.writeAlong(() => this.#attempts.record(attempts))
  }

  listAttempts(stream: StreamRef, entries: readonly Pick<Entry, 'seq' | 'at'>[]) {
    return this.#read(() => this.#attempts.list(stream, entries))
  }

  purgeAttempts(before: Date, limit: number) {
    return this.#write(() => this.#attempts.purge(before, limit))
  }

  backlog(limit: number) {
    return this.#read(() => this.#claims.backlog(limit))
  }

  enqueue(clientId: Id, queueId: Id, items: readonly QueueItem[]) {
    return this.#write(() => this.#queues.add(clientId, queueId, items))
  }

  readQueue(clientId: Id, queueId: Id, page: QueuePage) {
    return this.#read(() => this.#queues.read(clientId, queueId, page))
  }

  queueEnds(clientId: Id, queueId: Id) {
    return this.#read(() => this.#queues.ends(clientId, queueId))
  }

  purgeQueue(clientId: Id, queueId: Id, before: Date, limit: number) {
    return this.#write(() => this.#queues.purge(clientId, queueId, before, limit))
  }

  offerPulls(clientId: Id, offers: readonly PullOffer[], now: Date) {
    return this.#write(() => this.#pulls.offer(clientId, offers, now))
  }

  duePulls(clientId: Id, webhookId: Id, due: { now: Date; limit: number }) {
    return this.#read(() => this.#pulls.due(clientId, webhookId, due))
  }

  findPulls(clientId: Id, lanes: readonly PullLaneRef[]) {
    return this.#read(() => lanes.flatMap((lane) => this.#pulls.find(clientId, lane) ?? []))
  }

  listPulls(clientId: Id, webhookId: Id, waiting: { before: Date; limit: number }) {
    return this.#read(() => this.#pulls.list(clientId, webhookId, waiting))
  }

  replacePulls(lanes: readonly PullLane[]) {
    return this.#write(() => lanes.map((lane) => this.#pulls.replace(lane)))
  }

  pullBacklog(clientId: Id, webhookId: Id, limit: number) {
    return this.#read(() => this.#pulls.backlog(clientId, webhookId, limit))
  }

  purgePulls(before: Date, limit: number) {
    return this.#write(() => this.#pulls.purge(before, limit))
  }

  increment(clientId: Id, name: string, by?: number) {
    return this.#write(() => this.#documents.increment(clientId, name, by))
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

  findHeads(streams: readonly StreamRef[]) {
    return this.#read(() =>
      streams.map(({ clientId, streamId }) => this.#streams.find(clientId, streamId)?.seq),
    )
  }

  /** No other process can change the file, so there is nothing to notify of. */
  async watch() {
    return { isInstant: true }
  }

  async watchAppends() {
    return true
  }

  async signal() {}

  async close() {
    if (this.#isClosed) return
    this.#isClosed = true
    clearInterval(this.#checkpoints)
    this.#commits.drain()
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
    if (this.#isClosed) return Promise.reject(closed())
    this.#hasWritten = true
    return this.#commits.write(work)
  }
}

/** Between two steps of the backfill, and after one that failed. */
const FILL_PAUSE_MS = 20
const FILL_AGAIN_MS = 10_000

const closed = () => new PlugboardError('UNAVAILABLE', 'the store is closed')
