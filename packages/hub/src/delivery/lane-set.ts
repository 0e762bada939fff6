import type { LaneState } from '../log/progress.js'
import type { LaneKey } from '../log/target.js'
import type { Lane } from './lane.js'

/** The lanes of one stream, and what the store knows of them. */
export class LaneSet implements Iterable<Lane> {
  readonly #lanes = new Map<LaneKey, Lane>()
  readonly #stored = new Set<LaneKey>()

  has(key: LaneKey): boolean {
    return this.#lanes.has(key)
  }

  /** `isStored`: it came from the store as it is. Else the store may still have an older one of this name. */
  add(lane: Lane, isStored: boolean): void {
    this.#lanes.set(lane.key, lane)
    if (isStored) this.#stored.add(lane.key)
    else lane.isDirty = true
  }

  delete(lane: Lane): void {
    this.#lanes.delete(lane.key)
  }

  /** A copy, so that lanes may come and go while it is walked through. */
  [Symbol.iterator](): Iterator<Lane> {
    return [...this.#lanes.values()][Symbol.iterator]()
  }

  /** Whether a transport has something of any lane, or is about to. */
  get isActive(): boolean {
    for (const lane of this.#lanes.values()) if (lane.isActive) return true
    return false
  }

  /** What the store does not know yet; it is taken as known from then on. */
  takeChanges(): Record<LaneKey, LaneState | null> {
    const changes: Record<LaneKey, LaneState | null> = {}
    for (const key of this.#stored) {
      if (!this.#lanes.has(key)) changes[key] = null
    }
    for (const lane of this.#lanes.values()) {
      if (lane.isDirty) changes[lane.key] = lane.state
      lane.isDirty = false
    }
    this.#stored.clear()
    for (const key of this.#lanes.keys()) this.#stored.add(key)
    return changes
  }

  /** When the first lane has something to do; null when there is no lane. */
  nextAt(now: Date): Date | null {
    let next: Date | null = null
    for (const lane of this.#lanes.values()) {
      const at = lane.readyAt ?? now
      if (next === null || at < next) next = at
    }
    return next
  }

  /** When the first lane that nothing else will move has something to do again. */
  get readyAt(): Date | undefined {
    let first: Date | undefined
    for (const { isActive, readyAt } of this.#lanes.values()) {
      if (!isActive && readyAt && (!first || readyAt < first)) first = readyAt
    }
    return first
  }

  /** The lowest number that every lane has taken, and no higher than `scanned`. */
  lowestTaken(scanned: number): number {
    let lowest = scanned
    for (const lane of this.#lanes.values()) lowest = Math.min(lowest, lane.taken)
    return lowest
  }
}
