import { isJsonObject, parseJsonObject, toUuid } from '@plugboard/core'
import {
  activityOf,
  healthEventOf,
  integrationOfEvent,
  mergedUserOf,
  type RetrySchedule,
  type Topic,
  type WebhookEvent,
  type WebhookFormat,
} from '@plugboard/hub'
import type { InternalPassword } from '../internal-password.js'
import { clientIdOf, messageJson } from './map.js'

/** Stands in the webhooks that this dialect makes. */
export const FORMAT_NAME = 'messaging-v1'

/** How messages go out can be looked up, and would be an event for each message beside its own. */
const UNTOLD: ReadonlySet<Topic> = new Set(['void', 'activity.handed-over', 'activity.given-up'])

export interface MessagingFormatOptions {
  schedule: RetrySchedule
  internal: InternalPassword
}

/** Events as clients of the Messaging API know them: `{type, data}`. */
export function messagingV1Format({ schedule, internal }: MessagingFormatOptions): WebhookFormat {
  return {
    name: FORMAT_NAME,
    schedule,
    tells: (topic) => !UNTOLD.has(topic),
    render,
    // Standard Webhooks: the receiver wants no more requests.
    isGone: (status) => status === 410,
    headers: (client, webhook) => ({
      'x-bp-messaging-client-id': clientIdOf(client.record),
      'x-bp-messaging-webhook-token': webhook.token,
      ...internal.headersFor(webhook),
    }),
  }
}

function render(event: WebhookEvent): string {
  const { type } = event.entry
  return `{"type":"${nameOf(type)}","data":${dataOf(event)}}`
}

/** Data of a new user. */
function userDataOf({ payload }: { payload: string }): { userData?: object } {
  const { data } = parseJsonObject(payload)
  return isJsonObject(data) ? { userData: data } : {}
}

/** @throws if the entry does not say into whom */
function mergedJson(entry: WebhookEvent['entry']): object {
  const merged = mergedUserOf(entry)
  if (!merged) throw new TypeError('the entry has no merged user')
  return { userId: toUuid(merged.into), mergedUserId: toUuid(entry.streamId) }
}

/** The data of the link that opened a conversation. */
function startedWith({ payload }: { payload: string }): { payload?: string } {
  const { payload: carried } = parseJsonObject(payload)
  return typeof carried === 'string' ? { payload: carried } : {}
}

/** @throws for one that this version does not know */
function activityJson(entry: { payload: string }): object {
  const activity = activityOf(entry)
  if (!activity) throw new TypeError('the entry has no activity')
  if ('messageId' in activity && activity.messageId)
    return { ...activity, messageId: toUuid(activity.messageId) }
  return 'userId' in activity && activity.userId ? { ...activity, userId: toUuid(activity.userId) } : activity
}

/** @throws for one that this version does not know */
function healthJson(entry: WebhookEvent['entry']): object {
  const event = healthEventOf(entry)
  if (!event) throw new TypeError('the entry has no integration event')
  return event
}

/** The channel of an event, and the integration if it has another name. */
function placeOf(event: WebhookEvent): { channel: string | undefined; integration?: string } {
  const integration = integrationOfEvent(event)
  const { channel } = event.entry
  return integration === undefined ? { channel } : { channel, integration }
}

/** How the API calls an event. */
function nameOf(type: WebhookEvent['entry']['type']): string {
  if (type === 'message') return 'message.new'
  return type === 'activity' ? 'conversation.activity' : type
}

function dataOf(event: WebhookEvent): string {
  const { entry, userId, isCollecting } = event
  const user = userId && toUuid(userId)
  const conversation = { userId: user, conversationId: toUuid(entry.streamId) }
  switch (entry.type) {
    case 'message': {
      const { id, clientId, streamId: conversationId, seq, at: sentAt, payload, author = 'business' } = entry
      const message = messageJson({ id, clientId, conversationId, seq, sentAt, payload, author }, false)
      const head = JSON.stringify({
        ...conversation,
        ...placeOf(event),
        ...(isCollecting && { collect: true }),
      })
      return `${head.slice(0, -1)},"message":${message}}`
    }
    case 'user.new':
      return JSON.stringify({ userId: toUuid(entry.streamId), ...userDataOf(entry) })
    case 'user.deleted':
      return JSON.stringify({ userId: toUuid(entry.streamId) })
    case 'user.merged':
      return JSON.stringify(mergedJson(entry))
    case 'conversation.new':
    case 'conversation.deleted':
      return JSON.stringify(conversation)
    case 'conversation.started':
      return JSON.stringify({ ...conversation, ...placeOf(event), ...startedWith(entry) })
    case 'health.new':
      return JSON.stringify({ ...placeOf(event), event: healthJson(entry) })
    case 'activity':
      return JSON.stringify({ ...conversation, ...placeOf(event), activity: activityJson(entry) })
    case 'void':
      return '{}'
  }
}
