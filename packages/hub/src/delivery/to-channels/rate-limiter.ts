import type { Pace } from '@plugboard/core'

/** Full buckets are first removed at this size of the map. */
const SWEEP_AT = 1000

/**
 * Token buckets of this process, by key. Callers get their waiting times in the order of their calls. A bucket is one
 * number: the time at which it is full again. Full buckets are removed.
 */
export class RateLimiter {
  readonly #fullAt = new Map<string, number>()
  #sweepAt = SWEEP_AT

  /** Takes one token of a bucket; returns in how many milliseconds it may be used. */
  take(key: string, { perSecond, burst }: Pace, now: number): number {
    const interval = 1000 / perSecond
    const fullAt = Math.max(this.#fullAt.get(key) ?? now, now)
    this.#set(key, fullAt + interval, now)
    return Math.max(0, fullAt - (burst - 1) * interval - now)
  }

  /** Returns a token that was not used. */
  giveBack(key: string, { perSecond }: Pace): void {
    const fullAt = this.#fullAt.get(key)
    if (fullAt !== undefined) this.#fullAt.set(key, fullAt - 1000 / perSecond)
  }

  /** Empties a bucket until a time: the provider wants nothing before, and no burst then. */
  hold(key: string, { perSecond, burst }: Pace, until: number, now: number): void {
    const fullAt = until + ((burst - 1) * 1000) / perSecond
    this.#set(key, Math.max(fullAt, this.#fullAt.get(key) ?? 0), now)
  }

  /** Buckets in memory. */
  get size(): number {
    return this.#fullAt.size
  }

  #set(key: string, fullAt: number, now: number): void {
    this.#fullAt.set(key, fullAt)
    if (this.#fullAt.size >= this.#sweepAt) this.#sweep(now)
  }

  /** The next sweep comes when the map has doubled, so that the cost for each token stays small. */
  #sweep(now: number): void {
    for (const [key, fullAt] of this.#fullAt) if (fullAt <= now) this.#fullAt.delete(key)
    this.#sweepAt = Math.max(SWEEP_AT, 2 * this.#fullAt.size)
  }
}
