import type { Endpoint } from '@plugboard/core'

/**
 * `thread` is `CHANNEL`, or `CHANNEL:TS` for a message in a thread. The first message of a thread, whose `thread_ts` is
 * its own `ts`, is in the channel.
 */
export const endpointOf = (
  user: string,
  channel?: string | null,
  threadTs?: string | null,
  ts?: string | null,
): Endpoint => ({
  identity: '*',
  sender: user,
  thread: !channel ? '*' : threadTs && threadTs !== ts ? `${channel}:${threadTs}` : channel,
})

/** Where to post to. Without a channel, the bot writes to the person directly. */
export function targetOf({ sender, thread }: Endpoint): { channel: string; thread_ts?: string } {
  if (thread === '*') return { channel: sender }
  const [channel = '', thread_ts] = thread.split(':')
  return { channel, ...(thread_ts && { thread_ts }) }
}

/** The key of a message, from a person or from the bot. */
export const messageKey = (channel: string, ts: string): string => `${channel}:${ts}`

/** A Slack timestamp in milliseconds. */
export const timeOf = (ts: string): Date => new Date(Math.floor(Number(ts) * 1000))
