import { LRUCache } from 'lru-cache'
import type { ObjectId } from './documents.js'

/** How long a number may be missing before it is taken for one that nobody will use. */
const HOLE_MS = 2000

/** Numbers that were found to be missing, and since when by the monotonic clock of this process. */
export class Holes {
  readonly #since = new LRUCache<string, number>({ max: 10_000 })

  /** Whether the number is missing for so long that it may be voided. */
  isStale(streamId: ObjectId, seq: number): boolean {
    const key = `${streamId.toHexString()} ${seq}`
    const since = this.#since.get(key)
    const now = performance.now()
    if (since === undefined) this.#since.set(key, now)
    return since !== undefined && now - since >= HOLE_MS
  }
}
