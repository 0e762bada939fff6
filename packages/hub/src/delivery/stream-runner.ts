import type { Entry } from '../entry.js'
import type { Claimed, LaneState } from '../progress.js'
import type { Appended } from '../store.js'
import type { LaneKey } from '../target.js'
import { EntryBuffer } from './entry-buffer.js'
import { type Gate, TURN } from './gate.js'
import { Lane, sizeOf, WINDOW } from './lane.js'
import { LaneSet } from './lane-set.js'
import { Outcomes } from './outcomes.js'
import { deadlineOf } from './retry.js'
import type { Route } from './route.js'
import type { RunnerHost } from './runner-host.js'
import { Tenure } from './tenure.js'

/** How long a lane whose integration is paused stays away, if nothing wakes it before. */
const PAUSED_MS = 60 * 60 * 1000
/** How long to wait for a number that was reserved and is not there yet. */
const HOLE_MS = 500
/** Lanes that wait for one target come back spread over this time. */
const SPREAD_MS = 250
/** The longest time that a timer can be set to. */
const MAX_TIMER_MS = 2 ** 31 - 1

/**
 * Delivers one stream while this process holds its lease: looks at the entries in order, keeps a lane for each target
 * that is owed something, and writes down how far they got. When there is nothing to do before some later time it
 * rests: it gives the stream back and leaves memory, and the store knows when to take the stream up again.
 */
