/** Limits of one gate. */
export interface GateLimits {
  /** Entries under way to one target, over all lanes. */
  items: number
  /** Their bytes. */
  bytes: number
  /** Failures in a row after which the gate closes. */
  failures: number
  /** The first pause, and the longest; each closing in a row doubles it. */
  pauseMs: number
  maxPauseMs: number
}

/** How many that wait are let try when one leaves: waking all for each would cost the square of their number. */
const WAKE_AT_ONCE = 8

/** Whether an entry may go now; if not, whether to wait in memory for room, or until a time. */
export type Admission = 'go' | 'wait' | { until: Date }

/**
 * Stands before one target and all its lanes. It bounds what is under way, so that a slow target holds little memory,
 * and is the circuit breaker: after some failures in a row the target is left alone for a while, then one entry probes.
 */
export class Gate {
  readonly #limits: GateLimits
  #items = 0
  #bytes = 0
  #failures = 0
  #pausedUntil: Date | undefined
  #pauseMs = 0
  #probing = false
  /** Lanes that wait for room, first come first served. */
  readonly waiting = new Set<() => void>()

  constructor(limits: GateLimits) {
    this.#limits = limits
  }

  /** `overdue`: its schedule is over, so it gets its one attempt also while the target is being left alone. */
  admit(bytes: number, overdue: boolean, now: Date): Admission {
    if (this.#items > 0 && (this.#items >= this.#limits.items || this.#bytes + bytes > this.#limits.bytes))
      return 'wait'
    if (this.#pausedUntil && !overdue) {
      if (now < this.#pausedUntil) return { until: this.#pausedUntil }
      if (this.#probing) return 'wait'
      this.#probing = true
    }
    this.#items += 1
    this.#bytes += bytes
    return 'go'
  }

  /** An admitted entry is not under way any more, whatever became of it. Lets those that wait try again. */
  release(bytes: number): void {
    this.#items -= 1
    this.#bytes -= bytes
    if (this.#items === 0) this.#probing = false
    this.#wake(this.#items === 0 ? this.waiting.size : WAKE_AT_ONCE)
  }

  #wake(count: number): void {
    const woken = [...this.waiting].slice(0, count)
    for (const wake of woken) this.waiting.delete(wake)
    for (const wake of woken) wake()
  }

  /** Answers whether the target had been left alone until now. */
  succeeded(): boolean {
    const recovered = this.#pausedUntil !== undefined
    this.#failures = 0
    this.#pausedUntil = undefined
    this.#pauseMs = 0
    this.#probing = false
    return recovered
  }

  /** Answers whether the target is to be left alone from now on. */
  failed(now: Date): boolean {
    this.#failures += 1
    this.#probing = false
    if (this.#failures < this.#limits.failures || (this.#pausedUntil && now < this.#pausedUntil)) return false
    this.#pauseMs = Math.min(this.#pauseMs * 2 || this.#limits.pauseMs, this.#limits.maxPauseMs)
    this.#pausedUntil = new Date(now.getTime() + this.#pauseMs)
    return true
  }

  /** Leaves the target alone until this time, without counting a failure. */
  pause(until: Date): void {
    if (!this.#pausedUntil || until > this.#pausedUntil) this.#pausedUntil = until
  }

  /** Nothing is under way, nobody waits and nothing is remembered: it can be forgotten. */
  get isQuiet(): boolean {
    return this.#items === 0 && this.waiting.size === 0 && this.#failures === 0 && !this.#pausedUntil
  }
}
