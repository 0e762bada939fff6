import type { Model } from 'mongoose'
import type { EntryDoc } from '../database/document-types.js'
import { isTakenWrite, refusedOf } from '../database/failure.js'

interface Item {
  entry: EntryDoc
  resolve(outcome: 'inserted' | 'taken'): void
  reject(error: unknown): void
}

/** The most that go in one command. */
const MAX_BATCH = 1000

/** Inserts the entries of one turn of the event loop, whatever their streams, in one round trip. */
export class Inserter {
  readonly #entries: Model<EntryDoc>
  #queue: Item[] = []

  constructor(entries: Model<EntryDoc>) {
    this.#entries = entries
  }

  /** `taken`: its id, its number or its dedupe is there already; nothing was written. */
  insert(entry: EntryDoc): Promise<'inserted' | 'taken'> {
    return new Promise((resolve, reject) => {
      if (this.#queue.push({ entry, resolve, reject }) === 1) setImmediate(() => this.#flush())
    })
  }

  #flush(): void {
    const items = this.#queue
    this.#queue = []
    for (let start = 0; start < items.length; start += MAX_BATCH) {
      void this.#write(items.slice(start, start + MAX_BATCH))
    }
  }

  async #write(items: readonly Item[]): Promise<void> {
    try {
      const inserts = items.map(({ entry }) => ({ insertOne: { document: entry } }))
      await this.#entries.bulkWrite(inserts as never, { ordered: false, timestamps: false })
      for (const item of items) item.resolve('inserted')
    } catch (error) {
      settle(items, error)
    }
  }
}

/** Each insert gets its own outcome, where the server told it. */
function settle(items: readonly Item[], error: unknown): void {
  const refused = refusedOf(error)
  const failures = new Map(refused?.map((each) => [each.index, each]))
  for (const [index, item] of items.entries()) {
    const failure = failures.get(index)
    if (!refused) item.reject(error)
    else if (failure === undefined) item.resolve('inserted')
    else if (isTakenWrite(failure)) item.resolve('taken')
    else item.reject(failure.err ?? error)
  }
}
