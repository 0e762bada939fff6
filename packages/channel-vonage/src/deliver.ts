import { type DeliveryContext, FailureError, type Part, type Sent } from '@plugboard/core'
import { z } from 'zod'
import { messagesUrl, request, type Session } from './api.js'
import type { Config, Options } from './config.js'
import { referenceOf, statusUrl } from './delivery-status.js'
import { idOf } from './endpoint.js'
import { RefusedError } from './failure.js'
import type { MessageArgs } from './outbound.js'
import { update } from './reading.js'
import { withoutFile } from './second-form.js'

const answerSchema = z.object({ message_uuid: z.string().min(1).max(200) })

/**
 * Sends one message. One whose file Vonage refuses at once is sent again without it. Of one that it refuses later, the host
 * sends the `secondForm`. Vonage has no idempotency key.
 */
export const deliver =
  (options: Options, fetch: typeof globalThis.fetch) =>
  async (part: Part, context: DeliveryContext<Config, Session>): Promise<Sent> => {
    // `render` made the args.
    const args = part.args as MessageArgs
    const send = (args: MessageArgs, form = { isSecondForm: false }) =>
      create(options, fetch, { ...args, ...addressesOf(context), ...reportsOf(context, form) }, context)
    const message_uuid = await send(args).catch((error: unknown) => {
      const second = error instanceof RefusedError && error.isContentRefused ? withoutFile(args) : undefined
      if (second === undefined) throw error
      return send(second, { isSecondForm: true })
    })
    return { providerMessageIds: [message_uuid] }
  }

async function create(
  options: Options,
  fetch: typeof globalThis.fetch,
  body: MessageArgs,
  { integration: { config, session }, signal }: DeliveryContext<Config, Session>,
): Promise<string> {
  const answer = await request(fetch, {
    method: 'POST',
    url: messagesUrl(config, options),
    authorization: await session.authorization(),
    body,
    signal,
  })
  const { data } = answerSchema.safeParse(answer)
  if (data) return data.message_uuid
  throw new FailureError({ kind: 'ambiguous', message: 'Vonage answered without the id of the message' })
}

/** @throws FailureError for an endpoint without a number of the business. */
function addressesOf({ endpoint: { identity, sender } }: DeliveryContext<Config, Session>) {
  if (identity !== '*') return { from: idOf(identity), to: idOf(sender) }
  const message = 'no number to send from: the identity of the endpoint has to be one of the account'
  throw new FailureError({ kind: 'invalid', message })
}

/** Where the statuses of the message go, and what they are about. The sandbox has its own address for them. */
function reportsOf(
  { webhookUrl, deliveryId, integration: { config } }: DeliveryContext<Config, Session>,
  form: { isSecondForm: boolean },
) {
  const url = config.useTestingApi ? undefined : statusUrl(webhookUrl)
  return {
    client_ref: referenceOf(deliveryId, form),
    ...(url !== undefined && { webhook_url: url, webhook_version: 'v1' }),
  }
}

/** WhatsApp shows the indicator with the read mark, for up to 25 seconds. */
export const indicateTyping = (options: Options, fetch: typeof globalThis.fetch) =>
  update(options, fetch, { status: 'read', replying_indicator: { show: true, type: 'text' } })
