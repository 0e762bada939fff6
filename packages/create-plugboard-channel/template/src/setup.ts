import type { CallContext } from '@plugboard/core'
import type { Api, Session } from './api.js'
import type { Config } from './config.js'

/** What a person has to do at Acme Chat by hand. */
export const setup = (webhookUrl: string): string =>
  `In Acme Chat, open Bots → Webhook, enter ${webhookUrl} and save.`

/** Requests the bot's profile: a response proves that the token works. */
export const check =
  (api: Api) =>
  async ({ integration, signal }: CallContext<Config, Session>): Promise<void> => {
    const response = await api('/v1/me', integration.session, { signal })
    await response.body?.cancel()
  }
