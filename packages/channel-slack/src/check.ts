import type { CallContext } from '@plugboard/core'
import { type Call, openConnection, type Session } from './api.js'
import type { Config } from './config.js'

/** Asks Slack whether the tokens work. */
export const check =
  (call: Call) =>
  async (context: CallContext<Config, Session>): Promise<void> => {
    await call('auth.test', {}, context)
    const { appToken } = context.integration.config
    if (appToken !== undefined) await openConnection(call, appToken, context)
  }
