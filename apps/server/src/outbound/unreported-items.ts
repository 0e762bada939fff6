import type { WebhookItem } from '@plugboard/hub'

interface Entry {
  readonly generation: number
  /** Undefined for a cancel that the thread has not confirmed; what is before it may still be under way. */
  readonly seq: number | undefined
}

/** What the thread was given and has not reported: all that is known about it when the thread dies. */
export class UnreportedItems {
  readonly #lanes = new Map<number, Entry[]>()

  pushed(lane: number, generation: number, items: readonly WebhookItem[]): void {
    const entries = this.#lanes.get(lane) ?? []
    for (const { seq } of items) entries.push({ generation, seq })
    if (entries.length > 0) this.#lanes.set(lane, entries)
  }

  has(lane: number): boolean {
    return this.#lanes.has(lane)
  }

  cancelling(lane: number, generation: number): void {
    this.#lanes.get(lane)?.push({ generation, seq: undefined })
  }

  /** Everything up to this number has arrived; a later generation has replaced the ones before it. */
  delivered(lane: number, generation: number, seq: number): void {
    this.#dropFirst(
      lane,
      (entry) =>
        entry.seq === undefined ||
        entry.generation > generation ||
        (entry.generation === generation && entry.seq > seq),
    )
  }

  /** The first cancel of the lane was confirmed. */
  cancelled(lane: number): void {
    this.#dropFirst(lane, (entry) => entry.seq === undefined)
    const entries = this.#lanes.get(lane)
    entries?.shift()
    if (entries?.length === 0) this.#lanes.delete(lane)
  }

  /** A failure, or the end of a lease, ends a generation and those before it. */
  ended(lane: number, generation: number): void {
    const rest = this.#lanes
      .get(lane)
      ?.filter((entry) => entry.seq === undefined || entry.generation > generation)
    if (rest && rest.length > 0) this.#lanes.set(lane, rest)
    else this.#lanes.delete(lane)
  }

  /** The first entry of each lane and generation, and the cancels. Afterwards there are none. */
  takeAll(): {
    heads: { lane: number; generation: number; seq: number }[]
    cancels: { lane: number; generation: number }[]
  } {
    const heads: { lane: number; generation: number; seq: number }[] = []
    const cancels: { lane: number; generation: number }[] = []
    for (const [lane, entries] of this.#lanes) {
      const seen = new Set<number>()
      for (const { generation, seq } of entries) {
        if (seq === undefined) cancels.push({ lane, generation })
        else if (!seen.has(generation)) heads.push({ lane, generation, seq })
        if (seq !== undefined) seen.add(generation)
      }
    }
    this.#lanes.clear()
    return { heads, cancels }
  }

  /** Drops the entries before the first one that stays. */
  #dropFirst(lane: number, stays: (entry: Entry) => boolean): void {
    const entries = this.#lanes.get(lane)
    if (entries === undefined) return
    const first = entries.findIndex(stays)
    if (first < 0) this.#lanes.delete(lane)
    else entries.splice(0, first)
  }
}
