/** A token bucket: `burst` at once, and `perSecond` after that. */
export class Bucket {
  readonly #burst: number
  readonly #perSecond: number
  #left: number
  #at: number

  constructor({ burst, perSecond }: { burst: number; perSecond: number }, now = performance.now()) {
    this.#burst = burst
    this.#perSecond = perSecond
    this.#left = burst
    this.#at = now
  }

  /** Whether there is enough; takes it then. */
  take(amount: number, now = performance.now()): boolean {
    const grown = ((now - this.#at) / 1000) * this.#perSecond
    this.#left = Math.min(this.#burst, this.#left + grown)
    this.#at = now
    if (amount > this.#left) return false
    this.#left -= amount
    return true
  }
}
