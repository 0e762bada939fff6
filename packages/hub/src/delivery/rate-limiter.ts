/** The share of a second's worth that may go out at once after a silence: no second ever sees much more than its rate. */
const BURST_SECONDS = 0.1
/** Full buckets are looked for when there are so many. */
const SWEEP_AT = 1000

/**
 * Token buckets of this process, by key. Who comes is told how long to wait, in the order of coming; a bucket is one
 * number, the time at which it is full again, and one that is full is forgotten.
 */
export class RateLimiter {
  readonly #fullAt = new Map<string, number>()
  #sweepAt = SWEEP_AT

  /** Takes one token of a bucket with so many in a second; answers in how many milliseconds it is there. */
  take(key: string, perSecond: number, now: number): number {
    const interval = 1000 / perSecond
    const burst = Math.max(1, Math.floor(perSecond * BURST_SECONDS))
    const fullAt = Math.max(this.#fullAt.get(key) ?? now, now)
    this.#fullAt.set(key, fullAt + interval)
    if (this.#fullAt.size >= this.#sweepAt) this.#sweep(now)
    return Math.max(0, fullAt - (burst - 1) * interval - now)
  }

  /** Gives a token back that was taken and not used. */
  giveBack(key: string, perSecond: number): void {
    const fullAt = this.#fullAt.get(key)
    if (fullAt !== undefined) this.#fullAt.set(key, fullAt - 1000 / perSecond)
  }

  /** Buckets in memory. */
  get size(): number {
    return this.#fullAt.size
  }

  /** Not again before there are twice as many, so that it costs little for each. */
  #sweep(now: number): void {
    for (const [key, fullAt] of this.#fullAt) if (fullAt <= now) this.#fullAt.delete(key)
    this.#sweepAt = Math.max(SWEEP_AT, 2 * this.#fullAt.size)
  }
}
