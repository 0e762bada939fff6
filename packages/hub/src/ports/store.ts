import type { Conversation, Endpoint, Id, User } from '@plugboard/core'
import type { AttemptRecord, NewAttempt } from '../log/attempt.js'
import type { DeadLetters, DeadPage, DeadRef, DeadWalk } from '../log/dead-letter.js'
import type { ChannelRef, ConversationRecord, EndpointRecord } from '../log/endpoint-record.js'
import type { Dead, DeadEntry, Entry, NewEntry, SentMessage, StreamKind, StreamRef } from '../log/entry.js'
import type { Backlog, OwingPage, OwingStream } from '../log/owing-streams.js'
import type { MessageCount, MessagePage, Page, Range, ReplyPage } from '../log/page.js'
import type { Claimed, LaneState, Lease, Mark, Progress, Schedule } from '../log/progress.js'
import type { DuePulls, PullLane, PullLaneRef, PullOffer } from '../log/pull-lane.js'
import type { QueuedItem, QueueEnds, QueueItem, QueuePage } from '../log/queue.js'
import type { ConversationState, RecentConversation, RecentPage } from '../log/recent.js'
import type { LaneKey, Target } from '../log/target.js'
import type { ClientRecord } from './client-record.js'
import type { StoredDocument } from './stored-document.js'

/**
 * The storage port. Rules for every method:
 * - a change is one atomic, durable write: it is on disk when the promise resolves, and a crash leaves nothing half-done;
 * - the id of another client is treated as unknown;
 * - time is passed in, lists are keyset pages, newest first unless stated otherwise;
 * - a page of entries or documents ends with the one that brings it to `PAGE_BYTES`, and no more is read into memory: a
 *   page that is not full (`isFull`) is the last one;
 * - it throws PlugboardError UNAVAILABLE when the database cannot be reached.
 *
 * `storeSuite` in `@plugboard/hub/testing` is its specification, and `memoryDatabase` there is the store to read first.
 */
export interface Store {
  /** Meta: a few named texts of the whole store. */
  getMeta(key: string): Promise<string | undefined>
  /** Writes if absent. Returns the value stored then, so that two concurrent callers both learn which value won. */
  putMetaIfAbsent(key: string, value: string): Promise<string>
  putMeta(key: string, value: string): Promise<void>
  /** Compare-and-set: writes `to` if the value is `from`, else returns false. */
  replaceMeta(key: string, from: string, to: string): Promise<boolean>

  /** @throws CONFLICT when its id, external id or name is taken */
  insertClient(client: ClientRecord): Promise<void>
  findClient(by: { id: Id } | { externalId: string } | { name: string }): Promise<ClientRecord | undefined>
  /**
   * Compare-and-set of the whole document: writes if the stored version is `client.version - 1`, else returns false.
   * @throws CONFLICT when the name is taken
   */
  replaceClient(client: ClientRecord): Promise<boolean>
  /** In order of id. */
  listClients(range: Range): Promise<ClientRecord[]>
  /**
   * Clients whose name begins with this text, upper and lower case being different, in order of the UTF-8 bytes of their
   * names. `after`: a name, exclusive.
   */
  findClients(prefix: string, page: { limit: number; after?: string }): Promise<ClientRecord[]>
  /** Removes up to `limit` rows of the client, the client itself last. True when nothing is left. */
  purgeClient(clientId: Id, limit: number): Promise<boolean>

  /**
   * Stores an idempotency key with the id of the object that the request makes. `fresh` is false if the key exists and
   * is not older than `expiresBefore`: then `id`, `hash` and `at` are those of the first request.
   */
  claimKey(claim: KeyClaim & { expiresBefore: Date }): Promise<KeyClaim & { fresh: boolean }>
  /** Removes up to `limit` keys claimed before this time, and returns how many. */
  purgeKeys(before: Date, limit: number): Promise<number>

