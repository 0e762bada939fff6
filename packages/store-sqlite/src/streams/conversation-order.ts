import { LRUCache } from 'lru-cache'
import { NEVER } from '../database/migrations.js'
import { type Connection, prepareOne } from '../database/sql.js'
import type { StreamState } from './stream-state.js'

/** More users than that get no message in one batch, so that what it changed is here until it is written down. */
const LEAST = 1024

interface Ranked {
  /** The row of a conversation. */
  n: number
  rank: number
}

/**
 * The order of the conversations of each user, the one with the newest message first. A conversation keeps the rank of
 * the message by which it overtook the others: while it is the newest, more messages leave the order as it is, and most
 * messages cost no write here. Ranks are times, moved up where that is needed to have each above those before.
 */
export class ConversationOrder {
  /** The newest of each user. */
  readonly #newest: LRUCache<number, Ranked>
  readonly #read

  constructor(db: Connection, cacheSize: number) {
    this.#newest = new LRUCache({ max: Math.max(cacheSize, LEAST) })
    const newest = `user = ? AND rank < ${NEVER} ORDER BY rank DESC, n DESC LIMIT 1`
    this.#read = prepareOne<Ranked>(
      db,
      `SELECT json_object('n', n, 'rank', rank) FROM streams WHERE ${newest}`,
    )
  }

  /** Makes a conversation the newest of its user. */
  rise(userN: number, stream: StreamState): void {
    const known = this.#newest.get(userN)
    if (known?.n === stream.n) return
    const newest = known ?? this.#read(userN)
    if (newest?.n !== stream.n) stream.rank = Math.max(stream.lastMessageAt ?? 0, (newest?.rank ?? 0) + 1)
    this.#newest.set(userN, { n: stream.n, rank: stream.rank ?? 0 })
  }

  /** What is in memory may not be what is on disk. */
  clear(): void {
    if (this.#newest.size > 0) this.#newest.clear()
  }
}
