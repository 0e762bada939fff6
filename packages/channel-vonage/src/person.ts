import type { Alias, Endpoint, Person } from '@plugboard/core'
import { addressOf } from './endpoint.js'
import type { Webhook, WhatsAppUser } from './webhook.js'

/** A telephone number as Vonage writes it. */
const NUMBER = /^[1-9]\d{6,14}$/
/** Channels on which people have numbers. */
const TELEPHONE = ['whatsapp', 'sms', 'mms', 'rcs', 'viber_service']

/**
 * Other addresses of a person on WhatsApp: the number, which may be another person's later, and the ids for this business
 * and for the enterprise that it belongs to.
 */
export function aliasesOf({ sender }: Endpoint, user: WhatsAppUser | undefined): Alias[] | undefined {
  const { user_id, parent_user_id, wa_id } = user ?? {}
  const numbers = [wa_id, sender].filter((each) => each !== undefined && NUMBER.test(each))
  const aliases = [
    ...[user_id, parent_user_id].flatMap((id) =>
      id === undefined ? [] : [{ sender: addressOf('whatsapp', id) }],
    ),
    ...numbers.flatMap((number) => (number === undefined ? [] : [{ sender: number, isReassignable: true }])),
  ]
  const unique = aliases.filter((alias, i) => aliases.findIndex((each) => each.sender === alias.sender) === i)
  const isOnlyItself = unique.every((alias) => alias.sender === sender)
  return user_id === undefined || isOnlyItself ? undefined : unique
}

export function personOf({ channel, from, profile, whatsapp }: Webhook): Person {
  const number = [whatsapp?.sender?.wa_id, from].find((each) => each !== undefined && NUMBER.test(each))
  const phone = TELEPHONE.includes(channel) ? number : undefined
  return {
    ...(profile?.name && { name: profile.name }),
    ...(phone !== undefined && { phone: `+${phone}`, verified: ['phone'] }),
  }
}
