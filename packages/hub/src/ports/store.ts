import type { Conversation, Endpoint, Id, User } from '@plugboard/core'
import type { ChannelRef, ConversationRecord, EndpointRecord } from '../log/endpoint-record.js'
import type { Dead, DeadEntry, Entry, NewEntry, StreamKind, StreamRef } from '../log/entry.js'
import type { MessageCount, MessagePage, Page, Range, ReplyPage } from '../log/page.js'
import type { Claimed, LaneState, Lease, Mark, Progress } from '../log/progress.js'
import type { LaneKey, Target } from '../log/target.js'
import type { ClientRecord } from './client-record.js'
import type { StoredDocument } from './stored-document.js'

/**
 * The storage port. Rules for every method:
 * - what it changes is one atomic, durable write: when its promise resolves it is on disk, and a crash at any instant
 *   leaves nothing half-done;
 * - another client's id is as unknown as one that never was;
 * - time is passed in, lists are keyset pages, newest first unless said otherwise;
 * - a page of entries or documents ends with the one that brings it to `PAGE_BYTES`, and no more is read into memory: a
 *   page that is not full (`isFull`) is the last one;
 * - it throws PlugboardError UNAVAILABLE when the database cannot be reached.
 *
 * `storeSuite` in `@plugboard/hub/testing` is its specification, and `memoryDatabase` there is the store to read first.
 */
export interface Store {
  /** Meta: a few named texts of the whole store. */
  getMeta(key: string): Promise<string | undefined>
  /** Writes when absent; answers what then stands there, so that of two at once both learn who won. */
  putMetaIfAbsent(key: string, value: string): Promise<string>
  putMeta(key: string, value: string): Promise<void>
  /** Compare-and-set: writes `to` where `from` stands, else answers false. */
  replaceMeta(key: string, from: string, to: string): Promise<boolean>

  /** @throws CONFLICT when its id, external id or name is taken. */
  insertClient(client: ClientRecord): Promise<void>
  findClient(by: { id: Id } | { externalId: string } | { name: string }): Promise<ClientRecord | undefined>
  /**
   * Compare-and-set of the whole document: writes when the stored version is `client.version - 1`, else answers false.
   * @throws CONFLICT when the name is taken.
   */
  replaceClient(client: ClientRecord): Promise<boolean>
  /** In order of id. */
  listClients(range: Range): Promise<ClientRecord[]>
  /** Removes up to `limit` rows of what belongs to the client, at last the client itself; true when nothing is left. */
  purgeClient(clientId: Id, limit: number): Promise<boolean>

  /**
   * Remembers an idempotency key with the id of what it makes. `fresh` is false when the key was there and is not
   * older than `expiresBefore`: then `id`, `hash` and `at` are those of the first time.
   */
  claimKey(claim: KeyClaim & { expiresBefore: Date }): Promise<KeyClaim & { fresh: boolean }>
  /** Removes up to `limit` keys claimed before this time; answers how many. */
  purgeKeys(before: Date, limit: number): Promise<number>

  /** A user and the first entry of its stream. A user with this id that the client has is answered in its place. */
  createUser(user: User, event: NewEntry): Promise<Appended>
  findUser(clientId: Id, id: Id): Promise<User | undefined>
  /**
   * Hides the user, cancels what the entries of its stream owe, and appends its last entry, in one write; who writes
   * from its addresses is a new user from then on. Its conversations stay. Undefined when there is no such user.
   */
  deleteUser(clientId: Id, id: Id, event: NewEntry): Promise<Appended | undefined>

  /**
   * A conversation and the first entry of its stream. A conversation with this id that the client has is answered in
   * its place. @throws NOT_FOUND when it names a user that the client does not have.
   */
  createConversation(conversation: Conversation, event: NewEntry): Promise<Appended>
  findConversation(clientId: Id, id: Id): Promise<ConversationRecord | undefined>
  /** Those without messages first, then by newest message; the page starts after `before`. */
  listConversations(clientId: Id, userId: Id, page: Page): Promise<Conversation[]>
  /** The client's conversations in order of id: all, or those of one user. */
  walkConversations(clientId: Id, range: Range & { userId?: Id }): Promise<ConversationRecord[]>
  /**
   * Hides the conversation, cancels what its entries owe, and appends its last entry, in one write: from then on its
   * other entries read as deleted. Undefined when there is no such conversation.
   */
  deleteConversation(clientId: Id, id: Id, event: NewEntry): Promise<Appended | undefined>
  /** Users and conversations that were deleted and owe nothing any more: removes up to `limit` rows of them; answers how many. */
  purgeDeleted(limit: number): Promise<number>

