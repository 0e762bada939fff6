import type { Endpoint } from './endpoints.js'

/**
 * The target of a delivery: a webhook of the client, or an address at a provider. Fields other than the id are absent
 * if the target was removed.
 */
export type DeliveryTarget =
  | { type: 'webhook'; id: string; url?: string }
  | ({ type: 'endpoint'; id: string } & Partial<Endpoint>)
  | ({ type: 'integration'; id: string } & Pick<Partial<Endpoint>, 'channel' | 'integration'>)

/**
 * `pending` = no attempt yet, `retrying` = it failed, or waits for an earlier delivery that failed (`blockedBy`); next
 * attempt at `nextAttemptAt`, `delivered`, `failed` = the provider accepted it, and reported later that it could not deliver
 * it, `dead` = failed all retries (see `deadLetters` for both), `cancelled` = its message was deleted first.
 */
export type DeliveryState = 'pending' | 'retrying' | 'delivered' | 'failed' | 'dead' | 'cancelled'

/** The delivery of one message to one target. Times are ISO 8601, UTC. */
export interface Delivery {
  id: string
  target: DeliveryTarget
  state: DeliveryState
  /** Failed attempts at what is retried (see `blockedBy`), or at the dead letter. */
  attempts?: number
  nextAttemptAt?: string
  /** Error message of the last attempt. */
  error?: string
  /** The provider's code of the error that ended the delivery. */
  code?: string
  /**
   * The earlier delivery to the same target that is retried, and that this one waits for. Without `messageId`, its event
   * is not a message.
   */
  blockedBy?: { id: string; messageId?: string; event: string }
  /** Of an endpoint that got the message: the last edit and the removal, in order. */
  changes?: ChangeDelivery[]
}

/**
 * Whether an endpoint shows a change of a message. `unsupported` = the channel cannot change what it sent, so people see
 * the earlier content.
 */
export interface ChangeDelivery extends Omit<Delivery, 'id' | 'target' | 'state' | 'changes'> {
  type: 'edited' | 'removed'
  at: string
  state: DeliveryState | 'unsupported'
}

/** A delivery that failed all retries. Times are ISO 8601, UTC. */
export interface DeadLetter {
  id: string
  /** Absent if the event is not about a message. */
  messageId?: string
  conversationId?: string
  /** The change of the message that could not be shown. */
  change?: 'edited' | 'removed'
  /** Type of the event, such as `message.new`. */
  event: string
  target: DeliveryTarget
  /** Machine-readable reason, such as `target-removed`. */
  reason: string
  /** Error message of the last attempt. */
  error?: string
  /** The provider's code of that error. */
  code?: string
  attempts: number
  diedAt: string
}
