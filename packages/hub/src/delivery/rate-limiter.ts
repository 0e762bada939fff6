/** A burst after a silence may be this share of a second's rate, so that no second sees much more than the rate. */
const BURST_SECONDS = 0.1
/** Full buckets are first removed at this size of the map. */
const SWEEP_AT = 1000

/**
 * Token buckets of this process, by key. Callers get their waiting times in the order of their calls. A bucket is one
 * number: the time at which it is full again. Full buckets are removed.
 */
export class RateLimiter {
  readonly #fullAt = new Map<string, number>()
  #sweepAt = SWEEP_AT

  /** Takes one token of a bucket with `perSecond` tokens; returns in how many milliseconds it may be used. */
  take(key: string, perSecond: number, now: number): number {
    const interval = 1000 / perSecond
    const burst = Math.max(1, Math.floor(perSecond * BURST_SECONDS))
    const fullAt = Math.max(this.#fullAt.get(key) ?? now, now)
    this.#fullAt.set(key, fullAt + interval)
    if (this.#fullAt.size >= this.#sweepAt) this.#sweep(now)
    return Math.max(0, fullAt - (burst - 1) * interval - now)
  }

  /** Returns a token that was not used. */
  giveBack(key: string, perSecond: number): void {
    const fullAt = this.#fullAt.get(key)
    if (fullAt !== undefined) this.#fullAt.set(key, fullAt - 1000 / perSecond)
  }

  /** Buckets in memory. */
  get size(): number {
    return this.#fullAt.size
  }

  /** The next sweep comes when the map has doubled, so that the cost for each token stays small. */
  #sweep(now: number): void {
    for (const [key, fullAt] of this.#fullAt) if (fullAt <= now) this.#fullAt.delete(key)
    this.#sweepAt = Math.max(SWEEP_AT, 2 * this.#fullAt.size)
  }
}
