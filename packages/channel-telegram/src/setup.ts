import type { CallContext } from '@plugboard/core'
import { call, type Session } from './api.js'
import type { Config } from './config.js'

type Context = CallContext<Config, Session>

/** The updates that `parse` reads. By default Telegram sends no reactions. */
const UPDATES = ['message', 'edited_message', 'callback_query', 'my_chat_member', 'message_reaction']

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

export async function unprovision({ integration, signal }: Context): Promise<void> {
  await call(integration.session, 'deleteWebhook', {}, signal)
}