  /** Creates a user and the first entry of its stream. If the client has a user with this id, returns that one. */
  createUser(user: User, event: NewEntry): Promise<Appended>
  /** The id of a user that was merged into another gives that other one. So does every method that takes a user's id. */
  findUser(clientId: Id, id: Id): Promise<User | undefined>
  /**
   * Makes two users one: the younger is merged into the older, that of the lower id, and appends its last entry. The
   * older one then has the addresses and the conversations of both, and the `data` that it lacks; deliveries go on. The last entry decides, and is
   * written once. Only a store without transactions may leave conversations behind if its process dies after that, or if
   * they are created concurrently: the next call with these users moves them. Undefined if both are one user already, or
   * if one of them does not exist.
   */
  mergeUsers(merge: MergeUsers): Promise<Merged | undefined>
  /**
   * Hides the user, cancels the deliveries of its stream, and appends its last entry, in one write. Messages from its
   * addresses make a new user from then on. Its conversations stay. Undefined if there is no such user.
   */
  deleteUser(clientId: Id, id: Id, event: NewEntry): Promise<Appended | undefined>

  /**
   * Creates a conversation and the first entry of its stream. If the client has a conversation with this id, returns
   * that one. @throws NOT_FOUND when it names a user that the client does not have
   */
  createConversation(conversation: Conversation, event: NewEntry): Promise<Appended>
  findConversation(clientId: Id, id: Id): Promise<ConversationRecord | undefined>
  /** Those of these conversations that the client has, in any order. */
  findConversations(clientId: Id, ids: readonly Id[]): Promise<ConversationRecord[]>
  /** Conversations without messages first, then by newest message. The page starts after `before`. */
  listConversations(clientId: Id, userId: Id, page: Page): Promise<Conversation[]>
  /** The client's conversations in order of id: all, or those of one user. */
  walkConversations(clientId: Id, range: Range & { userId?: Id }): Promise<ConversationRecord[]>
  /**
   * The client's conversations by newest activity. In a store of an earlier version this list and those of dead letters
   * are incomplete until the store has been prepared for them, which it does in the background once it is open.
   */
  recentConversations(clientId: Id, page: RecentPage): Promise<RecentConversation[]>
  /**
   * The newest message that is not deleted of each of these conversations, in any order. One that is larger than
   * `PREVIEW_BYTES` is left out.
   */
  newestMessages(clientId: Id, conversationIds: readonly Id[]): Promise<Entry[]>
  /** What is not delivered of each of these conversations that the client has, in any order. */
  conversationStates(clientId: Id, conversationIds: readonly Id[]): Promise<ConversationState[]>
  /**
   * Hides the conversation, cancels its deliveries, and appends its last entry, in one write: from then on its other
   * entries read as deleted. Undefined if there is no such conversation.
   */
  deleteConversation(clientId: Id, id: Id, event: NewEntry): Promise<Appended | undefined>
  /**
   * Removes up to `limit` rows of deleted users and conversations without pending deliveries, and returns how many.
   * Entries that wait for readers of a pull webhook are pending.
   */
  purgeDeleted(limit: number): Promise<number>

  /**
   * Finds the conversation of an endpoint, or creates it with its user. Concurrent calls with the same (client, channel,
   * identity, sender, thread) give one conversation, and with the same (client, channel, identity, sender) one user.
   */
  mapEndpoint(input: MapEndpoint): Promise<Mapped>
  /** The conversation of an endpoint, and its user; undefined if there is none. Creates nothing. */
  findEndpoint(clientId: Id, channel: ChannelRef, endpoint: Endpoint): Promise<Place | undefined>
  /**
   * Finds the user at a (client, channel, identity, sender), or creates it without a conversation. It is the user that
   * {@link Store.mapEndpoint} finds there.
   */
  mapSender(input: MapSender): Promise<Pick<Mapped, 'userId' | 'appended'>>
  /** The user at a (client, channel, identity, sender); undefined if there is none. Creates nothing. */
  findSender(clientId: Id, channel: ChannelRef, sender: Omit<Endpoint, 'thread'>): Promise<Id | undefined>
  /** Up to `limit` endpoints of conversations with this sender, of any channel and identity, in any order. */
  findPlaces(clientId: Id, sender: string, limit: number): Promise<Place[]>
  /** Separates the endpoint from the conversation. False if the conversation has no such endpoint. */
  removeEndpoint(clientId: Id, conversationId: Id, endpointId: Id): Promise<boolean>

