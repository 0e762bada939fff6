/**
 * Which generation of a lane a failure has ended, so that pushes which were already under way are ignored. Bounded: what
 * is forgotten is the oldest failure, whose late pushes have long arrived.
 */
export class DeadGenerations {
  readonly #byLane = new Map<number, number>()
  readonly #limit: number

  constructor(limit = 100_000) {
    this.#limit = limit
  }

  add(lane: number, generation: number): void {
    this.#byLane.delete(lane)
    this.#byLane.set(lane, generation)
    if (this.#byLane.size <= this.#limit) return
    const [oldest] = this.#byLane.keys()
    if (oldest !== undefined) this.#byLane.delete(oldest)
  }

  /** A higher generation than the dead one revives the lane. */
  has(lane: number, generation: number): boolean {
    const dead = this.#byLane.get(lane)
    if (dead === undefined) return false
    if (generation <= dead) return true
    this.#byLane.delete(lane)
    return false
  }
}
