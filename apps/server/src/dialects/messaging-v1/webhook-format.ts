import { isJsonObject, parseJsonObject, toUuid } from '@plugboard/core'
import {
  type Activity,
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
  /** In milliseconds. */
  pullDeadlineMs?: number
  internal: InternalPassword
}

/** Events as clients of the Messaging API know them: `{type, data}`. */
export function messagingV1Format({
  schedule,
  pullDeadlineMs,
  internal,
}: MessagingFormatOptions): WebhookFormat {
  return {
    name: FORMAT_NAME,
    schedule,
    ...(pullDeadlineMs !== undefined && { pullDeadlineMs }),
    tells: (topic) => !UNTOLD.has(topic),
    render,
    testEvent: (client, _webhook, now) =>
      JSON.stringify({
        type: 'test',
        data: { clientId: clientIdOf(client.record), sentOn: now.toISOString() },
      }),
    // Standard Webhooks: the receiver wants no more requests.
    isGone: (status) => status === 410,
    headers: (client, webhook) => ({
      'x-bp-messaging-client-id': clientIdOf(client.record),
      'x-bp-messaging-webhook-token': webhook.token,
      ...internal.headersFor(webhook),
    }),
  }
}

/** What of an event its text is made of, for webhooks and streams. */
export type EventContext = Pick<WebhookEvent, 'entry' | 'client' | 'userId' | 'endpoints' | 'isCollecting'>

/** The text of an event. @throws for one that this version does not know */
export function render(event: EventContext): string {
  return `{"type":"${nameOf(event.entry)}","data":${dataOf(event)}}`
}

/** Data of a user, in the entry that brought it. */
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
function activityJson(entry: { payload: string }): { type: Activity['type'] } {
  const activity = activityOf(entry)
  if (!activity) throw new TypeError('the entry has no activity')
  return wireActivity(activity)
}

/** An activity with the ids of this API. */
export function wireActivity(activity: Activity): { type: Activity['type'] } {
  return {
    ...activity,
    ...('messageId' in activity && activity.messageId && { messageId: toUuid(activity.messageId) }),
    ...('userId' in activity && activity.userId && { userId: toUuid(activity.userId) }),
    ...('endpointId' in activity && { endpointId: toUuid(activity.endpointId) }),
  }
}

/** @throws for one that this version does not know */
function healthJson(entry: WebhookEvent['entry']): object {
  const event = healthEventOf(entry)
  if (!event) throw new TypeError('the entry has no integration event')
  return event
}

/** The channel of an event, and the integration if it has another name. */
function placeOf(event: EventContext): { channel: string | undefined; integration?: string } {
  const integration = integrationOfEvent(event)
  const { channel } = event.entry
  return integration === undefined ? { channel } : { channel, integration }
}

/** How the API calls an event. */
export function nameOf({ type, payload }: WebhookEvent['entry']): string {
  if (type === 'message') return 'message.new'
  if (type !== 'activity') return type
  return activityOf({ payload })?.type === 'feedback' ? 'message.feedback' : 'conversation.activity'
}

/** The data of an activity: of a feedback, which is an event of its own, or of any other. */
function dataOfActivity(event: EventContext, conversation: { userId: string | undefined }): object {
  const activity = activityJson(event.entry)
  if (activity.type !== 'feedback') return { ...conversation, ...placeOf(event), activity }
  const { type: _, ...rated } = activity
  return { ...conversation, ...placeOf(event), ...rated }
}

function dataOf(event: EventContext): string {
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
    case 'user.updated':
      return JSON.stringify({ userId: toUuid(entry.streamId), userData: {}, ...userDataOf(entry) })
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
      return JSON.stringify(dataOfActivity(event, conversation))
    case 'void':
      return '{}'
  }
}