  /**
   * Appends an entry to a stream, with the next number and a time that is not before that of the previous entry.
   * `resolve` is called with the state of the stream at that moment. It is pure, and may be called again. If the stream
   * has an entry with the same `dedupe` or the same id, returns that one. A stream of kind `integration` is created with
   * its first entry. Undefined if the client has no such stream, or it was deleted.
   */
  append(append: Append): Promise<Appended | undefined>
  findEntry(clientId: Id, id: Id): Promise<Entry | undefined>
  /** The entry of a stream that was appended with this `dedupe`. */
  findByDedupe(clientId: Id, streamId: Id, dedupe: string): Promise<Entry | undefined>
  /**
   * Messages of a conversation that are not deleted, see {@link MessagePage}. Undefined when there is no such
   * conversation.
   */
  listMessages(clientId: Id, conversationId: Id, page: MessagePage): Promise<Entry[] | undefined>
  /**
   * Counts the messages of a conversation after a number, except deleted ones and those of one user, up to `limit`.
   */
  countMessages(clientId: Id, conversationId: Id, of: MessageCount): Promise<number>
  /** The bytes of payloads and details of the messages of a conversation that are not deleted. */
  sizeOfMessages(clientId: Id, conversationId: Id): Promise<number>
  /** The bytes of payloads of the activities of a conversation. */
  sizeOfActivities(clientId: Id, conversationId: Id): Promise<number>
  /** Newest entries of a stream. */
  listEntries(clientId: Id, streamId: Id, limit: number): Promise<Entry[]>
  /** Messages of the business with this `incomingId`, oldest first. */
  listReplies(clientId: Id, conversationId: Id, incomingId: Id, page: ReplyPage): Promise<Entry[]>
  /** Ends the collection of a message at this time, once. False if the client has no such message. */
  endTurn(clientId: Id, messageId: Id, at: Date): Promise<boolean>
  /**
   * Replaces the payload and the details of a message. A delivery in progress may send either version. False if the
   * conversation has no such message.
   */
  editMessage(clientId: Id, conversationId: Id, id: Id, to: MessageText): Promise<boolean>
  /** Turns messages into tombstones that keep their numbers, cancels their deliveries, and returns how many. */
  deleteMessages(clientId: Id, conversationId: Id, only: Id | 'all', at: Date): Promise<number>

