import { type DeliveryContext, FailureError, isJsonObject, type Part, type Sent } from '@plugboard/core'
import type { Call, Session } from './api.js'
import type { Config } from './config.js'
import { messageKey, targetOf } from './endpoint.js'

/** Posts one message, in the thread that the endpoint names. Slack takes no idempotency key. */
export const deliver =
  (call: Call) =>
  async (part: Part, context: DeliveryContext<Config, Session>): Promise<Sent> => {
    const args = { ...targetOf(context.endpoint), ...(isJsonObject(part.args) && part.args) }
    const { channel, ts } = await call(part.call, args, context)
    if (typeof ts !== 'string' || ts === '') {
      throw new FailureError({ kind: 'ambiguous', message: 'Slack answered without naming the message' })
    }
    // As `messageKey` of later events has it.
    return { providerMessageIds: [messageKey(typeof channel === 'string' ? channel : args.channel, ts)] }
  }
