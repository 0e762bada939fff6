import {
  type Heard,
  type InboundEvent,
  isPlugboardError,
  type ListenContext,
  type Logger,
} from '@plugboard/core'
import { z } from 'zod'
import type { Call, Session } from './api.js'
import type { Config, Options } from './config.js'
import { parsePayload, socketKinds } from './inbound.js'
import { type Delivered, SocketMode } from './socket-mode.js'

/** An envelope as Slack sends it; its payload is that of a request over HTTP. */
const envelopeSchema = z.object({
  type: z.enum(socketKinds),
  payload: z.unknown(),
})

/**
 * Reads events over a WebSocket: https://docs.slack.dev/apis/events-api/using-socket-mode. An envelope is acknowledged
 * once its events are stored; Slack sends it again otherwise.
 */
export const listen = (call: Call, options: Options, logger: Logger) =>
  async function* (context: ListenContext<Config, Session>): AsyncGenerator<Heard> {
    const sockets = new SocketMode(call, options, context)
    try {
      await sockets.open()
      for (;;) {
        const delivered = await sockets.take()
        yield { events: delivered.flatMap((each) => eventsOf(each, context, logger)) }
        for (const { acknowledge } of delivered) acknowledge()
      }
    } finally {
      sockets.close()
    }
  }

/** What is not an envelope of Slack is skipped and acknowledged, or Slack would repeat it. */
function eventsOf(
  { envelope }: Delivered,
  { integration }: ListenContext<Config, Session>,
  logger: Logger,
): InboundEvent[] {
  const known = envelopeSchema.safeParse(envelope)
  if (!known.success) return []
  try {
    return parsePayload(known.data.type, known.data.payload, new Date())
  } catch (error) {
    if (!isPlugboardError(error, 'INVALID')) throw error
    const { clientId } = integration
    logger.warn({ clientId, reason: error.message }, 'an event of Slack is invalid; skipping it')
    return []
  }
}
