import {
  type InboundContent,
  isJsonObject,
  type JsonObject,
  jsonFault,
  parseJsonObject,
} from '@plugboard/core'
import { z } from 'zod'
import { numberIn } from './endpoint.js'
import { words } from './message-parts.js'

const said = z.string().optional().catch(undefined)

/** An id of a file, which becomes a part of a path. */
export const fileIdSchema = z.string().regex(/^\d{1,64}$/)

const fileSchema = z.object({
  id: fileIdSchema,
  mime_type: z
    .string()
    .regex(/^[\w.+-]+\/[^\r\n]{1,100}$/)
    .optional()
    .catch(undefined),
  caption: said,
  filename: said,
  voice: z.boolean().optional().catch(undefined),
})
const placeSchema = z.object({
  latitude: z.number().min(-90).max(90),
  longitude: z.number().min(-180).max(180),
  name: said,
  address: said,
})
const contactSchema = z.object({
  name: z.object({ formatted_name: said, first_name: said, last_name: said }).optional().catch(undefined),
  org: z.object({ company: said }).optional().catch(undefined),
  phones: z
    .array(z.object({ phone: said, wa_id: said }))
    .max(50)
    .catch([]),
  emails: z
    .array(z.object({ email: said }))
    .max(50)
    .catch([]),
  vcard: said,
})
const contactsSchema = z.array(contactSchema).min(1).max(257)
const orderSchema = z.object({
  catalog_id: words,
  text: said,
  product_items: z
    .array(
      z.object({
        product_retailer_id: words,
        quantity: z.coerce.number().catch(1),
        item_price: z.coerce.number().catch(0),
        currency: words,
      }),
    )
    .max(1000),
})
const formSchema = z.object({ name: words, body: words, response_json: z.string() })

/** A text for something that cannot be shown: its kind in brackets. */
export const notice = (kind: string): { type: 'text'; text: string } => ({
  type: 'text',
  text: `[${/^\w{1,64}$/.test(kind) ? kind : 'message'}]`,
})

const text = (value: string): InboundContent => ({ type: 'text', text: value })

type Fields = { [field: string]: unknown }
type Reader = (message: Fields) => InboundContent | undefined

/** How WhatsApp's types of files are called here. */
const FILES: Readonly<Record<string, string>> = {
  image: 'image',
  sticker: 'image',
  video: 'video',
  audio: 'audio',
  voice: 'voice',
  document: 'file',
}

const file =
  (kind: string): Reader =>
  (message) => {
    const { data } = fileSchema.safeParse(message[kind])
    if (!data) return undefined
    const { id: ref, mime_type: mime, filename: name, caption, voice } = data
    return {
      type: voice ? 'voice' : (FILES[kind] ?? 'file'),
      media: { ref, ...(mime && { mime }), ...(name && { name }) },
      ...(caption && { title: caption }),
    }
  }

function place({ location }: Fields): InboundContent | undefined {
  const { data } = placeSchema.safeParse(location)
  if (!data) return undefined
  const { latitude, longitude, name, address } = data
  return {
    ...{ type: 'location', latitude, longitude },
    ...(name && { title: name }),
    ...(address && { address }),
  }
}

/** Contacts as vCards, as on other channels. */
function contacts(message: Fields): InboundContent | undefined {
  const { data } = contactsSchema.safeParse(message.contacts)
  return data && text(data.map(vcardOf).join('\n'))
}

/** RFC 2426. */
function vcardOf({ name, org, phones, emails, vcard }: z.infer<typeof contactSchema>): string {
  if (vcard) return vcard
  const { formatted_name, first_name = '', last_name = '' } = name ?? {}
  return [
    'BEGIN:VCARD',
    'VERSION:3.0',
    `N:${escaped(last_name)};${escaped(first_name)};;;`,
    `FN:${escaped(formatted_name ?? [first_name, last_name].filter(Boolean).join(' '))}`,
    ...(org?.company ? [`ORG:${escaped(org.company)}`] : []),
    ...phones.flatMap(({ phone, wa_id }) => (phone || wa_id ? [`TEL:${escaped(phone || `+${wa_id}`)}`] : [])),
    ...emails.flatMap(({ email }) => (email ? [`EMAIL:${escaped(email)}`] : [])),
    'END:VCARD',
  ].join('\n')
}

