import type { DeliveryFailure, TransportListener, WebhookAddress, WebhookItem } from '@plugboard/hub'
import { EndedGenerations } from './ended-generations.js'
import { targetKey } from './target-routes.js'
import type { AttemptFacts, Done } from './webhook-request.js'

/** Makes one request and calls `done` exactly once; does not throw. */
export type Request = (address: WebhookAddress, item: WebhookItem, done: Done) => void

export interface RequestSchedulerOptions {
  request: Request
  /** How long a request to the address may take, in milliseconds. */
  timeoutMsOf(address: WebhookAddress): number
  /** Requests under way to one address. */
  perTargetConcurrency: number
  /** The clock of the leases. */
  now(): number
  listener: SchedulerListener
}

interface SchedulerListener extends Pick<TransportListener, 'cancelled' | 'expired'> {
  /** `hasMore`: the lane still has items, so that nobody waits for this report. */
  delivered(lane: number, generation: number, seq: number, hasMore: boolean, facts?: AttemptFacts): void
  failed(lane: number, generation: number, seq: number, failure: DeliveryFailure, facts?: AttemptFacts): void
}

/** One lane while it has something to do. */
interface Lane {
  readonly number: number
  queue: WebhookItem[]
  readonly done: Done
  /** The generation of what is queued. */
  generation: number
  /** Every request of the lane is over by then. */
  leaseEndsAt: number
  slot: Slot
  isWaiting: boolean
  flight: Flight | undefined
  /** Generations of cancels, to be confirmed when the request under way has ended. */
  cancels: number[]
}

interface Flight {
  readonly seq: number
  readonly generation: number
  readonly slot: Slot
}

/** The requests to one address at one URL, so that a new URL need not wait for requests that hang at the old one. */
interface Slot {
  readonly key: string
  address: WebhookAddress
  inFlight: number
  isServing: boolean
  readonly waiting: Lane[]
}

/**
 * Decides which lane makes the next request. The items of a lane are requested strictly one after another. For each of
 * them the lane waits at its address behind the other lanes there, so that none starves another; addresses share
 * nothing. A request starts only if its timeout ends before the lane's lease does.
 */
export class RequestScheduler {
  readonly #options: RequestSchedulerOptions
  readonly #lanes = new Map<number, Lane>()
  readonly #slots = new Map<string, Slot>()
  readonly #ended = new EndedGenerations()
  #inFlight = 0
  #onIdle: (() => void) | undefined

  constructor(options: RequestSchedulerOptions) {
    this.#options = options
  }

  /**
   * Adds items to a lane. A higher generation replaces what is queued of a lower one. An address that differs from that
   * of the push before (same id, new URL or headers) holds for all that is still queued.
   */
  push(
    number: number,
    generation: number,
    address: WebhookAddress,
    items: readonly WebhookItem[],
    leaseEndsAt: number,
  ): void {
    const isClosing = this.#onIdle !== undefined
    if (isClosing || items.length === 0 || this.#ended.has(number, generation)) return
    const slot = this.#slotOf(address)
    const lane = this.#lanes.get(number) ?? this.#createLane(number, generation, slot)
    if (generation < lane.generation) return
    if (generation > lane.generation) lane.queue = []
    lane.generation = generation
    lane.leaseEndsAt = Math.max(lane.leaseEndsAt, leaseEndsAt)
    lane.queue.push(...items)
    if (lane.slot !== slot) lane.isWaiting = false
    lane.slot = slot
    this.#enqueue(lane)
    this.#serve(slot)
  }

  renew(number: number, leaseEndsAt: number): void {
    const lane = this.#lanes.get(number)
    if (lane !== undefined) lane.leaseEndsAt = Math.max(lane.leaseEndsAt, leaseEndsAt)
  }

  cancel(number: number, generation: number): void {
    const lane = this.#lanes.get(number)
    if (lane !== undefined) lane.queue = []
    if (lane?.flight !== undefined) {
      lane.cancels.push(generation)
      return
    }
    if (lane !== undefined) this.#forget(lane)
    this.#options.listener.cancelled(number, generation)
  }

  /** Starts nothing more; `onIdle` is called when the last request under way has been reported. */
  close(onIdle: () => void): void {
    this.#onIdle = onIdle
    for (const lane of this.#lanes.values()) lane.queue = []
    if (this.#inFlight === 0) onIdle()
  }

  #slotOf(address: WebhookAddress): Slot {
    const key = targetKey(address)
    const known = this.#slots.get(key)
    if (known !== undefined) {
      known.address = address
      return known
    }
    const slot: Slot = { key, address, inFlight: 0, isServing: false, waiting: [] }
    this.#slots.set(key, slot)
    return slot
  }

  #createLane(number: number, generation: number, slot: Slot): Lane {
    const lane: Lane = {
      number,
      queue: [],
      done: (failure, facts) => this.#settle(lane, failure, facts),
      generation,
      leaseEndsAt: 0,
      slot,
      isWaiting: false,
      flight: undefined,
      cancels: [],
    }
    this.#lanes.set(number, lane)
    return lane
  }

  #enqueue(lane: Lane): void {
    if (lane.isWaiting || lane.flight !== undefined || lane.queue.length === 0) return
    lane.isWaiting = true
    // The slot that a lane moved to during a request may have ended since.
    if (this.#slots.get(lane.slot.key) !== lane.slot) lane.slot = this.#slotOf(lane.slot.address)
    lane.slot.waiting.push(lane)
  }

  /** Starts what the address has room for. A loop with a guard, since a request that ends at once calls back in here. */
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
    const { request, timeoutMsOf, now } = this.#options
    const { slot, generation } = lane
    lane.isWaiting = false
    const [next] = lane.queue
    if (next === undefined) return
    if (now() + timeoutMsOf(slot.address) > lane.leaseEndsAt) return this.#expire(lane)
    lane.queue.shift()
    lane.flight = { seq: next.seq, generation, slot }
    slot.inFlight++
    this.#inFlight++
    request(slot.address, next, lane.done)
  }

  #expire(lane: Lane): void {
    lane.queue = []
    this.#ended.add(lane.number, lane.generation)
    this.#forget(lane)
    this.#options.listener.expired(lane.number, lane.generation)
  }

  /** The books are in order before the listener is called, since it may push at once. */
  #settle(lane: Lane, failure: DeliveryFailure | undefined, facts: AttemptFacts | undefined): void {
    const { flight, cancels } = lane
    if (flight === undefined) return
    lane.flight = undefined
    lane.cancels = []
    flight.slot.inFlight--
    this.#inFlight--
    if (failure !== undefined) this.#ended.add(lane.number, flight.generation)
    if (failure !== undefined && lane.generation <= flight.generation) lane.queue = []
    if (lane.queue.length === 0) this.#forget(lane)
    else this.#enqueue(lane)
    this.#report(lane, flight, failure, facts)
    for (const generation of cancels) this.#options.listener.cancelled(lane.number, generation)
    this.#serve(flight.slot)
    if (lane.slot !== flight.slot) this.#serve(lane.slot)
    if (this.#inFlight === 0) this.#onIdle?.()
  }

  #report(
    { number, queue }: Lane,
    { generation, seq }: Flight,
    failure: DeliveryFailure | undefined,
    facts: AttemptFacts | undefined,
  ): void {
    const { listener } = this.#options
    if (failure === undefined) listener.delivered(number, generation, seq, queue.length > 0, facts)
    else listener.failed(number, generation, seq, failure, facts)
  }

  #forget(lane: Lane): void {
    lane.isWaiting = false
    this.#lanes.delete(lane.number)
  }
}
