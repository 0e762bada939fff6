import type { Id } from '@plugboard/core'
import type { RetrySchedule } from './delivery/retry.js'
import type { ClientView } from './directory.js'
import type { Entry, EntryType } from './entry.js'

/** What a webhook format is told of an entry. */
export interface WebhookEvent {
  entry: Entry
  client: ClientView
  /** The person whose conversation it is in, or whom it is about. */
  userId: Id | undefined
  /** A collect request waits for replies to this message. */
  isCollecting: boolean
}

/** The form in which the webhooks of one dialect get events. A dialect provides it. */
export interface WebhookFormat {
  /** Stands in the webhooks that the dialect makes. */
  name: string
  schedule: RetrySchedule
  /** Whether its webhooks are told of entries of this type. */
  tells(type: EntryType): boolean
  /** The body of the request: JSON text. */
  render(event: WebhookEvent): string
  /** Headers beside those of Standard Webhooks. */
  headers(client: ClientView, webhook: { token: string }): Record<string, string>
}
