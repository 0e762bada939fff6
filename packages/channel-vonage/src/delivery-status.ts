import { type DeliveryStatus, type InboundEvent, isUrl } from '@plugboard/core'
import { addressOf } from './endpoint.js'
import { CONTENT_REFUSED, failureOfDelivery, refusalIn } from './failure.js'
import { aliasesOf } from './person.js'
import { timeOf, type Webhook } from './webhook.js'

/** After the delivery's id in the reference of a message that is a second form already. */
const SECOND_FORM = '.2'

/** The reference of a message, which comes back with each status of it. Vonage takes 100 characters. */
export const referenceOf = (deliveryId: string, { isSecondForm = false } = {}): string =>
  deliveryId + (isSecondForm ? SECOND_FORM : '')

/**
 * The address for the statuses of a message. Undefined where Vonage cannot call it, as during development: then the
 * application's own address counts.
 */
export function statusUrl(webhookUrl: string): string | undefined {
  if (!isUrl(webhookUrl)) return undefined
  const { protocol, hostname } = new URL(webhookUrl)
  return protocol === 'https:' && /\.[a-z]/i.test(hostname) ? webhookUrl : undefined
}

/** Vonage's statuses: https://developer.vonage.com/en/messages/concepts/messages-status-callbacks */
const STATUSES: ReadonlyMap<string, DeliveryStatus> = new Map([
  ['submitted', 'sent'],
  ['delivered', 'delivered'],
  ['read', 'read'],
  ['rejected', 'failed'],
  ['undeliverable', 'failed'],
])

/** The status of a sent message. None for messages that others sent with this account. */
export function deliveryEvents(webhook: Webhook): InboundEvent[] {
  const { channel, status: said = '', client_ref = '', error, from, to, whatsapp } = webhook
  const [, deliveryId, second] = /^([\w-]{1,64})(\.2)?$/.exec(client_ref) ?? []
  const status = STATUSES.get(said)
  if (deliveryId === undefined || status === undefined) return []
  const endpoint = { identity: addressOf(channel, from), sender: addressOf(channel, to), thread: '*' }
  const aliases = channel === 'whatsapp' ? aliasesOf(endpoint, whatsapp?.recipient) : undefined
  const { code } = refusalIn(error)
  const isContentRefused = CONTENT_REFUSED.has(code ?? '') && second === undefined
  return [
    {
      ...{ type: 'delivery', dedupeKey: `${webhook.message_uuid}:${said}`, endpoint, at: timeOf(webhook) },
      ...(aliases && { aliases }),
      ...{ deliveryId, status },
      ...(status === 'failed' && { failure: failureOfDelivery(said, code) }),
      ...(status === 'failed' && isContentRefused && { isContentRefused }),
    },
  ]
}
