export interface DueClockOptions {
  /** Takes up what is due, and never fails; answers how long to wait before the next look, in milliseconds. */
  look(): Promise<number>
  /** A look has ended, and what it found is taken up. */
  looked(): void
}

/** Knows when to look at what is due in the store: at the earliest time that it was asked for. One look at a time. */
export class DueClock {
  readonly #options: DueClockOptions
  #timer: NodeJS.Timeout | undefined
  /** The next look, in milliseconds of the epoch. */
  #nextAt = Number.POSITIVE_INFINITY
  #isLooking = false
  #isStopped = false

  constructor(options: DueClockOptions) {
    this.#options = options
  }

  /** A look is under way: it may take something up. */
  get isLooking(): boolean {
    return this.#isLooking
  }

  /** Whether there will be another look. */
  get isRunning(): boolean {
    return !this.#isStopped && (this.#timer !== undefined || this.#isLooking)
  }

  /** Looks in `ms` at the latest. */
  wake(ms: number): void {
    const at = Date.now() + ms
    if (this.#isStopped || at >= this.#nextAt) return
    this.#nextAt = at
    if (this.#isLooking) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#look(), ms)
  }

  /** No look begins any more; one that is under way ends. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  async #look(): Promise<void> {
    this.#timer = undefined
    this.#isLooking = true
    this.#nextAt = Number.POSITIVE_INFINITY
    const wait = await this.#options.look()
    this.#isLooking = false
    this.#options.looked()
    const askedAt = this.#nextAt
    this.#nextAt = Number.POSITIVE_INFINITY
    this.wake(Math.max(0, Math.min(wait, askedAt - Date.now())))
  }
}
