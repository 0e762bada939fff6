import type { InboundRequest, Received, Routed } from '@plugboard/core'
import { answerHandshake, verifyWebhook, type WebhookSecrets } from '../webhook.js'
import { eventsIn } from './events.js'
import type { IsFile } from './media.js'
import { accountsIn, type MessagingObject } from './notification.js'

/** What a product reads of its notifications. */
interface Product<Config> {
  object: MessagingObject
  /** The page or the account of an integration. */
  accountOf(config: Config): string
}

/** `parse` of a channel: the events of the integration's page or account, or the answer to a handshake. */
export const parser =
  <Config>({ object, accountOf }: Product<Config>, isFile: IsFile) =>
  (request: InboundRequest, { config }: { config: Config }): Received => {
    const response = answerHandshake(request)
    if (response) return { events: [], response }
    const events = eventsIn(request, { object, account: accountOf(config), isFile })
    return { events, response: { status: 200 } }
  }

/** `route` of a channel: the pages or accounts of a request to the one URL of the operator's app, if there is one. */
export const router =
  ({ object }: Pick<Product<never>, 'object'>, { appSecret, verifyToken }: WebhookSecrets) =>
  (request: InboundRequest): Routed | undefined => {
    if (appSecret === undefined) return undefined
    const verdict = verifyWebhook(request, { appSecret, verifyToken })
    if (!verdict.ok) return { verdict, accounts: [] }
    const response = answerHandshake(request)
    if (response) return { verdict, accounts: [], response }
    return { verdict, accounts: accountsIn(request.body, object) }
  }
