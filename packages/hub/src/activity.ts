import type { DeliveryStatus, Failure, Id, JsonObject } from '@plugboard/core'
import type { Dead } from './entry.js'

/**
 * What a provider tells of a conversation beside its messages. `messageId` is the message that it is about, where that is
 * known: one of the person, or, of a delivery, one of the business.
 *
 * - `edited`: the person changed a message; `payload` is what it says now.
 * - `deleted`: the person took a message back.
 * - `reaction`: the person answered a message with a sign, or took one back.
 * - `delivery`: what became of a message after the provider took it.
 * - `blocked`: the person wants to hear no more.
 *
 * And what the client's own side tells of it:
 *
 * - `read`, `typing`: of a user or, without a `userId`, of the business.
 * - `joined`, `left`: a user of a group.
 * - `handed-over`, `given-up`: what became of a message on its way to an endpoint: the provider took it, or it will not
 *   be tried any more.
 * - `closed`, `reopened`: nothing more is expected to happen, or something is again.
 */
export type Activity =
  | { type: 'edited'; messageId?: Id; payload: JsonObject }
  | { type: 'deleted'; messageId?: Id }
  | { type: 'reaction'; messageId?: Id; emoji: string; removed: boolean }
  | { type: 'delivery'; messageId?: Id; status: DeliveryStatus; failure?: Pick<Failure, 'kind' | 'message'> }
  | { type: 'blocked' }
  | { type: 'read'; userId?: Id }
  | { type: 'typing'; userId?: Id; isTyping: boolean }
  | { type: 'joined' | 'left'; userId: Id }
  | { type: 'handed-over'; messageId: Id; endpointId: Id }
  | { type: 'given-up'; messageId: Id; endpointId: Id; reason: Dead['reason']; error?: string }
  | { type: 'closed' | 'reopened' }

/** The activity that an entry holds. */
export const activityOf = (entry: { payload: string }): Activity => JSON.parse(entry.payload) as Activity

const DELIVERY_ID = /^([0-9a-f]{24})-[0-9a-f]{24}(_\d+)?$/

/** The message that was delivered under this id, which only its conversation can tell to be one of its own. */
export const messageIdOf = (deliveryId: string): Id | undefined =>
  DELIVERY_ID.exec(deliveryId)?.[1] as Id | undefined
