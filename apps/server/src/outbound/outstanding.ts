import { Fifo } from './fifo.js'
import type { WebhookItem } from './sender-port.js'

interface Entry {
  readonly generation: number
  readonly seq: number
}

/** Stands for a cancel that the thread has not confirmed; what is before it may or may not be in flight. */
const CANCEL: Entry = { generation: Number.NEGATIVE_INFINITY, seq: 0 }

/** What the thread has been given and has not reported: all that is known about it should the thread die. */
export class Outstanding {
  readonly #lanes = new Map<number, Fifo<Entry>>()

  pushed(lane: number, generation: number, items: readonly WebhookItem[]): void {
    let entries = this.#lanes.get(lane)
    if (entries === undefined) {
      entries = new Fifo()
      this.#lanes.set(lane, entries)
    }
    for (const { seq } of items) entries.push({ generation, seq })
  }

  /** Whether the thread has something of this lane. */
  has(lane: number): boolean {
    return this.#lanes.has(lane)
  }

  /** False when the lane has nothing outstanding, so that there is nothing to cancel. */
  cancelling(lane: number): boolean {
    const entries = this.#lanes.get(lane)
    entries?.push(CANCEL)
    return entries !== undefined
  }

  delivered(lane: number, generation: number, seq: number): void {
    this.#drop(lane, (entry) => {
      if (entry === CANCEL) return false
      return entry.generation < generation || (entry.generation === generation && entry.seq <= seq)
    })
  }

  cancelled(lane: number): void {
    this.#drop(lane, (entry) => entry !== CANCEL)
    this.#lanes.get(lane)?.shift()
    this.#drop(lane, () => false)
  }

  /** A failure, or the end of a lease, ends all of its generation and of those before it. */
  ended(lane: number, generation: number): void {
    const entries = this.#lanes.get(lane)
    if (entries === undefined) return
    const rest = new Fifo<Entry>()
    for (let entry = entries.shift(); entry !== undefined; entry = entries.shift())
      if (entry === CANCEL || entry.generation > generation) rest.push(entry)
    if (rest.length === 0) this.#lanes.delete(lane)
    else this.#lanes.set(lane, rest)
  }

  /** The first of each lane and generation, and the lanes of cancels; afterwards nothing is outstanding. */
  takeAll(): { heads: { lane: number; generation: number; seq: number }[]; cancels: number[] } {
    const heads: { lane: number; generation: number; seq: number }[] = []
    const cancels: number[] = []
    for (const [lane, entries] of this.#lanes) {
      const seen = new Set<number>()
      for (let entry = entries.shift(); entry !== undefined; entry = entries.shift()) {
        if (entry === CANCEL) cancels.push(lane)
        if (entry === CANCEL || seen.has(entry.generation)) continue
        seen.add(entry.generation)
        heads.push({ lane, ...entry })
      }
    }
    this.#lanes.clear()
    return { heads, cancels }
  }

  #drop(lane: number, isDone: (entry: Entry) => boolean): void {
    const entries = this.#lanes.get(lane)
    if (entries === undefined) return
    for (let entry = entries.peek(); entry !== undefined && isDone(entry); entry = entries.peek())
      entries.shift()
    if (entries.length === 0) this.#lanes.delete(lane)
  }
}
