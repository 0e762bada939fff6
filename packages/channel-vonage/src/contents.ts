import { type InboundContent, isJsonObject, type Json, type JsonObject, jsonObjectOf } from '@plugboard/core'
import { mediaUrl } from './media-url.js'
import type { Webhook } from './webhook.js'

/** The contents of a message: one, or one for each file of an MMS. */
export function contentsOf(webhook: Webhook): [InboundContent, ...InboundContent[]] {
  const { message_type: kind = 'message', content = [] } = webhook
  const [first, ...rest] = content.flatMap((each) => {
    if (each.type === 'text') return each.text ? [{ type: 'text', text: each.text }] : []
    return [fileOf(each.type, each) ?? notice(each.type)]
  })
  return first ? [first, ...rest] : [contentOf(webhook, kind)]
}

function contentOf(webhook: Webhook, kind: string): InboundContent {
  const { text, location, button, image, audio, video, file, vcard, sticker } = webhook
  switch (kind) {
    case 'text':
      return text ? { type: 'text', text } : notice('empty message')
    case 'location':
      return location ? placeOf(location) : notice(kind)
    case 'button':
      return formOf(button)
    case 'order':
    case 'contact':
      return { ...notice(kind), [kind]: detailsOf(webhook[kind]) }
    default: {
      const files = { image, audio, video, file, vcard, sticker }
      const known = Object.entries(files).find(([name]) => name === kind)
      return (known?.[1] && fileOf(kind, known[1])) ?? (text ? { type: 'text', text } : notice(kind))
    }
  }
}

/** A text for something that cannot be shown: its kind in brackets. */
const notice = (kind: string): InboundContent => ({
  type: 'text',
  text: `[${kind.replace(/[^\w .-]/g, '').slice(0, 50) || 'message'}]`,
})

const TYPES: Readonly<Record<string, string>> = {
  image: 'image',
  sticker: 'image',
  audio: 'audio',
  video: 'video',
  file: 'file',
  vcard: 'file',
}

/**
 * A file at Vonage is fetched with the credentials. A file elsewhere, such as at Facebook, has a public address, which the
 * bot gets as it is.
 */
function fileOf(
  kind: string,
  {
    url = '',
    name,
    caption,
  }: { url?: string | undefined; name?: string | undefined; caption?: string | undefined },
): InboundContent | undefined {
  const type = TYPES[kind]
  if (type === undefined) return undefined
  const title = caption && { title: caption }
  const named = name && { name }
  const own = mediaUrl(url)?.href
  if (own !== undefined) return { type, media: { ref: own, ...named }, ...title }
  return /^https:\/\/[^\s/]+\//.test(url) ? { type, url, ...named, ...title } : undefined
}

function placeOf({ lat, long, name, address }: NonNullable<Webhook['location']>): InboundContent {
  return {
    ...{ type: 'location', latitude: lat, longitude: long },
    ...(name && { title: name }),
    ...(address && { address }),
  }
}

/** An answered form (WhatsApp Flow), or a quick reply without a value. */
function formOf(button: Webhook['button']): InboundContent {
  const { payload, text } = button ?? {}
  const words = text ? { type: 'text', text } : notice('form')
  const form = detailsOf(payload)
  return isJsonObject(form) && Object.keys(form).length > 0 ? { ...words, form } : words
}

const detailsOf = (value: unknown): Json | JsonObject => jsonObjectOf(value)
