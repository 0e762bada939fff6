import type { Entry } from '../../log/entry.js'
import { sizeOf } from './target-lane.js'

/**
 * Maximum entries, and their characters, that one stream keeps in memory for its lanes: two full windows of a lane. Beyond
 * that, entries are read from the store.
 */
const MAX_ENTRIES = 128
const MAX_CHARS = 64 * 1024

/** The newest entries of a stream, without gaps, so that a new entry is not read back from the store. */
export class EntryBuffer {
  #entries: Entry[] = []
  #chars = 0

  get isEmpty(): boolean {
    return this.#entries.length === 0
  }

  /** Adds the entry after the newest. With any other entry, or if the buffer is full, it starts again with this one. */
  add(entry: Entry): void {
    const last = this.#entries.at(-1)
    const isNext = last === undefined || entry.seq === last.seq + 1
    const size = sizeOf(entry)
    const isFull = this.#entries.length >= MAX_ENTRIES || this.#chars + size > MAX_CHARS
    if (!isNext || isFull) this.clear()
    if (size > MAX_CHARS) return
    this.#entries.push(entry)
    this.#chars += size
  }

  /** Entries from `seq + 1` on; empty if that one is not in the buffer. */
  after(seq: number): readonly Entry[] {
    const first = this.#entries[0]
    if (first === undefined || first.seq > seq + 1) return []
    return first.seq === seq + 1 ? this.#entries : this.#entries.slice(seq + 1 - first.seq)
  }

  /** Drops entries that every lane has taken. */
  dropUpTo(seq: number): void {
    const last = this.#entries.at(-1)
    if (last === undefined) return
    if (last.seq <= seq) return this.clear()
    for (let first = this.#entries[0]; first && first.seq <= seq; first = this.#entries[0]) {
      this.#chars -= sizeOf(first)
      this.#entries.shift()
    }
  }

  clear(): void {
    this.#entries = []
    this.#chars = 0
  }
}
