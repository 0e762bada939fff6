import type { Id, Logger, User } from '@plugboard/core'
import { errorShape } from '../channels/loggable-error.js'
import type { ClientView } from '../clients/directory.js'
import type { Activity } from '../log/activity.js'
import type { ConversationRecord, EndpointRecord } from '../log/endpoint-record.js'
import type { StreamRef } from '../log/entry.js'
import type { Store } from '../ports/store.js'
import type { Owners } from './conversation-owners.js'
import { isFollowed, type LiveEvent } from './live-event.js'
import type { Topics } from './topics.js'

/** Finds a user, or the one that it was merged into. */
export interface FindUser {
  find(client: ClientView, id: Id): Promise<User | undefined>
}

/** Who watches a user. */
export interface UserListener {
  event(event: LiveEvent): void
  ended(): void
}

export interface UserWatchesOptions {
  store: Store
  users: FindUser
  topics: Topics
  owners: Owners
  log: Logger
  now(): Date
}

/** Conversations of a user that are listed at once. */
const PAGE = 500
/** Entries per read. */
const READ_AT_ONCE = 100
/** How often a log is read again while a number is missing, in milliseconds. */
const HOLE_MS = 250

/** User streams whose heads are asked for at once. */
const HEADS_AT_ONCE = 500
/** A conversation that began this long before a user was watched is new to it, in milliseconds: clocks may differ. */
const CLOCKS_MS = 5_000

/** How far the watchers of a user have read one of its streams. */
interface Cursor extends StreamRef {
  /** Undefined: it depends on how old the conversation is. */
  done: number | undefined
  /** Before the first entry that was notified. */
  before: number
  head: number
  isReading: boolean
}

/** All who watch one user. */
interface Watch {
  readonly clientId: Id
  readonly userId: Id
  readonly enders: Set<() => void>
  /** The newest number of the stream of the user, if it is known. */
  userHead: number | undefined
  /** Once there was a listener: most only wait for the end, and there are many. */
  listening: Listening | undefined
  since: number
  release(): void
}

/** Those who watch one user and get its events. */
interface Listening {
  readonly listeners: Set<UserListener>
  readonly cursors: Map<Id, Cursor>
  /** Resolves when the streams of the user are known. */
  ready: Promise<void>
  isReady: boolean
}

/** Events of users for those who watch them in this process. */
export class UserWatches {
  readonly #options: UserWatchesOptions
  readonly #watches = new Map<string, Watch>()
  /** How many of them have listeners, by client. */
  readonly #listened = new Map<Id, number>()
  #isLooking = false
  #isClosed = false

  constructor(options: UserWatchesOptions) {
    this.#options = options
  }

  async watch(client: ClientView, userId: Id, listener: UserListener): Promise<() => void> {
    const ended = () => listener.ended()
    const leave = await this.watchEnd(client, userId, ended)
    const watch = this.#of(client.id, userId)
    watch.listening ??= this.#listen(watch)
    const { listening } = watch
    try {
      await listening.ready
    } catch (error) {
      if (watch.listening === listening) watch.listening = undefined
      leave()
      throw error
    }
    listening.listeners.add(listener)
    return () => {
      listening.listeners.delete(listener)
      leave()
    }
  }

  async watchEnd(client: ClientView, userId: Id, ended: () => void): Promise<() => void> {
    const watch = this.#of(client.id, userId)
    watch.enders.add(ended)
    const leave = () => {
      watch.enders.delete(ended)
      this.#leave(watch)
    }
    try {
      await this.#options.topics.watched()
      return leave
    } catch (error) {
      leave()
      throw error
    }
  }

