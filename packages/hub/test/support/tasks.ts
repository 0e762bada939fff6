import assert from 'node:assert/strict'
import { vi } from 'vitest'

/** More than that without a step of the clock is a loop. */
const MAX_TURNS = 50_000

const realImmediate = setImmediate
/** Lets everything happen that waits for nothing but its turn. */
const turn = (): Promise<void> => new Promise((resolve) => realImmediate(resolve))

/**
 * What is still to happen: answers of the store, messages between threads, ends of requests. The test says in which
 * order, and lets time go by, which is that of vitest's fake timers.
 */
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
  #runOne(): void {
    const [task] = this.#tasks.splice(Math.floor(this.#random() * this.#tasks.length), 1)
    task?.()
  }

  /** Lets so many things happen that wait. */
  async step(count: number): Promise<void> {
    for (let i = 0; i < count && this.size > 0; i += 1) {
      this.#runOne()
      await turn()
    }
    await turn()
  }

  /** Lets all happen that needs no time. */
  async still(): Promise<void> {
    await turn()
    for (let turns = 0; this.size > 0; turns += 1) {
      assert.ok(turns < MAX_TURNS, 'the delivery goes round in a circle')
      this.#runOne()
      await turn()
    }
  }

  /** Lets time go by until then, or until the first timer after that, and all happen that happens then. */
  async pass(ms: number): Promise<void> {
    const end = Date.now() + ms
    await this.still()
    while (Date.now() < end && vi.getTimerCount() > 0) {
      vi.advanceTimersToNextTimer()
      await this.still()
    }
    if (Date.now() < end) vi.setSystemTime(end)
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
