import type { Endpoint } from '@plugboard/core'
import { z } from 'zod'

/** An id of Discord. https://docs.discord.com/developers/reference#snowflakes */
export const snowflake = z.string().regex(/^\d{1,20}$/, 'must be an id')

/** First millisecond of the ids of Discord. */
const EPOCH_MS = 1_420_070_400_000n

/** When the thing with this id was created. */
export function timeOf(id: string): Date {
  const time = new Date(Number((BigInt(id) >> 22n) + EPOCH_MS))
  return Number.isNaN(time.getTime()) ? new Date(0) : time
}

/**
 * `thread` is the channel: of direct messages, of a server, or a thread, which is a channel of its own at Discord. `*` is
 * a person with whom the bot has no channel yet.
 */
export const endpointOf = (user: string, channel?: string | null): Endpoint => ({
  identity: '*',
  sender: user,
  thread: channel || '*',
})

/** The key of a message, from a person or from the bot. */
export const messageKey = (channel: string, message: string): string => `${channel}:${message}`

/** The channel and the message of a key; undefined if it is none of Discord. */
export function placeOf(key: string): { channel: string; message: string } | undefined {
  const [channel = '', message = '', ...rest] = key.split(':')
  const isPlace = rest.length === 0 && [channel, message].every((id) => snowflake.safeParse(id).success)
  return isPlace ? { channel, message } : undefined
}
