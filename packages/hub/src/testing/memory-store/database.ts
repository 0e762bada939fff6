import type { Id } from '@plugboard/core'
import type { NewAttempt } from '../../log/attempt.js'
import type { PullLane } from '../../log/pull-lane.js'
import type { QueuedItem } from '../../log/queue.js'
import type { ClientRecord } from '../../ports/client-record.js'
import type { KeyClaim, Store, Watcher } from '../../ports/store.js'
import type { StoredDocument } from '../../ports/stored-document.js'
import type { Owner, Stream } from './stream.js'

/**
 * The methods of the port without their promises: in memory, everything is done when a method returns. A method that
 * throws has changed nothing.
 */
export type Methods = {
  [Name in Exclude<keyof Store, 'watch' | 'watchAppends' | 'close'>]: (
    ...input: Parameters<Store[Name]>
  ) => Awaited<ReturnType<Store[Name]>>
}

export type QueueRow = QueuedItem & { clientId: Id; queueId: Id }

/** All that is kept, one Map for each table. What comes in from a caller is copied before it is kept. */
export class Database {
  readonly meta = new Map<string, string>()
  readonly clients = new Map<Id, ClientRecord>()
  readonly idempotencyKeys = new Map<string, KeyClaim>()
  readonly counters = new Map<string, { clientId: Id; value: number }>()
  readonly documents = new Map<string, StoredDocument>()
  readonly queued = new Map<string, QueueRow>()
  readonly pulls = new Map<string, PullLane>()
  readonly attempts = new Map<string, NewAttempt>()
  /** The user at an address of a channel. */
  readonly people = new Map<string, { clientId: Id; userId: Id }>()
  readonly streams = new Map<string, Stream>()
  /** One for each handle that watches. */
  readonly watchers = new Map<Owner, Watcher>()
  /** The handles that watch appends. */
  readonly followers = new Set<Owner>()
  readonly now: () => Date
  readonly leaseMs: number
  #order = 0
  #news: { tell(watcher: Watcher): void; isOfAppend: boolean }[] = []

  constructor(now: () => Date, leaseMs: number) {
    this.now = now
    this.leaseMs = leaseMs
  }

  /** The stream of this client, also when it was deleted and is not purged yet. */
  find(clientId: Id, streamId: Id): Stream | undefined {
    return this.streams.get(keyOf(clientId, streamId))
  }

  /** The stream of a user who was not deleted, or of the one that it was merged into. */
  user(clientId: Id, id: Id): Stream | undefined {
    const stream = this.find(clientId, id)
    if (stream?.mergedInto !== undefined) return this.user(clientId, stream.mergedInto)
    return stream?.kind === 'user' && !stream.deletedAt ? stream : undefined
  }

  /** The stream of a conversation that was not deleted. */
  conversation(clientId: Id, id: Id): Stream | undefined {
    const stream = this.find(clientId, id)
    return stream?.kind === 'conversation' && !stream.deletedAt ? stream : undefined
  }

  streamsOf(clientId: Id): Stream[] {
    return [...this.streams.values()].filter((stream) => stream.clientId === clientId)
  }

  /** A number above all that it returned before. */
  nextOrder(): number {
    this.#order += 1
    return this.#order
  }

  /** Keeps a notification until the call is complete. */
  announce(tell: (watcher: Watcher) => void): void {
    this.#news.push({ tell, isOfAppend: false })
  }

  /** As {@link announce}, for those who watch appends. */
  announceAppend(tell: (watcher: Watcher) => void): void {
    this.#news.push({ tell, isOfAppend: true })
  }

  /** Notifies the watchers of all other handles of what this one changed. */
  publish(owner: Owner): void {
    const news = this.#news
    this.#news = []
    for (const [other, watcher] of this.watchers) {
      if (other === owner) continue
      for (const { tell, isOfAppend } of news) if (!isOfAppend || this.followers.has(other)) tell(watcher)
    }
  }
}

/** The key of a row. Its parts may hold any text, so that they cannot be joined with a separator. */
export const keyOf = (...parts: readonly (string | boolean)[]): string => JSON.stringify(parts)
