import {
  type DeliveryStatus,
  type Failure,
  failureKinds,
  type Id,
  isId,
  isJsonObject,
  type Json,
  type JsonObject,
  type Part,
  parseJsonObject,
} from '@plugboard/core'
import { type Dead, deathReasons, type Entry } from './entry.js'

/**
 * An event of a conversation other than a message, reported by a provider. `messageId` is the affected message, if known:
 * one of the person, or, for a delivery, one of the business.
 *
 * - `edited`: the person edited a message; `payload` is its new content.
 * - `deleted`: the person deleted a message.
 * - `reaction`: the person added or removed a reaction.
 * - `delivery`: status of a message after the provider accepted it.
 * - `blocked`: the person blocked the bot.
 *
 * Reported by the client's side or by Plugboard:
 *
 * - `read`, `typing`: by a user or, without a `userId`, by the business.
 * - `joined`, `left`: a user of a group.
 * - `handed-over`, `given-up`: the provider accepted a message, or all retries failed.
 * - `closed`, `reopened`: the conversation was closed or reopened.
 * - `feedback`: the user rated a message: 1 = good, -1 = bad.
 * - `removed`: a message was deleted through the API. (`edited`: also a message that was edited through the API.) Endpoints
 *   that show the message get both.
 *
 * Not reported to anybody, but delivered to an endpoint:
 *
 * - `second-form`: the provider refused a part of a message (its id, and its number in the stream) after it had accepted
 *   it; `part` is sent instead.
 */
export type Activity =
  | { type: 'edited'; messageId?: Id; payload: JsonObject }
  | { type: 'deleted'; messageId?: Id }
  | { type: 'removed'; messageId: Id }
  | { type: 'reaction'; messageId?: Id; emoji: string; removed: boolean }
  | { type: 'delivery'; messageId?: Id; status: DeliveryStatus; failure?: Failed }
  | { type: 'blocked' }
  | { type: 'read'; userId?: Id }
  | { type: 'typing'; userId?: Id; isTyping: boolean }
  | { type: 'joined' | 'left'; userId: Id }
  | { type: 'handed-over'; messageId: Id; endpointId: Id }
  | { type: 'given-up'; messageId: Id; endpointId: Id; reason: Dead['reason']; error?: string; code?: string }
  | { type: 'closed' | 'reopened' }
  | { type: 'feedback'; messageId: Id; userId: Id; feedback: Feedback }
  | { type: 'second-form'; messageId: Id; seq: number; part: Part }

/** What a user thinks of a message. */
export type Feedback = 1 | -1

/** Why the provider could not deliver a message. */
type Failed = Pick<Failure, 'kind' | 'message' | 'code'>

/** Parses the activity of an entry; undefined if this version does not know it. Never throws. */
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
    case 'removed':
      return about && { type, messageId: about }
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
    case 'feedback': {
      const feedback = feedbacks.find((each) => each === told.feedback)
      return about && userId && feedback && { type, messageId: about, userId, feedback }
    }
    case 'handed-over':
    case 'given-up':
      return handoverIn(type, told)
    case 'second-form':
      return secondFormIn(told)
    default:
      return undefined
  }
}

function handoverIn(type: 'handed-over' | 'given-up', told: JsonObject): Activity | undefined {
  const [messageId, endpointId] = [idIn(told.messageId), idIn(told.endpointId)]
  if (!messageId || !endpointId) return undefined
  if (type === 'handed-over') return { type, messageId, endpointId }
  const reason = deathReasons.find((each) => each === told.reason)
  const { error, code } = told
  return (
    reason && {
      ...{ type, messageId, endpointId, reason },
      ...(typeof error === 'string' && { error }),
      ...(typeof code === 'string' && { code }),
    }
  )
}

function secondFormIn({ messageId, seq, part }: JsonObject): SecondForm | undefined {
  const id = idIn(messageId)
  if (!id || typeof seq !== 'number' || !isJsonObject(part)) return undefined
  const { call, args = null } = part
  return typeof call === 'string'
    ? { type: 'second-form', messageId: id, seq, part: { call, args } }
    : undefined
}

export type SecondForm = Extract<Activity, { type: 'second-form' }>

/** What an entry is the second form of, if it is one. */
export function secondFormOf(entry: Pick<Entry, 'type' | 'payload'>): SecondForm | undefined {
  const activity = entry.type === 'activity' ? activityOf(entry) : undefined
  return activity?.type === 'second-form' ? activity : undefined
}

/** A change of a message that was made through the API. */
export interface MessageChange {
  type: 'edited' | 'removed'
  messageId: Id
}

/** Dedupe key of the entry of a change. A message is edited many times, each with an entry of its own, and removed once. */
export const changeKey = ({ type, messageId }: MessageChange, entryId?: Id): string =>
  ['change', type, messageId, ...(entryId === undefined ? [] : [entryId])].join(' ')

/** Who had a message before it was removed, from the entry of the removal. */
export function receivedBefore(removal: { payload: string }): readonly string[] {
  const { received } = parseJsonObject(removal.payload)
  return Array.isArray(received) ? received.filter((target) => typeof target === 'string') : []
}

const CHANGE_KEY = /^change (edited|removed) ([0-9a-f]{24})(?: |$)/

/** The change that an entry is, if it is one. */
export function changeOf({ type, dedupe }: Pick<Entry, 'type' | 'dedupe'>): MessageChange | undefined {
  const [, change, messageId] = (type === 'activity' && dedupe && CHANGE_KEY.exec(dedupe)) || []
  const id = idIn(messageId)
  return id && { type: change === 'removed' ? 'removed' : 'edited', messageId: id }
}

const feedbacks: readonly Feedback[] = [1, -1]

const deliveryStatuses: readonly DeliveryStatus[] = ['sent', 'delivered', 'read', 'failed']

const idIn = (value: Json | undefined): Id | undefined =>
  typeof value === 'string' && isId(value) ? value : undefined

function failureIn(value: Json | undefined): Failed | undefined {
  if (!isJsonObject(value)) return undefined
  const { message, code } = value
  const kind = failureKinds.find((each) => each === value.kind)
  if (!kind || typeof message !== 'string') return undefined
  return { kind, message, ...(typeof code === 'string' && { code }) }
}

const DELIVERY_ID = /^([0-9a-f]{24})-([0-9a-f]{24})(?:_(\d{1,4}))?$/

/**
 * The ids within a delivery id, and the index of the part. The caller must check that entry and endpoint are those of one
 * conversation.
 */
export function idsIn(deliveryId: string): { entryId: Id; endpointId: Id; part: number } | undefined {
  const [, entry, endpoint, part = '0'] = DELIVERY_ID.exec(deliveryId) ?? []
  const [entryId, endpointId] = [idIn(entry), idIn(endpoint)]
  return entryId && endpointId && { entryId, endpointId, part: Number(part) }
}
