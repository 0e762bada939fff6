import type { Id } from '@plugboard/core'
import type { PersonAccount, WithId } from '../clients/accounts.js'
import type { ClientView, OpenWebhook } from '../clients/directory.js'
import type { ConversationView, UserView } from '../documents/facts.js'
import type { Activity } from '../log/activity.js'
import type { Entry, EntryType } from '../log/entry.js'
import type { RetrySchedule } from './retry.js'

/** What an entry is about, as far as that says who is told of it. */
export type Topic = Exclude<EntryType, 'activity'> | `activity.${Activity['type']}`

/** What a webhook format is told of an entry. */
export interface WebhookEvent {
  entry: Entry
  client: ClientView
  /** The person whose conversation it is in, or whom it is about. */
  userId: Id | undefined
  /** A collect request waits for replies to this message. */
  isCollecting: boolean
  webhook: OpenWebhook
  /** For formats whose events say more than the entry does. Both are as they are now, not as they were then. */
  lookups: Lookups
}

/** Looks up what an event tells of; undefined for what is not there any more. */
export interface Lookups {
  conversation(id: Id): Promise<ConversationView | undefined>
  user(id: Id): Promise<UserView | undefined>
  message(id: Id): Promise<Entry | undefined>
  /** The newest messages of a conversation, newest first: at most `limit`, and not many more than `maxChars` allows. */
  messages(conversationId: Id, limit: number, maxChars: number): Promise<Entry[]>
  /** Who acts for the business. */
  person(id: Id): Promise<WithId<PersonAccount> | undefined>
}

/** The form in which the webhooks of one dialect get events. A dialect provides it. */
export interface WebhookFormat {
  /** Stands in the webhooks that the dialect makes. */
  name: string
  schedule: RetrySchedule
  /** How long one attempt may take, in milliseconds. Default: what the sender allows. */
  timeoutMs?: number
  /** Whether the webhook gets events of this topic. Pure. */
  tells(topic: Topic, webhook: OpenWebhook): boolean
  /** Its `render` looks things up, or leaves some out. Default: it does neither, and answers a text at once. */
  isLate?: boolean
  /**
   * The body of the request: JSON text. Undefined when there is nothing to send after all. Where it fails because a
   * look-up failed, it is called again; where it fails for another reason, the delivery is dead.
   */
  render(event: WebhookEvent): string | undefined | Promise<string | undefined>
  /** Whether no other attempt is made after an answer with this status. Default: never. */
  isFinal?(status: number): boolean
  /** Headers beside those of Standard Webhooks. */
  headers(client: ClientView, webhook: OpenWebhook): Record<string, string>
}
