export type FailureLimitOptions = {
  /** Keys that are remembered. Over that, an old one with few failures is forgotten. Default: 10,000. */
  maxKeys?: number
  now?: () => number
} & (
  | {
      /** Failures that one key may have, and how many of them are forgiven in a minute; 0: any number. */
      perMinute: number
    }
  | {
      /** The same in an hour. */
      perHour: number
    }
)

/** The oldest keys, of which the one with the fewest failures is forgotten. */
const CANDIDATES = 100

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/**
 * Counts failed credentials by key (an address, say), so that guessing is slow. Failures are forgiven one by one: a key
 * that has failed too often waits for the next, and not for all.
 */
export class FailureLimit {
  readonly #max: number
  /** For one failure to be forgiven. */
  readonly #forgivenMs: number
  readonly #maxKeys: number
  readonly #now: () => number
  /** When all failures of a key are forgiven. The key that failed longest ago comes first. */
  readonly #clearAt = new Map<string, number>()

  constructor(options: FailureLimitOptions) {
    const { maxKeys = 10_000, now = Date.now } = options
    const [max, withinMs] =
      'perMinute' in options ? [options.perMinute, MINUTE_MS] : [options.perHour, HOUR_MS]
    this.#max = max
    this.#forgivenMs = Math.ceil(withinMs / max)
    this.#maxKeys = maxKeys
    this.#now = now
  }

  /** How long a key has to wait before its next try, in milliseconds; 0: it may try now. */
  waitMs(key: string): number {
    return this.#max === 0 ? 0 : Math.max(0, this.#owedMs(key) - (this.#max - 1) * this.#forgivenMs)
  }

  failed(key: string): void {
    if (this.#max > 0) this.#owe(key, this.#owedMs(key) + this.#forgivenMs)
  }

  /** Takes one failure back, of a try that was counted before it was known to be right. */
  forgive(key: string): void {
    this.#owe(key, this.#owedMs(key) - this.#forgivenMs)
  }

  /** The time until all failures of a key are forgiven. */
  #owedMs(key: string): number {
    return Math.max(0, (this.#clearAt.get(key) ?? 0) - this.#now())
  }

  #owe(key: string, ms: number): void {
    this.#clearAt.delete(key)
    if (!(ms > 0)) return
    if (this.#clearAt.size >= this.#maxKeys) this.#forgetOne()
    this.#clearAt.set(key, this.#now() + ms)
  }

  /** Not simply the oldest key: failures of many others would then end the wait of a key that is guessed at. */
  #forgetOne(): void {
    let [least, leastAt] = ['', Number.POSITIVE_INFINITY]
    let candidates = CANDIDATES
    for (const [key, clearAt] of this.#clearAt) {
      if (clearAt < leastAt) [least, leastAt] = [key, clearAt]
      candidates -= 1
      if (candidates === 0) break
    }
    this.#clearAt.delete(least)
  }
}