  /**
   * The conversation of an endpoint, made with its user when it is new. Asked any number of times at once, the same
   * (client, channel, identity, sender, thread) gives one conversation and the same (client, channel, identity,
   * sender) one user.
   */
  mapEndpoint(input: MapEndpoint): Promise<Mapped>
  /** The conversation is not there any more for what comes from this endpoint. False when it has no such endpoint. */
  removeEndpoint(clientId: Id, conversationId: Id, endpointId: Id): Promise<boolean>

  /**
   * Adds an entry to a stream: gives it the next number and a time that is not before that of the number before it.
   * `resolve` is asked with what the stream has at that moment; it is pure, and may be asked again. An entry with the same `dedupe` in the same stream, or
   * with the same id, is answered in its place. A stream of kind `integration` begins with its first entry.
   * Undefined when the client has no such stream, or it was deleted.
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
   * How many messages that are not deleted a conversation has after a number, those of one user left out; counts no
   * further than `limit`.
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
  /** Ends the collection of a message at this time, once. False when the client has no such message. */
  endTurn(clientId: Id, messageId: Id, at: Date): Promise<boolean>
  /**
   * Writes another payload and other details into a message; what is on its way goes out as either. False when the
   * conversation has no such message.
   */
  editMessage(clientId: Id, conversationId: Id, id: Id, to: MessageText): Promise<boolean>
  /** Turns messages into tombstones that keep their numbers, and cancels what they owe. Answers how many. */
  deleteMessages(clientId: Id, conversationId: Id, only: Id | 'all', at: Date): Promise<number>

  /**
   * Streams with something to do by now, oldest first, each with a lease when no one else holds it. A lease is over when
   * `now` has come to its end: both are by the clock of this process. `except`: clients that are left out.
   */
  claimDue(claim: { now: Date; limit: number; except: readonly Id[] }): Promise<Due>
  /** Entries after a number, in order, without a hole: it stops before a number that is not yet there. */
  readEntries(stream: StreamRef, after: number, limit: number): Promise<Entry[]>
  /**
   * Writes how far lanes got; only the holder of the lease can. Answers the newest number of the stream, or `lost` when
   * the lease is not mine any more and nothing was written. With another `nextAt` than `active` the lease is given
   * back, unless the stream has entries after `scanned`: then it stays mine.
   */
  mark(stream: StreamRef, lease: Lease, progress: Mark): Promise<number | 'lost'>
  /**
   * Takes a lease of mine anew: its fence rises, so that a mark whose answer never came can no longer take effect, and
   * its end moves. It also works after the end of the lease, as long as nobody else has taken the stream, and may be
   * repeated with the same lease when it was not answered. Without a lease: whichever I have of this stream, for a caller
   * whose append failed and may have taken it. `lost`: the stream was given back, or has another holder.
   */
  reclaim(stream: StreamRef, lease?: Lease): Promise<Claimed | 'lost'>
  /** Records that an entry will not be delivered to a target. Idempotent. To be written before the mark that passes it. */
  bury(stream: StreamRef, seq: number, target: Target, dead: Dead): Promise<void>
  /** Entries that have dead deliveries. */
  listDead(clientId: Id, page: Page): Promise<DeadEntry[]>
  /**
   * Takes a dead delivery up again, to the same target or to another: removes the mark of death and gives it a lane of
   * its own, due now. Undefined when there is no such dead delivery.
   */
  replay(replay: Replay): Promise<Replayed | undefined>
  /** Makes every stream of the client that owes something due now. */
  wakeClient(clientId: Id, now: Date): Promise<void>
  /** How far the deliveries of a stream are. */
  findProgress(stream: StreamRef): Promise<Progress | undefined>
  /** How many streams owe something, and when the entry of theirs that came in first and may still be owed did. */
  backlog(): Promise<{ streams: number; oldest?: Date }>

