import type { JsonObject } from '@plugboard/core'
import type {
  ConversationView,
  Lookups,
  RetrySchedule,
  Topic,
  WebhookEvent,
  WebhookFormat,
} from '@plugboard/hub'
import type { InternalPassword } from '../internal-password.js'
import { transcriptOf } from './lists.js'
import { remembering } from './lookups.js'
import { channelOfMessage, messageJson, toldIn } from './map-message.js'
import { leadJson } from './map-people.js'
import { subscriptionJson } from './map-project.js'
import { channelOfRequest, requestFactsOf, requestIdOf, requestJson } from './map-request.js'
import { EXTERNAL_NAMESPACE, FORMAT_NAME } from './names.js'
import { secretOf, signForSubscription } from './tokens.js'

export interface SmartifyFormatOptions {
  schedule: RetrySchedule
  /** Where this server is called, without a slash at its end. */
  origin(): string
  internal: InternalPassword
}

/** The topics of each event. Those of messages go on with the name of a channel. */
const topics: ReadonlyMap<string, readonly Topic[]> = new Map<string, readonly Topic[]>([
  ['message.create', ['message']],
  ['request.create', ['conversation.new']],
  ['request.update', ['activity.closed', 'activity.reopened', 'activity.joined', 'activity.left']],
  ['request.close', ['activity.closed']],
  ['lead.create', ['user.new', 'conversation.new']],
])

/** The messages that come with `request.close`, the newest ones: how many, and their length in UTF-16 units. */
const MAX_CLOSING_MESSAGES = 500
const MAX_CLOSING_CHARS = 1024 * 1024

const MESSAGE_OF_CHANNEL = /^message\.create\.(request\.channel|request\.channelOutbound|channel)\.(.+)$/

/** Events in Smartify's format: `{timestamp, payload, hook, token}`. */
export function smartifyFormat(options: SmartifyFormatOptions): WebhookFormat {
  const { schedule, origin, internal } = options
  return {
    name: FORMAT_NAME,
    schedule,
    isLate: true,
    tells(topic, { events = [] }) {
      return events.some((event) =>
        (topics.get(event) ?? (MESSAGE_OF_CHANNEL.test(event) ? ['message'] : [])).includes(topic),
      )
    },
    render,
    // Success is any answer but these, and an answer that is no success ends all the same when trying again is no use.
    isFinal: (status) => status < 500 && status !== 429,
    headers: (_, webhook) => ({
      'content-type': 'application/json',
      'x-hook-secret': secretOf(webhook),
      'user-agent': 'tiledesk-webhooks',
      origin: origin(),
      ...internal.headersFor(webhook),
    }),
  }
}

/** The same for each attempt, if the described object is unchanged: times are those of the entry. */
async function render(event: WebhookEvent): Promise<string | undefined> {
  const { client, webhook, entry } = event
  const payload = await payloadOf(event, remembering(event.lookups))
  if (!payload) return undefined
  const hook = subscriptionJson(client.id, webhook)
  const token = await signForSubscription(webhook, hook, entry.at)
  return JSON.stringify({ timestamp: entry.at.getTime(), payload, hook, token })
}

async function payloadOf(
  { client, webhook, entry }: WebhookEvent,
  lookups: Lookups,
): Promise<JsonObject | undefined> {
  const event = webhook.events?.[0] ?? ''
  if (entry.type === 'user.new') return newLead(client, entry.streamId, lookups)
  const view = await lookups.conversation(entry.streamId)
  if (!view) return undefined
  const request = () => requestJson(client, view, lookups, 'business')
  const message = (told: ReturnType<typeof toldIn>) => messageJson(client, requestIdOf(view), told, lookups)
  switch (event) {
    case 'request.create':
    case 'request.update':
      return request()
    case 'request.close': {
      const entries = await lookups.messages(view.id, MAX_CLOSING_MESSAGES, MAX_CLOSING_CHARS)
      const messages = await Promise.all(entries.reverse().map((each) => message(toldIn(each))))
      return { ...(await request()), transcript: transcriptOf(messages), messages }
    }
    case 'lead.create': {
      const user = view.userId && requestFactsOf(view.facts).isNewLead && (await lookups.user(view.userId))
      return user ? leadJson(client, user, 'business') : undefined
    }
    default: {
      const told = toldIn(entry)
      if (!isOfChannel(event, view, channelOfMessage(told))) return undefined
      // The state at that time: later messages must not change the body of another attempt.
      return {
        ...(await message(told)),
        request: { ...(await request()), updatedAt: entry.at.toISOString() },
      }
    }
  }
}

/** A guest is a lead since their first request; other users are leads from the start. */
async function newLead(
  client: WebhookEvent['client'],
  userId: WebhookEvent['entry']['streamId'],
  lookups: Lookups,
): Promise<JsonObject | undefined> {
  const user = await lookups.user(userId)
  if (!user || user.facts.externalId?.namespace === EXTERNAL_NAMESPACE) return undefined
  return leadJson(client, user, 'business')
}

/** Whether a message is of the channel that an event is limited to. */
function isOfChannel(event: string, view: ConversationView, channel: string): boolean {
  const [, kind, name] = MESSAGE_OF_CHANNEL.exec(event) ?? []
  return kind === undefined || name === (kind === 'channel' ? channel : channelOfRequest(view))
}
