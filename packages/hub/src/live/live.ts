import { type Id, invalid, type Logger, PlugboardError } from '@plugboard/core'
import type { ClientView, Directory } from '../clients/directory.js'
import type { Feed } from '../clients/feed.js'
import type { QueueBell } from '../delivery/to-readers/queue-bell.js'
import { type Activity, activityOf } from '../log/activity.js'
import type { StreamRef } from '../log/entry.js'
import type { Appended, Store } from '../ports/store.js'
import { rareLog } from '../rare-log.js'
import { Owners } from './conversation-owners.js'
import { cursorOf, numberOf } from './feed-tail.js'
import { Feeds, MOVE_MS } from './feeds.js'
import { type LiveEvent, type LivePage, type LiveScope, seqOfPosition } from './live-event.js'
import { Tail, type TailEvent, type TailScope } from './operator-tail.js'
import type { Follower, Topic } from './topic.js'
import { Topics } from './topics.js'
import { type FindUser, type UserListener, UserWatches } from './user-watches.js'

export interface LiveOptions {
  store: Store
  directory: Pick<Directory, 'change'>
  users: FindUser
  feed: Pick<Feed, 'find' | 'open'>
  bell: Pick<QueueBell, 'listen'>
  /** How long other processes may not know of a change of a client, in milliseconds. 0: there are none. */
  cacheAgeMs: number
  log: Logger
  now(): Date
}

export interface FollowOptions {
  /** Exclusive. Default: from now on. */
  after?: string
  /** Ends the following. */
  signal: AbortSignal
}

/** The text of a signal that all tokens of a user were revoked. */
const REVOKED = '{"type":"tokens-revoked"}'

/**
 * Events as they happen, for streams and sockets. Stored events are read from the log: an append of this process wakes
 * the followers at once, and one of another process through the notifications of the store. Nothing is stored a second
 * time, and nobody pays who has no follower.
 */
export class Live {
  readonly #options: LiveOptions
  readonly #topics: Topics
  readonly #users: UserWatches
  readonly #feeds: Feeds
  readonly #tail: Tail
  readonly #owners: Owners
  #isClosed = false
  #followers = 0

