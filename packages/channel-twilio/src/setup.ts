import { type CallContext, FailureError } from '@plugboard/core'
import type { HttpClient, Session } from './api.js'
import type { Config } from './config.js'

/** Instructions for a person, because only the owner knows which numbers of the account belong to the integration. */
export function setup(webhookUrl: string): string {
  return [
    'In the Twilio Console (https://console.twilio.com):',
    '1. Phone Numbers > Manage > Active numbers, choose your number, section "Messaging Configuration".',
    `2. "A message comes in": Webhook, ${webhookUrl}, HTTP POST. Save. (With a Messaging Service: its Integration page, "Send a webhook", the same address.)`,
    `3. For WhatsApp: Messaging > Senders > WhatsApp senders, choose the sender, "Webhook URL for incoming messages": ${webhookUrl}, HTTP Post. (The sandbox has the same field on its "Sandbox settings" page.)`,
    'Status callbacks need no setup: each message has its own callback address.',
  ].join('\n')
}

/**
 * Requests the account, which is free and needs both credentials. Not through the SDK's client, which rejects a SID
 * that does not begin with AC: Twilio decides whether an account exists.
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
