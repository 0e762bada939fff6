import type { Id } from './id.js'
import type { JsonObject } from './json.js'

/** Who wrote a message: a user of the client, or the business (its bot, an agent). */
export type Author = { userId: Id } | 'business'

/** One message of a conversation. */
export interface Message {
  id: Id
  clientId: Id
  conversationId: Id
  /** Position in the conversation. `sentAt` never contradicts it. */
  seq: number
  author: Author
  sentAt: Date
  /** The payload as JSON text, byte for byte as stored. */
  payload: string
  /**
   * Where the message came from, and the provider's key of it; absent for messages posted through the API. `integration`:
   * key of the integration, if it differs from the name of the channel.
   */
  source?: { channel: string; integration?: string; key: string }
  /** Data besides the payload, as JSON text of {@link MessageDetails}. */
  details?: string
}

/** Data of a message besides its payload. */
export interface MessageDetails {
  /** Display data of the author. For the business: which person or program wrote the message. */
  author?: { accountId?: Id; name?: string; avatarUrl?: string; kind?: 'agent' | 'bot' | 'ai' | 'activity' }
  /** The entry of the last edit. Set by the hub. */
  edit?: Id
  /** Metadata of the client. */
  metadata?: JsonObject
  /** Data of a single dialect, by the name of its webhook format. */
  dialect?: Record<string, JsonObject>
}
