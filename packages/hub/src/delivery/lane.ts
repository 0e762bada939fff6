import type { Entry } from '../log/entry.js'
import type { LaneState } from '../log/progress.js'
import { type LaneKey, parseLaneKey, type Target } from '../log/target.js'
import type { Gate } from './gate.js'
import type { Route } from './route.js'
import type { DeliveryFailure } from './transport.js'

/** Entries handed to the transport at once in one lane: enough that it never waits for the main thread. */
export const WINDOW = 64
/** An entry that the transport has. */
export interface Underway {
  entry: Entry
  gate: Gate
  isProbe: boolean
}

/** One target in one stream, while it has something to do. Holds state alone; {@link StreamRunner} moves it. */
export class Lane {
  /** Names it to the transports. */
  readonly handle: number
  readonly key: LaneKey
  readonly target: Target
  /** The one entry that a replay is about. */
  readonly only: number | undefined
  /** The last number handled, in memory and for the store. */
  done: number
  /** The last number looked at for sending; those between `done` and it are under way or owed nothing. */
  taken: number
  attempt: number
  part: number
  blockedUntil: Date | undefined
  since: Date | undefined
  error: string | undefined
  /** Rises when what was handed to the transport is void. */
  generation = 0
  /** A cancel is under way: nothing goes out until the transport has said that the lane is still. */
  isDraining = false
  /** Entries under way, in order. */
  readonly underway: Underway[] = []
  /** How the entries under way went out. */
  route: Route | undefined
  /** The entry under way that cannot be rendered; nothing after it has gone out. */
  unrendered: { seq: number; failure: DeliveryFailure } | undefined
  /** Nothing goes out before this time, for a reason that the store need not know. */
  heldUntil: Date | undefined
  /** Its state differs from what the store has. */
  isDirty = false
  /** Leaves the queue of the gate where it waits for room. */
  #leave: (() => void) | undefined
  /** The gate that has called it. */
  #calledBy: Gate | undefined

  constructor(handle: number, key: LaneKey, state: LaneState) {
    const { target, only } = parseLaneKey(key)
    this.handle = handle
    this.key = key
    this.target = target
    this.only = only
    this.done = state.done
    this.taken = state.done
    this.attempt = state.attempt ?? 0
    this.part = state.part ?? 0
    this.blockedUntil = state.blockedUntil
    this.since = state.since
    this.error = state.error
  }

  /** Whether an entry is for this lane at all. */
  owes(entry: Entry): boolean {
    if (this.only !== undefined) return entry.seq === this.only && !entry.deletedAt
    return (
      entry.type !== 'void' &&
      !entry.deletedAt &&
      entry.owes.includes(this.target) &&
      !entry.dead?.[this.target]
    )
  }

  /** The last number that is its business, when the stream has been looked at up to `scanned`. */
  end(scanned: number): number {
    return this.only ?? scanned
  }

  /** What the store is to know of it. */
  get state(): LaneState {
    return {
      done: this.done,
      ...(this.attempt > 0 && { attempt: this.attempt }),
      ...(this.part > 0 && { part: this.part }),
      ...(this.blockedUntil && { blockedUntil: this.blockedUntil }),
      ...(this.since && { since: this.since }),
      ...(this.error !== undefined && { error: this.error }),
    }
  }

  /** Everything up to `seq` is handled: the next entry starts without a history. */
  advance(seq: number): void {
    if (seq <= this.done) return
    this.done = seq
    this.taken = Math.max(this.taken, seq)
    this.attempt = 0
    this.part = 0
    this.blockedUntil = undefined
    this.error = undefined
    this.isDirty = true
  }

  /** Nothing goes out before this time; undefined when it may now. */
  get readyAt(): Date | undefined {
    const { blockedUntil, heldUntil } = this
    if (!blockedUntil || !heldUntil) return blockedUntil ?? heldUntil
    return new Date(Math.max(blockedUntil.getTime(), heldUntil.getTime()))
  }

  /** It waits for room at a gate. */
  get isWaiting(): boolean {
    return this.#leave !== undefined
  }

  /** It is its turn at a gate. */
  get isCalled(): boolean {
    return this.#calledBy !== undefined
  }

  /** Waits for room; `ready` is called when there may be some. `isRefused`: it has found none. */
  waitAt(gate: Gate, ready: () => void, isRefused = true): void {
    this.#leave = gate.wait(() => {
      this.#leave = undefined
      this.#calledBy = gate
      ready()
    }, isRefused)
  }

  /** It has taken what it could: the next one that waits may try. */
  passOn(): void {
    const gate = this.#calledBy
    this.#calledBy = undefined
    gate?.passOn()
  }

  stopWaiting(): void {
    this.#leave?.()
    this.#leave = undefined
    this.passOn()
  }

  /** Whether the transport has something of it, or is about to. */
  get isActive(): boolean {
    return this.underway.length > 0 || this.isWaiting || this.isDraining
  }

  /** What was handed to the transport does not count any more: the lane is again where it is done. */
  rewind(): void {
    this.stopWaiting()
    for (const { entry, gate, isProbe } of this.underway.splice(0)) gate.release(sizeOf(entry), isProbe)
    this.unrendered = undefined
    this.generation += 1
    this.taken = this.done
  }
}

/** What an entry weighs at a gate, in UTF-16 units. */
export const sizeOf = ({ payload, details = '' }: Entry): number => payload.length + details.length
