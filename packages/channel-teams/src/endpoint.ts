import type { Endpoint } from '@plugboard/core'

/**
 * `thread` is the id of a conversation: `a:…` with one person, `19:…@thread.v2` of a group chat,
 * `19:…@thread.tacv2;messageid=…` of a thread in a channel.
 */
export const endpointOf = (sender: string, conversation: string): Endpoint => ({
  identity: '*',
  sender,
  thread: conversation,
})

/** The conversation without its thread: of a channel, an edit or a reaction may name either. */
export const placeOf = (conversation: string): string => conversation.split(';messageid=', 1)[0] ?? ''

/** Names a message among all of them: a dedupe key, what a reaction is about, and the id of one sent. */
export const messageKey = (conversation: string, activity: string): string =>
  `${placeOf(conversation)}/${activity}`

/** The conversation and the message of a key. Undefined for a text that is not one. */
export function partsOf(key: string): { conversation: string; activity: string } | undefined {
  const at = key.lastIndexOf('/')
  return at > 0 && at < key.length - 1
    ? { conversation: key.slice(0, at), activity: key.slice(at + 1) }
    : undefined
}