  /**
   * Takes the streams that are due by now and that nobody holds, longest due first, each with a lease. A lease is over
   * when `now` has reached its end: both are by the clock of this process. `except`: clients to skip. A claim
   * that fails holds nothing: what it may have taken is due again at the next claim.
   */
  claimDue(claim: { now: Date; limit: number; except: readonly Id[] }): Promise<Due>
  /** Entries after a number, in order, without a hole: stops before a number whose entry is not there yet. */
  readEntries(stream: StreamRef, after: number, limit: number): Promise<Entry[]>
  /**
   * Writes the progress of lanes; only the holder of the lease can. Returns the newest number of the stream, or `lost` if
   * the lease is no longer mine and nothing was written. With a `nextAt` other than `active` the lease is given back,
   * unless the stream has entries after `scanned`: then it stays mine. A stream that was woken while it was held is due
   * when it is given back.
   */
  mark(stream: StreamRef, lease: Lease, progress: Mark): Promise<number | 'lost'>
  /**
   * Takes a lease of mine anew: its fence rises, so that a mark whose answer never came can no longer take effect, and
   * its end moves. It also works after the end of the lease, as long as nobody else has taken the stream, and may be
   * repeated with the same lease when it was not answered. Without a lease: whichever I have of this stream, for a caller
   * whose append failed and may have taken it. `lost`: the stream was given back, or has another holder.
   */
  reclaim(stream: StreamRef, lease?: Lease): Promise<Claimed | 'lost'>
  /** Records that an entry will not be delivered to a target. Idempotent. Call it before the mark that passes the entry. */
  bury(stream: StreamRef, seq: number, target: Target, dead: Dead): Promise<void>
  /**
   * Records what an endpoint shows of a message, also of a deleted one. Replaces the earlier record of this target.
   * Idempotent. Call it before the mark that passes what was sent.
   */
  recordSent(stream: StreamRef, seq: number, target: Target, sent: SentMessage): Promise<void>
  /** Entries that have dead deliveries which were not discarded. */
  listDead(clientId: Id, page: Page): Promise<DeadEntry[]>
  /** Dead letters by filter, see {@link DeadPage}. One call looks at a bounded number of them. */
  findDead(clientId: Id, page: DeadPage): Promise<DeadLetters>
  /** All dead letters, by stream and in the order of its entries. They may come and go during the walk. */
  walkDead(clientId: Id, walk: DeadWalk): Promise<DeadRef[]>
  /**
   * Retries a dead delivery, to the same target or to another: removes the record of its failure and gives it a lane of
   * its own, due now. Undefined if there is no such dead delivery.
   */
  replay(replay: Replay): Promise<Replayed | undefined>
  /**
   * Takes a dead delivery from all lists. Its entry keeps the record, and it can still be replayed. False if there is no
   * such dead delivery, or it was discarded before.
   */
  discard(clientId: Id, entryId: Id, target: Target): Promise<boolean>
  /** Makes every stream of the client with pending deliveries due now, and a stream that is held when it is given back. */
  wakeClient(clientId: Id, now: Date): Promise<void>
  /** The progress of a stream's deliveries. */
  findProgress(stream: StreamRef): Promise<Progress | undefined>
  /** When a stream is delivered next, and until when somebody has it. Undefined if there is no such stream. */
  findSchedule(stream: StreamRef): Promise<Schedule | undefined>
  /**
   * Adds attempts at deliveries. The newest ten of each delivery are kept. Idempotent: an attempt at the same delivery that
   * began in the same millisecond is there already. Attempts in streams that are not there may be dropped. They are removed
   * with their stream and their client (those that are prompt by their age), and are no part of an archive.
   */
  recordAttempts(attempts: readonly NewAttempt[]): Promise<void>
  /** Attempts at deliveries of these entries of the stream, in order of the entries, then of time. */
  listAttempts(stream: StreamRef, entries: readonly Pick<Entry, 'seq' | 'at'>[]): Promise<AttemptRecord[]>
  /**
   * Removes attempts that began before this time, up to `limit` rows, those first that were recorded first. Returns how many
   * rows.
   */
  purgeAttempts(before: Date, limit: number): Promise<number>
  /** The client's streams with pending deliveries, longest due first. They may come and go during a walk. */
  listOwing(clientId: Id, page: OwingPage): Promise<OwingStream[]>
  /** Pending deliveries of the whole store. Reads and counts at most `limit` streams. */
  backlog(limit: number): Promise<Backlog>

  /**
   * Adds items to the end of a queue of the client, in their order. Each gets the next number, from 1. An item whose
   * stream and number are in the queue is left out.
   */
  enqueue(clientId: Id, queueId: Id, items: readonly QueueItem[]): Promise<void>
  /**
   * Items after a number, in order. Nothing is added later before an item that was returned, so that a reader may
   * continue after its number.
   */
  readQueue(clientId: Id, queueId: Id, page: QueuePage): Promise<QueuedItem[]>
  /** Undefined if nothing was ever added. Items before the oldest number were removed. */
  queueEnds(clientId: Id, queueId: Id): Promise<QueueEnds | undefined>
  /**
   * Removes the oldest items, up to `limit`, as long as they were added before this time. The newest item stays, so that
   * numbers continue. Returns how many.
   */
  purgeQueue(clientId: Id, queueId: Id, before: Date, limit: number): Promise<number>

