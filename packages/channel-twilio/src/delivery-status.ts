import { isIP } from 'node:net'
import type { DeliveryStatus, InboundEvent } from '@plugboard/core'
import { failureOfDelivery } from './failure.js'

/** Query parameter of the callback with the delivery's id. The signature covers it. */
const DELIVERY = 'delivery'

/**
 * The address to which Twilio sends the status of a message. Undefined if Twilio would reject the whole message because
 * of the address (error 21609): a host name with an underscore, or a local address, as during development.
 */
export function statusCallbackUrl(webhookUrl: string, deliveryId: string): string | undefined {
  if (!URL.canParse(webhookUrl)) return undefined
  const { hostname } = new URL(webhookUrl)
  const isName = isIP(hostname.replace(/^\[|\]$/g, '')) === 0
  const isLocal = isName ? !hostname.includes('.') : /^(127\.|0\.|\[::1?\])/.test(hostname)
  if (isLocal || hostname.includes('_')) return undefined
  const separator = webhookUrl.includes('?') ? '&' : '?'
  return `${webhookUrl}${separator}${DELIVERY}=${encodeURIComponent(deliveryId)}`
}

/** The delivery of a callback. Undefined for messages that others sent with this account. */
export function deliveryIdIn(publicUrl: string): string | undefined {
  return (URL.canParse(publicUrl) && new URL(publicUrl).searchParams.get(DELIVERY)) || undefined
}

/** Twilio's statuses. Others (queued, sending, accepted …) add nothing to the result of `deliver`. */
const STATUSES: ReadonlyMap<string, DeliveryStatus> = new Map([
  ['sent', 'sent'],
  ['delivered', 'delivered'],
  ['read', 'read'],
  ['undelivered', 'failed'],
  ['failed', 'failed'],
  ['canceled', 'failed'],
])

/** The status of a delivery in a callback; undefined for an intermediate one. */
export function deliveryUpdate(
  status: string,
  errorCode: string | undefined,
): Pick<Extract<InboundEvent, { type: 'delivery' }>, 'status' | 'failure'> | undefined {
  const known = STATUSES.get(status)
  if (known !== 'failed') return known && { status: known }
  const code = errorCode !== undefined && /^[1-9]\d{3,5}$/.test(errorCode) ? Number(errorCode) : undefined
  return { status: 'failed', failure: failureOfDelivery(code) }
}