const escaped = (value: string): string => value.replace(/[\\;,]/g, '\\$&').replace(/\r?\n/g, '\\n')

/**
 * The person's own number, which the person shared with a button that asks for it; undefined for any other contact.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids/
 */
export function sharedNumberIn({ type, origin, ...message }: Fields): string | undefined {
  if (type !== 'contacts' || origin !== 'contact_request') return undefined
  const [contact, another] = contactsSchema.safeParse(message.contacts).data ?? []
  const [phone, further] = contact?.phones ?? []
  if (another || further) return undefined
  return numberIn(phone?.wa_id) ?? numberIn(phone?.phone?.replace(/[\s().-]/g, ''))
}

/** An order from a catalog, in words and as data. */
function order(message: Fields): InboundContent | undefined {
  const { data } = orderSchema.safeParse(message.order)
  if (!data) return undefined
  const items = data.product_items.map(
    ({ product_retailer_id: id, quantity, item_price: price, currency }) => ({
      ...{ id, quantity, price, currency },
    }),
  )
  const lines = items.map(({ id, quantity, price, currency }) => `${quantity} × ${id}, ${price} ${currency}`)
  return {
    ...{ type: 'order', text: [data.text, ...lines].filter(Boolean).join('\n') },
    ...{ catalogId: data.catalog_id, items },
  }
}

/** The answers of a form (a flow, or an address), in words and as data. Other interactions are named. */
function interactive(message: Fields): InboundContent | undefined {
  const kind = z.looseObject({ type: z.string() }).safeParse(message.interactive).data
  if (kind?.type !== 'nfm_reply') return kind && notice(kind.type)
  const { data } = formSchema.safeParse(kind.nfm_reply)
  const values = data && answersIn(data.response_json)
  if (!data || !values) return notice('nfm_reply')
  const lines = Object.entries(values).flatMap(([name, value]) =>
    name === 'flow_token' ? [] : linesOf(name, value),
  )
  return {
    ...{ type: 'form', text: lines.join('\n') || data.body || notice('form').text },
    ...(data.name && { name: data.name }),
    values,
  }
}

/** JSON in a text, within the limits of JSON from outside. */
const answersIn = (json: string): JsonObject | undefined =>
  jsonFault(Buffer.from(json)) === undefined ? parseJsonObject(json) : undefined

const linesOf = (name: string, value: JsonObject[string]): string[] => {
  if (isJsonObject(value)) return Object.entries(value).flatMap(([inner, its]) => linesOf(inner, its))
  const parts = (Array.isArray(value) ? value : [value]).filter((part) => typeof part !== 'object')
  const shown = parts.join(', ')
  return shown === '' ? [] : [`${name}: ${shown}`]
}

const unsupportedSchema = z.object({ type: z.string() })

const readers: Readonly<Record<string, Reader>> = {
  text: ({ text: value }) => {
    const { data } = z.object({ body: z.string().min(1) }).safeParse(value)
    return data && text(data.body)
  },
  button: ({ button }) => {
    const { data } = z.object({ text: z.string().min(1) }).safeParse(button)
    return data && text(data.text)
  },
  ...Object.fromEntries(Object.keys(FILES).map((kind) => [kind, file(kind)])),
  location: place,
  contacts,
  order,
  interactive,
  unsupported: ({ unsupported }) => {
    const { data } = unsupportedSchema.safeParse(unsupported)
    return data && notice(data.type)
  },
}

/** What a person wrote. A kind that is unknown, or has an unexpected form, is a text with its name in brackets. */
export function contentOf(message: Fields & { type: string }): InboundContent {
  const reader = Object.hasOwn(readers, message.type) ? readers[message.type] : undefined
  return reader?.(message) ?? notice(message.type)
}
