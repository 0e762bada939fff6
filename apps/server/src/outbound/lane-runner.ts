import { DeadGenerations } from './dead-generations.js'
import { Fifo } from './fifo.js'
import type { SenderListener, SendFailure, WebhookItem, WebhookTarget } from './sender-port.js'
import { targetKey } from './target-key.js'

/** Performs one request and calls `done` exactly once; it does not throw. */
export type Request = (
  target: WebhookTarget,
  item: WebhookItem,
  done: (failure?: SendFailure) => void,
) => void

export interface LaneRunnerOptions {
  request: Request
  /** How long a request to the target may take, in milliseconds. */
  timeoutMsOf(target: WebhookTarget): number
  listener: RunnerListener
  /** Requests in flight to one target. */
  perTargetConcurrency: number
  /** The clock of the leases. */
  now(): number
}

export interface RunnerListener extends SenderListener {
  /** Some lane has done half of what it had, or all of it: whoever feeds it should hear of it at once. */
  ranLow(): void
}

/** Items that take so long that it is worth the while to tell when half of them are done. */
const MANY = 16

/** One lane while it has something to do. */
interface Lane {
  readonly number: number
  readonly queue: Fifo<WebhookItem>
  readonly done: (failure?: SendFailure) => void
  /** So many are left in the queue when half of what it had is done; 0 when it never had many. */
  low: number
  /** The generation of what is queued. */
  generation: number
  /** Every request of the lane is over by then. */
  leaseEndsAt: number
  slot: Slot
  isWaiting: boolean
  flight: Flight | undefined
  /** Cancels to be confirmed when the request in flight has ended. */
  cancels: number
}

interface Flight {
  readonly seq: number
  readonly generation: number
  readonly slot: Slot
}

/** The requests to one target at one URL, so that a new URL need not wait for requests that hang at the old one. */
interface Slot {
  readonly key: string
  target: WebhookTarget
  inFlight: number
  isServing: boolean
  readonly waiting: Fifo<Lane>
}

/**
 * Decides which lane requests next. A lane waits at its target for each single item, behind the other lanes that wait
 * there, so none starves another; targets have nothing in common.
 */
export class LaneRunner {
  readonly #options: LaneRunnerOptions
  readonly #listener: RunnerListener
  readonly #lanes = new Map<number, Lane>()
  readonly #slots = new Map<string, Slot>()
  readonly #dead = new DeadGenerations()
  #inFlight = 0
  #onIdle: (() => void) | undefined

  constructor(options: LaneRunnerOptions) {
    this.#options = options
    this.#listener = options.listener
  }

