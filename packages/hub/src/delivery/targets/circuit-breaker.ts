/** When the circuit of a target opens. */
export interface CircuitLimits {
  /** Consecutive failures that open the circuit: calls to the target stop. */
  failures: number
  /** First and longest pause of an open circuit. Each further opening without a success doubles it. */
  pauseMs: number
  maxPauseMs: number
}

/**
 * Stops the calls to a target that fails: consecutive failures open the circuit for a pause; then one entry probes, and a
 * success closes the circuit.
 */
export class CircuitBreaker {
  readonly #limits: CircuitLimits
  #failures = 0
  /** The circuit is open until this time; later, one entry may probe. Undefined: the circuit is closed. */
  #pausedUntil: Date | undefined
  /** The target itself asked for the pause, so a success during the pause does not end it. */
  #isAsked = false
  #pauseMs = 0
  #isProbing = false

  constructor(limits: CircuitLimits) {
    this.#limits = limits
  }

  /** `overdue`: its schedule is over, so it gets its one attempt even while the circuit is open. */
  admit(overdue: boolean, now: Date): 'go' | 'probe' | 'wait' | { until: Date } {
    if (!this.#pausedUntil || overdue) return 'go'
    if (this.isPaused(now)) return { until: this.#pausedUntil }
    if (this.#isProbing) return 'wait'
    this.#isProbing = true
    return 'probe'
  }

  /** The attempt of the probe is over, whatever its outcome. */
  probeEnded(): void {
    this.#isProbing = false
  }

  /** An entry was delivered. Returns whether this closed the circuit. */
  succeeded(now: Date): boolean {
    this.#failures = 0
    if (this.#isAsked && this.isPaused(now)) return false
    const isRecovered = this.#pausedUntil !== undefined
    this.#pausedUntil = undefined
    this.#pauseMs = 0
    return isRecovered
  }

  /** An attempt failed. Returns whether this opened the circuit. */
  failed(now: Date): boolean {
    this.#failures += 1
    if (this.#failures < this.#limits.failures || this.isPaused(now)) return false
    this.#pauseMs = Math.min(this.#pauseMs * 2 || this.#limits.pauseMs, this.#limits.maxPauseMs)
    this.#pausedUntil = new Date(now.getTime() + this.#pauseMs)
    this.#isAsked = false
    return true
  }

  /** Opens the circuit until this time, as the target asked, without counting a failure. Returns as {@link failed}. */
  pause(until: Date, now: Date): boolean {
    const wasPaused = this.isPaused(now)
    if (!this.#pausedUntil || until > this.#pausedUntil) {
      this.#pausedUntil = until
      this.#isAsked = true
    }
    return !wasPaused
  }

  isPaused(now: Date): boolean {
    return this.#pausedUntil !== undefined && now < this.#pausedUntil
  }

  /** The end of the pause. Undefined: the circuit is closed. */
  get pausedUntil(): Date | undefined {
    return this.#pausedUntil
  }
}
