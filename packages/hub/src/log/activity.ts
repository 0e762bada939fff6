import {
  type DeliveryStatus,
  type Failure,
  failureKinds,
  type Id,
  isId,
  isJsonObject,
  type Json,
  type JsonObject,
  parseJsonObject,
} from '@plugboard/core'
import { type Dead, deathReasons } from './entry.js'

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

/** The activity that an entry holds; undefined for one that this version does not know. Never throws. */
export function activityOf(entry: { payload: string }): Activity | undefined {
  const { type, ...told } = parseJsonObject(entry.payload)
  const about = idIn(told.messageId)
  const messageId = about && { messageId: about }
  const userId = idIn(told.userId)
  switch (type) {
    case 'edited':
      return isJsonObject(told.payload) ? { type, ...messageId, payload: told.payload } : undefined
    case 'deleted':
      return { type, ...messageId }
    case 'reaction': {
      const { emoji, removed } = told
      return typeof emoji === 'string' ? { type, ...messageId, emoji, removed: removed === true } : undefined
    }
    case 'delivery': {
      const status = deliveryStatuses.find((each) => each === told.status)
      const failure = failureIn(told.failure)
      return status && { type, ...messageId, status, ...(failure && { failure }) }
    }
    case 'blocked':
    case 'closed':
    case 'reopened':
      return { type }
    case 'read':
      return { type, ...(userId && { userId }) }
    case 'typing':
      return { type, ...(userId && { userId }), isTyping: told.isTyping === true }
    case 'joined':
    case 'left':
      return userId && { type, userId }
    case 'handed-over':
    case 'given-up':
      return handoverIn(type, told)
    default:
      return undefined
  }
}

function handoverIn(type: 'handed-over' | 'given-up', told: JsonObject): Activity | undefined {
  const [messageId, endpointId] = [idIn(told.messageId), idIn(told.endpointId)]
  if (!messageId || !endpointId) return undefined
  if (type === 'handed-over') return { type, messageId, endpointId }
  const reason = deathReasons.find((each) => each === told.reason)
  const { error } = told
  return reason && { type, messageId, endpointId, reason, ...(typeof error === 'string' && { error }) }
}

const deliveryStatuses: readonly DeliveryStatus[] = ['sent', 'delivered', 'read', 'failed']

const idIn = (value: Json | undefined): Id | undefined =>
  typeof value === 'string' && isId(value) ? value : undefined

function failureIn(value: Json | undefined): Pick<Failure, 'kind' | 'message'> | undefined {
  if (!isJsonObject(value)) return undefined
  const kind = failureKinds.find((each) => each === value.kind)
  return kind && typeof value.message === 'string' ? { kind, message: value.message } : undefined
}

const DELIVERY_ID = /^([0-9a-f]{24})-[0-9a-f]{24}(_\d+)?$/

/** The message that was delivered under this id, which only its conversation can tell to be one of its own. */
export const messageIdOf = (deliveryId: string): Id | undefined => idIn(DELIVERY_ID.exec(deliveryId)?.[1])
