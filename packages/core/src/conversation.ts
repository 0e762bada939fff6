import type { Id } from './id.js'

/** An ordered log between participants. */
export interface Conversation {
  id: Id
  clientId: Id
  /** The person whose conversation it is; absent where it is one of a group. */
  userId?: Id
  createdAt: Date
  /** When the newest message was taken in; absent while there is none. */
  lastMessageAt?: Date
}
