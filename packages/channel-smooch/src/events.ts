import { isStorable } from '@plugboard/core'
import { z } from 'zod'

/** Parts of a request that are not as documented are as if they were not there. */
const optional = <T extends z.ZodType>(schema: T) => schema.optional().catch(undefined)
const text = optional(z.string())
const id = z.string().min(1).max(200).refine(isStorable, 'cannot be an id')

const user = z.object({
  id,
  profile: optional(z.object({ givenName: text, surname: text, email: text, locale: text })),
})
const conversation = z.object({ id })
const author = z.object({
  type: z.enum(['user', 'business']),
  userId: optional(id),
  user: optional(user),
  displayName: text,
})

/** Content of a message: https://developer.zendesk.com/api-reference/conversations/#tag/Messages */
const content = z.object({
  type: z.string(),
  text,
  payload: text,
  mediaUrl: text,
  mediaType: text,
  mediaSize: optional(z.number().int().min(0)),
  altText: text,
  coordinates: optional(z.object({ lat: z.number().min(-90).max(90), long: z.number().min(-180).max(180) })),
  location: optional(z.object({ name: text, address: text })),
  fields: optional(z.array(z.unknown()).max(100)),
  textFallback: text,
})

const message = z.object({
  id,
  received: text,
  author,
  content: optional(content),
  quotedMessage: optional(
    z.object({ externalMessageId: optional(id), message: optional(z.object({ id: optional(id) })) }),
  ),
  deleted: optional(z.boolean()),
})

const referral = optional(z.object({ code: text }))
const delivery = z.object({
  conversation,
  user,
  message: z.object({ id }),
  error: optional(z.object({ code: text, underlyingError: optional(z.object({ code: z.coerce.string() })) })),
})

/** The payloads of events that mean something here: https://developer.zendesk.com/api-reference/conversations/#tag/Webhooks */
export const payloads = {
  'conversation:message': z.object({ conversation, message }),
  'conversation:postback': z.object({ conversation, user, postback: z.object({ payload: z.string() }) }),
  'conversation:read': z.object({ conversation, activity: z.object({ author }) }),
  'conversation:create': z.object({ conversation, user, creationReason: text, referral }),
  'conversation:referral': z.object({ conversation, user, referral }),
  'conversation:message:delivery:channel': delivery,
  'conversation:message:delivery:user': delivery,
  'conversation:message:delivery:failure': delivery,
  'client:update': z.object({ conversation, user, client: z.object({ status: z.string() }) }),
  'user:merge': z.object({
    mergedUsers: z.object({ surviving: user, discarded: user }),
    mergedConversations: optional(z.object({ surviving: conversation, discarded: conversation })),
  }),
} as const

export type Payload<T extends keyof typeof payloads> = z.infer<(typeof payloads)[T]>
export type User = z.infer<typeof user>
export type Content = z.infer<typeof content>

/** A request. An event that is malformed does not harm the others. */
export const requestSchema = z.object({
  app: z.object({ id }),
  events: z.array(
    z
      .object({ id, createdAt: text, type: z.string(), payload: z.unknown().optional() })
      .optional()
      .catch(undefined),
  ),
})
