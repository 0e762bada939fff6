import type { Entry } from '../log/entry.js'
import type { Claimed, LaneState } from '../log/progress.js'
import type { LaneKey } from '../log/target.js'
import type { Appended } from '../ports/store.js'
import { EntryBuffer } from './entry-buffer.js'
import { Lane, WINDOW } from './lane.js'
import { LaneFeeder, takeBack } from './lane-feeder.js'
import { LaneSet } from './lane-set.js'
import { Outcomes } from './outcomes.js'
import type { RunnerHost } from './runner-host.js'
import { Tenure } from './tenure.js'

/** How long to wait for a number that was reserved and is not there yet. */
const HOLE_MS = 500
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
  readonly #feeder: LaneFeeder
  /** What the transports report goes here. */
  readonly outcomes: Outcomes
  /** The newest number that is known to be there. */
  #tail: number
  #scanned: number
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
      kept: (seq) => this.reach(seq),
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
    this.#feeder = new LaneFeeder({
      host,
      stream: claimed,
      tenure: this.#tenure,
      outcomes: this.outcomes,
      entriesAfter: (seq, limit) => this.#entriesAfter(seq, limit),
      run: () => this.run(),
      close: (lane) => this.#close(lane),
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
    this.reach(seq)
  }

  /** Entries or the client's configuration changed: what has not gone out yet is looked at again. */
  changed(): void {
    this.#feeder.changed()
    this.#tenure.changed()
    this.#buffer.clear()
    for (const lane of this.#lanes) {
      lane.stopWaiting()
      takeBack(lane)
    }
    this.resume()
  }

  /** What was held back may go now. */
  resume(): void {
    for (const lane of this.#lanes) lane.heldUntil = undefined
    this.run()
  }

  /** Stops without a word to the store. What is under way may still end, and is not recorded. */
  stop(): void {
    this.#isStopped = true
    this.#feeder.stop()
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
        await this.#feeder.feed(lane, this.#scanned)
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
    for (const lane of this.#lanes) takeBack(lane)
    this.stop()
    this.#host.abandoned(this, error)
  }

  /** Opens a lane for each target of the next entries that have not been looked at. */
  async #discover(): Promise<void> {
    this.#isAtHole = false
    if (this.#scanned >= this.#tail) return
    const entries = await this.#entriesAfter(this.#scanned, WINDOW)
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

  async #entriesAfter(seq: number, limit: number): Promise<readonly Entry[]> {
    const buffered = this.#buffer.after(seq)
    return buffered.length > 0 ? buffered : this.#host.store.readEntries(this.stream, seq, limit)
  }

  #save(): void {
    if (!this.#isRunning) this.#tenure.save(this.#scanned, this.#lanes.isActive || this.#isAtHole)
  }

  /** There are entries up to this number, in the store. */
  reach(seq: number): void {
    this.#tail = Math.max(this.#tail, seq)
    this.run()
  }
}
