import { type CallContext, FailureError } from '@plugboard/core'
import type { CallApi, Session } from './api.js'
import type { Config } from './config.js'

/** Asks for the app, or, with a key of a custom integration, which may not do that, for its webhooks. */
export const check =
  (call: CallApi) =>
  async (context: CallContext<Config, Session>): Promise<void> => {
    const isOfIntegration = context.integration.config.keyId.startsWith('int_')
    const path = isOfIntegration ? '/integrations/me/webhooks' : ''
    const answer = await call({ method: 'GET', path }, context)
    if (typeof answer !== 'object' || answer === null)
      throw new FailureError({ kind: 'ambiguous', message: 'Sunshine answered, but not in JSON' })
  }
