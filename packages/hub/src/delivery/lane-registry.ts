import type { Gate } from './gate.js'
import type { Lane } from './lane.js'
import { takeBack } from './lane-feeder.js'
import type { Outcomes } from './outcomes.js'
import type { RouteListener } from './route.js'
import type { StreamRunner } from './stream-runner.js'
import type { TransportListener } from './transport.js'

interface Registered {
  lane: Lane
  runner: StreamRunner
}

/** The lanes of all streams by the numbers that name them to the transports, whose reports find their way here. */
export class LaneRegistry {
  /** What the transports and the routes report to. */
  readonly listener: TransportListener & RouteListener = {
    delivered: (handle, ...what) =>
      this.#report(handle, (outcomes, lane) => outcomes.delivered(lane, ...what)),
    progressed: (handle, ...what) =>
      this.#report(handle, (outcomes, lane) => outcomes.progressed(lane, ...what)),
    failed: (handle, ...what) => this.#report(handle, (outcomes, lane) => outcomes.failed(lane, ...what)),
    cancelled: (handle, ...what) =>
      this.#report(handle, (outcomes, lane) => outcomes.cancelled(lane, ...what)),
    expired: (handle, ...what) => this.#report(handle, (outcomes, lane) => outcomes.cancelled(lane, ...what)),
    unrendered: (handle, ...what) =>
      this.#report(handle, (outcomes, lane) => outcomes.unrendered(lane, ...what)),
  }
  readonly #lanes = new Map<number, Registered>()
  #lastHandle = 0

  /** Gives a lane its number. */
  add(runner: StreamRunner, open: (handle: number) => Lane): Lane {
    this.#lastHandle += 1
    const lane = open(this.#lastHandle)
    this.#lanes.set(lane.handle, { lane, runner })
    return lane
  }

  delete(lane: Lane): void {
    this.#lanes.delete(lane.handle)
  }

  /** Takes back what the transports have not begun with, in all lanes behind this gate. */
  takeBackBehind(gate: Gate): void {
    for (const { lane } of this.#lanes.values()) {
      if (lane.underway[0]?.gate === gate) takeBack(lane)
    }
  }

  /** A lane that is closed meanwhile has nobody to hear of it. */
  #report(handle: number, tell: (outcomes: Outcomes, lane: Lane) => void): void {
    const found = this.#lanes.get(handle)
    if (found) tell(found.runner.outcomes, found.lane)
  }
}
