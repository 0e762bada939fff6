import type { ClientView, OpenWebhook } from '../../clients/directory.js'
import type { WebhookAddress } from '../transport.js'
import type { WebhookFormat } from './webhook-format.js'

/** Where and how the requests of a webhook are made. */
export function webhookAddress(
  client: ClientView,
  webhook: OpenWebhook,
  format: WebhookFormat,
): WebhookAddress {
  const { id, url, token: signingSecret, former } = webhook
  const address: WebhookAddress = { id, url, headers: format.headers(client, webhook), signingSecret }
  if (former) address.former = { secret: former.token, until: former.until.getTime() }
  if (format.timeoutMs !== undefined) address.timeoutMs = format.timeoutMs
  return address
}
