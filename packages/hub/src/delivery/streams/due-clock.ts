export interface DueClockOptions {
  /** Claims due streams. Returns the delay before the next poll in milliseconds. Never rejects. */
  poll(): Promise<number>
  /** Called after each poll. */
  polled(): void
}

/** Schedules the polls for due streams: one at a time, at the earliest time that was asked for. */
export class DueClock {
  readonly #options: DueClockOptions
  #timer: NodeJS.Timeout | undefined
  /** The next poll, in milliseconds of the epoch. */
  #nextAt = Number.POSITIVE_INFINITY
  #isPolling = false
  #isStopped = false

  constructor(options: DueClockOptions) {
    this.#options = options
  }

  /** A poll is under way: it may claim streams. */
  get isPolling(): boolean {
    return this.#isPolling
  }

  /** Whether there will be another poll. */
  get isRunning(): boolean {
    return !this.#isStopped && (this.#timer !== undefined || this.#isPolling)
  }

  /** Polls in `ms` at the latest. */
  wake(ms: number): void {
    const at = Date.now() + ms
    if (this.#isStopped || at >= this.#nextAt) return
    this.#nextAt = at
    if (this.#isPolling) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#poll(), ms)
  }

  /** Starts no more polls; one that is under way ends. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  async #poll(): Promise<void> {
    this.#timer = undefined
    this.#isPolling = true
    this.#nextAt = Number.POSITIVE_INFINITY
    const wait = await this.#options.poll()
    this.#isPolling = false
    this.#options.polled()
    const askedAt = this.#nextAt
    this.#nextAt = Number.POSITIVE_INFINITY
    this.wake(Math.max(0, Math.min(wait, askedAt - Date.now())))
  }
}
