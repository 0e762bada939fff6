import { Gate, type GateLimits } from './gate.js'

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
