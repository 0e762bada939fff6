import type { Endpoint } from '@plugboard/core'

/**
 * `CHANNEL`, or `CHANNEL:TS` for what is said in a thread below a message. The message on top, whose `thread_ts` is its
 * own, is in the channel.
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

/** Where to post to: a person without a channel is written to directly. */
export function targetOf({ sender, thread }: Endpoint): { channel: string; thread_ts?: string } {
  if (thread === '*') return { channel: sender }
  const [channel = '', thread_ts] = thread.split(':')
  return { channel, ...(thread_ts && { thread_ts }) }
}

/** The name of a message, whoever wrote it. */
export const messageKey = (channel: string, ts: string): string => `${channel}:${ts}`

/** A time of Slack, to the millisecond. */
export const timeOf = (ts: string): Date => new Date(Math.floor(Number(ts) * 1000))