  #of(clientId: Id, userId: Id): Watch {
    const key = clientId + userId
    const known = this.#watches.get(key)
    if (known) return known
    const release = this.#options.topics.hold()
    const since = this.#options.now().getTime()
    const unknown = { userHead: undefined, listening: undefined }
    const watch: Watch = { clientId, userId, enders: new Set(), ...unknown, since, release }
    this.#watches.set(key, watch)
    return watch
  }

  #leave(watch: Watch): void {
    if (watch.enders.size > 0) return
    const key = watch.clientId + watch.userId
    if (this.#watches.get(key) !== watch) return
    this.#watches.delete(key)
    if (watch.listening?.isReady) this.#count(watch.clientId, -1)
    watch.release()
  }

  #count(clientId: Id, by: 1 | -1): void {
    const count = (this.#listened.get(clientId) ?? 0) + by
    if (count > 0) this.#listened.set(clientId, count)
    else this.#listened.delete(clientId)
  }

  #listen(watch: Watch): Listening {
    const listening = { listeners: new Set<UserListener>(), cursors: new Map<Id, Cursor>(), isReady: false }
    return Object.assign(listening, { ready: this.#begin(watch, listening) })
  }

  /** Entries from now on. Those that came while this read are told then. */
  async #begin(watch: Watch, listening: Omit<Listening, 'ready'>): Promise<void> {
    const { clientId, userId } = watch
    const { cursors } = listening
    const [head = 0] = await this.#options.store.findHeads([{ clientId, streamId: userId }])
    for (const [streamId, seq] of [[userId, head] as const, ...(await this.#headsOf(watch))]) {
      const cursor = cursors.get(streamId) ?? cursorOf({ clientId, streamId }, seq)
      cursor.done = Math.min(seq, cursor.before)
      cursor.head = Math.max(seq, cursor.head)
      cursors.set(streamId, cursor)
    }
    if (watch.enders.size === 0) return
    listening.isReady = true
    this.#count(clientId, 1)
    for (const cursor of cursors.values()) this.#read(watch, cursor)
  }

  async #headsOf({ clientId, userId }: Watch): Promise<[Id, number][]> {
    const heads: [Id, number][] = []
    for (let after: Id | undefined; ; ) {
      const range = { userId, limit: PAGE, ...(after && { after }) }
      const page = await this.#options.store.walkConversations(clientId, range)
      heads.push(...page.map(({ id, seq }): [Id, number] => [id, seq]))
      after = page.at(-1)?.id
      if (page.length < PAGE) return heads
    }
  }

  /** An entry was appended. Without the user: by another process, so that it has to be found out. */
  appended(stream: StreamRef, seq: number, userId?: Id): void {
    if (this.#watches.size === 0) return
    const own = this.#watches.get(stream.clientId + stream.streamId)
    if (own) this.#userChanged(own, seq)
    if (userId && userId !== stream.streamId) this.#grew(stream, seq, userId)
    else if (!own && this.#listened.has(stream.clientId)) this.#find(stream, seq)
  }

  #find(stream: StreamRef, seq: number): void {
    this.#options.owners.of(stream).then(
      ({ userId }) => userId && this.#grew(stream, seq, userId),
      (error) => this.#options.log.warn(errorShape(error), 'cannot find the user of a new event'),
    )
  }

  #grew({ clientId, streamId }: StreamRef, seq: number, userId: Id): void {
    const watch = this.#watches.get(clientId + userId)
    if (!watch?.listening) return
    const { cursors, isReady } = watch.listening
    const cursor = cursors.get(streamId) ?? cursorOf({ clientId, streamId }, seq - 1)
    cursor.head = Math.max(cursor.head, seq)
    cursors.set(streamId, cursor)
    if (isReady) this.#read(watch, cursor)
  }

  #userChanged(watch: Watch, seq: number): void {
    watch.userHead = seq
    if (watch.listening) this.#grew({ clientId: watch.clientId, streamId: watch.userId }, seq, watch.userId)
    this.#check(watch)
  }

  /** The user may be gone. */
  #check(watch: Watch): void {
    this.#options.users.find({ id: watch.clientId } as ClientView, watch.userId).then(
      (user) => {
        if (user?.id !== watch.userId) this.end({ clientId: watch.clientId, streamId: watch.userId })
      },
      (error) => this.#options.log.warn(errorShape(error), 'cannot look for a user that is watched'),
    )
  }

  /** What runs for this user ends. */
  end({ clientId, streamId }: StreamRef): void {
    const watch = this.#watches.get(clientId + streamId)
    for (const ended of [...(watch?.enders ?? [])]) ended()
  }

  /** Tells those who watch the user of a conversation. */
  show({ clientId, streamId: conversationId }: StreamRef, activity: Activity): void {
    if (!this.#listened.has(clientId)) return
    this.#options.owners.of({ clientId, streamId: conversationId }).then(
      ({ userId, channel }) => {
        const watch = userId && this.#watches.get(clientId + userId)
        if (!watch) return
        for (const listener of watch.listening?.listeners ?? [])
          listener.event({ ephemeral: { conversationId, activity }, userId, channel })
      },
      () => undefined,
    )
  }

  /** Reads what is new of a stream and tells the listeners. One read of a stream is under way at a time. */
  #read(watch: Watch, cursor: Cursor): void {
    if (cursor.isReading || this.#isClosed) return
    cursor.isReading = true
    this.#readAll(watch, cursor)
      .catch((error) =>
        this.#options.log.warn(errorShape(error), 'cannot read new events of a user; retrying'),
      )
      .then(() => {
        cursor.isReading = false
        const isLeft = cursor.done === undefined || cursor.done < cursor.head
        if (isLeft && watch.listening && watch.listening.listeners.size > 0)
          setTimeout(() => this.#read(watch, cursor), HOLE_MS).unref()
      })
  }

  async #readAll(watch: Watch, cursor: Cursor): Promise<void> {
    const { store } = this.#options
    const { clientId, streamId } = cursor
    let endpoints: readonly EndpointRecord[] = []
    if (streamId !== watch.userId) {
      const record = await store.findConversation(clientId, streamId)
      endpoints = record?.endpoints ?? []
      cursor.done ??= isNewTo(watch, record) ? 0 : cursor.before
    }
    cursor.done ??= cursor.before
    while (cursor.done < cursor.head && watch.enders.size > 0) {
      const entries = await store.readEntries(cursor, cursor.done, READ_AT_ONCE)
      const last = entries.at(-1)
      if (!last) return
      for (const entry of entries.filter(isFollowed)) {
        const event = { entry, userId: watch.userId, endpoints, position: String(entry.seq) }
        for (const listener of [...(watch.listening?.listeners ?? [])]) listener.event(event)
      }
      cursor.done = last.seq
      if (last.type === 'conversation.deleted') watch.listening?.cursors.delete(streamId)
    }
  }

  /** Notifications may have been lost. `isWhole`: those of conversations as well. */
  async look(isWhole: boolean): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    try {
      const watches = [...this.#watches.values()]
      for (let start = 0; start < watches.length; start += HEADS_AT_ONCE)
        await this.#lookAtUsers(watches.slice(start, start + HEADS_AT_ONCE))
      for (const watch of watches) {
        if (!isWhole || !watch.listening?.isReady) continue
        for (const [streamId, seq] of await this.#headsOf(watch))
          this.#grew({ clientId: watch.clientId, streamId }, seq, watch.userId)
      }
    } finally {
      this.#isLooking = false
    }
  }

  async #lookAtUsers(watches: readonly Watch[]): Promise<void> {
    const users = watches.map(({ clientId, userId }) => ({ clientId, streamId: userId }))
    const heads = await this.#options.store.findHeads(users)
    for (const [i, watch] of watches.entries()) {
      const head = heads[i] ?? 0
      if (head !== watch.userHead) this.#userChanged(watch, head)
    }
  }

  /** Tells all watchers that it is over. */
  close(): void {
    this.#isClosed = true
    for (const watch of [...this.#watches.values()]) for (const ended of [...watch.enders]) ended()
  }
}

const cursorOf = (stream: StreamRef, before: number): Cursor => ({
  ...stream,
  ...{ done: undefined, before, head: 0, isReading: false },
})

/** Whether a conversation began since the user is watched. Another one came to it by a merge, with what it had. */
const isNewTo = ({ since }: Watch, record: ConversationRecord | undefined): boolean =>
  record !== undefined && record.createdAt.getTime() >= since - CLOCKS_MS
