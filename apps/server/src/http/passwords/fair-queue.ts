import { PlugboardError } from '@plugboard/core'

export interface FairQueueOptions {
  /** Maximum concurrent tasks. */
  atOnce: number
  /** Tasks that wait for their turn; over that, one is refused. */
  maxWaiting: number
}

interface Waiting {
  begin(): void
  refuse(error: PlugboardError): void
}

/** After which a refused caller may come again. */
const RETRY_MS = 1_000

/**
 * Limits concurrent tasks. Callers take turns, however many tasks each has. When too many wait, a task of the
 * caller with most of them is refused, so that no caller can fill the queue for the others.
 */
export class FairQueue {
  readonly #options: FairQueueOptions
  /** By caller, the one whose turn is next first. */
  readonly #waiting = new Map<string, Waiting[]>()
  #waits = 0
  #running = 0

  constructor(options: FairQueueOptions) {
    this.#options = options
  }

  /** @throws RATE_LIMITED when too many wait */
  async run<T>(caller: string, task: () => Promise<T>): Promise<T> {
    if (this.#running < this.#options.atOnce) this.#running += 1
    else await this.#turn(caller)
    try {
      return await task()
    } finally {
      this.#next()
    }
  }

  #turn(caller: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const own = this.#waiting.get(caller) ?? []
      this.#waiting.set(caller, own)
      own.push({ begin: resolve, refuse: reject })
      this.#waits += 1
      if (this.#waits > this.#options.maxWaiting) this.#refuseOne()
    })
  }

  /** The newest task of the caller who has most; of several such callers, of the one who came last. */
  #refuseOne(): void {
    let [greedy, most]: [string, Waiting[]] = ['', []]
    for (const [caller, tasks] of this.#waiting)
      if (tasks.length >= most.length) [greedy, most] = [caller, tasks]
    const last = most.pop()
    if (most.length === 0) this.#waiting.delete(greedy)
    this.#waits -= 1
    last?.refuse(
      new PlugboardError('RATE_LIMITED', 'Too many attempts. Try again later.', { retryAfterMs: RETRY_MS }),
    )
  }

  #next(): void {
    const [turn] = this.#waiting
    if (!turn) {
      this.#running -= 1
      return
    }
    const [caller, tasks] = turn
    const task = tasks.shift()
    this.#waiting.delete(caller)
    if (tasks.length > 0) this.#waiting.set(caller, tasks)
    this.#waits -= 1
    task?.begin()
  }
}
