import type { Id } from './id.js'

/** An ordered log between participants. */
export interface Conversation {
  id: Id
  clientId: Id
  /** The user of the conversation; absent for a group. */
  userId?: Id
  createdAt: Date
  /** When the newest message was accepted; absent if there is none. */
  lastMessageAt?: Date
}
