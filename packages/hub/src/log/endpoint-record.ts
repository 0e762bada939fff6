import type { Conversation, Endpoint, Id } from '@plugboard/core'

export interface EndpointRecord extends Endpoint {
  id: Id
  channel: ChannelRef
}

/** The channel of an endpoint: a loaded channel, or a custom name that only the client's webhooks use. */
export interface ChannelRef {
  name: string
  /** Key of the integration, if it differs from the name of the channel. Never set for a custom channel. */
  integration?: string
  custom: boolean
}

/**
 * The text that stores keep for a channel in the addresses of endpoints: its name, and the key of the integration after a
 * slash, which neither may contain. A custom name may contain anything and stays as it is.
 */
export const encodeChannel = ({ name, integration }: Omit<ChannelRef, 'custom'>): string =>
  integration === undefined ? name : `${name}/${integration}`

/** Reverts {@link encodeChannel}. */
export function decodeChannel(text: string, custom: boolean): ChannelRef {
  const slash = custom ? -1 : text.indexOf('/')
  if (slash < 0) return { name: text, custom }
  return { name: text.slice(0, slash), integration: text.slice(slash + 1), custom }
}

export const isSameChannel = (a: ChannelRef, b: ChannelRef): boolean =>
  a.name === b.name && a.integration === b.integration && a.custom === b.custom

export interface ConversationRecord extends Conversation {
  /** Number of the newest entry. */
  seq: number
  endpoints: readonly EndpointRecord[]
}
