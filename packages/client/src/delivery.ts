import type { Endpoint } from './endpoints.js'

/**
 * Where a message is owed to: a webhook of the client, or an address at a provider. What is known of it beside its id
 * is absent when it is gone.
 */
export type DeliveryTarget =
  | { type: 'webhook'; id: string; url?: string }
  | ({ type: 'endpoint'; id: string } & Partial<Endpoint>)

/**
 * `pending` = not tried yet, `retrying` = failed and will be tried at `nextAttemptAt`, `delivered`, `dead` =
 * given up (see `deadLetters`), `cancelled` = its message was deleted first.
 */
export type DeliveryState = 'pending' | 'retrying' | 'delivered' | 'dead' | 'cancelled'

/** The journey of one message to one target. Times are ISO 8601, UTC. */
export interface Delivery {
  id: string
  target: DeliveryTarget
  state: DeliveryState
  attempts?: number
  nextAttemptAt?: string
  /** The failure of the last attempt, in words. */
  error?: string
}

/** A delivery that was given up. Times are ISO 8601, UTC. */
export interface DeadLetter {
  id: string
  /** Absent when the event is not about a message. */
  messageId?: string
  conversationId?: string
  /** Type of the event that was owed, `message.new`. */
  event: string
  target: DeliveryTarget
  /** Why it was given up, a word for programs, `target-removed`. */
  reason: string
  /** The failure of the last attempt, in words. */
  error?: string
  attempts: number
  diedAt: string
}