  constructor(given: LiveOptions) {
    // All who follow meet an outage of the store.
    const options = { ...given, log: rareLog(given.log, given.now) }
    this.#options = options
    this.#topics = new Topics(options)
    const owners = new Owners(options.store)
    this.#owners = owners
    this.#users = new UserWatches({ ...options, owners, topics: this.#topics })
    this.#feeds = new Feeds({ ...options, owners })
    this.#tail = new Tail({ ...options, owners, isAlone: options.cacheAgeMs === 0 })
    this.#topics.looked = async (isWhole) => {
      await this.#users.look(isWhole)
      await this.#feeds.look()
    }
  }

  /** How many follow now. */
  get followers(): number {
    return this.#followers
  }

  /**
   * Follows a scope. The first page comes at once, also if it has no event. Pages come in order, and the next one is read
   * when it is asked for. It ends with the signal, with {@link close}, and after the deletion of the conversation.
   * @throws NOT_FOUND, INVALID for a position that this scope never gave, UNAVAILABLE
   */
  follow(client: ClientView, scope: LiveScope, options: FollowOptions): AsyncGenerator<LivePage, void, void> {
    if ('conversationId' in scope) return this.#pages(client, scope.conversationId, options)
    return this.#feedPages(client, 'userId' in scope ? scope.userId : undefined, options)
  }

  /**
   * Shows entries of any client as they are appended, for people who watch; see {@link Tail}. `isWhole`: also those of
   * other processes, which the store has to notify of. Ends with {@link close} and with the signal, which has to come.
   */
  async tail(
    scope: TailScope,
    signal: AbortSignal,
  ): Promise<{ isWhole: boolean; events: AsyncGenerator<readonly TailEvent[], void, void> }> {
    const release = this.#topics.hold()
    signal.addEventListener('abort', release)
    if (signal.aborted) release()
    try {
      await this.#topics.watched()
    } catch (error) {
      release()
      throw error
    }
    return { isWhole: this.#topics.isNotified, events: this.#tail.open(scope, signal) }
  }

  /** From now on it ends with the signal. */
  #joined(follower: Pick<Follower, 'end' | 'handleEvent'>, signal: AbortSignal): void {
    signal.addEventListener('abort', follower)
    if (signal.aborted) follower.end()
    this.#followers += 1
  }

  #left(follower: Pick<Follower, 'end' | 'handleEvent'>, signal: AbortSignal): void {
    this.#followers -= 1
    signal.removeEventListener('abort', follower)
  }

  async *#feedPages(
    client: ClientView,
    userId: Id | undefined,
    { after, signal }: FollowOptions,
  ): AsyncGenerator<LivePage, void, void> {
    await this.#mark(client)
    const { follower, release } = await this.#joinFeed(client, userId)
    this.#joined(follower, signal)
    try {
      const { topic: channel, tail } = follower
      const { store } = this.#options
      const { feed } = tail
      const asked = after === undefined ? undefined : numberOf(feed, after)
      if (after !== undefined && asked === undefined) throw malformed()
      const { first, last } = (await store.queueEnds(feed.clientId, feed.queueId)) ?? { first: 1, last: 0 }
      const isKept = asked === undefined || (asked >= first - 1 && asked <= last)
      let n = isKept ? (asked ?? last) : first - 1
      if (isKept) yield { events: [], position: cursorOf(feed, n) }
      else yield { reset: { oldest: cursorOf(feed, n) } }
      let movedAt = this.#options.now().getTime()
      while (!follower.isOver) {
        const { last: reached } = tail
        const page = await channel.read(n)
        if (follower.isOver) return
        // What is removed while it is read would just be missing.
        const ends = n < last ? await store.queueEnds(feed.clientId, feed.queueId) : undefined
        if (ends && ends.first > n + 1) {
          n = ends.first - 1
          yield { reset: { oldest: cursorOf(feed, n) } }
          continue
        }
        const ephemeral = follower.take()
        const hasRead = page.n > n
        // Without an item for this follower, there is none up to where the feed was before.
        n = hasRead ? page.n : Math.max(n, reached)
        const now = this.#options.now().getTime()
        if (hasRead || ephemeral.length > 0 || now - movedAt >= MOVE_MS) {
          movedAt = now
          yield { events: withEphemeral(page.events, ephemeral), position: cursorOf(feed, n) }
        } else await follower.wait(page.version)
      }
    } finally {
      this.#left(follower, signal)
      this.#feeds.leave(follower, userId)
      release()
    }
  }

  async *#pages(
    client: ClientView,
    conversationId: Id,
    { after, signal }: FollowOptions,
  ): AsyncGenerator<LivePage, void, void> {
    await this.#mark(client)
    const follower = await this.#topics.join(client.id, conversationId)
    this.#joined(follower, signal)
    try {
      const { topic } = follower
      const begin = await this.#begin(client, conversationId, follower, after)
      let { seq } = begin
      yield begin.page
      while (!follower.isOver) {
        const page = await topic.read(seq)
        if (follower.isOver) return
        const hasMoved = page.seq > seq
        seq = page.seq
        const ephemeral = follower.take()
        if (hasMoved || ephemeral.length > 0)
          yield { events: withEphemeral(page.events, ephemeral), position: String(seq) }
        else if (topic.isGone) return
        else {
          if (topic.head > seq) topic.lookAgain()
          await follower.wait(page.version)
        }
        if (page.isLast) return
      }
    } finally {
      this.#left(follower, signal)
      this.#topics.leave(follower)
    }
  }

  async #joinFeed(client: ClientView, userId: Id | undefined) {
    // Without a topic, so that it is asked for here whether the store notifies.
    const release = this.#topics.hold()
    try {
      await this.#topics.watched()
      return { follower: await this.#feeds.join(client, userId), release }
    } catch (error) {
      release()
      throw error
    }
  }

  /** Where it begins, and the page that says so. */
  async #begin(
    client: ClientView,
    conversationId: Id,
    { topic }: Follower<Topic>,
    after: string | undefined,
  ): Promise<{ seq: number; page: LivePage }> {
    const { store } = this.#options
    const asked = after === undefined ? undefined : seqOfPosition(after)
    if (after !== undefined && asked === undefined) throw malformed()
    const [record, [newest]] = await Promise.all([
      store.findConversation(client.id, conversationId),
      // Nothing behind a number that may still become an entry.
      asked === undefined ? store.listEntries(client.id, conversationId, 1) : [],
    ])
    if (!record) throw new PlugboardError('NOT_FOUND', 'conversation not found')
    topic.know(record)
    const seq = asked ?? newest?.seq ?? 0
    if (seq <= record.seq) return { seq, page: { events: [], position: String(seq) } }
    // The log was restored to an earlier state.
    return { seq: 0, page: { reset: { oldest: '0' } } }
  }

  /** From now on, activities of this client are stored. */
  async #mark({ id, record }: ClientView): Promise<void> {
    if (!record.isStreamed)
      await this.#options.directory.change(id, (known) =>
        known.isStreamed ? known : { ...known, isStreamed: true },
      )
  }

  /**
   * Calls a listener with each event of a user's conversations, and of the user itself, from now on: stored ones in order
   * per conversation, and ephemeral ones. `ended`: the user was deleted or merged into another, or its tokens were
   * revoked. Neither may throw. Returns a function that ends it.
   */
  async watchUser(client: ClientView, userId: Id, listener: UserListener): Promise<() => void> {
    await this.#mark(client)
    return this.#users.watch(client, userId, listener)
  }

  /** Calls `ended` as {@link watchUser} does, and costs less. Returns a function that ends it. */
  async watchEnd(client: ClientView, userId: Id, ended: () => void): Promise<() => void> {
    return this.#users.watchEnd(client, userId, ended)
  }

  /** Shows an activity to followers in all processes, without storing it. */
  show(client: ClientView, conversationId: Id, activity: Activity): void {
    const stream = { clientId: client.id, streamId: conversationId }
    this.#show(stream, activity)
    if (client.record.isStreamed) this.#send(stream, JSON.stringify(activity))
  }

  #show(stream: StreamRef, activity: Activity): void {
    this.#topics.find(stream)?.signal(activity)
    this.#users.show(stream, activity)
    this.#feeds.show(stream, activity)
  }

  /** The tokens of a user were revoked: ends what runs on them in all processes. */
  revoked(client: ClientView, userId: Id): void {
    const stream = { clientId: client.id, streamId: userId }
    this.#users.end(stream)
    this.#send(stream, REVOKED)
  }

  #send(stream: StreamRef, text: string): void {
    const { store, log } = this.#options
    store.signal(stream, text).catch((err) => log.debug({ err }, 'cannot signal to other processes'))
  }

  /** An entry was appended by this process. */
  appended({ entry, userId }: Pick<Appended, 'entry' | 'userId'>): void {
    const { clientId, streamId, seq } = entry
    this.#owners.changed(entry)
    this.#tail.appended(entry)
    this.#topics.find({ clientId, streamId })?.notify(seq)
    this.#users.appended({ clientId, streamId }, seq, userId)
  }

  /** An entry was appended by any process. */
  appendedElsewhere(stream: StreamRef, seq: number): void {
    this.#owners.changed(stream)
    this.#tail.appendedElsewhere(stream, seq)
    this.#topics.find(stream)?.notify(seq)
    this.#users.appended(stream, seq)
  }

  /** A signal of another process. */
  signalled(stream: StreamRef, text: string): void {
    if (text === REVOKED) return this.#users.end(stream)
    const activity = activityOf({ payload: text })
    if (activity?.type === 'typing') this.#show(stream, activity)
  }

  /** Notifications may have been lost. */
  missed(): void {
    this.#topics.look().catch((err) => this.#options.log.warn({ err }, 'cannot look for new events'))
  }

  /** The store notifies of changes by now. */
  watchAgain(): void {
    this.#topics.watchAgain().catch((err) => this.#options.log.warn({ err }, 'cannot watch for new events'))
  }

  /** Ends all following, so that it continues at another process. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#topics.close()
    this.#users.close()
    this.#feeds.close()
    this.#tail.close()
  }
}

/** The array of the page itself where nothing is added: followers share what is made of it. */
const withEphemeral = (
  events: readonly LiveEvent[],
  ephemeral: readonly LiveEvent[],
): readonly LiveEvent[] => (ephemeral.length > 0 ? [...events, ...ephemeral] : events)

const malformed = (): PlugboardError =>
  invalid({ path: ['after'], message: 'must be a position that this scope gave' })
