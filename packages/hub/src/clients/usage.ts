import { type Id, type Logger, PlugboardError } from '@plugboard/core'
import { LRUCache } from 'lru-cache'
import type { Store } from '../ports/store.js'
import type { ClientView } from './directory.js'

export interface UsageOptions {
  store: Pick<Store, 'increment'>
  /** What a client may keep, in bytes, where its own record does not say; 0: any amount. */
  maxBytes: number
  /** Clients whose sum is kept in memory. */
  maxCached: number
  log: Logger
}

/** The number of the store that has the sum. */
const COUNTER = 'bytes kept'
const FLUSH_MS = 5_000
const AT_ONCE = 50

/**
 * How many bytes each client keeps: what messages say, what is known of users and conversations, and files. It is counted
 * in memory and written now and then, so that nothing waits for it. So it is approximate: a process that is killed forgets
 * what it counted in the last seconds, and each replica learns that late of what the others counted.
 */
export class Usage {
  readonly #options: UsageOptions
  /** As the store had it when this process last wrote or read it. */
  readonly #sums: LRUCache<Id, number>
  /** Counted since. 0: the sum is to be read again. */
  readonly #pending = new Map<Id, number>()
  readonly #writing = new Map<Id, Promise<void>>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: UsageOptions) {
    this.#options = options
    this.#sums = new LRUCache({ max: options.maxCached })
  }

  /**
   * Counts what is about to be kept; a caller that does not keep it after all gives it back with {@link add}. Undefined where
   * there is nothing to wait for. @throws NO_SPACE, and counts nothing then
   */
  take(client: ClientView, bytes: number): Promise<void> | undefined {
    const { id, record } = client
    const limit = record.maxStoredBytes ?? this.#options.maxBytes
    if (limit > 0) {
      const sum = this.#sums.get(id)
      if (sum === undefined) return this.#write(id).then(() => this.take(client, bytes))
      if (sum + (this.#pending.get(id) ?? 0) + bytes > limit) {
        // Another process may have made room.
        this.add(id, 0)
        throw new PlugboardError('NO_SPACE', `the client has reached its storage limit of ${limit} bytes`)
      }
    }
    this.add(id, bytes)
    return undefined
  }

  /** Counts what was kept or, below zero, removed. */
  add(clientId: Id, bytes: number): void {
    this.#pending.set(clientId, (this.#pending.get(clientId) ?? 0) + bytes)
    this.#schedule()
  }

  /** Writes what was counted. A failure is for the next time. */
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
