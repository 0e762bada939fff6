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
  Watcher,
} from '@plugboard/hub'
import type { Connection } from 'mongoose'
import type { MongoArchive } from './archive/archive.js'
import { APPENDS, CHANGES, ChangeStreams } from './database/change-streams.js'
import type { DatabaseClock } from './database/clock.js'
import { toStoreError } from './database/failure.js'
import type { Backfill } from './lists/backfill.js'
import type { Parts } from './parts.js'

/** The port, call by call. */
export class MongoStore implements ArchivedStore {
  readonly archive: MongoArchive
  readonly #connection: Connection
  readonly #clock: DatabaseClock
  readonly #parts: Parts
  readonly #isInstant: boolean
  readonly #backfill: Backfill
  readonly #underway = new Set<Promise<unknown>>()
  #watcher: Watcher | undefined
  #changes: ChangeStreams | undefined
  #appends: ChangeStreams | undefined
  #closed: Promise<void> | undefined

  constructor(
    connection: Connection,
    clock: DatabaseClock,
    parts: Parts,
    { isInstant, backfill }: { isInstant: boolean; backfill: Backfill },
  ) {
    this.#backfill = backfill
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

  findClients(prefix: string, page: { limit: number; after?: string }) {
    return this.#do(({ clients }) => clients.named(prefix, page))
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

  findConversations(clientId: Id, ids: readonly Id[]) {
    return this.#do(({ conversations }) => conversations.findAll(clientId, ids))
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

  recentConversations(clientId: Id, page: RecentPage) {
    return this.#list(({ lists }) => lists.recent(clientId, page))
  }

  newestMessages(clientId: Id, conversationIds: readonly Id[]) {
    return this.#do(({ lists }) => lists.newestMessages(clientId, conversationIds))
  }

  conversationStates(clientId: Id, conversationIds: readonly Id[]) {
    return this.#do(({ lists }) => lists.states(clientId, conversationIds))
  }

  findPlaces(clientId: Id, sender: string, limit: number) {
    return this.#do(({ endpoints }) => endpoints.findPlaces(clientId, sender, limit))
  }

  findDead(clientId: Id, page: DeadPage) {
    return this.#do(({ deadIndex }) => deadIndex.find(clientId, page))
  }

  walkDead(clientId: Id, walk: DeadWalk) {
    return this.#do(({ deadIndex }) => deadIndex.walk(clientId, walk))
  }

  listOwing(clientId: Id, page: OwingPage) {
    return this.#do(({ lists }) => lists.owing(clientId, page))
  }

  discard(clientId: Id, entryId: Id, target: Target) {
    return this.#do(({ deadLetters }) => deadLetters.discard(clientId, entryId, target))
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

  findSchedule(stream: StreamRef) {
    return this.#do(({ claims }) => claims.findSchedule(stream))
  }

  recordAttempts(attempts: readonly NewAttempt[]) {
    return this.#do(({ attempts: history }) => history.record(attempts))
  }

  listAttempts(stream: StreamRef, entries: readonly Pick<Entry, 'seq' | 'at'>[]) {
    return this.#do(({ attempts }) => attempts.list(stream, entries))
  }

  purgeAttempts(before: Date, limit: number) {
    return this.#do(({ attempts }) => attempts.purge(before, limit))
  }

  backlog(limit: number) {
    return this.#do(({ backlog }) => backlog.measure(limit))
  }

  enqueue(clientId: Id, queueId: Id, items: readonly QueueItem[]) {
    return this.#do(({ queues }) => queues.add(clientId, queueId, items))
  }

  readQueue(clientId: Id, queueId: Id, page: QueuePage) {
    return this.#do(({ queues }) => queues.read(clientId, queueId, page))
  }

  queueEnds(clientId: Id, queueId: Id) {
    return this.#do(({ queues }) => queues.ends(clientId, queueId))
  }

  purgeQueue(clientId: Id, queueId: Id, before: Date, limit: number) {
    return this.#do(({ queues }) => queues.purge(clientId, queueId, before, limit))
  }

  offerPulls(clientId: Id, offers: readonly PullOffer[], now: Date) {
    return this.#do(({ pulls }) => pulls.offer(clientId, offers, now))
  }

  duePulls(clientId: Id, webhookId: Id, due: { now: Date; limit: number }) {
    return this.#do(({ pulls }) => pulls.due(clientId, webhookId, due))
  }

  findPulls(clientId: Id, lanes: readonly PullLaneRef[]) {
    return this.#do(({ pulls }) => pulls.find(clientId, lanes))
  }

  listPulls(clientId: Id, webhookId: Id, waiting: { before: Date; limit: number }) {
    return this.#do(({ pulls }) => pulls.list(clientId, webhookId, waiting))
  }

  replacePulls(lanes: readonly PullLane[]) {
    return this.#do(({ pulls }) => pulls.replace(lanes))
  }

  pullBacklog(clientId: Id, webhookId: Id, limit: number) {
    return this.#do(({ pulls }) => pulls.backlog(clientId, webhookId, limit))
  }

  purgePulls(before: Date, limit: number) {
    return this.#do(({ pulls }) => pulls.purge(before, limit))
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
      this.#watcher = watcher
      await this.#changes?.close()
      this.#changes = new ChangeStreams(this.#connection, this.#clock, watcher, CHANGES)
      const refusal = await this.#changes.open()
      return refusal === undefined ? { isInstant: true } : { isInstant: false, reason: refusal }
    })
  }

  watchAppends(isWanted: boolean) {
    return this.#do(async () => {
      const watcher = this.#isInstant ? this.#watcher : undefined
      if (!watcher) return false
      if (!isWanted) {
        const appends = this.#appends
        this.#appends = undefined
        await appends?.close()
        return true
      }
      if (this.#appends) return true
      const appends = new ChangeStreams(this.#connection, this.#clock, watcher, APPENDS)
      const refusal = await appends.open()
      if (refusal === undefined) this.#appends = appends
      return refusal === undefined
    })
  }

  findHeads(streams: readonly StreamRef[]) {
    return this.#do(({ entries }) => entries.findHeads(streams))
  }

  signal(stream: StreamRef, text: string) {
    return this.#do(({ signals }) => signals.send(stream, text))
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await Promise.all([this.#changes?.close(), this.#appends?.close(), this.#backfill.close()])
    await Promise.allSettled(this.#underway)
    await this.#connection.close()
  }

  async #list<T>(work: (parts: Parts) => Promise<T>): Promise<T> {
    this.#backfill.assertReady()
    return this.#do(work)
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
