/** What is still to happen: answers of the store, messages between threads, ends of requests. The test says in which order. */
export class Tasks {
  #tasks: (() => void)[] = []
  readonly #random: () => number

  constructor(random: () => number) {
    this.#random = random
  }

  get size(): number {
    return this.#tasks.length
  }

  add(task: () => void): void {
    this.#tasks.push(task)
  }

  /** Does any of them. */
  runOne(): void {
    const [task] = this.#tasks.splice(Math.floor(this.#random() * this.#tasks.length), 1)
    task?.()
  }

  /** None of them will happen. */
  clear(): void {
    this.#tasks = []
  }
}

/** Numbers in [0, 1) that a seed repeats (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
