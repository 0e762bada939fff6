import type { Appended, Claimed, Dead, Entry, LaneState, Lease, Mark, Store } from '../store.js'
import type { LaneKey, Target } from '../target.js'
import { EntryBuffer } from './entry-buffer.js'
import { type Gate, TURN } from './gate.js'
import { Lane, sizeOf, type Underway, WINDOW } from './lane.js'
import { LaneSet } from './lane-set.js'
import { LeaseTimer } from './lease-timer.js'
import { deadlineOf } from './retry.js'
import type { Route, Routing } from './route.js'
import { isOutage, settle } from './settle.js'
import type { DeliveryFailure } from './transport.js'

/** How long a lane whose integration is paused stays away, if nothing wakes it before. */
const PAUSED_MS = 60 * 60 * 1000
/** How long to wait for a number that was reserved and is not there yet. */
const HOLE_MS = 500
/** Lanes that wait for one target come back spread over this time. */
const SPREAD_MS = 250
/** How long a lane stays away whose credentials were refused, should that have paused nothing. */
const REFUSED_MS = 1000
/** The longest time that a timer can be set to. */
const MAX_TIMER_MS = 2 ** 31 - 1

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
  /** The target is to be left alone: what has not begun is to be taken back from all lanes behind this gate. */
  leftAlone(gate: Gate): void
  /** The target answers again after it had been left alone. */
  recovered(stream: Claimed): void
  /** The credentials of this target do not work any more. */
  refused(stream: Claimed, route: Route, reason: string): Promise<void>
  observeDelivered(route: Route, entry: Entry): void
  observeRetry(route: Route, entry: Entry, attempts: number, failure: DeliveryFailure): void
  observeDeath(target: Target, entry: Entry, dead: Dead): void
  /** The stream was given back, and is due then. `late`: what came in while that was being written down. */
  rested(runner: StreamRunner, nextAt: Date | null, late: readonly Appended[]): void
  /** The store failed, or the lease is lost: what this runner has in memory is void. */
  abandoned(runner: StreamRunner, error?: unknown): void
}

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
  readonly #lease: LeaseTimer
  /** The newest number that is known to be there. */
  #tail: number
  #scanned: number
  /** Rises when entries or the configuration change: what was read before does not count any more. */
  #epoch = 0
  #isRunning = false
  #again = false
  #isSaving = false
  /** The stream is being given back: nothing may begin before the store has answered. */
  #isResting = false
  /** What was appended meanwhile. */
  #late: Appended[] = []
  /** The store gave the stream to this process anew, meanwhile. */
  #renewed: Lease | undefined
  /** Something was delivered or given up since the last mark. */
  #hasProgress = false
  /** A number was reserved and is not there yet. */
  #isAtHole = false
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(host: RunnerHost, claimed: Claimed) {
    this.#host = host
    this.stream = claimed
    this.#tail = claimed.seq
    this.#scanned = claimed.scanned
    this.#lease = new LeaseTimer(
      claimed.lease,
      () => host.now(),
      () => this.#renewLease(),
    )
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
    if (this.#isResting) this.#late.push(appended)
    this.#tail = Math.max(this.#tail, entry.seq)
    this.#buffer.add(entry)
    this.run()
  }

  /** The store gave the stream to this process, which has it already, or had it until a moment ago. */
  renewed({ seq, lease }: Claimed): void {
    if (this.#isResting) this.#renewed = lease
    this.#tail = Math.max(this.#tail, seq)
    this.run()
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
    this.#lease.end()
    clearTimeout(this.#timer)
    for (const lane of this.#lanes) {
      lane.rewind()
      this.#host.unregister(lane)
    }
  }

  /** Does what there is to do; asked while it is at it, it looks once more. */
  run(): void {
    this.#again = true
    if (this.#isRunning || this.#isResting || this.#isStopped) return
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
    if (this.#isStopped || this.#isResting || this.#host.isStopping) return
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
    this.#hasProgress = true
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
    if (this.#lease.isOver) return this.#renewLease()
    const routing = await this.#host.route(this.stream, lane.target)
    if (!isStill()) return
    if (routing === 'gone') return this.#abolish(lane, end, isStill)
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
      if (lane.underway.length === 0) this.#advance(lane, entry.seq)
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

  #advance(lane: Lane, seq: number): void {
    lane.advance(seq)
    this.#hasProgress = true
  }

  /**
   * The target is gone: what the lane owes is given up, so that it can be listed, and replayed to another. One page at
   * a time, so that other lanes have their turn.
   */
  async #abolish(lane: Lane, end: number, isStill: () => boolean): Promise<void> {
    if (lane.isActive) return this.cancel(lane)
    const entries = await this.#host.store.readEntries(this.stream, lane.done, WINDOW)
    if (!isStill()) return
    const last = Math.min(entries.at(-1)?.seq ?? end, end)
    const owed = entries.filter((entry) => entry.seq <= end && lane.owes(entry))
    const { attempt, error } = lane
    await Promise.all(
      owed.map((entry, i) => {
        const history = i === 0 ? { attempts: attempt, error } : { attempts: 0 }
        return this.#bury(lane, entry, { reason: 'target-removed', label: lane.target, ...history })
      }),
    )
    this.#advance(lane, last)
    this.#again = true
  }

  /** Written before the mark that passes the entry, so that a crash between the two loses nothing. */
  async #bury(
    lane: Lane,
    entry: Entry,
    { error, ...why }: Pick<Dead, 'reason' | 'label' | 'attempts'> & { error?: string | undefined },
  ): Promise<void> {
    const dead: Dead = { ...why, at: this.#host.now(), ...(error !== undefined && { error }) }
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
      if (head.gate.succeeded(this.#host.now())) this.#host.recovered(this.stream)
      head.gate.release(sizeOf(head.entry), head.isProbe)
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
    lane.isDraining = false
    if (!head || !lane.route) return this.run()
    lane.isDraining = true
    this.#settle(lane, lane.route, head, failure)
      .then(() => {
        lane.isDraining = false
        this.run()
      })
      .catch((error) => this.#abandon(error))
  }

  /** Up to its first wait it is done at once: who is let in by the gate meets it as this failure left it. */
  async #settle(
    lane: Lane,
    route: Route,
    { entry, gate }: Underway,
    failure: DeliveryFailure,
  ): Promise<void> {
    const now = this.#host.now()
    const attempts = lane.attempt + 1
    const since = lane.since ?? entry.at
    const { schedule, label } = route
    const next = settle({ failure, schedule, attempts, since, now, random: this.#host.random() })
    lane.error = failure.message
    lane.part = failure.parts ?? lane.part
    lane.isDirty = true
    this.#hasProgress = true
    if (isOutage(failure) && gate.failed(now)) this.#host.leftAlone(gate)
    switch (next.do) {
      case 'refuse':
        await this.#host.refused(this.stream, route, failure.message)
        lane.heldUntil = new Date(now.getTime() + REFUSED_MS)
        return
      case 'pause-target':
        if (gate.pause(next.until, now)) this.#host.leftAlone(gate)
        return
      case 'wait':
        lane.blockedUntil = next.until
        return
      case 'retry':
        lane.attempt = attempts
        lane.blockedUntil = next.at
        return this.#host.observeRetry(route, entry, attempts, failure)
      case 'bury':
        await this.#bury(lane, entry, { reason: next.reason, label, attempts, error: failure.message })
        return this.#advance(lane, entry.seq)
    }
  }

  /** A mark keeps the stream, also one that changes nothing; while one is being written, that does. */
  #renewLease(): void {
    this.#hasProgress = true
    this.#save()
  }

  /** Writes how far the lanes are, when there is something to write; one write at a time. */
  #save(): void {
    if (this.#isSaving || this.#isStopped || this.#isRunning) return
    const isActive = this.#lanes.isActive || this.#isAtHole
    if (isActive && !this.#hasProgress) return
    const nextAt = isActive ? 'active' : this.#lanes.nextAt(this.#host.now())
    this.#isSaving = true
    this.#isResting = !isActive
    this.#hasProgress = false
    this.#mark({ scanned: this.#scanned, lanes: this.#lanes.takeChanges(), nextAt }, this.stream.lease)
  }

  #mark(mark: Mark, lease: Lease): void {
    this.#host.store
      .mark(this.stream, lease, mark)
      .then((seq) => this.#marked(mark, seq, lease))
      .catch((error) => this.#abandon(error))
  }

  #marked({ scanned, nextAt }: Mark, seq: number | 'lost', lease: Lease): void {
    if (this.#isStopped) return
    const isLost = seq === 'lost' && lease === this.stream.lease
    if (seq !== 'lost' && (nextAt === 'active' || seq > scanned)) return this.#goOn(seq, lease)
    // What had been given back before it was renewed is not lost.
    if (isLost || nextAt === 'active') return this.#abandon()
    const renewed = this.#renewed
    this.#renewed = undefined
    if (renewed) return this.#mark({ scanned, lanes: {}, nextAt: this.#host.now() }, renewed)
    this.stop()
    this.#host.rested(this, this.#again ? this.#host.now() : nextAt, this.#late)
  }

  /** The stream is still ours, with all that came in meanwhile. */
  #goOn(seq: number, lease: Lease): void {
    this.stream.lease = lease
    this.#lease.begin(lease)
    this.#tail = Math.max(this.#tail, seq)
    this.#isSaving = false
    this.#isResting = false
    this.#late = []
    this.#renewed = undefined
    this.run()
  }
}
