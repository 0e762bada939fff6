import { type DeliveryContext, FailureError, type Part, type Sent } from '@plugboard/core'
import { clientOf, type HttpClient, type Session } from './api.js'
import type { Config } from './config.js'
import { statusCallbackUrl } from './delivery-status.js'
import { isWhatsApp, WHATSAPP } from './endpoint.js'
import { CONTENT_REFUSED, RefusedError } from './failure.js'
import { asText, type MessageArgs } from './outbound.js'

/**
 * Sends one message. A file or a place that Twilio refuses at once is sent again, as text with its address. Of one that it
 * refuses later, the host sends the `secondForm`.
 */
export const deliver =
  (http: HttpClient) =>
  async (part: Part, context: DeliveryContext<Config, Session>): Promise<Sent> => {
    const { endpoint, integration, signal } = context
    const client = clientOf(integration.session)
    // `render` made the args.
    const args = part.args as MessageArgs
    const { webhookUrl, deliveryId } = context
    const sender = senderOf(context)
    const create = (args: MessageArgs, form = { isSecondForm: false }) => {
      const statusCallback = statusCallbackUrl(webhookUrl, deliveryId, form)
      return http.within(signal, () =>
        client.messages.create({
          to: endpoint.sender,
          ...sender,
          ...args,
          ...(statusCallback !== undefined && { statusCallback }),
        }),
      )
    }
    const { sid } = await create(args).catch((error: unknown) => {
      const text = isContentRefused(error) ? asText(args) : undefined
      if (text === undefined) throw error
      return create(text, { isSecondForm: true })
    })
    return { providerMessageIds: [sid] }
  }

export function secondForm({ call, args }: Part): Part | undefined {
  // `render` made the args.
  const text = asText(args as MessageArgs)
  return text && { call, args: text }
}

const isContentRefused = (error: unknown): boolean =>
  error instanceof RefusedError && error.code !== undefined && CONTENT_REFUSED.has(error.code)

/** The number of the endpoint, or that of the configuration, or one that the messaging service chooses. */
function senderOf({ endpoint, integration: { config } }: DeliveryContext<Config, Session>) {
  const { messagingServiceSid } = config
  const from = endpoint.identity === '*' ? config.from : endpoint.identity
  if (from === undefined && messagingServiceSid === undefined) {
    const message = 'no number to send from: neither the endpoint nor the configuration ("from") has one'
    throw new FailureError({ kind: 'invalid', message })
  }
  return {
    ...(from !== undefined && { from: isWhatsApp(endpoint) && !from.includes(':') ? WHATSAPP + from : from }),
    ...(messagingServiceSid !== undefined && { messagingServiceSid }),
  }
}
