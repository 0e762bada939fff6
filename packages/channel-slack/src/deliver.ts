import {
  type DeliveryContext,
  FailureError,
  isJsonObject,
  type JsonObject,
  type Logger,
  type Part,
  type Sent,
} from '@plugboard/core'
import type { Call, Session } from './api.js'
import type { Config } from './config.js'
import { messageKey, targetOf } from './endpoint.js'
import { refusalOf } from './failure.js'
import { secondForm } from './second-form.js'

/** Most forms of one message: as it is, without the thread, with links for one and for all pictures, as a text. */
const MAX_FORMS = 5

type Context = DeliveryContext<Config, Session>

/**
 * Posts one message to the thread of the endpoint. Slack has no idempotency key. A message that Slack refuses for its
 * form or its thread is posted once more in another form.
 */
export const deliver =
  (call: Call, logger: Logger) =>
  async (part: Part, context: Context): Promise<Sent> => {
    let args: JsonObject = { ...targetOf(context.endpoint), ...(isJsonObject(part.args) && part.args) }
    for (let previous = 0; ; previous += 1) {
      try {
        return sentOf(await call(part.call, args, context), args)
      } catch (error) {
        const refusal = refusalOf(error)
        const next = refusal && previous < MAX_FORMS - 1 ? secondForm(args, refusal, previous) : undefined
        if (!refusal || !next) throw error
        const { clientId } = context.integration
        const { deliveryId } = context
        logger.warn(
          { clientId, deliveryId, code: refusal.code },
          'Slack refused a message; sending another form',
        )
        args = next
      }
    }
  }

function sentOf({ channel, ts }: { channel?: unknown; ts?: unknown }, args: JsonObject): Sent {
  if (typeof ts !== 'string' || ts === '') {
    throw new FailureError({ kind: 'ambiguous', message: 'Slack answered without the id of the message' })
  }
  // The same key as in later events.
  return {
    providerMessageIds: [messageKey(String(typeof channel === 'string' ? channel : args.channel), ts)],
  }
}
