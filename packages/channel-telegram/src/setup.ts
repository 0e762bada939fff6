import { type CallContext, isUrl } from '@plugboard/core'
import { z } from 'zod'
import { call, type Session } from './api.js'
import type { Config } from './config.js'

type Context = CallContext<Config, Session>

/** The updates that the channel reads. By default Telegram sends no reactions. */
export const UPDATES = ['message', 'edited_message', 'callback_query', 'my_chat_member', 'message_reaction']

/** Checks that the token belongs to a bot. */
export async function check({ integration, signal }: Context): Promise<void> {
  await call(integration.session, 'getMe', {}, signal)
}

/** Registers the webhook. Telegram sends queued updates to the new address. */
export async function provision({ integration, webhookUrl, signal }: Context): Promise<void> {
  const { secret } = integration.session
  const args = { url: webhookUrl, secret_token: secret, allowed_updates: UPDATES }
  await call(integration.session, 'setWebhook', args, signal)
}

/** Removes the webhook of this integration, and keeps the updates that wait for it. Leaves that of another program. */
export async function unprovision({ integration, webhookUrl, signal }: Context): Promise<void> {
  const url = await findWebhook(integration.session, signal)
  if (url !== undefined && url !== '' && !isSame(url, webhookUrl)) return
  await call(integration.session, 'deleteWebhook', { drop_pending_updates: false }, signal)
}

const webhookSchema = z.object({ url: z.string() })

/** The address of the bot's webhook. Empty if it has none; undefined if Telegram does not say. */
export async function findWebhook(session: Session, signal: AbortSignal): Promise<string | undefined> {
  const info = webhookSchema.safeParse(await call(session, 'getWebhookInfo', {}, signal))
  return info.data?.url
}

/** Whether two addresses are of the same integration, which their ends name. The server may have moved. */
const isSame = (url: string, own: string): boolean => endOf(url) === endOf(own)

const endOf = (url: string): string =>
  isUrl(url) ? new URL(url).pathname.split('/').slice(-2).join('/') : url
