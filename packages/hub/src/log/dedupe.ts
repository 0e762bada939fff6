/**
 * Dedupe key of a provider's event within a conversation. The store appends an entry with a key only once: an append with
 * the same key returns the entry that is there.
 */
export const dedupeOf = (channel: string, key: string): string => `${channel}:${key}`

/** The channel and the provider's key that a dedupe key was made of. */
export function sourceOf(dedupe: string): { channel: string; key: string } {
  const colon = dedupe.indexOf(':')
  return { channel: dedupe.slice(0, colon), key: dedupe.slice(colon + 1) }
}
