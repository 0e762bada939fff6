export interface FailureLimitOptions {
  /** Failures that one key may have in a minute; 0: any number. */
  perMinute: number
  /** Keys that are remembered; over that, those with the oldest first failure are forgotten. Default: 10,000. */
  maxKeys?: number
  now?: () => number
}

interface Window {
  startedAt: number
  failures: number
}

const WINDOW_MS = 60_000

/** Counts failed credentials by key (an address, say), so that guessing is slow and costs little. */
export class FailureLimit {
  readonly #perMinute: number
  readonly #maxKeys: number
  readonly #now: () => number
  readonly #windows = new Map<string, Window>()

  constructor({ perMinute, maxKeys = 10_000, now = Date.now }: FailureLimitOptions) {
    this.#perMinute = perMinute
    this.#maxKeys = maxKeys
    this.#now = now
  }

  /** How long a key has to wait before its next try, in milliseconds; 0: it may try now. */
  waitMs(key: string): number {
    const window = this.#current(key)
    if (!window || this.#perMinute === 0 || window.failures < this.#perMinute) return 0
    return window.startedAt + WINDOW_MS - this.#now()
  }

  failed(key: string): void {
    const window = this.#current(key)
    if (window) {
      window.failures += 1
      return
    }
    const [oldest] = this.#windows.keys()
    if (oldest !== undefined && this.#windows.size >= this.#maxKeys) this.#windows.delete(oldest)
    this.#windows.set(key, { startedAt: this.#now(), failures: 1 })
  }

  #current(key: string): Window | undefined {
    const window = this.#windows.get(key)
    if (!window || this.#now() - window.startedAt < WINDOW_MS) return window
    this.#windows.delete(key)
    return undefined
  }
}
