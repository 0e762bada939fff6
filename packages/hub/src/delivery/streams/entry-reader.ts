import { yieldIfBusy } from '../../event-loop.js'
import type { Entry, StreamRef } from '../../log/entry.js'
import type { Store } from '../../ports/store.js'
import { EntryBuffer } from './entry-buffer.js'

/** Entries after a number, `limit` at most. `end`: a number that is known to be stored. */
export interface EntryRange {
  after: number
  limit: number
  end?: number
}

/** The entries of one stream for all its lanes: those that were just appended from memory, others from the store. */
export class EntryReader {
  readonly #store: Pick<Store, 'readEntries'>
  readonly #stream: StreamRef
  readonly #buffer = new EntryBuffer()
  /** Reads under way, by what they read. */
  readonly #reads = new Map<string, Promise<readonly Entry[]>>()

  constructor(store: Pick<Store, 'readEntries'>, stream: StreamRef) {
    this.#store = store
    this.#stream = stream
  }

  /** An entry was appended. */
  add(entry: Entry): void {
    this.#buffer.add(entry)
  }

  /** Entries changed. */
  forget(): void {
    this.#buffer.clear()
    this.#reads.clear()
  }

  get hasBuffered(): boolean {
    return !this.#buffer.isEmpty
  }

  /** Every lane has taken what is up to this number. */
  dropUpTo(seq: number): void {
    this.#buffer.dropUpTo(seq)
  }

  /** A promise if they have to be read from the store. */
  after(range: EntryRange): readonly Entry[] | Promise<readonly Entry[]> {
    const buffered = this.#buffer.after(range.after)
    return buffered.length > 0 ? buffered.slice(0, range.limit) : this.#readShared(range)
  }

  /**
   * Lanes that want the same entries at once share one read: a read of large entries takes milliseconds, and many lanes
   * read at once. A read that was begun for an `end` has everything up to it.
   */
  #readShared({ after, limit, end }: EntryRange): Promise<readonly Entry[]> {
    const key = `${after} ${limit} ${end}`
    const underway = this.#reads.get(key)
    if (underway) return underway
    const turn = yieldIfBusy()
    const reading = turn
      ? turn.then(() => this.#store.readEntries(this.#stream, after, limit))
      : this.#store.readEntries(this.#stream, after, limit)
    if (end === undefined) return reading
    const forget = (): void => {
      if (this.#reads.get(key) === reading) this.#reads.delete(key)
    }
    this.#reads.set(key, reading)
    reading.then(forget, forget)
    return reading
  }
}
