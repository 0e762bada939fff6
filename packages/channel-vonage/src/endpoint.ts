import type { Endpoint } from '@plugboard/core'

/**
 * An address has the name of Vonage's channel before the number or id: `sms:447700900000`. On WhatsApp it is the number or
 * the id alone, as in the Messaging API.
 */
const PREFIXED = /^([a-z][a-z0-9_]{1,30}):(.+)$/s

/** A channel's name in Vonage's requests. */
export const isChannelName = (name: string): boolean => /^[a-z][a-z0-9_]{1,30}$/.test(name)

/** A person writes SMS and MMS from one number, in one conversation. */
export function addressOf(channel: string, id: string): string {
  if (channel === 'whatsapp') return id
  return `${channel === 'mms' ? 'sms' : channel}:${id}`
}

/** Vonage's channel of an endpoint. `sms` may also mean `mms`. */
export const channelOf = ({ sender }: Pick<Endpoint, 'sender'>): string =>
  PREFIXED.exec(sender)?.[1] ?? 'whatsapp'

/** The number or id in an address. Vonage wants numbers without their plus. */
export const idOf = (address: string): string =>
  (PREFIXED.exec(address)?.[2] ?? address).replace(/^\+(?=\d+$)/, '')

export const isWhatsApp = (endpoint: Pick<Endpoint, 'sender'>): boolean => channelOf(endpoint) === 'whatsapp'

/**
 * Whether MMS can go there: from a number or a short code of the United States, to people there and in Canada. Numbers of
 * both begin with 1. https://developer.vonage.com/en/messages/concepts/mms
 */
export const hasMms = ({ identity, sender }: Pick<Endpoint, 'identity' | 'sender'>): boolean =>
  /^sms:\+?1\d{10}$/.test(sender) && /^sms:(\+?1\d{10}|\d{5,6})$/.test(identity)
