import type { Target } from '../../log/target.js'
import { isActive, type Lane } from './target-lane.js'

/** Maximum concurrent replays to one target in one stream. */
export const MAX_REPLAYS = 8

/** The replays of a stream that are under way: only a few to one target, because a client may ask for thousands at once. */
export class ReplayLimit {
  readonly #active = new Map<Target, number>()

  constructor(lanes: Iterable<Lane>) {
    for (const lane of lanes) this.count(lane)
  }

  hasRoom(target: Target): boolean {
    return (this.#active.get(target) ?? 0) < MAX_REPLAYS
  }

  count(lane: Lane | undefined): void {
    if (lane?.only !== undefined && isActive(lane))
      this.#active.set(lane.target, (this.#active.get(lane.target) ?? 0) + 1)
  }
}
