import { type Endpoint, FailureError } from '@plugboard/core'

/** A room of several people: https://developers.facebook.com/documentation/business-messaging/whatsapp/groups/groups-messaging/ */
export const isGroup = ({ thread }: Pick<Endpoint, 'thread'>): boolean => thread !== '*'

/** A telephone number with its country code, as WhatsApp writes it. */
const NUMBER = /^\+?(\d{5,20})$/
/**
 * The id of a person for one business, `US.1349…`, or for linked businesses, `US.ENT.118…`.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids/
 */
const USER_ID = /^[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}$/

/** The digits of a number; undefined for anything else. */
export const numberIn = (text: string | undefined): string | undefined => NUMBER.exec(text ?? '')?.[1]

export const userIdIn = (text: string | undefined): string | undefined =>
  text !== undefined && USER_ID.test(text) ? text : undefined

/**
 * Who gets a message. An id goes into `recipient`: in `to`, WhatsApp accepts it and delivers nothing.
 * @throws FailureError for an address that WhatsApp cannot have
 */
export function recipientOf({ sender, thread }: Endpoint): Record<string, string> {
  if (thread !== '*') return { recipient_type: 'group', to: thread }
  const to = numberIn(sender)
  if (to !== undefined) return { recipient_type: 'individual', to }
  const recipient = userIdIn(sender)
  if (recipient !== undefined) return { recipient_type: 'individual', recipient }
  const message =
    'the sender of the endpoint is neither a telephone number with its country code nor an id of WhatsApp'
  throw new FailureError({ kind: 'recipient', message })
}
