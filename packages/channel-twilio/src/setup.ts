import { type CallContext, FailureError } from '@plugboard/core'
import type { HttpClient, Session } from './api.js'
import type { Config } from './config.js'

/** Twilio is told by hand: which of an account's numbers belong to an integration is for its owner to say. */
export function setup(webhookUrl: string): string {
  return [
    'In the Twilio Console (https://console.twilio.com):',
    '1. Phone Numbers > Manage > Active numbers, choose your number, section "Messaging Configuration".',
    `2. "A message comes in": Webhook, ${webhookUrl}, HTTP POST. Save. (With a Messaging Service: its Integration page, "Send a webhook", the same address.)`,
    `3. For WhatsApp: Messaging > Senders > WhatsApp senders, choose the sender, "Webhook URL for incoming messages": ${webhookUrl}, HTTP Post. (The sandbox has the same field on its "Sandbox settings" page.)`,
    'Nothing has to be set for status callbacks: each message that is sent names its own.',
  ].join('\n')
}

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
