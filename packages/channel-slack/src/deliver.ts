import { type DeliveryContext, FailureError, isJsonObject, type Part, type Sent } from '@plugboard/core'
import type { Call, Session } from './api.js'
import type { Config } from './config.js'
import { messageKey, targetOf } from './endpoint.js'

/** Posts one message to the thread of the endpoint. Slack has no idempotency key. */
export const deliver =
  (call: Call) =>
  async (part: Part, context: DeliveryContext<Config, Session>): Promise<Sent> => {
    const args = { ...targetOf(context.endpoint), ...(isJsonObject(part.args) && part.args) }
    const { channel, ts } = await call(part.call, args, context)
    if (typeof ts !== 'string' || ts === '') {
      throw new FailureError({ kind: 'ambiguous', message: 'Slack answered without the id of the message' })
    }
    // The same key as in later events.
    return { providerMessageIds: [messageKey(typeof channel === 'string' ? channel : args.channel, ts)] }
  }
