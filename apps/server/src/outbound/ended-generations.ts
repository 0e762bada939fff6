/**
 * The generation of each lane that a failure or the end of a lease has ended, so that pushes which were already on their
 * way are ignored. Bounded: it forgets the oldest first, whose late pushes have long arrived.
 */
export class EndedGenerations {
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

  /** A higher generation revives the lane. */
  has(lane: number, generation: number): boolean {
    const ended = this.#byLane.get(lane)
    if (ended === undefined) return false
    if (generation <= ended) return true
    this.#byLane.delete(lane)
    return false
  }
}
