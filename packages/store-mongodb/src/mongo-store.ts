import { type Conversation, type Id, PlugboardError, type User } from '@plugboard/core'
import type {
  Append,
  ArchivedStore,
  ClientRecord,
  Dead,
  KeyClaim,
  Lease,
  MapEndpoint,
  Mark,
  NewEntry,
  Page,
  Replay,
  StreamRef,
  Target,
  Watcher,
} from '@plugboard/hub'
import type { Connection } from 'mongoose'
import type { MongoArchive } from './archive.js'
import { ChangeStreams } from './change-streams.js'
import { DatabaseClock } from './clock.js'
import { connect } from './connection.js'
import { toOpenError, toStoreError } from './failure.js'
import { migrate } from './migrations.js'
import { type Parts, partsOf } from './parts.js'
import { modelsOf } from './schemas.js'

export interface MongoStoreOptions {
  /** `mongodb://…` or `mongodb+srv://…`, with the name of the database. */
  url: string
  /** Brings the schema up when it is opened; false: refuses a database that is not up to date. Default: true. */
  migrate?: boolean
  /**
   * How others are told of changes: `auto` takes change streams where the server has them (a replica set or a sharded
   * cluster), `polling` never. Default: `auto`.
   */
  wakeUps?: 'auto' | 'polling'
  /**
   * How long a stream is kept by a holder that says nothing, in milliseconds: what a killed process costs. One attempt to
   * deliver takes at most a third of it. Default: 30,000.
   */
  leaseMs?: number
  /** How long a call waits for a primary before it fails, in milliseconds. Default: 5,000. */
  selectionTimeoutMs?: number
  /** Streams whose unchanging part (whose it is, where it lives) is kept in memory. Default: 20,000. */
  cacheSize?: number
  /** The clock. Default: the system's. */
  now?: () => Date
  /** Told of each command that is sent, and its name: a round trip. For metrics and tests. */
  onCommand?: (command: { name: string; body: Readonly<Record<string, unknown>> }) => void
}

/**
 * Opens a store on MongoDB, over a connection of its own. Any number of processes may have it open.
 * @throws UNAVAILABLE when there is no primary within the time, UNAUTHORIZED when the credentials are refused, CONFLICT
 * when a newer Plugboard wrote the database, or it is not up to date and may not be changed
 */
export async function openMongoStore(options: MongoStoreOptions): Promise<ArchivedStore> {
  const { url, selectionTimeoutMs = 5000, leaseMs = 30_000, cacheSize = 20_000, onCommand } = options
  const now = options.now
  const clock = new DatabaseClock(now ? () => now().getTime() : Date.now)
  const monitorCommands = onCommand !== undefined
  const { connection, hasChangeStreams } = await connect({ url, selectionTimeoutMs, monitorCommands }, clock)
  try {
    const models = modelsOf(connection)
    await migrate(connection, models, options.migrate ?? true)
    if (onCommand) {
      connection
        .getClient()
        .on('commandStarted', ({ commandName: name, command: body }) => onCommand({ name, body }))
    }
    const isInstant = hasChangeStreams && options.wakeUps !== 'polling'
    return new MongoStore(connection, clock, partsOf(models, clock, { leaseMs, cacheSize }), isInstant)
  } catch (error) {
    await connection.close().catch(() => undefined)
    throw toOpenError(error)
  }
}

/** The port, call by call. */
class MongoStore implements ArchivedStore {
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
    return this.#do(({ notes }) => notes.get(key))
  }

  putMetaIfAbsent(key: string, value: string) {
    return this.#do(({ notes }) => notes.putIfAbsent(key, value))
  }

  putMeta(key: string, value: string) {
    return this.#do(({ notes }) => notes.put(key, value))
  }

  replaceMeta(key: string, from: string, to: string) {
    return this.#do(({ notes }) => notes.replace(key, from, to))
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

  listClients(page: { after?: Id; limit: number }) {
    return this.#do(({ clients }) => clients.list(page))
  }

  purgeClient(clientId: Id, limit: number) {
    return this.#do(({ purge }) => purge.client(clientId, limit))
  }

  claimKey(claim: KeyClaim & { expiresBefore: Date }) {
    return this.#do(({ notes }) => notes.claimKey(claim))
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

  createConversation(conversation: Conversation, event: NewEntry) {
    return this.#do(({ conversations }) => conversations.createConversation(conversation, event))
  }

  findConversation(clientId: Id, id: Id) {
    return this.#do(({ conversations }) => conversations.find(clientId, id))
  }

  listConversations(clientId: Id, userId: Id, page: Page) {
    return this.#do(({ conversations }) => conversations.list(clientId, userId, page))
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

  append(append: Append) {
    return this.#do(({ log }) => log.append(append))
  }

  findEntry(clientId: Id, id: Id) {
    return this.#do(({ entries }) => entries.find(clientId, id))
  }

  findByDedupe(clientId: Id, streamId: Id, dedupe: string) {
    return this.#do(({ entries }) => entries.findByDedupe(clientId, streamId, dedupe))
  }

  listMessages(clientId: Id, conversationId: Id, page: Page & { until?: Date }) {
    return this.#do(({ entries }) => entries.listMessages(clientId, conversationId, page))
  }

  listEntries(clientId: Id, streamId: Id, limit: number) {
    return this.#do(({ entries }) => entries.listNewest(clientId, streamId, limit))
  }

  listReplies(clientId: Id, conversationId: Id, incomingId: Id) {
    return this.#do(({ entries }) => entries.listReplies(clientId, conversationId, incomingId))
  }

  endTurn(clientId: Id, messageId: Id, at: Date) {
    return this.#do(({ conversations }) => conversations.endTurn(clientId, messageId, at))
  }

  deleteMessages(clientId: Id, conversationId: Id, only: Id | 'all', at: Date) {
    return this.#do(({ conversations }) => conversations.deleteMessages(clientId, conversationId, only, at))
  }

  claimDue(claim: { now: Date; limit: number; except: readonly Id[] }) {
    return this.#do(({ deliveries }) => deliveries.claimDue(claim))
  }

  readEntries({ clientId, streamId }: StreamRef, after: number, limit: number) {
    return this.#do(({ entries }) => entries.listAfter(clientId, streamId, after, limit))
  }

  mark(stream: StreamRef, lease: Lease, progress: Mark) {
    return this.#do(({ deliveries }) => deliveries.mark(stream, lease, progress))
  }

  bury(stream: StreamRef, seq: number, target: Target, dead: Dead) {
    return this.#do(({ deliveries }) => deliveries.bury(stream, seq, target, dead))
  }

  listDead(clientId: Id, page: Page) {
    return this.#do(({ entries }) => entries.listDead(clientId, page))
  }

  replay(replay: Replay) {
    return this.#do(({ deliveries }) => deliveries.replay(replay))
  }

  wakeClient(clientId: Id, now: Date) {
    return this.#do(({ deliveries }) => deliveries.wakeClient(clientId, now))
  }

  findProgress(stream: StreamRef) {
    return this.#do(({ deliveries }) => deliveries.findProgress(stream))
  }

  backlog() {
    return this.#do(({ backlog }) => backlog.measure())
  }

  watch(watcher: Watcher) {
    return this.#do(async () => {
      if (!this.#isInstant) return { isInstant: false }
      await this.#changes?.close()
      this.#changes = new ChangeStreams(this.#connection, this.#clock, watcher)
      await this.#changes.open()
      return { isInstant: true }
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
