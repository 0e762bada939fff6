import { type DeliveryContext, FailureError, isJsonObject, type Part, type SentPart } from '@plugboard/core'
import type { Call, Session } from './api.js'
import type { Config } from './config.js'
import { refusalOf } from './failure.js'

type Context = DeliveryContext<Config, Session>

/** Changes a message. Blocks that it no longer has are removed. */
export const edit =
  (call: Call) =>
  async (sent: SentPart, part: Part, context: Context): Promise<{ providerMessageIds: [] }> => {
    const { text, blocks = [] } = isJsonObject(part.args) ? part.args : {}
    await call('chat.update', { ...placeOf(sent), text, blocks }, context)
    return { providerMessageIds: [] }
  }

/** Deletes a message. One that is not there any more is deleted. */
export const remove =
  (call: Call) =>
  async (sent: SentPart, context: Context): Promise<void> => {
    try {
      await call('chat.delete', placeOf(sent), context)
    } catch (error) {
      if (refusalOf(error)?.code !== 'message_not_found') throw error
    }
  }

/** @throws FailureError if the id is not one of a message of Slack */
function placeOf({ providerMessageIds: [id = ''] }: SentPart): { channel: string; ts: string } {
  const [channel, ts] = id.split(':')
  if (!channel || !ts)
    throw new FailureError({ kind: 'invalid', message: 'the id of the message is none of Slack' })
  return { channel, ts }
}
