/** What the main thread and the sender's thread post to each other. */
import type { DeliveryFailure, WebhookAddress, WebhookItem } from '@plugboard/hub'
import type { Allowance } from './guard.js'
import type { AttemptFacts } from './webhook-request.js'

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
  | { type: 'delivered'; lane: number; generation: number; seq: number; facts?: AttemptFacts | undefined }
  | {
      type: 'failed'
      lane: number
      generation: number
      seq: number
      failure: DeliveryFailure
      facts?: AttemptFacts | undefined
    }
  | { type: 'cancelled' | 'expired'; lane: number; generation: number }
  | { type: 'drained' }

/** How long a report may wait that nobody waits for, in milliseconds. */
const LAZY_MS = 5

/** Collects what is to be posted to the other thread, so that much of it travels in one message. */
export class Outbox<T> {
  readonly #send: (waiting: T[]) => void
  #waiting: T[] = []
  #soon: NodeJS.Immediate | undefined
  #later: NodeJS.Timeout | undefined

  constructor(send: (waiting: T[]) => void) {
    this.#send = send
  }

  /** Sends it at the end of this turn of the event loop, with everything that waits. */
  add(item: T): void {
    this.#waiting.push(item)
    this.#soon ??= setImmediate(() => this.#send(this.take()))
  }

  /** Sends it within {@link LAZY_MS}: to wake another thread costs as much as a request. */
  addLazily(item: T): void {
    this.#waiting.push(item)
    this.#later ??= setTimeout(() => this.#send(this.take()), LAZY_MS)
  }

  /** Returns what waits, in order, and forgets it. */
  take(): T[] {
    clearImmediate(this.#soon)
    clearTimeout(this.#later)
    this.#soon = undefined
    this.#later = undefined
    const taken = this.#waiting
    this.#waiting = []
    return taken
  }
}
