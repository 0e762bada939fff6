import { isPlugboardError, PlugboardError } from '@plugboard/core'
import { toStoreError } from './failure.js'
import type { Connection } from './sql.js'

/** Writes in one transaction at most, so that the process does other things in between. */
const MAX_BATCH = 512

/** A transaction takes no more writes once it has taken so long: what is large goes to disk in several. */
const MAX_BATCH_MS = 15

/** Longest wait for more writes to come before a transaction begins. */
const MAX_GATHER_MS = 2

/** Longest wait of a write that nobody waits for, so that it shares the transaction of others. */
const MAX_ALONG_MS = 2

/** One transaction, for metrics. */
export interface Batch {
  writes: number
  /** How long it blocked the process, in milliseconds. */
  durationMs: number
  /** A write failed, so each write was repeated in its own savepoint. */
  isApart: boolean
}

/** What writes leave in memory until it is time to write it down. */
export interface Pending {
  /** Writes down what changed. */
  flush(): void
  /** All of it is in the database now, or in the transaction under way. */
  settled(): void
  /** What one write changed since the last {@link settled} did not come to be: it is dropped. */
  forget(): void
  /** A whole transaction did not come to be: everything in memory is dropped. */
  forgetAll(): void
}

interface Item {
  work(): unknown
  resolve(value: unknown): void
  reject(error: unknown): void
}

type Outcome = { value: unknown } | { error: unknown }

/**
 * Group commit: what is to be written waits while each turn of the event loop brings more, and goes to disk as one
 * transaction. A promise resolves when its write is on disk. A write that throws a PlugboardError does so before it
 * has changed anything; after any other error the batch is taken back, and done again with each write on its own.
 */
export class GroupCommit {
  readonly #db: Connection
  readonly #pending: Pending
  readonly #onBatch: ((batch: Batch) => void) | undefined
  #queue: Item[] = []
  /** Goes with the next transaction, in front. */
  #along: Item[] = []
  #timer: NodeJS.Immediate | undefined
  #alongTimer: NodeJS.Timeout | undefined
  #gatheredFrom = 0

  constructor(db: Connection, pending: Pending, onBatch?: (batch: Batch) => void) {
    this.#db = db
    this.#pending = pending
    this.#onBatch = onBatch
  }

  /** Does `work` in the next transaction; it is synchronous, and may be done twice. */
  write<T>(work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ work, resolve: resolve as (value: unknown) => void, reject })
      if (this.#timer === undefined) {
        this.#gatheredFrom = performance.now()
        this.#gather(0)
      }
    })
  }

  /** As {@link write}, for what nobody waits for: it goes with the next transaction, or a little later in one of its own. */
  writeAlong<T>(work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#along.push({ work, resolve: resolve as (value: unknown) => void, reject })
      this.#alongTimer ??= setTimeout(() => this.#runBatches(), MAX_ALONG_MS)
    })
  }

  /** Waits for the end of this turn, and for one more as long as more comes: a commit costs as much as 50 writes. */
  #gather(before: number): void {
    this.#timer = setImmediate(() => {
      const { length } = this.#queue
      const isOver = performance.now() - this.#gatheredFrom > MAX_GATHER_MS
      if (length > before && length < MAX_BATCH && !isOver) this.#gather(length)
      else this.#run()
    })
  }

  /** Writes all that waits, now. */
  drain(): void {
    while (this.#queue.length + this.#along.length > 0) this.#runBatch()
    clearImmediate(this.#timer)
    this.#timer = undefined
  }

  #run(): void {
    this.#timer = undefined
    this.#runBatches()
  }

  /** One now, and what is left over in the next turns. */
  #runBatches(): void {
    this.#runBatch()
    if (this.#queue.length > 0) this.#timer ??= setImmediate(() => this.#run())
  }

  #runBatch(): void {
    const taken = this.#take()
    if (taken.length === 0) return
    const start = performance.now()
    let isApart = false
    let outcomes = this.#together(taken, start)
    if (!outcomes) {
      isApart = true
      outcomes = this.#apart(taken)
    }
    const items = taken.splice(0, outcomes.length)
    if (taken.length > 0) this.#queue = [...taken, ...this.#queue]
    for (const [index, item] of items.entries()) settle(item, outcomes[index])
    this.#onBatch?.({ writes: items.length, durationMs: performance.now() - start, isApart })
  }

  #take(): Item[] {
    const items = this.#along.length > 0 ? [...this.#along, ...this.#queue] : this.#queue
    this.#along = []
    clearTimeout(this.#alongTimer)
    this.#alongTimer = undefined
    this.#queue = items.length > MAX_BATCH ? items.splice(MAX_BATCH) : []
    return items
  }

  /** All in one, or the first ones, where they take their time; undefined when that failed. */
  #together(items: readonly Item[], start: number): Outcome[] | undefined {
    try {
      this.#db.exec('BEGIN IMMEDIATE')
      const outcomes: Outcome[] = []
      for (const item of items) {
        outcomes.push(attempt(item))
        if (performance.now() - start > MAX_BATCH_MS) break
      }
      this.#pending.flush()
      this.#db.exec('COMMIT')
      this.#pending.settled()
      return outcomes
    } catch {
      this.#pending.forgetAll()
      this.#rollback()
      return undefined
    }
  }

  /** Each in a savepoint of its own, so that one that fails takes no other with it. */
  #apart(items: readonly Item[]): Outcome[] {
    try {
      this.#db.exec('BEGIN IMMEDIATE')
      const outcomes = items.map((item) => this.#alone(item))
      this.#db.exec('COMMIT')
      return outcomes
    } catch (error) {
      this.#pending.forgetAll()
      this.#rollback()
      return items.map(() => ({ error }))
    }
  }

  #alone(item: Item): Outcome {
    this.#db.exec('SAVEPOINT item')
    try {
      const value = item.work()
      this.#pending.flush()
      this.#db.exec('RELEASE item')
      this.#pending.settled()
      return { value }
    } catch (error) {
      this.#pending.forget()
      // After a full disk or a failed write there is no transaction any more, and with it all the others are lost.
      if (!this.#db.inTransaction) throw error
      this.#db.exec('ROLLBACK TO item; RELEASE item')
      return { error }
    }
  }

  #rollback(): void {
    try {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK')
    } catch {
      // The next BEGIN tells what is wrong.
    }
  }
}

function attempt(item: Item): Outcome {
  try {
    return { value: item.work() }
  } catch (error) {
    if (isPlugboardError(error)) return { error }
    throw error
  }
}

function settle(item: Item, outcome: Outcome | undefined): void {
  if (outcome === undefined) item.reject(new PlugboardError('INTERNAL', 'a write was left out'))
  else if ('error' in outcome) item.reject(toStoreError(outcome.error))
  else item.resolve(outcome.value)
}
