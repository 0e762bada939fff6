import type { Id } from '@plugboard/core'
import type { QueuedItem } from '../log/queue.js'
import type { Store } from '../ports/store.js'
import type { Owners } from './conversation-owners.js'
import { isFollowed, type StoredEvent } from './live-event.js'
import type { Followed, Follower } from './topic.js'

/** Items per read. */
const READ_AT_ONCE = 200

/** What the readers of a feed are made with. */
export interface FeedParts {
  store: Store
  owners: Owners
}

/** A feed: whose it is, and the queue that it is in. */
export interface FeedRef {
  clientId: Id
  queueId: Id
}

/** Events that followers at one position share. */
export interface FeedPage {
  events: readonly StoredEvent[]
  /** Number of the last item that was read; the number of the reader if there was none. */
  n: number
  /** Of the channel when the read began. */
  version: number
}

/** The events of a feed for all who follow the client, or one of its users. They share its reads. */
export class FeedChannel implements Followed {
  readonly followers = new Set<Follower>()
  version = 0
  readonly #parts: FeedParts
  readonly #feed: FeedRef
  readonly #userId: Id | undefined
  readonly #reads = new Map<number, Promise<FeedPage>>()

  constructor(parts: FeedParts, feed: FeedRef, userId: Id | undefined) {
    this.#parts = parts
    this.#feed = feed
    this.#userId = userId
  }

  wake(): void {
    this.version += 1
    for (const follower of this.followers) follower.wake()
  }

  /** The next events after a number. Concurrent calls with the same number are one read. */
  read(after: number): Promise<FeedPage> {
    const known = this.#reads.get(after)
    if (known) return known
    const reading = this.#read(after).finally(() => this.#reads.delete(after))
    this.#reads.set(after, reading)
    return reading
  }

  async #read(after: number): Promise<FeedPage> {
    const { version } = this
    const { clientId, queueId } = this.#feed
    const page = { after, limit: READ_AT_ONCE, ...(this.#userId && { userId: this.#userId }) }
    const items = await this.#parts.store.readQueue(clientId, queueId, page)
    const events = await eventsOf(this.#parts, this.#feed, items)
    return { events, n: items.at(-1)?.n ?? after, version }
  }
}

/** The entries that items name, in their order. Those that are gone or not for followers are left out. */
async function eventsOf(
  { store, owners }: FeedParts,
  feed: FeedRef,
  items: readonly QueuedItem[],
): Promise<StoredEvent[]> {
  const { clientId } = feed
  const events = await Promise.all(
    runsOf(items).map(async (run): Promise<StoredEvent[]> => {
      const [{ streamId, seq }] = run as [QueuedItem]
      const read = await entriesOf(store, { clientId, streamId }, seq - 1, run.length)
      const { endpoints } = await owners.of({ clientId, streamId })
      return run.flatMap(({ n, seq, userId }) => {
        const entry = read.get(seq)
        if (!entry || !isFollowed(entry)) return []
        return [{ entry, ...(userId && { userId }), endpoints, position: cursorOf(feed, n) }]
      })
    }),
  )
  return events.flat()
}

/** Items that follow each other in one stream, so that they are read at once. */
function runsOf(items: readonly QueuedItem[]): QueuedItem[][] {
  const runs: QueuedItem[][] = []
  for (const item of items) {
    const run = runs.at(-1)
    const last = run?.at(-1)
    if (run && last?.streamId === item.streamId && last.seq + 1 === item.seq) run.push(item)
    else runs.push([item])
  }
  return runs
}

async function entriesOf(store: Store, stream: { clientId: Id; streamId: Id }, after: number, count: number) {
  const found = new Map<number, StoredEvent['entry']>()
  for (let last = after; last < after + count; ) {
    const entries = await store.readEntries(stream, last, after + count - last)
    for (const entry of entries) found.set(entry.seq, entry)
    const next = entries.at(-1)?.seq
    // The stream is gone.
    if (next === undefined) break
    last = next
  }
  return found
}

/** The position behind an item of a feed. It names the queue, so that no position of another one is taken for it. */
export const cursorOf = ({ queueId }: FeedRef, n: number): string =>
  Buffer.from(`${queueId}${n}`).toString('base64url')

/** The number of a position; undefined for any other text. */
export function numberOf({ queueId }: FeedRef, cursor: string): number | undefined {
  const text = Buffer.from(cursor, 'base64url').toString()
  const digits = text.startsWith(queueId) ? text.slice(queueId.length) : ''
  const n = /^(?:0|[1-9]\d{0,15})$/.test(digits) ? Number(digits) : Number.NaN
  return Number.isSafeInteger(n) && cursorOf({ queueId } as FeedRef, n) === cursor ? n : undefined
}

/** Reads a feed as it grows, once for all followers, and wakes those whom it concerns. */
export class FeedTail {
  readonly feed: FeedRef
  /** All items up to this number woke their followers. */
  last = 0
  readonly #parts: FeedParts
  readonly #channels = new Map<Id | undefined, FeedChannel>()
  #isReading = false
  #isBehind = false

  constructor(parts: FeedParts, feed: FeedRef) {
    this.#parts = parts
    this.feed = feed
  }

  get isUnused(): boolean {
    return this.#channels.size === 0
  }

  /** Of a user or, without one, of the client. */
  channel(userId: Id | undefined): FeedChannel {
    const channel = this.#channels.get(userId) ?? new FeedChannel(this.#parts, this.feed, userId)
    this.#channels.set(userId, channel)
    return channel
  }

  find(userId: Id | undefined): FeedChannel | undefined {
    return this.#channels.get(userId)
  }

  /** Removes a channel that nobody follows. */
  forget(userId: Id | undefined): void {
    if (this.#channels.get(userId)?.followers.size === 0) this.#channels.delete(userId)
  }

  channels(): Iterable<FeedChannel> {
    return this.#channels.values()
  }

  /** Begins at the end of the feed. */
  async begin(): Promise<void> {
    const ends = await this.#parts.store.queueEnds(this.feed.clientId, this.feed.queueId)
    this.last = Math.max(this.last, ends?.last ?? 0)
  }

  /** Something may have been added. Rejects if it cannot be read. */
  async follow(): Promise<void> {
    this.#isBehind = true
    if (this.#isReading) return
    this.#isReading = true
    try {
      while (this.#isBehind) {
        this.#isBehind = false
        await this.#read()
      }
    } finally {
      this.#isReading = false
    }
  }

  async #read(): Promise<void> {
    const { clientId, queueId } = this.feed
    const page = { after: this.last, limit: READ_AT_ONCE }
    const items = await this.#parts.store.readQueue(clientId, queueId, page)
    const last = items.at(-1)
    if (!last) return
    this.last = last.n
    for (const userId of new Set<Id | undefined>([undefined, ...items.map((item) => item.userId)]))
      this.#channels.get(userId)?.wake()
    if (items.length === READ_AT_ONCE) this.#isBehind = true
  }
}
