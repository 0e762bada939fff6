import { isIP } from 'node:net'
import { type DeliveryStatus, type InboundEvent, isUrl } from '@plugboard/core'
import { CONTENT_REFUSED, failureOfDelivery } from './failure.js'

/** Query parameters of the callback: the delivery's id, and whether it was the second form. The signature covers them. */
const [DELIVERY, SECOND_FORM] = ['delivery', 'second']

/**
 * The address to which Twilio sends the status of a message. Undefined if Twilio would reject the whole message because
 * of the address (error 21609): a host name with an underscore, or a local address, as during development.
 */
export function statusCallbackUrl(
  webhookUrl: string,
  deliveryId: string,
  { isSecondForm = false } = {},
): string | undefined {
  if (!isUrl(webhookUrl)) return undefined
  const { hostname } = new URL(webhookUrl)
  const isName = isIP(hostname.replace(/^\[|\]$/g, '')) === 0
  const isLocal = isName ? !hostname.includes('.') : /^(127\.|0\.|\[::1?\])/.test(hostname)
  if (isLocal || hostname.includes('_')) return undefined
  const separator = webhookUrl.includes('?') ? '&' : '?'
  const second = isSecondForm ? `&${SECOND_FORM}=1` : ''
  return `${webhookUrl}${separator}${DELIVERY}=${encodeURIComponent(deliveryId)}${second}`
}

/** The delivery of a callback. Undefined for messages that others sent with this account. */
export function deliveryIn(publicUrl: string): { deliveryId: string; isSecondForm: boolean } | undefined {
  const parameters = isUrl(publicUrl) ? new URL(publicUrl).searchParams : undefined
  const deliveryId = parameters?.get(DELIVERY)
  return deliveryId ? { deliveryId, isSecondForm: parameters?.has(SECOND_FORM) === true } : undefined
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
): Pick<Extract<InboundEvent, { type: 'delivery' }>, 'status' | 'failure' | 'isContentRefused'> | undefined {
  const known = STATUSES.get(status)
  if (known !== 'failed') return known && { status: known }
  const code = errorCode !== undefined && /^[1-9]\d{3,5}$/.test(errorCode) ? Number(errorCode) : undefined
  const isContentRefused = code !== undefined && CONTENT_REFUSED.has(code)
  return { status: 'failed', failure: failureOfDelivery(code), ...(isContentRefused && { isContentRefused }) }
}
