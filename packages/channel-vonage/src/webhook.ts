import { isStorable } from '@plugboard/core'
import { z } from 'zod'
import { isChannelName } from './endpoint.js'

/** Parts of a request that are not as documented are as if they were not there. */
const optional = <T extends z.ZodType>(schema: T) => schema.optional().catch(undefined)
const text = optional(z.string())
const id = z.string().min(1).max(200).refine(isStorable, 'cannot be an id')
const someId = optional(id)

/** What Vonage says of a person on WhatsApp: https://developer.vonage.com/en/messages/guides/handling-whatsapp-usernames-and-bsuids */
const userSchema = z.object({ user_id: someId, parent_user_id: someId, wa_id: someId })

const file = optional(z.object({ url: z.string(), name: text, caption: text }))

/** Most parts of one message that are read; an MMS has ten. */
const MAX_FILES = 20
/** A part of an MMS. An odd one does not cost the others. */
const partSchema = z
  .object({ type: z.string(), url: text, caption: text, text })
  .catch({ type: 'message', url: undefined, caption: undefined, text: undefined })

/** Both kinds of requests: https://developer.vonage.com/en/api/messages#webhooks */
export const webhookSchema = z.object({
  channel: z.string().refine(isChannelName, 'is not the name of a channel'),
  message_uuid: id,
  to: id,
  from: id,
  timestamp: text,
  /** Of a sent message: submitted, delivered, read, rejected, undeliverable. */
  status: text,
  client_ref: text,
  error: z.unknown().optional(),
  message_type: text,
  text,
  image: file,
  audio: file,
  video: file,
  file,
  vcard: file,
  sticker: file,
  /** Several files of one MMS. */
  content: optional(
    z
      .array(z.unknown())
      .transform((items) => items.slice(0, MAX_FILES).map((each) => partSchema.parse(each))),
  ),
  location: optional(
    z.object({
      lat: z.coerce.number().min(-90).max(90),
      long: z.coerce.number().min(-180).max(180),
      name: text,
      address: text,
    }),
  ),
  /** A pressed button or a chosen item of a list. */
  reply: optional(z.object({ id: z.string(), title: text, description: text })),
  /** A pressed quick reply of a template, or an answered form. */
  button: optional(z.object({ payload: z.unknown().optional(), text, subtype: text })),
  reaction: optional(z.object({ action: z.string(), emoji: text })),
  order: z.unknown().optional(),
  contact: z.unknown().optional(),
  /** The message that this one is about. */
  context: optional(z.object({ message_uuid: someId, message_from: text })),
  profile: optional(z.object({ name: text })),
  whatsapp: optional(
    z.object({
      sender: optional(userSchema),
      recipient: optional(userSchema),
      referral: z.unknown().optional(),
    }),
  ),
  /** Where the message is at Vonage: the region that has it. */
  _self: optional(z.object({ href: z.string() })),
})

export type Webhook = z.infer<typeof webhookSchema>
export type WhatsAppUser = z.infer<typeof userSchema>

/** Vonage's time; the time of receipt if it is none. */
export function timeOf({ timestamp = '' }: Webhook): Date {
  const at = /^\d{4}-\d\d-\d\d[T ]/.test(timestamp) ? new Date(timestamp) : undefined
  return at && !Number.isNaN(at.getTime()) ? at : new Date(0)
}
