import type { Id } from './id.js'
import type { JsonObject } from './json.js'

/** Who wrote a message: a user of the client, or the business (its bot, an agent). */
export type Author = { userId: Id } | 'business'

/** One message of a conversation. */
export interface Message {
  id: Id
  clientId: Id
  conversationId: Id
  /** Place in the conversation; `sentAt` never runs against it. */
  seq: number
  author: Author
  sentAt: Date
  /** The payload as JSON text, byte for byte as it was stored. */
  payload: string
  /** The channel that it came in by, and what the provider calls it; absent where it was posted. */
  source?: { channel: string; key: string }
  /** What is known of the message beside its payload, as JSON text of a {@link MessageDetails}. */
  details?: string
}

/** What is known of a message beside its payload. */
export interface MessageDetails {
  /** How the author shows. Of the business: which of its people or programs it was. */
  author?: { accountId?: Id; name?: string; avatarUrl?: string; kind?: 'agent' | 'bot' | 'ai' | 'activity' }
  /** The client's own facts of it. */
  metadata?: JsonObject
  /** What one dialect alone knows of, by the name of its webhook format. */
  dialect?: Record<string, JsonObject>
}
