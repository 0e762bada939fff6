import type { DeliveryContext, JsonObject, Part, Sent } from '@plugboard/core'
import { z } from 'zod'
import type { Api, Session } from './api.js'
import type { Config } from './config.js'

const answerSchema = z.object({ id: z.string().min(1).max(200) })

/** Sends one part. Retries have the same key, so that Acme Chat shows it once. */
export const deliver =
  (api: Api) =>
  async (part: Part, context: DeliveryContext<Config, Session>): Promise<Sent> => {
    const { endpoint, integration, deliveryId, signal } = context
    const response = await api('/v1/messages', integration.session, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': deliveryId },
      // `render` created the args.
      body: JSON.stringify({ chat: endpoint.thread, ...(part.args as JsonObject) }),
      signal,
    })
    return { providerMessageIds: [answerSchema.parse(await response.json()).id] }
  }
