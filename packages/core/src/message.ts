import type { Id } from './id.js'

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
}
