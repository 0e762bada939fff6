import { type Id, parseJsonObject } from '@plugboard/core'
import type { PersonAccount, WithId } from '../../clients/accounts.js'
import type { ClientView, OpenWebhook } from '../../clients/directory.js'
import { integrationOf } from '../../clients/open-integration.js'
import type { ConversationView, UserView } from '../../documents/facts.js'
import type { Activity } from '../../log/activity.js'
import { channelOfDedupe } from '../../log/dedupe.js'
import type { EndpointRecord } from '../../log/endpoint-record.js'
import type { Entry, EntryType } from '../../log/entry.js'
import type { RetrySchedule } from '../retry.js'

/** Kind of event, from which a format decides which webhooks receive it. */
export type Topic = Exclude<EntryType, 'activity'> | `activity.${Activity['type']}`

/** An entry and its context, for a webhook format. */
export interface WebhookEvent {
  entry: Entry
  client: ClientView
  /** The user of the conversation, or the user that the entry is about. */
  userId: Id | undefined
  /** The endpoints of the conversation. */
  endpoints: readonly EndpointRecord[]
  /** A collect request waits for replies to this message. */
  isCollecting: boolean
  webhook: OpenWebhook
  /** For formats whose events contain more than the entry. They return current data, not that of the entry's time. */
  lookups: Lookups
}

/** An entry in the context of its stream, as it is now. */
export function webhookEventOf(
  entry: Entry,
  { now, ...context }: Omit<WebhookEvent, 'entry' | 'isCollecting'> & { now: Date },
): WebhookEvent {
  const isCollecting = entry.collectUntil !== undefined && entry.collectUntil > now && !entry.turnEndedAt
  return { entry, ...context, isCollecting }
}

/**
 * Name of the integration that an event is about, as it was then or is now: of the one that something came through, or
 * the only one of the conversation. Undefined if it is the name of the channel, or if there is none.
 */
export function integrationOfEvent({
  entry,
  client,
  endpoints,
}: Pick<WebhookEvent, 'entry' | 'client' | 'endpoints'>): string | undefined {
  if (entry.type === 'health.new') {
    const { name } = parseJsonObject(entry.payload)
    return typeof name === 'string' ? name : undefined
  }
  const source = entry.dedupe === undefined ? undefined : channelOfDedupe(entry.dedupe)
  const [only, ...others] = endpoints
  const integration =
    (source && integrationOf(client, source)) ??
    (only && others.length === 0 ? integrationOf(client, only.channel) : undefined)
  return integration?.name === integration?.channel ? undefined : integration?.name
}

/** Reads the objects that an event refers to; undefined for those that no longer exist. */
export interface Lookups {
  conversation(id: Id): Promise<ConversationView | undefined>
  user(id: Id): Promise<UserView | undefined>
  message(id: Id): Promise<Entry | undefined>
  /** The newest messages of a conversation, newest first: at most `limit`, and not many more than `maxChars` allows. */
  messages(conversationId: Id, limit: number, maxChars: number): Promise<Entry[]>
  /** A person who acts for the business. */
  person(id: Id): Promise<WithId<PersonAccount> | undefined>
}

/** The format of the events that the webhooks of one dialect receive. A dialect provides it. */
export interface WebhookFormat {
  /** Stored in each webhook of the dialect. */
  name: string
  schedule: RetrySchedule
  /** How long an event of a pull webhook waits to be acknowledged, in milliseconds. Default: as long as `schedule` is. */
  pullDeadlineMs?: number
  /** Timeout of one attempt in milliseconds. Default: that of the sender. */
  timeoutMs?: number
  /** Whether the webhook receives events of this topic. Pure. */
  tells(topic: Topic, webhook: OpenWebhook): boolean
  /** `render` is asynchronous or may return undefined. Default: it returns a text synchronously. */
  isLate?: boolean
  /**
   * The body of the request: JSON text. Undefined: nothing is sent. If it fails because a look-up failed, it is called
   * again; if it fails for another reason, the delivery becomes a dead letter.
   */
  render(event: WebhookEvent): string | undefined | Promise<string | undefined>
  /** The body of an event that tells of nothing, by which a webhook can be tried. Default: there is none. */
  testEvent?(client: ClientView, webhook: OpenWebhook, now: Date): string
  /** Whether a response with this HTTP status is final: no retry. Default: never. */
  isFinal?(status: number): boolean
  /** Whether a response with this HTTP status means that the webhook is gone until the next sync. Default: never. */
  isGone?(status: number): boolean
  /** Headers in addition to those of Standard Webhooks. */
  headers(client: ClientView, webhook: OpenWebhook): Record<string, string>
}
