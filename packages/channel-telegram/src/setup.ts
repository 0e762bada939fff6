import type { CallContext } from '@plugboard/core'
import { call, type Session } from './api.js'
import type { Config } from './config.js'

type Context = CallContext<Config, Session>

/** What `parse` knows; without the list Telegram would send no reactions. */
const UPDATES = ['message', 'edited_message', 'callback_query', 'my_chat_member', 'message_reaction']

/** Whether the token is that of a bot. */
export async function check({ integration, signal }: Context): Promise<void> {
  await call(integration.session, 'getMe', {}, signal)
}

/** Updates that wait at Telegram stay there, and come to the new address. */
export async function provision({ integration, webhookUrl, signal }: Context): Promise<void> {
  const { secret } = integration.session
  const args = { url: webhookUrl, secret_token: secret, allowed_updates: UPDATES }
  await call(integration.session, 'setWebhook', args, signal)
}

export async function unprovision({ integration, signal }: Context): Promise<void> {
  await call(integration.session, 'deleteWebhook', {}, signal)
}
