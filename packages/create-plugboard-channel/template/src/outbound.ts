import type {
  CallContext,
  Content,
  DeliveryContext,
  JsonObject,
  OutboundContent,
  Part,
  Sent,
} from '@plugboard/core'
import { z } from 'zod'
import type { Api } from './api.js'
import type { Config, Session } from './config.js'

/** Content becomes parts: plain JSON, one for each thing that the person sees. Pure, so that fixtures can show it. */
export function render(content: OutboundContent): Part[] {
  // The host keeps to the types of `capabilities`, so that nothing gets to the default.
  const known = content as Content
  switch (known.type) {
    case 'text':
      return [message({ text: known.text, ...formatOf(known) })]
    case 'image':
      return [message({ image: known.image, ...(known.title && { caption: known.title }) })]
    case 'single-choice': {
      // `value` is a token that the host made. It comes back in `choice`, and the host knows what stands behind it.
      const buttons = known.choices.map(({ title, value }) => ({ label: title || '…', value }))
      return [message({ text: known.text, ...formatOf(known), buttons })]
    }
    default:
      return []
  }
}

const message = (args: JsonObject): Part => ({ call: 'message', args })

const formatOf = (content: { [field: string]: unknown }) =>
  content.markdown === true ? { format: 'markdown' } : {}

const answerSchema = z.object({ id: z.string().min(1).max(200) })

/** Sends one part. A second attempt has the same key, so that Acme Chat shows it once. */
export const deliver =
  (api: Api) =>
  async (part: Part, context: DeliveryContext<Config, Session>): Promise<Sent> => {
    const { endpoint, integration, deliveryId, signal } = context
    const response = await api('/v1/messages', integration.session, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': deliveryId },
      // `render` made the args.
      body: JSON.stringify({ chat: endpoint.thread, ...(part.args as JsonObject) }),
      signal,
    })
    return { providerMessageIds: [answerSchema.parse(await response.json()).id] }
  }

/** Asks who the bot is: an answer says that the token works. */
export const check =
  (api: Api) =>
  async ({ integration, signal }: CallContext<Config, Session>): Promise<void> => {
    const response = await api('/v1/me', integration.session, { signal })
    await response.body?.cancel()
  }
