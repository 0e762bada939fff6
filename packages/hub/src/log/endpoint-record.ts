import type { Conversation, Endpoint, Id } from '@plugboard/core'

export interface EndpointRecord extends Endpoint {
  id: Id
  channel: ChannelRef
}

/** The channel of an endpoint: a loaded channel, or a custom name that only the client's webhooks use. */
export interface ChannelRef {
  name: string
  custom: boolean
}

export interface ConversationRecord extends Conversation {
  /** Number of the newest entry. */
  seq: number
  endpoints: readonly EndpointRecord[]
}
