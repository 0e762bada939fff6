/** What the main thread and the sender's thread post to each other. */
import type { DeliveryFailure, WebhookAddress, WebhookItem } from '@plugboard/hub'
import type { Allowance } from './guard.js'

/** What the thread is started with. */
export interface SenderSettings {
  allowance: Allowance
  /** Timeout of an attempt at an address that has none of its own, in milliseconds. */
  timeoutMs: number
  /** The longest timeout of an attempt. */
  maxTimeoutMs: number
  /** A longer body of an answer is cut off, together with its connection. */
  maxResponseBytes: number
  /** Requests under way to one address. */
  perTargetConcurrency: number
  /** Addresses that keep connections. */
  maxPools: number
  poolIdleMs: number
}

/** Main thread to worker. An address that several commands of one message have in common crosses once. */
export type Command =
  | {
      type: 'push'
      lane: number
      generation: number
      address: WebhookAddress
      items: readonly WebhookItem[]
      leaseEndsAt: number
    }
  | { type: 'renew'; lane: number; leaseEndsAt: number }
  | { type: 'cancel'; lane: number; generation: number }
  | { type: 'close' }

/** Worker to main thread. `drained`: closing, and no request is under way. */
export type Report =
  | { type: 'delivered'; lane: number; generation: number; seq: number }
  | { type: 'failed'; lane: number; generation: number; seq: number; failure: DeliveryFailure }
  | { type: 'cancelled' | 'expired'; lane: number; generation: number }
  | { type: 'drained' }

/** Collects what one turn of the event loop has for the other thread, so that it travels in one message. */
export class Outbox<T> {
  readonly #send: () => void
  #waiting: T[] = []

  /** `send` is called at the end of a turn that added something, and then takes it. */
  constructor(send: () => void) {
    this.#send = send
  }

  add(item: T): void {
    if (this.#waiting.length === 0) setImmediate(this.#send)
    this.#waiting.push(item)
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  /** Returns everything that waits, in order, and forgets it. */
  take(): T[] {
    const taken = this.#waiting
    this.#waiting = []
    return taken
  }
}
