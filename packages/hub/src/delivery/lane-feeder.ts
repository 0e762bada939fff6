import { yieldIfBusy } from '../event-loop.js'
import type { Entry } from '../log/entry.js'
import type { Claimed } from '../log/progress.js'
import { type Gate, TURN } from './gate.js'
import { type Lane, sizeOf, WINDOW } from './lane.js'
import type { Outcomes } from './outcomes.js'
import { deadlineOf } from './retry.js'
import type { Route, Routing } from './route.js'
import type { RunnerHost } from './runner-host.js'
import type { Tenure } from './tenure.js'

/** How long a lane whose integration is paused stays away, if nothing wakes it before. */
const PAUSED_MS = 60 * 60 * 1000
/** How long a lane stays away whose route cannot be found. */
const UNROUTED_MS = 1000
/** Lanes that wait for one target come back spread over this time. */
const SPREAD_MS = 250

export interface LaneFeederOptions {
  host: RunnerHost
  stream: Claimed
  tenure: Tenure
  outcomes: Outcomes
  entriesAfter(seq: number, limit: number): Promise<readonly Entry[]>
  /** Does what there is to do now; asked for while it is at it, once more. */
  run(): void
  /** The lane has nothing to do any more. */
  close(lane: Lane): void
}

/** Hands the entries that the lanes of one stream owe to their transports, as far as gates and routes let them. */
export class LaneFeeder {
  readonly #options: LaneFeederOptions
  /** Rises when what was read before does not count any more. */
  #epoch = 0
  #isStopped = false

  constructor(options: LaneFeederOptions) {
    this.#options = options
  }

  /** Entries or the configuration changed: nothing is handed over as it was read before. */
  changed(): void {
    this.#epoch += 1
  }

  /** Nothing is handed over any more. */
  stop(): void {
    this.#isStopped = true
  }

  /** Hands over as many entries as have room. `scanned`: the stream has been looked at up to this number. */
  async feed(lane: Lane, scanned: number): Promise<void> {
    const { host, tenure, close } = this.#options
    const end = lane.end(scanned)
    if (isDone(lane, end)) return close(lane)
    const isStill = this.#watch(lane)
    if (!isStill()) return
    if (tenure.isOver) return tenure.progressed()
    const routing = await this.#routeOf(lane)
    if (!isStill() || !routing) return
    if (routing === 'gone') return this.#abolish(lane, end, isStill)
    const now = host.now()
    if ((lane.readyAt ?? now) > now) return
    lane.heldUntil = routing === 'paused' ? new Date(now.getTime() + PAUSED_MS) : undefined
    if (routing !== 'paused') await this.#fill(lane, routing, end, isStill)
  }

  /** A lane whose route cannot be found now is left alone for some time, and holds no other up. */
  async #routeOf(lane: Lane): Promise<Routing | undefined> {
    const { host, stream } = this.#options
    try {
      return await host.route(stream, lane.target)
    } catch (error) {
      host.unrouted(stream, lane.target, error)
      lane.heldUntil = new Date(host.now().getTime() + UNROUTED_MS)
      return undefined
    }
  }

  /** What is with the transport is taken back first. */
  async #abolish(lane: Lane, end: number, isStill: () => boolean): Promise<void> {
    const { outcomes, run } = this.#options
    if (lane.isActive) return takeBack(lane)
    if (await outcomes.abolish(lane, end, isStill)) run()
  }

  async #fill(lane: Lane, route: Route, end: number, isStill: () => boolean): Promise<void> {
    const { host, entriesAfter, close, run } = this.#options
    const gate = host.gate(route)
    if (gate.hasQueue && !lane.isCalled) return this.#queue(lane, gate)
    const room = gate.isScarce ? TURN : WINDOW
    // Not before half of it is free, so that it reads many entries at once.
    while (lane.taken < end && lane.underway.length <= room / 2 && !lane.heldUntil) {
      if (gate.isCrowded) return lane.waitAt(gate, run)
      const entries = await entriesAfter(lane.taken, room - lane.underway.length)
      if (!isStill() || entries.length === 0) return
      const turn = yieldIfBusy()
      if (turn) await turn
      if (!isStill()) return
      this.#take(lane, route, entries, { end, room })
      if (!isStill()) return
    }
    if (isDone(lane, end)) close(lane)
  }

  /** Behind the others, so that none starves; not while it has something under way, whose end lets it look again. */
  #queue(lane: Lane, gate: Gate): void {
    if (lane.underway.length === 0) lane.waitAt(gate, this.#options.run, false)
  }

  /**
   * Whether entries may still be handed over as they were read: nothing failed, was changed or taken back meanwhile.
   * Whatever makes it false sees to it that the runner looks again.
   */
  #watch(lane: Lane): () => boolean {
    const { host } = this.#options
    const { generation } = lane
    const epoch = this.#epoch
    return () =>
      epoch === this.#epoch &&
      generation === lane.generation &&
      !(lane.isDraining || lane.isWaiting || lane.unrendered || host.isStopping || this.#isStopped)
  }

  /** Takes the entries that the lane owes, until there is no room. */
  #take(
    lane: Lane,
    route: Route,
    entries: readonly Entry[],
    { end, room }: { end: number; room: number },
  ): void {
    const batch: Entry[] = []
    for (const entry of entries) {
      if (entry.seq > end || lane.underway.length >= room) break
      if (lane.owes(entry)) {
        if (!this.#admit(lane, route, entry)) break
        batch.push(entry)
      }
      lane.taken = entry.seq
      if (lane.underway.length === 0) this.#options.outcomes.advance(lane, entry.seq)
    }
    lane.route = route
    const isHead = lane.underway.length === batch.length
    if (batch.length === 0) return
    const head = isHead ? { part: lane.part, attempt: lane.attempt } : { part: 0, attempt: 0 }
    route.push(lane.handle, lane.generation, batch, head)
  }

  #admit(lane: Lane, route: Route, entry: Entry): boolean {
    const { host, run } = this.#options
    const gate = host.gate(route)
    const now = host.now()
    const deadline = deadlineOf(route.schedule, lane.since ?? entry.at)
    const admission = gate.admit(sizeOf(entry), now >= deadline, now)
    if (admission === 'go' || admission === 'probe') {
      lane.underway.push({ entry, gate, isProbe: admission === 'probe' })
      return true
    }
    if (admission === 'wait') lane.waitAt(gate, run)
    else {
      const until = admission.until.getTime() + host.random() * SPREAD_MS
      lane.heldUntil = new Date(Math.min(until, deadline.getTime()))
    }
    return false
  }
}

/** Takes back what the transport has not begun with. */
export function takeBack(lane: Lane): void {
  if (lane.underway.length === 0 || lane.isDraining) return
  lane.isDraining = true
  lane.route?.cancel(lane.handle, lane.generation)
}

/** Whether the lane has nothing left to do up to this number. */
const isDone = (lane: Lane, end: number): boolean => lane.done >= end && !lane.isActive