  /** Adds to a number of the client's that begins at 0, one unless said otherwise; answers the new one. */
  increment(clientId: Id, name: string, by?: number): Promise<number>

  /** False when its id or its name is taken among the client's documents of this collection. */
  insertDocument(document: StoredDocument): Promise<boolean>
  findDocument(
    clientId: Id,
    collection: string,
    by: { id: Id } | { name: string },
  ): Promise<StoredDocument | undefined>
  /** Those of these that are there, in order of id; after a full page the ids after its last one are to be asked for. */
  findDocuments(clientId: Id, collection: string, ids: readonly Id[]): Promise<StoredDocument[]>
  /**
   * Compare-and-set of the whole document: writes when the stored version is `document.version - 1`, else answers false.
   * @throws CONFLICT when its name is taken.
   */
  replaceDocument(document: StoredDocument): Promise<boolean>
  /** False when it was not there. */
  removeDocument(clientId: Id, collection: string, id: Id): Promise<boolean>
  /** The client's documents of this collection in order of id: all, or those with this term. */
  listDocuments(clientId: Id, collection: string, range: Range & { term?: string }): Promise<StoredDocument[]>

  /**
   * Tells what other processes do to the store, until it is closed; at most one watcher. Answers whether it does so at
   * once: if not, it tells nothing, and who needs to know looks by itself. What this process does may be told too.
   * `reason`: why not, where an operator may want to change that.
   */
  watch(watcher: Watcher): Promise<{ isInstant: boolean; reason?: string }>

  /** Ends all; what was accepted before is on disk when it resolves. */
  close(): Promise<void>
}

/** What a process wants to hear of the others. It is told too often rather than too seldom, and must not throw. */
export interface Watcher {
  /** A stream that nobody holds is due then (by the clock of this process): {@link Store.claimDue} is worth a call. */
  due(at: Date): void
  /** The client's document was written or removed. */
  clientChanged(clientId: Id): void
  /** The turn of this message ended. */
  turnEnded(messageId: Id): void
  /** Something may have been missed: all that is known of the store may be old, and something may be due. */
  missed(): void
}

/** What a message says. */
export type MessageText = Pick<NewEntry, 'payload' | 'details'>

export interface KeyClaim {
  clientId: Id
  /** Route and key. */
  key: string
  /** Digest of the request. */
  hash: string
  /** Of the object that the request makes. */
  id: Id
  at: Date
}

export interface Replay {
  clientId: Id
  entryId: Id
  /** The dead delivery. */
  target: Target
  /** Where it is to go now. */
  to: Target
  now: Date
}

/** The lane that a replay was given. */
export interface Replayed extends StreamRef {
  key: LaneKey
  lane: LaneState
}

export interface MapEndpoint {
  clientId: Id
  channel: ChannelRef
  endpoint: Endpoint
  at: Date
  /** Used for what has to be made. */
  ids: { user: Id; conversation: Id; endpoint: Id }
  /** What is known of the person: the `data` of the user, if it has to be made. */
  userData?: Record<string, string>
  /** Asked for the first entries of what has to be made. */
  events: { user(userId: Id): NewEntry; conversation(userId: Id, conversationId: Id): NewEntry }
}

export interface Mapped {
  userId: Id
  conversationId: Id
  endpointId: Id
  /** First entries of what was made. */
  appended: Appended[]
}

export interface Append extends StreamRef {
  kind: StreamKind
  entry: Omit<NewEntry, 'owes' | 'channel'>
  /** What the entry owes and the channel that it is on, by what the stream has now. */
  resolve(stream: { userId?: Id; endpoints: readonly EndpointRecord[] }): {
    owes: readonly Target[]
    channel?: string
  }
}

/** An entry that is on disk. */
export interface Appended {
  entry: Entry
  /** It was there before. */
  duplicate: boolean
  /** The person whose conversation it is in. */
  userId?: Id
  /**
   * How far the stream's lanes are: given only when this very append took the lease. Undefined while it is held, also
   * by this process: the holder learns of the entry with its next mark, and what is answered late must not be taken for
   * a new lease.
   */
  claimed?: Claimed
}

/** What is due, and when to ask again at the latest (for a store that knows). */
export interface Due {
  claimed: Claimed[]
  nextAt?: Date
}
