import { z } from 'zod'

/**
 * What Vonage takes, from its reference (https://developer.vonage.com/en/api/messages, 1.17) and from its guides; buttons,
 * lists and places are checked by WhatsApp
 * (https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/interactive-reply-buttons-messages).
 */

const wellFormed = z.string().refine((text) => text.isWellFormed(), 'is not UTF-8')
const words = (max: number) => wellFormed.regex(/\S/, 'is blank').max(max)
const url = z.url({ protocol: /^https?$/ }).max(2000)
const media = z.strictObject({ url })
const captioned = (max: number) => z.strictObject({ url, caption: words(max).optional() })

const number = z.string().regex(/^[1-9]\d{6,14}$/, 'is no number')
const userId = z.string().regex(/^[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}$/, 'is no id')
const anyId = z.string().min(1).max(50)

const common = {
  client_ref: z.string().max(100),
  webhook_url: z.url({ protocol: /^https$/ }).optional(),
  webhook_version: z.enum(['v0.1', 'v1']).optional(),
}
const whatsApp = {
  ...common,
  channel: z.literal('whatsapp'),
  to: z.union([number, userId]),
  from: number,
}
const sms = {
  ...common,
  channel: z.literal('sms'),
  to: number,
  from: z.string().regex(/^(\w{1,11}|[1-9]\d{4,14})$/),
}
const mms = { ...common, channel: z.literal('mms'), to: z.string().regex(/^1\d{10}$/), from: number }
const messenger = { ...common, channel: z.literal('messenger'), to: anyId, from: anyId }
const viber = { ...common, channel: z.literal('viber_service'), to: number, from: anyId }
const rcs = { ...common, channel: z.literal('rcs'), to: number, from: anyId }

const replies = z
  .array(
    z.strictObject({
      type: z.literal('reply'),
      reply: z.strictObject({ id: z.string().min(1).max(256), title: words(20) }),
    }),
  )
  .min(1)
  .max(3)
  .refine((all) => new Set(all.map(({ reply }) => reply.title)).size === all.length, 'titles are not unique')
  .refine((all) => new Set(all.map(({ reply }) => reply.id)).size === all.length, 'ids are not unique')
const rows = z
  .array(z.strictObject({ id: z.string().min(1).max(200), title: words(24) }))
  .min(1)
  .max(10)
  .refine((all) => new Set(all.map(({ id }) => id)).size === all.length, 'ids are not unique')
const above = {
  header: z.strictObject({ type: z.literal('image'), image: z.strictObject({ link: url }) }).optional(),
  body: z.strictObject({ text: words(1024) }),
}
const interactive = z.discriminatedUnion('type', [
  z.strictObject({ ...above, type: z.literal('button'), action: z.strictObject({ buttons: replies }) }),
  z.strictObject({
    body: above.body,
    type: z.literal('list'),
    action: z.strictObject({ button: words(20), sections: z.array(z.strictObject({ rows })).length(1) }),
  }),
  z.strictObject({
    ...above,
    type: z.literal('cta_url'),
    action: z.strictObject({
      name: z.literal('cta_url'),
      parameters: z.strictObject({ display_text: words(20), url }),
    }),
  }),
])
const custom = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('interactive'), interactive }),
  z.strictObject({
    type: z.literal('location'),
    location: z.strictObject({
      latitude: z.number().min(-90).max(90),
      longitude: z.number().min(-180).max(180),
      name: words(1000).optional(),
      address: words(1000).optional(),
    }),
  }),
])

const of = <T extends string>(message_type: T) => ({ message_type: z.literal(message_type) })

/** Every request for a message that Vonage takes. */
export const messageSchema = z.union([
  z.strictObject({ ...whatsApp, ...of('text'), text: words(4096) }),
  z.strictObject({ ...whatsApp, ...of('image'), image: captioned(1024) }),
  z.strictObject({ ...whatsApp, ...of('audio'), audio: media }),
  z.strictObject({ ...whatsApp, ...of('video'), video: captioned(1024) }),
  z.strictObject({ ...whatsApp, ...of('file'), file: captioned(1024) }),
  z.strictObject({ ...whatsApp, ...of('custom'), custom }),
  z.strictObject({
    ...whatsApp,
    ...of('template'),
    whatsapp: z.strictObject({
      policy: z.literal('deterministic'),
      locale: z.string().regex(/^[a-z]{2,3}([_-][A-Z]{2})?$/),
    }),
    template: z.strictObject({ name: words(512), parameters: z.array(words(1024)).optional() }),
  }),
  z.strictObject({ ...sms, ...of('text'), text: words(1000) }),
  z.strictObject({ ...mms, ...of('image'), image: captioned(2000) }),
  z.strictObject({ ...mms, ...of('audio'), audio: captioned(2000) }),
  z.strictObject({ ...mms, ...of('video'), video: captioned(2000) }),
  z.strictObject({ ...messenger, ...of('text'), text: words(640) }),
  z.strictObject({ ...messenger, ...of('image'), image: media }),
  z.strictObject({ ...messenger, ...of('audio'), audio: media }),
  z.strictObject({ ...messenger, ...of('video'), video: media }),
  z.strictObject({ ...messenger, ...of('file'), file: media }),
  z.strictObject({ ...viber, ...of('text'), text: words(1000) }),
  z.strictObject({ ...viber, ...of('image'), image: media }),
  z.strictObject({ ...rcs, ...of('text'), text: words(3072) }),
  z.strictObject({ ...rcs, ...of('image'), image: media }),
  z.strictObject({ ...rcs, ...of('video'), video: media }),
  z.strictObject({ ...rcs, ...of('file'), file: media }),
])

export type SentMessage = z.infer<typeof messageSchema>

/** A mark of a person's message as read: https://developer.vonage.com/en/messages/concepts/whatsapp#mark-as-read */
export const updateSchema = z.strictObject({
  status: z.literal('read'),
  replying_indicator: z.strictObject({ show: z.boolean(), type: z.literal('text') }).optional(),
})