  /**
   * Makes entries wait for the readers of pull webhooks. Each offer is one atomic change of its lane, which is made if
   * it is missing. Idempotent: what was offered before, acknowledged or not, changes nothing. A lane in which nothing
   * waited is due now.
   */
  offerPulls(clientId: Id, offers: readonly PullOffer[], now: Date): Promise<void>
  /** Lanes of a pull webhook that are due by now, longest due first. Nothing is taken. */
  duePulls(clientId: Id, webhookId: Id, due: { now: Date; limit: number }): Promise<DuePulls>
  /** The lanes that are there, in any order. */
  findPulls(clientId: Id, lanes: readonly PullLaneRef[]): Promise<PullLane[]>
  /** Lanes in which something waits since before this time, longest waiting first. */
  listPulls(clientId: Id, webhookId: Id, waiting: { before: Date; limit: number }): Promise<PullLane[]>
  /**
   * Compare-and-set of each lane: writes it if its stored version is `version - 1`. Returns for each whether it was
   * written.
   */
  replacePulls(lanes: readonly PullLane[]): Promise<boolean[]>
  /**
   * The number of lanes in which something waits, counted up to a limit of at least 1, and the time of the oldest entry
   * that may be waiting.
   */
  pullBacklog(
    clientId: Id,
    webhookId: Id,
    limit: number,
  ): Promise<{ lanes: number; isMore: boolean; oldest?: Date }>
  /** Removes up to `limit` lanes in which nothing has waited since before this time. Returns how many. */
  purgePulls(before: Date, limit: number): Promise<number>

  /** Adds to a counter of the client, 1 by default, and returns the new value. A counter starts at 0. */
  increment(clientId: Id, name: string, by?: number): Promise<number>

  /** False if its id or its name is taken in this collection of the client. */
  insertDocument(document: StoredDocument): Promise<boolean>
  findDocument(
    clientId: Id,
    collection: string,
    by: { id: Id } | { name: string },
  ): Promise<StoredDocument | undefined>
  /** The documents with these ids, in order of id. After a full page, ask again for the ids after its last one. */
  findDocuments(clientId: Id, collection: string, ids: readonly Id[]): Promise<StoredDocument[]>
  /**
   * Compare-and-set of the whole document: writes if the stored version is `document.version - 1`, else returns false.
   * @throws CONFLICT when its name is taken
   */
  replaceDocument(document: StoredDocument): Promise<boolean>
  /** False if it does not exist. */
  removeDocument(clientId: Id, collection: string, id: Id): Promise<boolean>
  /** The client's documents of this collection in order of id: all, or those with this term. */
  listDocuments(clientId: Id, collection: string, range: Range & { term?: string }): Promise<StoredDocument[]>

  /**
   * Notifies of changes by other processes until the store is closed; at most one watcher. `isInstant` is false if the
   * store sends no notifications: then poll. Changes by this process may be notified too. `reason`: why there are none,
   * if an operator can change that.
   */
  watch(watcher: Watcher): Promise<{ isInstant: boolean; reason?: string }>
  /**
   * Turns {@link Watcher.appended} and {@link Watcher.signalled} on or off, which costs something with each append of any
   * process. True: everything that is appended after it resolves is notified. False: this store sends no such
   * notifications; then poll with {@link Store.findHeads}. Call it after {@link Store.watch}.
   */
  watchAppends(isWanted: boolean): Promise<boolean>
  /** The newest number of each of these streams, in their order; undefined for one that the client does not have. */
  findHeads(streams: readonly StreamRef[]): Promise<(number | undefined)[]>
  /**
   * Sends a short text about a stream to the watchers of other processes that watch appends, if the store sends
   * notifications. Nothing is kept: it may be lost.
   */
  signal(stream: StreamRef, text: string): Promise<void>