  push(
    number: number,
    generation: number,
    target: WebhookTarget,
    items: readonly WebhookItem[],
    leaseEndsAt: number,
  ): void {
    const isClosing = this.#onIdle !== undefined
    if (isClosing || items.length === 0 || this.#dead.has(number, generation)) return
    const slot = this.#slotOf(target)
    const lane = this.#lanes.get(number) ?? this.#createLane(number, generation, slot)
    if (generation < lane.generation) return
    if (generation > lane.generation) lane.queue.clear()
    lane.generation = generation
    lane.leaseEndsAt = Math.max(lane.leaseEndsAt, leaseEndsAt)
    for (const item of items) lane.queue.push(item)
    lane.low = lane.queue.length < MANY ? 0 : lane.queue.length >> 1
    if (lane.slot !== slot) lane.isWaiting = false
    lane.slot = slot
    this.#enqueue(lane)
    this.#serve(slot)
  }

  renew(number: number, leaseEndsAt: number): void {
    const lane = this.#lanes.get(number)
    if (lane !== undefined) lane.leaseEndsAt = Math.max(lane.leaseEndsAt, leaseEndsAt)
  }

  cancel(number: number): void {
    const lane = this.#lanes.get(number)
    lane?.queue.clear()
    if (lane?.flight !== undefined) {
      lane.cancels++
      return
    }
    if (lane !== undefined) this.#forget(lane)
    this.#listener.cancelled(number)
  }

  /** Starts nothing more; `onIdle` is called when the last request in flight has been reported. */
  close(onIdle: () => void): void {
    this.#onIdle = onIdle
    for (const lane of this.#lanes.values()) lane.queue.clear()
    if (this.#inFlight === 0) onIdle()
  }

  #slotOf(target: WebhookTarget): Slot {
    const key = targetKey(target)
    const known = this.#slots.get(key)
    if (known !== undefined) {
      known.target = target
      return known
    }
    const slot: Slot = { key, target, inFlight: 0, isServing: false, waiting: new Fifo() }
    this.#slots.set(key, slot)
    return slot
  }

  #createLane(number: number, generation: number, slot: Slot): Lane {
    const done = (failure?: SendFailure) => this.#settle(lane, failure)
    const lane: Lane = {
      number,
      queue: new Fifo(),
      low: 0,
      done,
      generation,
      leaseEndsAt: 0,
      slot,
      isWaiting: false,
      flight: undefined,
      cancels: 0,
    }
    this.#lanes.set(number, lane)
    return lane
  }

  #enqueue(lane: Lane): void {
    if (lane.isWaiting || lane.flight !== undefined || lane.queue.length === 0) return
    lane.isWaiting = true
    // The slot that a lane moved to during a request may have come to an end meanwhile.
    if (this.#slots.get(lane.slot.key) !== lane.slot) lane.slot = this.#slotOf(lane.slot.target)
    lane.slot.waiting.push(lane)
  }

  /** Starts what the target has room for. A loop with a guard, since a request that ends at once calls back in here. */
  #serve(slot: Slot): void {
    if (slot.isServing) return
    slot.isServing = true
    while (slot.inFlight < this.#options.perTargetConcurrency) {
      const lane = slot.waiting.shift()
      if (lane === undefined) break
      // A lane that was cancelled, or has moved to another slot, leaves its place behind.
      if (lane.isWaiting && lane.slot === slot) this.#begin(lane)
    }
    slot.isServing = false
    const isIdle = slot.inFlight === 0 && slot.waiting.length === 0
    if (isIdle && this.#slots.get(slot.key) === slot) this.#slots.delete(slot.key)
  }

  #begin(lane: Lane): void {
    lane.isWaiting = false
    const { request, timeoutMsOf, now } = this.#options
    if (lane.queue.length > 0 && now() + timeoutMsOf(lane.slot.target) > lane.leaseEndsAt)
      return this.#expire(lane)
    const item = lane.queue.shift()
    if (item === undefined) return
    lane.flight = { seq: item.seq, generation: lane.generation, slot: lane.slot }
    lane.slot.inFlight++
    this.#inFlight++
    request(lane.slot.target, item, lane.done)
  }

  #expire(lane: Lane): void {
    lane.queue.clear()
    this.#dead.add(lane.number, lane.generation)
    this.#forget(lane)
    this.#listener.expired(lane.number, lane.generation)
  }

  /** The books are in order before the listener is called, since it may push at once. */
  #settle(lane: Lane, failure: SendFailure | undefined): void {
    const { flight, cancels } = lane
    if (flight === undefined) return
    lane.flight = undefined
    lane.cancels = 0
    flight.slot.inFlight--
    this.#inFlight--
    if (failure !== undefined) this.#dead.add(lane.number, flight.generation)
    if (failure !== undefined && lane.generation <= flight.generation) lane.queue.clear()
    const isLow = lane.queue.length === lane.low
    const isDry = lane.queue.length === 0
    if (isDry) this.#forget(lane)
    else this.#enqueue(lane)
    this.#report(lane.number, flight, failure)
    for (let i = 0; i < cancels; i++) this.#listener.cancelled(lane.number)
    if (isDry || isLow) this.#listener.ranLow()
    this.#serve(flight.slot)
    if (lane.slot !== flight.slot) this.#serve(lane.slot)
    if (this.#inFlight === 0) this.#onIdle?.()
  }

  #report(lane: number, { generation, seq }: Flight, failure: SendFailure | undefined): void {
    if (failure === undefined) this.#listener.delivered(lane, generation, seq)
    else this.#listener.failed(lane, generation, seq, failure)
  }

  #forget(lane: Lane): void {
    lane.isWaiting = false
    this.#lanes.delete(lane.number)
  }
}
