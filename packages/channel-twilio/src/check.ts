import { type CallContext, FailureError } from '@plugboard/core'
import type { HttpClient, Session } from './client.js'
import type { Config } from './config.js'

/**
 * Fetches the account, which costs nothing and needs both credentials. Past the SDK's client, which refuses what does
 * not begin with AC: whether there is such an account only Twilio can say.
 */
export const check =
  (http: HttpClient) =>
  async ({ integration, signal }: CallContext<Config, Session>): Promise<void> => {
    const { accountSID: username, authToken: password } = integration.config
    const uri = `https://api.twilio.com/2010-04-01/Accounts/${encodeURIComponent(username)}.json`
    const { body } = await http.within(signal, () =>
      http.request<{ status?: unknown }>({ method: 'get', uri, username, password, headers: {} }),
    )
    const { status } = body
    if (status === 'active') return
    const state = status === 'suspended' || status === 'closed' ? status : 'not active'
    throw new FailureError({ kind: 'auth', message: `the Twilio account is ${state}`, field: 'accountSID' })
  }
