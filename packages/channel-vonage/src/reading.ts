import type { DeliveryContext, JsonObject } from '@plugboard/core'
import { z } from 'zod'
import { request, type Session } from './api.js'
import type { Config, Options } from './config.js'
import { isWhatsApp } from './endpoint.js'
import { mediaUrl, proxied } from './media-url.js'
import type { Webhook } from './webhook.js'

const contextSchema = z.object({ message: z.string(), host: z.string().optional() })

/**
 * What is kept of a person's message on WhatsApp, so that it can be marked as read: its id, and the region that has it.
 * https://developer.vonage.com/en/messages/concepts/whatsapp#mark-as-read
 */
export function contextOf({ channel, message_uuid, _self }: Webhook): JsonObject | undefined {
  if (channel !== 'whatsapp') return undefined
  const host = mediaUrl(_self?.href ?? '')?.hostname
  return { message: message_uuid, ...(host !== undefined && { host }) }
}

type Context = DeliveryContext<Config, Session>

/** Updates the last message of a person. Does nothing before the first one, and on other channels than WhatsApp. */
export const update =
  (options: Options, fetch: typeof globalThis.fetch, body: JsonObject) =>
  async ({ endpoint, context, integration, signal }: Context): Promise<void> => {
    const { message, host } = contextSchema.safeParse(context?.value).data ?? {}
    if (message === undefined || !isWhatsApp(endpoint)) return
    const { session, config } = integration
    const base = config.useTestingApi ? options.sandboxBaseUrl : options.apiBaseUrl
    const at = mediaUrl(`https://${host}/`)
    const path = `/v1/messages/${encodeURIComponent(message)}`
    const url = at && !config.useTestingApi ? proxied(new URL(path, at), base) : new URL(`${base}${path}`)
    await request(fetch, {
      ...{ method: 'PATCH', url: url.href, authorization: await session.authorization() },
      ...{ body, signal },
    })
  }

export const markRead = (options: Options, fetch: typeof globalThis.fetch) =>
  update(options, fetch, { status: 'read' })
