import type { CallContext } from '@plugboard/core'
import { clientOf, type HttpClient, type Session } from './client.js'
import type { Config } from './config.js'
import { TwilioError } from './failure.js'

/** Fetches the account, which costs nothing and needs both credentials. */
export const check =
  (http: HttpClient) =>
  async ({ integration, signal }: CallContext<Config, Session>): Promise<void> => {
    const client = clientOf(integration.session)
    const { accountSID } = integration.config
    const account = await http.within(signal, () => client.api.v2010.accounts(accountSID).fetch())
    if (account.status === 'active') return
    const state =
      account.status === 'suspended' || account.status === 'closed' ? account.status : 'not active'
    throw new TwilioError({ kind: 'auth', message: `the Twilio account is ${state}`, field: 'accountSID' })
  }
