import type { Claimed, Dead, Entry, LaneState, Mark, Store } from '../store.js'
import type { LaneKey, Target } from '../target.js'
import { EntryBuffer } from './entry-buffer.js'
import type { Gate } from './gate.js'
import { Lane, sizeOf, WINDOW } from './lane.js'
import { LaneSet } from './lane-set.js'
import { deadlineOf } from './retry.js'
import type { Route, Routing } from './route.js'
import { settle } from './settle.js'
import type { DeliveryFailure } from './transport.js'

/** How long a lane whose integration is paused stays away, if nothing wakes it before. */
const PAUSED_MS = 60 * 60 * 1000
/** How long to wait for a number that was reserved and is not there yet. */
const HOLE_MS = 500
/** Lanes that wait for one target come back spread over this time. */
const SPREAD_MS = 250

/** What a runner needs of the dispatcher. */
export interface RunnerHost {
  readonly store: Store
  /** The process is going down: nothing new goes out. */
  readonly isStopping: boolean
  now(): Date
  /** In [0, 1). */
  random(): number
  /** A number that names a lane of this runner to the transports. */
  register(runner: StreamRunner, open: (handle: number) => Lane): Lane
  unregister(lane: Lane): void
  route(stream: Claimed, target: Target): Routing | Promise<Routing>
  gate(route: Route): Gate
  /** The target failed too often: what has not begun is to be taken back from all lanes behind this gate. */
  leftAlone(gate: Gate): void
  /** The target answers again after it had been left alone. */
  recovered(stream: Claimed): void
  /** The credentials of this target do not work any more. */
  refused(stream: Claimed, route: Route, reason: string): Promise<void>
  observeDelivered(route: Route, entry: Entry): void
  observeRetry(route: Route, entry: Entry, attempts: number, failure: DeliveryFailure): void
  observeDeath(target: Target, entry: Entry, dead: Dead): void
  /** There is nothing more to do before `nextAt`. */
  rested(runner: StreamRunner, nextAt: Date | null): void
  /** The store failed, or the lease is lost: what this runner has in memory is void. */
  abandoned(runner: StreamRunner, error?: unknown): void
}

/**
 * Delivers one stream while this process holds its lease: looks at the entries in order, keeps a lane for each target
 * that is owed something, and writes down how far they got. When there is nothing to do before some later time it
 * rests: it leaves memory, and the store knows when to take the stream up again.
 */
