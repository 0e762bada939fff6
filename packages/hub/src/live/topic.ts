import { channelOf } from '../delivery/recipients.js'
import type { Activity } from '../log/activity.js'
import type { ConversationRecord } from '../log/endpoint-record.js'
import type { Entry, StreamRef } from '../log/entry.js'
import type { Store } from '../ports/store.js'
import { type EphemeralEvent, isFollowed, type StoredEvent } from './live-event.js'

/** Entries per read. Enough for a fast catch-up, and a page of the store has at most about a megabyte in any case. */
const READ_AT_ONCE = 250

/** How often the log is read again while a number is missing in it that may still become an entry, in milliseconds. */
const HOLE_MS = 250

/** How old the known user and endpoints of a conversation may be, in milliseconds. */
const RECORD_MS = 10_000

/** Ephemeral events that wait for a follower; older ones are dropped. */
const MAX_EPHEMERAL = 16

/** Events that followers at one position share. */
export interface TopicPage {
  events: readonly StoredEvent[]
  /** Number of the last entry that was read; the position of the reader if there was none. */
  seq: number
  /** The conversation ends with this page. */
  isLast: boolean
  /** Of the topic when the read began, for {@link Follower.wait}. */
  version: number
}

/** A stream that followers of this process follow. They share its reads. */
export class Topic implements Followed {
  readonly stream: StreamRef
  readonly #store: Store
  readonly #now: () => number
  /** Followers; the topic is kept while there are any. */
  readonly followers = new Set<Follower>()
  /** By the number that they begin after. Undefined while there are none, which is most of the time. */
  #reads: Map<number, Promise<TopicPage>> | undefined
  /** The newest number that is known to be taken. */
  head = 0
  /** The client no longer has it. */
  isGone = false
  /** Rises with each notification. */
  version = 0
  #record: Pick<ConversationRecord, 'userId' | 'endpoints'> & { at: number } = { endpoints: [], at: 0 }
  #timer: NodeJS.Timeout | undefined

  constructor(stream: StreamRef, store: Store, now: () => number) {
    this.stream = stream
    this.#store = store
    this.#now = now
  }

  /** The conversation as it was read just now. */
  know({ userId, endpoints, seq }: ConversationRecord): void {
    this.#record = { ...(userId && { userId }), endpoints, at: this.#now() }
    this.head = Math.max(this.head, seq)
  }

  /** There is an entry of this number. Without one: there may be something new. */
  notify(seq = 0): void {
    this.head = Math.max(this.head, seq)
    this.version += 1
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const follower of this.followers) follower.wake()
  }

  signal(activity: Activity): void {
    const { userId, endpoints } = this.#record
    const event = {
      ephemeral: { conversationId: this.stream.streamId, activity },
      ...(userId && { userId }),
      channel: channelOf(endpoints),
    }
    for (const follower of this.followers) follower.push(event)
  }

  /** A number is missing: followers look again soon. */
  lookAgain(): void {
    this.#timer ??= setTimeout(() => this.notify(), HOLE_MS)
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  /** The next entries after a number. Concurrent calls with the same number are one read. */
  read(after: number): Promise<TopicPage> {
    this.#reads ??= new Map()
    const reads = this.#reads
    const known = reads.get(after)
    if (known) return known
    const reading = this.#read(after).finally(() => {
      reads.delete(after)
      if (reads.size === 0) this.#reads = undefined
    })
    reads.set(after, reading)
    return reading
  }

  async #read(after: number): Promise<TopicPage> {
    const { version } = this
    const entries = await this.#store.readEntries(this.stream, after, READ_AT_ONCE)
    const last = entries.at(-1)
    if (!last) return { events: [], seq: after, isLast: false, version }
    this.head = Math.max(this.head, last.seq)
    await this.#refresh()
    const events = entries.filter(isFollowed).map((entry) => this.#eventOf(entry))
    return { events, seq: last.seq, isLast: entries.some(isEnd), version }
  }

  async #refresh(): Promise<void> {
    if (this.#now() - this.#record.at < RECORD_MS) return
    const { clientId, streamId } = this.stream
    const record = await this.#store.findConversation(clientId, streamId)
    if (record) this.know(record)
  }

  #eventOf(entry: Entry): StoredEvent {
    const { userId, endpoints } = this.#record
    return { entry, ...(userId && { userId }), endpoints, position: String(entry.seq) }
  }
}

const isEnd = ({ type }: Entry): boolean => type === 'conversation.deleted'

/** Something that wakes its followers. */
export interface Followed {
  readonly followers: Set<Follower>
  /** Rises each time that there may be something new. */
  readonly version: number
}

/** One who follows something. It waits for one thing at a time. */
export class Follower<T extends Followed = Followed> {
  readonly topic: T
  #ephemeral: EphemeralEvent[] | undefined
  #wake: (() => void) | undefined
  isOver = false

  constructor(topic: T) {
    this.topic = topic
    topic.followers.add(this)
  }

  /** Resolves when something happened since the topic had this version. */
  wait(version: number): Promise<void> | undefined {
    if (this.isOver || this.#ephemeral || this.topic.version !== version) return undefined
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  wake(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  push(event: EphemeralEvent): void {
    this.#ephemeral ??= []
    if (this.#ephemeral.push(event) > MAX_EPHEMERAL) this.#ephemeral.shift()
    this.wake()
  }

  /** Ephemeral events since the last call. */
  take(): readonly EphemeralEvent[] {
    const taken = this.#ephemeral ?? []
    this.#ephemeral = undefined
    return taken
  }

  /** Ends the wait and the following. */
  end(): void {
    this.isOver = true
    this.topic.followers.delete(this)
    this.wake()
  }

  /** As a listener of an abort signal, which needs no closure of each follower. */
  handleEvent(): void {
    this.end()
  }
}
