import assert from 'node:assert/strict'
import { vi } from 'vitest'

/** More than that without a step of the clock is a loop. */
const MAX_TURNS = 50_000

/** Turns without a task after which there is nothing left. */
const IDLE_TURNS = 3

const realImmediate = setImmediate
/** Waits until all promise callbacks have run. */
const turn = (): Promise<void> => new Promise((resolve) => realImmediate(resolve))

/** The process of a task: if it is frozen, its tasks wait; if it is gone, they are dropped. */
export interface Owner {
  isFrozen: boolean
  isGone: boolean
  /** Does something as this process. */
  act(does: () => void): void
}

interface Task {
  run(): void
  owner: Owner | undefined
}

/**
 * Waiting tasks: answers of the store, messages between threads, ends of requests. The test controls their order, and the
 * time, which is that of vitest's fake timers.
 */
export class Tasks {
  #tasks: Task[] = []
  readonly #random: () => number

  constructor(random: () => number) {
    this.#random = random
  }

  /** Tasks that can run now. */
  get size(): number {
    return this.#ready().length
  }

  add(run: () => void, owner?: Owner): void {
    this.#tasks.push({ run, owner })
  }

  #ready(): Task[] {
    this.#tasks = this.#tasks.filter(({ owner }) => !owner?.isGone)
    return this.#tasks.filter(({ owner }) => !owner?.isFrozen)
  }

  /** Runs a random one. False if there is none. */
  #runOne(): boolean {
    const ready = this.#ready()
    const task = ready[Math.floor(this.#random() * ready.length)]
    if (!task) return false
    this.#tasks.splice(this.#tasks.indexOf(task), 1)
    if (task.owner) task.owner.act(task.run)
    else task.run()
    return true
  }

  /** Runs this many tasks. */
  async step(count: number): Promise<void> {
    for (let i = 0; i < count && this.#runOne(); i += 1) await turn()
    await turn()
  }

  /** Runs all tasks that need no timer. */
  async still(): Promise<void> {
    await turn()
    // A runner that was slow goes on in a later turn, and may add tasks then.
    for (let turns = 0, idle = 0; idle < IDLE_TURNS; turns += 1) {
      assert.ok(turns < MAX_TURNS, 'the delivery is in an endless loop')
      idle = this.#runOne() ? 0 : idle + 1
      await turn()
    }
  }

  /** Advances the time by `ms`, or to the first timer after that, and runs all tasks that become ready. */
  async pass(ms: number): Promise<void> {
    const end = Date.now() + ms
    await this.still()
    while (Date.now() < end && vi.getTimerCount() > 0) {
      vi.advanceTimersToNextTimer()
      await this.still()
    }
    if (Date.now() < end) vi.setSystemTime(end)
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
