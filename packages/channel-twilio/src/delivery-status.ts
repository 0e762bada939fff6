import { isIP } from 'node:net'
import type { DeliveryStatus, InboundEvent } from '@plugboard/core'
import { failureOfDelivery } from './failure.js'

/** Parameter of the callback's query that names the delivery. The signature covers it. */
const DELIVERY = 'delivery'

/**
 * Where Twilio tells what becomes of a message. Undefined where Twilio would refuse the whole message for the address
 * (error 21609): a name with an underscore, or of this machine, as on a developer's.
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

/** The delivery that a callback is about. Undefined for messages that others sent with this account. */
export function deliveryIdIn(publicUrl: string): string | undefined {
  return (URL.canParse(publicUrl) && new URL(publicUrl).searchParams.get(DELIVERY)) || undefined
}

/** Twilio's words; what is not here (queued, sending, accepted …) tells nothing that `deliver` did not. */
const STATUSES: ReadonlyMap<string, DeliveryStatus> = new Map([
  ['sent', 'sent'],
  ['delivered', 'delivered'],
  ['read', 'read'],
  ['undelivered', 'failed'],
  ['failed', 'failed'],
  ['canceled', 'failed'],
])

/** What a callback tells of a delivery. */
export function deliveryUpdate(
  status: string,
  errorCode: string | undefined,
): Pick<Extract<InboundEvent, { type: 'delivery' }>, 'status' | 'failure'> | undefined {
  const known = STATUSES.get(status)
  if (known !== 'failed') return known && { status: known }
  const code = errorCode !== undefined && /^[1-9]\d{3,5}$/.test(errorCode) ? Number(errorCode) : undefined
  return { status: 'failed', failure: failureOfDelivery(code) }
}
