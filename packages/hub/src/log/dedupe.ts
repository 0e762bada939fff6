import { type ChannelRef, decodeChannel, encodeChannel } from './endpoint-record.js'

/**
 * Dedupe key of a provider's event within a conversation. The store appends an entry with a key only once: an append with
 * the same key returns the entry that is there.
 */
export const dedupeOf = (channel: ChannelRef, key: string): string => `${encodeChannel(channel)}:${key}`

/** The channel that a dedupe key was made of. */
export const channelOfDedupe = (dedupe: string): ChannelRef =>
  decodeChannel(dedupe.slice(0, dedupe.indexOf(':')), false)

/** The channel, the key of the integration and the provider's key that a dedupe key was made of. */
export function sourceOf(dedupe: string): { channel: string; integration?: string; key: string } {
  const { name: channel, integration } = channelOfDedupe(dedupe)
  const key = dedupe.slice(dedupe.indexOf(':') + 1)
  return { channel, ...(integration !== undefined && { integration }), key }
}