export class StreamRunner {
  readonly stream: Claimed
  readonly #host: RunnerHost
  readonly #buffer = new EntryBuffer()
  readonly #lanes = new LaneSet()
  /** The newest number that is known to be there. */
  #tail: number
  #scanned: number
  #isRunning = false
  #again = false
  #isSaving = false
  /** Something was delivered or given up since the last mark. */
  #hasProgress = false
  /** A number was reserved and is not there yet; it is looked for again then. */
  #holeTimer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(host: RunnerHost, claimed: Claimed) {
    this.#host = host
    this.stream = claimed
    this.#tail = claimed.seq
    this.#scanned = claimed.scanned
    for (const [key, state] of Object.entries(claimed.lanes) as [LaneKey, LaneState][]) this.adopt(key, state)
  }

  /** A lane that the store has already: one of before, or a replay. */
  adopt(key: LaneKey, state: LaneState): void {
    if (!this.#lanes.has(key)) this.#open(key, state, true)
  }

  /** An entry was appended to the stream. */
  appended(entry: Entry): void {
    if (entry.seq <= this.#scanned) return
    this.#tail = Math.max(this.#tail, entry.seq)
    this.#buffer.add(entry)
    this.run()
  }

  /** Entries or the client's configuration changed: what has not gone out yet is looked at again. */
  changed(): void {
    this.#buffer.clear()
    for (const lane of this.#lanes) {
      lane.heldUntil = undefined
      this.cancel(lane)
    }
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
    clearTimeout(this.#holeTimer)
    for (const lane of this.#lanes) {
      lane.rewind()
      this.#host.unregister(lane)
    }
  }

  /** Does what there is to do; asked while it is at it, it looks once more. */
  run(): void {
    this.#again = true
    if (!this.#isRunning && !this.#isStopped) this.#work().catch((error) => this.#abandon(error))
  }

  async #work(): Promise<void> {
    this.#isRunning = true
    while (this.#again && !this.#isStopped) {
      this.#again = false
      await this.#discover()
      for (const lane of this.#lanes) await this.#fill(lane)
    }
    this.#isRunning = false
    this.#buffer.dropUpTo(this.#lanes.lowestTaken(this.#scanned))
    this.#save()
  }

  #abandon(error?: unknown): void {
    if (this.#isStopped) return
    for (const lane of this.#lanes) this.cancel(lane)
    this.stop()
    this.#host.abandoned(this, error)
  }

  /** Opens a lane for each target of the entries that have not been looked at. */
  async #discover(): Promise<void> {
    clearTimeout(this.#holeTimer)
    this.#holeTimer = undefined
    while (this.#scanned < this.#tail) {
      const entries = await this.#entriesAfter(this.#scanned)
      for (const entry of entries) this.#openLanes(entry)
      const last = entries.at(-1)
      if (last) this.#scanned = last.seq
      else {
        this.#holeTimer = setTimeout(() => this.run(), HOLE_MS).unref()
        return
      }
    }
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
    this.#hasProgress = true
  }

  async #entriesAfter(seq: number): Promise<readonly Entry[]> {
    const buffered = this.#buffer.after(seq)
    return buffered.length > 0 ? buffered : this.#host.store.readEntries(this.stream, seq, WINDOW)
  }

  /** Hands entries of a lane to its transport, as many as have room. */
  async #fill(lane: Lane): Promise<void> {
    if (lane.isDraining || lane.isWaiting || this.#host.isStopping) return
    const end = lane.end(this.#scanned)
    if (lane.done >= end && !lane.isActive) return this.#close(lane)
    const routing = await this.#host.route(this.stream, lane.target)
    if (routing === 'gone') return this.#abolish(lane, end)
    const now = this.#host.now()
    if ((lane.readyAt ?? now) > now) return
    lane.heldUntil = routing === 'paused' ? new Date(now.getTime() + PAUSED_MS) : undefined
    if (routing === 'paused') return
    while (lane.taken < end && lane.underway.length < WINDOW && !lane.isWaiting && !lane.heldUntil) {
      const entries = await this.#entriesAfter(lane.taken)
      if (entries.length === 0) return
      this.#take(lane, routing, entries, end)
    }
    if (lane.done >= end && !lane.isActive) this.#close(lane)
  }

  /** Takes the entries that the lane owes, until there is no room. */
  #take(lane: Lane, route: Route, entries: readonly Entry[], end: number): void {
    const batch: Entry[] = []
    for (const entry of entries) {
      if (entry.seq > end || lane.underway.length >= WINDOW) break
      if (lane.owes(entry)) {
        if (!this.#admit(lane, route, entry)) break
        batch.push(entry)
      }
      lane.taken = entry.seq
      if (lane.underway.length === 0) this.#advance(lane, entry.seq)
    }
    lane.route = route
    if (batch.length > 0) route.push(lane.handle, lane.generation, batch, lane.part)
  }

  #admit(lane: Lane, route: Route, entry: Entry): boolean {
    const gate = this.#host.gate(route)
    const now = this.#host.now()
    const deadline = deadlineOf(route.schedule, lane.since ?? entry.at)
    const admission = gate.admit(sizeOf(entry), now >= deadline, now)
    if (admission === 'go') {
      lane.underway.push({ entry, gate })
      return true
    }
    if (admission === 'wait') {
      lane.isWaiting = true
      gate.waiting.add(() => {
        lane.isWaiting = false
        this.run()
      })
    } else {
      const until = admission.until.getTime() + this.#host.random() * SPREAD_MS
      lane.heldUntil = new Date(Math.min(until, deadline.getTime()))
    }
    return false
  }

  #advance(lane: Lane, seq: number): void {
    lane.advance(seq)
    this.#hasProgress = true
  }

  /** The target is gone: what the lane owes is given up, so that it can be listed, and replayed to another. */
  async #abolish(lane: Lane, end: number): Promise<void> {
    if (lane.isActive) return this.cancel(lane)
    while (lane.done < end) {
      const entries = await this.#host.store.readEntries(this.stream, lane.done, WINDOW)
      if (entries.length === 0) return
      for (const entry of entries) {
        if (entry.seq <= end && lane.owes(entry)) await this.#bury(lane, entry, 'target-removed', lane.target)
        this.#advance(lane, Math.min(entry.seq, end))
      }
    }
    this.#close(lane)
  }

  /** Written before the mark that passes the entry, so that a crash between the two loses nothing. */
  async #bury(lane: Lane, entry: Entry, reason: Dead['reason'], label: string): Promise<void> {
    const error = lane.error === undefined ? {} : { error: lane.error }
    const dead: Dead = { reason, label, attempts: lane.attempt, at: this.#host.now(), ...error }
    await this.#host.store.bury(this.stream, entry.seq, lane.target, dead)
    this.#host.observeDeath(lane.target, entry, dead)
  }

  /** The transport: everything up to this number has arrived. */
  delivered(lane: Lane, generation: number, seq: number): void {
    if (generation !== lane.generation) return
    this.#arrived(lane, seq)
    if (lane.underway.length === 0) this.#advance(lane, lane.taken)
    this.run()
  }

  #arrived(lane: Lane, seq: number): void {
    for (let head = lane.underway[0]; head && head.entry.seq <= seq; head = lane.underway[0]) {
      lane.underway.shift()
      if (head.gate.succeeded()) this.#host.recovered(this.stream)
      head.gate.release(sizeOf(head.entry))
      if (lane.route) this.#host.observeDelivered(lane.route, head.entry)
      this.#advance(lane, head.entry.seq)
    }
  }

  /** The transport: so many parts of this entry have arrived. */
  progressed(lane: Lane, generation: number, seq: number, parts: number): void {
    if (generation !== lane.generation) return
    this.#arrived(lane, seq - 1)
    lane.part = parts
    lane.isDirty = true
    this.#hasProgress = true
    this.#save()
  }

  /** The transport: nothing of the lane is under way any more, as was asked. */
  cancelled(lane: Lane, generation: number): void {
    if (generation !== lane.generation) return
    lane.rewind()
    lane.isDraining = false
    this.run()
  }

  /** The transport: this entry failed, and everything before it has arrived. */
  failed(lane: Lane, generation: number, seq: number, failure: DeliveryFailure): void {
    if (generation !== lane.generation) return
    this.#arrived(lane, seq - 1)
    const head = lane.underway[0]
    lane.rewind()
    if (!head || !lane.route) return this.run()
    lane.isDraining = true
    this.#settle(lane, lane.route, head.entry, head.gate, failure)
      .then(() => {
        lane.isDraining = false
        this.run()
      })
      .catch((error) => this.#abandon(error))
  }

  async #settle(lane: Lane, route: Route, entry: Entry, gate: Gate, failure: DeliveryFailure): Promise<void> {
    const now = this.#host.now()
    const attempts = lane.attempt + 1
    const since = lane.since ?? entry.at
    const { schedule } = route
    const next = settle({ failure, schedule, attempts, since, now, random: this.#host.random() })
    lane.error = failure.message
    lane.part = failure.parts ?? lane.part
    lane.isDirty = true
    this.#hasProgress = true
    switch (next.do) {
      case 'refuse':
        return this.#host.refused(this.stream, route, failure.message)
      case 'pause-target':
        return gate.pause(next.until)
      case 'wait':
        lane.blockedUntil = next.until
        return
      case 'retry':
        lane.attempt = attempts
        lane.blockedUntil = next.at
        if (gate.failed(now)) this.#host.leftAlone(gate)
        return this.#host.observeRetry(route, entry, attempts, failure)
      case 'bury':
        lane.attempt = attempts
        await this.#bury(lane, entry, next.reason, route.label)
        return this.#advance(lane, entry.seq)
    }
  }

  /** Writes how far the lanes are, when there is something to write; one write at a time. */
  #save(): void {
    if (this.#isSaving || this.#isStopped || this.#isRunning) return
    const isActive = this.#lanes.isActive || this.#holeTimer !== undefined
    if (isActive && !this.#hasProgress) return
    this.#isSaving = true
    this.#hasProgress = false
    const nextAt: Mark['nextAt'] = isActive ? 'active' : this.#lanes.nextAt(this.#host.now())
    const mark: Mark = { scanned: this.#scanned, lanes: this.#lanes.takeChanges(), nextAt }
    this.#host.store
      .mark(this.stream, this.stream.lease, mark)
      .then((seq) => {
        this.#isSaving = false
        if (seq === 'lost') return this.#abandon()
        this.#tail = Math.max(this.#tail, seq)
        const isAtRest =
          nextAt !== 'active' && this.#tail === this.#scanned && !this.#hasProgress && !this.#isRunning
        if (!isAtRest) return this.run()
        this.stop()
        this.#host.rested(this, nextAt)
      })
      .catch((error) => this.#abandon(error))
  }
}