export class StreamRunner {
  readonly stream: Claimed
  readonly #host: RunnerHost
  readonly #buffer = new EntryBuffer()
  readonly #lanes = new LaneSet()
  readonly #tenure: Tenure
  /** What the transports report goes here. */
  readonly outcomes: Outcomes
  /** The newest number that is known to be there. */
  #tail: number
  #scanned: number
  /** Rises when entries or the configuration change: what was read before does not count any more. */
  #epoch = 0
  #isRunning = false
  #again = false
  /** A number was reserved and is not there yet. */
  #isAtHole = false
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(host: RunnerHost, claimed: Claimed) {
    this.#host = host
    this.stream = claimed
    this.#tail = claimed.seq
    this.#scanned = claimed.scanned
    this.#tenure = new Tenure({
      store: host.store,
      stream: claimed,
      lanes: this.#lanes,
      now: () => host.now(),
      due: () => this.#save(),
      kept: (seq) => this.#reach(seq),
      gaveBack: (nextAt, late) => {
        this.stop()
        host.rested(this, this.#again ? host.now() : nextAt, late)
      },
      lost: (error) => this.#abandon(error),
    })
    this.outcomes = new Outcomes({
      host,
      stream: claimed,
      tenure: this.#tenure,
      run: () => this.run(),
      save: () => this.#save(),
      abandon: (error) => this.#abandon(error),
    })
    for (const [key, state] of Object.entries(claimed.lanes) as [LaneKey, LaneState][]) this.adopt(key, state)
  }

  /** A lane that the store has already: one of before, or a replay. */
  adopt(key: LaneKey, state: LaneState): void {
    if (!this.#lanes.has(key)) this.#open(key, state, true)
  }

  /** An entry was appended to the stream. */
  appended(appended: Appended): void {
    const { entry } = appended
    if (entry.seq <= this.#scanned) return
    this.#tenure.appended(appended)
    this.#tail = Math.max(this.#tail, entry.seq)
    this.#buffer.add(entry)
    this.run()
  }

  /** The store gave the stream to this process, which has it already, or had it until a moment ago. */
  renewed({ seq, lease }: Claimed): void {
    this.#tenure.given(lease)
    this.#reach(seq)
  }

  /** Entries or the client's configuration changed: what has not gone out yet is looked at again. */
  changed(): void {
    this.#epoch += 1
    this.#buffer.clear()
    for (const lane of this.#lanes) {
      lane.stopWaiting()
      this.cancel(lane)
    }
    this.resume()
  }

  /** What was held back may go now. */
  resume(): void {
    for (const lane of this.#lanes) lane.heldUntil = undefined
    this.run()
  }

  /** Takes back what the transport has not begun with. */
  cancel(lane: Lane): void {
    if (lane.underway.length === 0 || lane.isDraining) return
    lane.isDraining = true
    lane.route?.cancel(lane.handle, lane.generation)
  }

  /** Stops without a word to the store. What is under way may still end, and is not recorded. */
  stop(): void {
    this.#isStopped = true
    this.#tenure.end()
    clearTimeout(this.#timer)
    for (const lane of this.#lanes) {
      lane.rewind()
      this.#host.unregister(lane)
    }
  }

  /** Does what there is to do; asked while it is at it, it looks once more. */
  run(): void {
    this.#again = true
    if (this.#isRunning || this.#tenure.isResting || this.#isStopped) return
    this.#work().catch((error) => this.#abandon(error))
  }

  async #work(): Promise<void> {
    this.#isRunning = true
    clearTimeout(this.#timer)
    while (this.#again && !this.#isStopped) {
      this.#again = false
      await this.#discover()
      for (const lane of this.#lanes) {
        await this.#fill(lane)
        lane.passOn()
      }
    }
    this.#isRunning = false
    this.#buffer.dropUpTo(this.#lanes.lowestTaken(this.#scanned))
    this.#save()
    this.#setTimer()
  }

  /** While some lane is under way the stream stays in memory, and so do the others that wait for their time. */
  #setTimer(): void {
    if (this.#isStopped || this.#tenure.isResting || this.#host.isStopping) return
    const { readyAt } = this.#lanes
    const left = readyAt ? Math.max(0, readyAt.getTime() - this.#host.now().getTime()) : MAX_TIMER_MS
    const ms = Math.min(left, this.#isAtHole ? HOLE_MS : MAX_TIMER_MS)
    if (ms < MAX_TIMER_MS) this.#timer = setTimeout(() => this.run(), ms).unref()
  }

  #abandon(error?: unknown): void {
    if (this.#isStopped) return
    for (const lane of this.#lanes) this.cancel(lane)
    this.stop()
    this.#host.abandoned(this, error)
  }

  /** Opens a lane for each target of the next entries that have not been looked at. */
  async #discover(): Promise<void> {
    this.#isAtHole = false
    if (this.#scanned >= this.#tail) return
    const entries = await this.#entriesAfter(this.#scanned)
    for (const entry of entries) this.#openLanes(entry)
    this.#scanned = entries.at(-1)?.seq ?? this.#scanned
    if (entries.length === 0) this.#isAtHole = true
    else if (this.#scanned < this.#tail) this.#again = true
  }

  #openLanes(entry: Entry): void {
    if (entry.deletedAt) return
    for (const target of entry.owes) {
      if (!this.#lanes.has(target) && !entry.dead?.[target]) this.#open(target, { done: entry.seq - 1 })
    }
  }

  #open(key: LaneKey, state: LaneState, isStored = false): void {
    this.#lanes.add(
      this.#host.register(this, (handle) => new Lane(handle, key, state)),
      isStored,
    )
  }

  #close(lane: Lane): void {
    this.#lanes.delete(lane)
    this.#host.unregister(lane)
    this.#tenure.progressed()
  }

  async #entriesAfter(seq: number, limit = WINDOW): Promise<readonly Entry[]> {
    const buffered = this.#buffer.after(seq)
    return buffered.length > 0 ? buffered : this.#host.store.readEntries(this.stream, seq, limit)
  }

  /** Hands entries of a lane to its transport, as many as have room. */
  async #fill(lane: Lane): Promise<void> {
    const end = lane.end(this.#scanned)
    if (lane.done >= end && !lane.isActive) return this.#close(lane)
    const isStill = this.#watch(lane)
    if (!isStill()) return
    if (this.#tenure.isOver) return this.#tenure.progressed()
    const routing = await this.#host.route(this.stream, lane.target)
    if (!isStill()) return
    if (routing === 'gone') {
      if (lane.isActive) return this.cancel(lane)
      this.#again = (await this.outcomes.abolish(lane, end, isStill)) || this.#again
      return
    }
    const now = this.#host.now()
    if ((lane.readyAt ?? now) > now) return
    lane.heldUntil = routing === 'paused' ? new Date(now.getTime() + PAUSED_MS) : undefined
    if (routing === 'paused') return
    const gate = this.#host.gate(routing)
    if (gate.hasQueue && !lane.isCalled) return this.#queue(lane, gate)
    const room = gate.isScarce ? TURN : WINDOW
    // Not before half of it is free, so that it reads many entries at once.
    while (lane.taken < end && lane.underway.length <= room / 2 && !lane.heldUntil) {
      if (gate.isCrowded) return lane.waitAt(gate, () => this.run())
      const entries = await this.#entriesAfter(lane.taken, room - lane.underway.length)
      if (!isStill() || entries.length === 0) return
      this.#take(lane, routing, entries, { end, room })
      if (!isStill()) return
    }
    if (lane.done >= end && !lane.isActive) this.#close(lane)
  }

  /** Behind the others, so that none starves; not while it has something under way, whose end lets it look again. */
  #queue(lane: Lane, gate: Gate): void {
    if (lane.underway.length === 0) lane.waitAt(gate, () => this.run(), false)
  }

  /**
   * Whether entries may still be handed over as they were read: nothing failed, was changed or taken back meanwhile.
   * Whatever makes it false sees to it that the runner looks again.
   */
  #watch(lane: Lane): () => boolean {
    const { generation } = lane
    const epoch = this.#epoch
    return () =>
      epoch === this.#epoch &&
      generation === lane.generation &&
      !(lane.isDraining || lane.isWaiting || this.#host.isStopping || this.#isStopped)
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
      if (lane.underway.length === 0) this.outcomes.advance(lane, entry.seq)
    }
    lane.route = route
    const isHead = lane.underway.length === batch.length
    if (batch.length === 0) return
    const head = isHead ? { part: lane.part, attempt: lane.attempt } : { part: 0, attempt: 0 }
    route.push(lane.handle, lane.generation, batch, head)
  }

  #admit(lane: Lane, route: Route, entry: Entry): boolean {
    const gate = this.#host.gate(route)
    const now = this.#host.now()
    const deadline = deadlineOf(route.schedule, lane.since ?? entry.at)
    const admission = gate.admit(sizeOf(entry), now >= deadline, now)
    if (admission === 'go' || admission === 'probe') {
      lane.underway.push({ entry, gate, isProbe: admission === 'probe' })
      return true
    }
    if (admission === 'wait') lane.waitAt(gate, () => this.run())
    else {
      const until = admission.until.getTime() + this.#host.random() * SPREAD_MS
      lane.heldUntil = new Date(Math.min(until, deadline.getTime()))
    }
    return false
  }

  #save(): void {
    if (!this.#isRunning) this.#tenure.save(this.#scanned, this.#lanes.isActive || this.#isAtHole)
  }

  /** There are entries up to this number. */
  #reach(seq: number): void {
    this.#tail = Math.max(this.#tail, seq)
    this.run()
  }
}