  /** Closes the store. All accepted writes are on disk when it resolves. */
  close(): Promise<void>
}

/** Notifications about other processes. May fire spuriously, never misses; must not throw. */
export interface Watcher {
  /** A stream that nobody holds is due at this time, by the clock of this process: call {@link Store.claimDue} then. */
  due(at: Date): void
  /** The client's document was written or removed. */
  clientChanged(clientId: Id): void
  /** The turn of this message ended. */
  turnEnded(messageId: Id): void
  /**
   * An entry of this number is in the stream, for {@link Store.watchAppends}. Numbers may come out of order; an entry
   * before it may not be there yet.
   */
  appended(stream: StreamRef, seq: number): void
  /** The text of a {@link Store.signal} of another process. */
  signalled(stream: StreamRef, text: string): void
  /** Items were added to this queue, or a lane of this pull webhook that no reader has is due. */
  queued(queueOrWebhookId: Id): void
  /** Notifications may have been lost: anything cached may be stale, and streams may be due. */
  missed(): void
}

/** The content of a message. */
export type MessageText = Pick<NewEntry, 'payload' | 'details'>

export interface KeyClaim {
  clientId: Id
  /** Route and key. */
  key: string
  /** Digest of the request. */
  hash: string
  /** Id of the object that the request makes. */
  id: Id
  at: Date
}

export interface Replay {
  clientId: Id
  entryId: Id
  /** The dead delivery. */
  target: Target
  /** The target of the retry. */
  to: Target
  now: Date
}

/** The lane that a replay was given. */
export interface Replayed extends StreamRef {
  key: LaneKey
  lane: LaneState
}

export interface MergeUsers {
  clientId: Id
  users: readonly [Id, Id]
  /** Called for the last entry of the younger one. */
  event(younger: Id, older: Id): NewEntry
}

/** Two users that became one. */
export interface Merged {
  younger: Id
  older: Id
  /** The last entry of the younger one. */
  appended: Appended
}

export interface MapSender {
  clientId: Id
  channel: ChannelRef
  endpoint: Omit<Endpoint, 'thread'>
  at: Date
  /** Ids of the objects that have to be created. */
  ids: { user: Id }
  /** The `data` of the user, if it has to be created. */
  userData?: Record<string, string>
  /** Called for the first entries of created objects. */
  events: { user(userId: Id): NewEntry }
}

export interface MapEndpoint extends MapSender {
  endpoint: Endpoint
  ids: { user: Id; conversation: Id; endpoint: Id }
  events: { user(userId: Id): NewEntry; conversation(userId: Id, conversationId: Id): NewEntry }
}

/** Where the messages of an endpoint are. */
export interface Place {
  userId: Id
  conversationId: Id
  endpointId: Id
}

export interface Mapped extends Place {
  /** First entries of the created objects. */
  appended: Appended[]
}

export interface Append extends StreamRef {
  kind: StreamKind
  entry: Omit<NewEntry, 'owes' | 'channel'>
  /** The targets of the entry, and its channel, from the present state of the stream. */
  resolve(stream: { userId?: Id; endpoints: readonly EndpointRecord[] }): {
    owes: readonly Target[]
    channel?: string
  }
}

/** An entry that is on disk. */
export interface Appended {
  entry: Entry
  /** It existed before. */
  duplicate: boolean
  /** The person whose conversation it is in. */
  userId?: Id
  /**
   * Set only if this append took the lease. Undefined while the stream is held, also by this process: the holder learns
   * of the entry with its next mark, and a late answer must not be taken for a new lease.
   */
  claimed?: Claimed
}

/** The streams taken, and when to ask again at the latest, if the store knows. */
export interface Due {
  claimed: Claimed[]
  nextAt?: Date
}
