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

/** What a lane takes at a time while others wait: few, so that all have their turn, and enough to be worth a read. */
export const TURN = 8

/**
 * Whether an entry may go now, the only one (`probe`) after the target had been left alone; if not, whether to wait in
 * memory for room, or until a time.
 */
export type Admission = 'go' | 'probe' | 'wait' | { until: Date }

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
  /** The target itself asked for the pause: that something arrives meanwhile does not end it. */
  #isAsked = false
  #pauseMs = 0
  #isProbing = false
  /** Lanes that wait for room, first come first served, each with how many releases there had been. */
  readonly #waiting = new Map<() => void, number>()
  #releases = 0
  /** One of them was called and has not passed on yet. */
  #isServing = false

  constructor(limits: GateLimits) {
    this.#limits = limits
  }

  /** `overdue`: its schedule is over, so it gets its one attempt also while the target is being left alone. */
  admit(bytes: number, overdue: boolean, now: Date): Admission {
    if (this.#items > 0 && (this.#items >= this.#limits.items || this.#bytes + bytes > this.#limits.bytes))
      return 'wait'
    const isProbe = this.#pausedUntil !== undefined && !overdue
    if (isProbe) {
      if (this.#isPaused(now)) return { until: this.#pausedUntil as Date }
      if (this.#isProbing) return 'wait'
      this.#isProbing = true
    }
    this.#items += 1
    this.#bytes += bytes
    return isProbe ? 'probe' : 'go'
  }

  /** There is no room for a turn: not worth reading entries for. */
  get isCrowded(): boolean {
    if (this.#items === 0) return false
    const { items, bytes } = this.#limits
    const free = { items: items - this.#items, bytes: bytes - this.#bytes }
    return (
      free.items < Math.min(TURN, items / 2) ||
      free.bytes < Math.min((TURN * this.#bytes) / this.#items, bytes / 2)
    )
  }

  /** Some wait: whoever comes now is to wait behind them. */
  get hasQueue(): boolean {
    return this.#waiting.size > 0
  }

  /** Others wait, or it is not known whether the target is well: who goes now should take no more than a turn. */
  get isScarce(): boolean {
    return this.hasQueue || this.#pausedUntil !== undefined
  }

  /**
   * `wake` is called once, when it is worth trying again; who was called calls {@link passOn} when it has tried.
   * `isRefused`: it has found no room, and not only others before it. Answers how to leave the queue before that.
   */
  wait(wake: () => void, isRefused = true): () => void {
    this.#waiting.set(wake, isRefused ? this.#releases : -1)
    // With nothing under way there is nothing that would end, and so nobody else who would serve it.
    if (this.#items === 0) this.#serve()
    return () => this.#waiting.delete(wake)
  }

  /** Who was called has taken what it could. */
  passOn(): void {
    this.#isServing = false
    this.#serve()
  }

  /** An admitted entry is not under way any more, whatever became of it. Lets those that wait try again. */
  release(bytes: number, wasProbe: boolean): void {
    this.#items -= 1
    this.#bytes -= bytes
    if (wasProbe) this.#isProbing = false
    this.#releases += 1
    this.#serve()
  }

  /**
   * Calls one after another, while there is room for a turn: each reads its entries anew, so it should find room for
   * some, and not find that another has just taken it. Who found none since the last release is not called again.
   */
  #serve(): void {
    const [first] = this.#waiting
    if (!first || this.#isServing || this.isCrowded) return
    const [wake, since] = first
    if (since === this.#releases && this.#items > 0) return
    this.#waiting.delete(wake)
    this.#isServing = true
    wake()
  }

  /** Answers whether the target had been left alone until now. */
  succeeded(now: Date): boolean {
    this.#failures = 0
    if (this.#isAsked && this.#isPaused(now)) return false
    const isRecovered = this.#pausedUntil !== undefined
    this.#pausedUntil = undefined
    this.#pauseMs = 0
    return isRecovered
  }

  /** Answers whether the target is to be left alone from now on. */
  failed(now: Date): boolean {
    this.#failures += 1
    if (this.#failures < this.#limits.failures || this.#isPaused(now)) return false
    this.#pauseMs = Math.min(this.#pauseMs * 2 || this.#limits.pauseMs, this.#limits.maxPauseMs)
    this.#pausedUntil = new Date(now.getTime() + this.#pauseMs)
    this.#isAsked = false
    return true
  }

  /** Leaves the target alone until this time, as it asked, without counting a failure. Answers as {@link failed}. */
  pause(until: Date, now: Date): boolean {
    const wasPaused = this.#isPaused(now)
    if (!this.#pausedUntil || until > this.#pausedUntil) {
      this.#pausedUntil = until
      this.#isAsked = true
    }
    return !wasPaused
  }

  #isPaused(now: Date): boolean {
    return this.#pausedUntil !== undefined && now < this.#pausedUntil
  }

  /** The end of the pause; undefined when the target is called as usual. */
  get pausedUntil(): Date | undefined {
    return this.#pausedUntil
  }

  /** Nothing is under way, nobody waits, and nothing is remembered that would matter: it can be forgotten. */
  isQuiet(now: Date): boolean {
    return this.#items === 0 && this.#waiting.size === 0 && !this.#isPaused(now)
  }
}

/** The gates of this process, one for each target that was met lately. */
export class Gates {
  readonly #limits: GateLimits
  readonly #few: number
  readonly #gates = new Map<string, Gate>()
  /** Quiet gates are looked for when there are so many. */
  #sweepAt: number

  /** `few`: gates that are kept without a look at which are quiet. */
  constructor(limits: GateLimits, few: number) {
    this.#limits = limits
    this.#few = few
    this.#sweepAt = few
  }

  of(key: string, now: Date): Gate {
    const known = this.#gates.get(key)
    if (known) return known
    if (this.#gates.size >= this.#sweepAt) this.#forgetQuiet(now)
    const gate = new Gate(this.#limits)
    this.#gates.set(key, gate)
    return gate
  }

  /** Not again before there are twice as many, so that it costs little for each. */
  #forgetQuiet(now: Date): void {
    for (const [key, gate] of this.#gates) if (gate.isQuiet(now)) this.#gates.delete(key)
    this.#sweepAt = Math.max(this.#few, 2 * this.#gates.size)
  }
}
