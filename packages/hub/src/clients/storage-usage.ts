import { type Id, type Logger, PlugboardError } from '@plugboard/core'
import { LRUCache } from 'lru-cache'
import { atMost } from '../cache.js'
import type { Store } from '../ports/store.js'
import type { ClientView } from './directory.js'

export interface UsageOptions {
  store: Pick<Store, 'increment'>
  /** Default storage limit of a client, in bytes. 0: no limit. */
  maxBytes: number
  /** Maximum number of clients with a cached sum. */
  maxCached: number
  /** Called when something could not be stored. */
  refused?(clientId: Id): void
  log: Logger
}

/** Name of the counter with the sum. */
const COUNTER = 'bytes kept'
const FLUSH_MS = 5_000
const AT_ONCE = 50

/**
 * Counts the storage of each client in bytes: messages, facts of users and conversations, and files. The counts are kept
 * in memory and stored every few seconds, so that no request waits. They are approximate: a killed process loses its last
 * seconds, and replicas see the counts of each other some seconds late.
 */
export class Usage {
  readonly #options: UsageOptions
  /** Sums at the last read or write of this process. */
  readonly #sums: LRUCache<Id, number>
  /** Counted since then. 0: read the sum again. */
  readonly #pending = new Map<Id, number>()
  readonly #writing = new Map<Id, Promise<void>>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: UsageOptions) {
    this.#options = options
    this.#sums = new LRUCache({ ...atMost(options.maxCached) })
  }

  /**
   * Reserves bytes before they are stored. If the caller does not store them, it reverts with {@link add}. Returns
   * undefined if there is nothing to wait for. @throws NO_SPACE, without counting
   */
  take(client: ClientView, bytes: number): Promise<void> | undefined {
    const { id } = client
    const limit = this.limitOf(client)
    if (limit > 0) {
      const sum = this.#sums.get(id)
      if (sum === undefined) return this.#write(id).then(() => this.take(client, bytes))
      if (sum + (this.#pending.get(id) ?? 0) + bytes > limit) {
        // Another process may have freed space.
        this.add(id, 0)
        this.#options.refused?.(id)
        throw new PlugboardError('NO_SPACE', `the client has reached its storage limit of ${limit} bytes`)
      }
    }
    this.add(id, bytes)
    return undefined
  }

  /** The storage limit of a client in bytes. 0: none. */
  limitOf({ record }: ClientView): number {
    return record.maxStoredBytes ?? this.#options.maxBytes
  }

  /** The storage of a client in bytes, with what this process has not stored yet. */
  async read(clientId: Id): Promise<number> {
    if (!this.#sums.has(clientId)) await this.#write(clientId)
    return (this.#sums.get(clientId) ?? 0) + (this.#pending.get(clientId) ?? 0)
  }

  /** Counts stored bytes; negative for removed ones. */
  add(clientId: Id, bytes: number): void {
    this.#pending.set(clientId, (this.#pending.get(clientId) ?? 0) + bytes)
    this.#schedule()
  }

  /** Stores the counts. After a failure, the next flush retries. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const ids = [...this.#pending.keys()]
    for (let i = 0; i < ids.length; i += AT_ONCE) {
      const writes = ids.slice(i, i + AT_ONCE).map((id) => this.#write(id))
      for (const result of await Promise.allSettled(writes))
        if (result.status === 'rejected')
          this.#options.log.warn(
            { err: result.reason },
            'cannot write the storage usage of clients; retrying',
          )
    }
    if (this.#pending.size > 0) this.#schedule()
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MS).unref()
  }

  #write(clientId: Id): Promise<void> {
    const writing = this.#writing.get(clientId) ?? this.#writeOnce(clientId)
    this.#writing.set(clientId, writing)
    return writing
  }

  async #writeOnce(clientId: Id): Promise<void> {
    const bytes = this.#pending.get(clientId) ?? 0
    this.#pending.delete(clientId)
    try {
      this.#sums.set(clientId, await this.#options.store.increment(clientId, COUNTER, bytes))
    } catch (error) {
      this.add(clientId, bytes)
      throw error
    } finally {
      this.#writing.delete(clientId)
    }
  }
}
