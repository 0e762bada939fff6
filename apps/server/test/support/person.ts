import { randomBytes, randomUUID } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { type Answered, call } from './api.js'
import type { TestServer } from './server.js'

/** A secret for an integration of the webhook channel. */
export const newSecret = (): string => `whsec_${randomBytes(24).toString('base64')}`

/** What stands in sync for the webhook channel, in the 1.x form. */
export const webhookChannel = (url: string, secret: string) => ({
  webhook: { version: '1.0.0', url, secret },
})

/** A request of a person's system to the webhook channel. */
export interface Told {
  sender: string
  thread?: string
  payload?: object
  type?: string
}

export interface TellOptions {
  /** The client's id or name. */
  client: string
  secret: string
  /** The same id repeats the same event. */
  id?: string
}

/** Sends a signed request to the webhook channel, as the person's side does. */
export async function tell(
  server: Pick<TestServer, 'url'>,
  { client, secret, id = randomUUID() }: TellOptions,
  told: Told,
): Promise<Answered> {
  const body = JSON.stringify(told)
  const now = new Date()
  return call(server, 'POST', `/webhooks/v1/${client}/webhook`, {
    body,
    headers: {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': new Webhook(secret).sign(id, now, body),
    },
  })
}
