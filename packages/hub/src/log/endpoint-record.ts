import type { Conversation, Endpoint, Id } from '@plugboard/core'

export interface EndpointRecord extends Endpoint {
  id: Id
  channel: ChannelRef
}

/** A channel of an endpoint: one that a plugin serves, or a custom name that only the client's webhooks know. */
export interface ChannelRef {
  name: string
  custom: boolean
}

export interface ConversationRecord extends Conversation {
  /** Number of the newest entry. */
  seq: number
  endpoints: readonly EndpointRecord[]
}
