import type { Id } from '@plugboard/core'
import type { RetrySchedule, Topic, WebhookEvent, WebhookFormat } from '@plugboard/hub'
import type { InternalPassword } from '../internal-password.js'
import type { Trigger } from './app-schemas.js'
import { eventOf } from './webhook-events.js'

/** Stands in the webhooks that this dialect makes. */
export const FORMAT_NAME = 'sunshine-v2'

/** By the wire contract: an answer that takes longer is a failure. */
const TIMEOUT_MS = 20_000

/** Final statuses of the wire contract, which are not retried. */
const FINAL: ReadonlySet<number> = new Set([400, 401, 403, 404, 406])

/** Possible triggers per topic. The entry decides which of them fires. */
const TRIGGERS: Readonly<Partial<Record<Topic, readonly Trigger[]>>> = {
  message: ['conversation:message', 'conversation:postback'],
  'conversation.new': ['conversation:create'],
  'conversation.deleted': ['conversation:remove'],
  'user.deleted': ['user:remove', 'user:delete'],
  'user.merged': ['user:merge'],
  'activity.read': ['conversation:read'],
  'activity.typing': ['conversation:typing'],
  'activity.joined': ['conversation:join'],
  'activity.left': ['conversation:leave'],
  'activity.handed-over': ['conversation:message:delivery:channel'],
  'activity.given-up': ['conversation:message:delivery:failure'],
  'activity.delivery': [
    'conversation:message:delivery:channel',
    'conversation:message:delivery:user',
    'conversation:message:delivery:failure',
  ],
}

export interface SunshineFormatOptions {
  schedule: RetrySchedule
  internal: InternalPassword
}

/** Events as integrations of Sunshine know them: `{app, webhook, events}`, with one event in each request. */
export const sunshineV2Format = ({ schedule, internal }: SunshineFormatOptions): WebhookFormat => ({
  name: FORMAT_NAME,
  schedule,
  timeoutMs: TIMEOUT_MS,
  tells: (topic, { events = [] }) => TRIGGERS[topic]?.some((trigger) => events.includes(trigger)) ?? false,
  isLate: true,
  render,
  // The contract has no test event: a request without events has the form of all others.
  testEvent: (client, webhook) => bodyOf(client.id, webhook.id, []),
  isFinal: (status) => FINAL.has(status),
  headers: (_, webhook) => ({ 'x-api-key': webhook.token, ...internal.headersFor(webhook) }),
})

/** The id of the entry is that of its event, so that it is the same at each attempt and at each webhook. */
async function render(event: WebhookEvent): Promise<string | undefined> {
  const { client, webhook, entry } = event
  const found = await eventOf(event)
  if (!found || !webhook.events?.includes(found.type)) return undefined
  return bodyOf(client.id, webhook.id, [{ id: entry.id, createdAt: entry.at.toISOString(), ...found }])
}

const bodyOf = (appId: Id, webhookId: Id, events: readonly object[]): string =>
  JSON.stringify({ app: { id: appId }, webhook: { id: webhookId, version: 'v2' }, events })
