import { setMaxListeners } from 'node:events'
import type { DeliveryFailure, Transport, TransportListener } from './transport.js'

/** What may end the carrying of an item. */
export interface Control {
  /** Aborted when the process can wait no longer. */
  signal: AbortSignal
  /** A signal that is aborted when the item is not wanted any more: for waits, not for what is under way. */
  waiting(): AbortSignal
}

/**
 * Carries one item; answers the failure, if there was one, or `withdrawn` when it ended a wait because the item is not
 * wanted any more; never throws.
 */
export type Carry<Address, Item> = (
  address: Address,
  item: Item,
  control: Control,
  progressed: (parts: number) => void,
) => Promise<DeliveryFailure | 'withdrawn' | undefined>

interface Queue<Address, Item> {
  generation: number
  items: { address: Address; item: Item }[]
  isCarrying: boolean
  /** Ends the waits of what is being carried; there when it waits. */
  waiting: AbortController | undefined
  /** The generation whose cancel is to be confirmed when nothing is under way. */
  cancelled: number | undefined
}

/** A transport in this thread: one loop for each lane that has something to carry. */
export class SerialTransport<Address, Item extends { seq: number }> implements Transport<Address, Item> {
  readonly #carry: Carry<Address, Item>
  readonly #queues = new Map<number, Queue<Address, Item>>()
  readonly #abort = new AbortController()
  #listener: TransportListener | undefined
  #isClosing = false

  constructor(carry: Carry<Address, Item>) {
    this.#carry = carry
    // Each lane listens while it carries something, and Node warns of a leak beyond ten.
    setMaxListeners(0, this.#abort.signal)
  }

  start(listener: TransportListener): void {
    this.#listener = listener
  }

  push(lane: number, generation: number, address: Address, items: readonly Item[]): void {
    if (this.#isClosing) return
    const queue = this.#queues.get(lane) ?? {
      ...{ generation, items: [], isCarrying: false },
      ...{ waiting: undefined, cancelled: undefined },
    }
    this.#queues.set(lane, queue)
    queue.generation = generation
    queue.items.push(...items.map((item) => ({ address, item })))
    if (!queue.isCarrying) void this.#run(lane, queue)
  }

  cancel(lane: number, generation: number): void {
    const queue = this.#queues.get(lane)
    if (queue) queue.items = []
    if (queue?.isCarrying) queue.cancelled = generation
    else queueMicrotask(() => this.#listener?.cancelled(lane, generation))
    queue?.waiting?.abort()
  }

  async close(graceMs: number): Promise<void> {
    this.#isClosing = true
    for (const queue of this.#queues.values()) {
      queue.items = []
      queue.waiting?.abort()
    }
    const timer = setTimeout(() => this.#abort.abort(), graceMs)
    while (this.#queues.size > 0 && !this.#abort.signal.aborted)
      await new Promise((next) => setTimeout(next, 10))
    clearTimeout(timer)
  }

  async #run(lane: number, queue: Queue<Address, Item>): Promise<void> {
    queue.isCarrying = true
    for (let next = queue.items.shift(); next; next = queue.items.shift()) {
      const { generation } = queue
      const { seq } = next.item
      const progressed = (parts: number): void => this.#listener?.progressed(lane, generation, seq, parts)
      const outcome = await this.#carry(next.address, next.item, this.#controlOf(queue), progressed)
      queue.waiting = undefined
      if (this.#abort.signal.aborted) break
      if (outcome === undefined) this.#listener?.delivered(lane, generation, seq)
      else if (outcome !== 'withdrawn') {
        queue.items = []
        this.#listener?.failed(lane, generation, seq, outcome)
      }
      this.#confirm(lane, queue)
    }
    queue.isCarrying = false
    this.#queues.delete(lane)
    this.#confirm(lane, queue)
  }

  #controlOf(queue: Queue<Address, Item>): Control {
    return {
      signal: this.#abort.signal,
      waiting: () => {
        queue.waiting ??= new AbortController()
        if (this.#isClosing || queue.cancelled !== undefined) queue.waiting.abort()
        return queue.waiting.signal
      },
    }
  }

  #confirm(lane: number, queue: Queue<Address, Item>): void {
    const { cancelled } = queue
    queue.cancelled = undefined
    if (cancelled !== undefined) this.#listener?.cancelled(lane, cancelled)
  }
}
