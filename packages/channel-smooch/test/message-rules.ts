import { z } from 'zod'

/** What may be posted: https://developer.zendesk.com/api-reference/conversations/#tag/Messages, 17.12. */

const wellFormed = z.string().refine((text) => text.isWellFormed(), 'is not UTF-8')
const text = wellFormed.min(1).max(4096)
const label = wellFormed.min(1).max(128)
const url = z.url().max(2048)
const payload = z.string().min(1).max(1000)

const reply = z.strictObject({ type: z.literal('reply'), text: label, payload })
const postback = z.strictObject({ type: z.literal('postback'), text: label, payload })
const link = z.strictObject({ type: z.literal('link'), text: label, uri: url })
const actions = z
  .array(z.discriminatedUnion('type', [reply, postback, link]))
  .min(1)
  .max(10)
/** Replies are not allowed on items. */
const itemActions = z
  .array(z.discriminatedUnion('type', [postback, link]))
  .min(1)
  .max(3)

const item = z.strictObject({
  title: label,
  description: label.optional(),
  mediaUrl: url.optional(),
  actions: itemActions,
})

const content = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('text'),
    text,
    markdownText: text.optional(),
    actions: actions.optional(),
  }),
  z.strictObject({
    type: z.literal('image'),
    mediaUrl: url,
    text: text.optional(),
    actions: actions.optional(),
  }),
  z.strictObject({ type: z.literal('file'), mediaUrl: url, text: text.optional() }),
  z.strictObject({
    type: z.literal('location'),
    coordinates: z.strictObject({ lat: z.number(), long: z.number() }),
    location: z.strictObject({ address: wellFormed.optional(), name: wellFormed.optional() }).optional(),
  }),
  z.strictObject({ type: z.literal('carousel'), items: z.array(item).min(1).max(10) }),
  z.strictObject({
    type: z.literal('template'),
    template: z.strictObject({
      name: wellFormed.min(1),
      language: z.strictObject({ policy: z.literal('deterministic'), code: wellFormed.min(1) }),
      components: z
        .array(
          z.strictObject({
            type: z.literal('body'),
            parameters: z.array(z.strictObject({ type: z.literal('text'), text: wellFormed })).min(1),
          }),
        )
        .optional(),
    }),
  }),
])

const business = z.strictObject({ type: z.literal('business') })

/** A message of the business. A template needs the schema of WhatsApp. */
export const messageSchema = z
  .strictObject({ author: business, content, schema: z.literal('whatsapp').optional() })
  .refine(
    ({ content: { type }, schema }) => (type === 'template') === (schema === 'whatsapp'),
    'wrong schema',
  )

export const activitySchema = z.strictObject({
  author: business,
  type: z.enum(['conversation:read', 'typing:start', 'typing:stop']),
})
