import { z } from 'zod'
import { few, jsonObject, short, small } from '../bounded-schemas.js'

/** Content of messages, §"Content" of the API's document: what may be posted. */

const MAX_METADATA_BYTES = 4096
const metadata = small(
  z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  MAX_METADATA_BYTES,
  `metadata is limited to ${MAX_METADATA_BYTES} bytes in size.`,
).optional()
const label = z.string().min(1).max(128)
const url = short(z.url(), 2048)
const payload = z.string().min(1).max(1000)
const text = z.string().min(1).max(4096)

const reply = z.object({
  type: z.literal('reply'),
  text: label,
  payload,
  iconUrl: url.optional(),
  metadata,
})
const postback = z.object({ type: z.literal('postback'), text: label, payload, metadata })
const link = z.object({
  type: z.literal('link'),
  text: label,
  uri: z.string().min(1).max(2048),
  default: z.boolean().optional(),
  metadata,
})
const webview = z.object({
  type: z.literal('webview'),
  text: label,
  uri: z.string().min(1).max(2048),
  fallback: z.string().min(1).max(2048),
  size: z.enum(['compact', 'tall', 'full']).optional(),
  openOnReceive: z.boolean().optional(),
  default: z.boolean().optional(),
  metadata,
})
const buy = z.object({
  type: z.literal('buy'),
  text: label,
  amount: z.int(),
  currency: z.string().optional(),
  metadata,
})
const locationRequest = z.object({ type: z.literal('locationRequest'), text: label, metadata })

/** Actions of a message. */
export const actionSchema = z.discriminatedUnion('type', [
  reply,
  postback,
  link,
  webview,
  buy,
  locationRequest,
])

/** On items and lists, replies and requests for a place are not allowed. */
const itemActionSchema = z.discriminatedUnion('type', [postback, link, webview, buy])

export const itemSchema = z.object({
  title: label,
  description: z.string().min(1).max(128).optional(),
  mediaUrl: url.optional(),
  mediaType: z.string().max(128).optional(),
  altText: z.string().min(1).max(128).optional(),
  size: z.enum(['compact', 'large']).optional(),
  actions: few(itemActionSchema, { min: 1, max: 3 }),
  metadata,
})

const texts = {
  text: text.optional(),
  htmlText: text.optional(),
  markdownText: text.optional(),
}

const oneMarkup = ({ htmlText, markdownText }: { htmlText?: unknown; markdownText?: unknown }): boolean =>
  htmlText === undefined || markdownText === undefined
const ONE_MARKUP = 'htmlText and markdownText exclude each other'

const textContent = z
  .object({
    type: z.literal('text'),
    ...texts,
    payload: z.string().max(4096).optional(),
    actions: few(actionSchema, { min: 1, max: 10 }).optional(),
    blockChatInput: z.boolean().optional(),
  })
  .refine(oneMarkup, ONE_MARKUP)
  .refine(
    ({ text, htmlText, markdownText, actions }) =>
      (text ?? htmlText ?? markdownText ?? actions) !== undefined,
    "should have one of the properties 'text', 'htmlText', 'markdownText', 'actions'",
  )

const media = {
  mediaUrl: url,
  altText: z.string().min(1).max(128).optional(),
  attachmentId: z.string().optional(),
  ...texts,
}

const field = {
  name: label,
  label,
  placeholder: z.string().min(1).max(128).optional(),
}
const size = { minSize: z.int().min(1).max(256).optional(), maxSize: z.int().min(1).max(256).optional() }
const formField = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('text'),
    ...field,
    ...size,
    format: z.enum(['integer', 'decimal']).optional(),
  }),
  z.object({ type: z.literal('email'), ...field }),
  z.object({
    type: z.literal('select'),
    ...field,
    options: few(z.object({ name: label, label }), { min: 1, max: 200 }),
  }),
])

/** Content of a message. */
export const contentSchema = z.discriminatedUnion('type', [
  textContent,
  z
    .object({
      type: z.literal('image'),
      ...media,
      actions: few(actionSchema, { min: 1, max: 10 }).optional(),
    })
    .refine(oneMarkup, ONE_MARKUP),
  z.object({ type: z.literal('file'), ...media }).refine(oneMarkup, ONE_MARKUP),
  z.object({
    type: z.literal('location'),
    coordinates: z.object({ lat: z.number().min(-90).max(90), long: z.number().min(-180).max(180) }),
    location: z.object({ address: z.string().optional(), name: z.string().optional() }).optional(),
  }),
  z.object({
    type: z.literal('carousel'),
    items: few(itemSchema, { min: 1, max: 10 }),
    displaySettings: z.object({ imageAspectRatio: z.enum(['horizontal', 'square']).optional() }).optional(),
  }),
  z.object({
    type: z.literal('list'),
    items: few(itemSchema, { min: 1, max: 10 }),
    actions: few(itemActionSchema, { min: 1, max: 10 }).optional(),
  }),
  z.object({
    type: z.literal('form'),
    text: text.optional(),
    fields: few(formField, { min: 1, max: 20 }),
    blockChatInput: z.boolean().optional(),
  }),
  z.object({ type: z.literal('template'), template: jsonObject }),
])
