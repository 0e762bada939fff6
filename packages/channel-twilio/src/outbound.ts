import {
  type Content,
  type ContentOf,
  type Endpoint,
  isUrl,
  type OutboundContent,
  type Part,
  splitText,
} from '@plugboard/core'
import { toPlainText, toWhatsApp } from '@plugboard/markdown'
import { hasMms, isWhatsApp } from './endpoint.js'
import { MAX_PLACE, MAX_TEXT } from './limits.js'

/** Arguments of a message without sender and recipient; the names are the SDK's. */
export type MessageArgs = {
  body?: string
  mediaUrl?: string[]
  persistentAction?: string[]
  contentSid?: string
  contentVariables?: string
}

/** Turns content into messages, one per part. The result does not depend on the sending number. */
export function render(content: OutboundContent, endpoint: Endpoint): Part[] {
  // The host passes only types of `capabilities`.
  const known = content as Content
  switch (known.type) {
    case 'text':
      return says(formatted(known, endpoint))
    case 'image':
      return picture(known, endpoint)
    case 'audio':
      return file(known.audio, known.title, endpoint)
    case 'video':
      return file(known.video, known.title, endpoint)
    case 'file':
      return file(known.file, known.title, endpoint)
    case 'location':
      return place(known, endpoint)
    case 'template':
      return template(known, endpoint)
    default:
      return []
  }
}

const CONTENT_SID = /^HX[0-9a-f]{32}$/i

/**
 * A template has its Content SID as the name: https://www.twilio.com/docs/content/send-templates-created-with-the-content-template-builder.
 * A template of another channel is its text; Twilio refuses one without.
 */
function template(content: ContentOf<'template'>, endpoint: Endpoint): Part[] {
  const { name, parameters = [], text } = content
  if (!CONTENT_SID.test(name) && text?.trim())
    return says(formatted({ type: 'text', text, markdown: content.markdown }, endpoint))
  const variables = Object.fromEntries(parameters.map((value, i) => [String(i + 1), value.toWellFormed()]))
  return [
    message({
      contentSid: name.toWellFormed(),
      ...(parameters.length > 0 && { contentVariables: JSON.stringify(variables) }),
    }),
  ]
}

const message = (args: MessageArgs): Part => ({ call: 'message', args })

/**
 * Texts within the limit. The host has split them, but converted Markdown may be longer than its source. Halves of
 * surrogate pairs are replaced, because some versions of the SDK's encoder combine them with the next character.
 */
const says = (...lines: (string | undefined)[]): Part[] => {
  const text = lines.filter(Boolean).join('\n').toWellFormed()
  return splitText(text, MAX_TEXT).map((body) => message({ body }))
}

function formatted({ text, markdown }: ContentOf<'text'>, endpoint: Endpoint): string {
  if (!markdown) return text
  // A text of only link definitions shows nothing.
  return (isWhatsApp(endpoint) ? toWhatsApp(text) : toPlainText(text)) || text
}

/** Pictures that WhatsApp does not support; it supports JPEG and PNG. */
const NO_PICTURE_ON_WHATSAPP = /\.(avif|bmp|gif|svg|tiff?|webp)$/i

function picture({ image, title }: ContentOf<'image'>, endpoint: Endpoint): Part[] {
  const path = isUrl(image) ? new URL(image).pathname : ''
  const isShown = isWhatsApp(endpoint) ? !NO_PICTURE_ON_WHATSAPP.test(path) : hasMms(endpoint)
  if (!isShown) return says(title, image)
  return [message({ mediaUrl: [image], ...(title && { body: title.toWellFormed() }) })]
}

/** On WhatsApp the title is a separate message, because Twilio drops a text beside a file that is not a picture. */
function file(url: string, title: string | undefined, endpoint: Endpoint): Part[] {
  if (!isWhatsApp(endpoint)) return says(title, url)
  return [...(title ? says(title) : []), message({ mediaUrl: [url] })]
}

function place(location: ContentOf<'location'>, endpoint: Endpoint): Part[] {
  const { title, address } = location
  const at = `${degrees(location.latitude)},${degrees(location.longitude)}`
  if (!isWhatsApp(endpoint)) {
    return says(title, address, mapOf(at))
  }
  // https://www.twilio.com/docs/whatsapp/message-features: geo:LATITUDE,LONGITUDE|LABEL, and the body is required.
  const words = [title, address].filter(Boolean).join('\n')
  if (words.length > MAX_PLACE)
    return [...says(words), message({ body: at, persistentAction: [`geo:${at}`] })]
  const label = (address || title || '').replace(/[\s|]+/g, ' ').trim()
  const action = label ? `geo:${at}|${label}` : `geo:${at}`
  return [
    message({ body: (title || address || at).toWellFormed(), persistentAction: [action.toWellFormed()] }),
  ]
}

/** A file or a place in words and with its address; undefined for a message that is a text already, or too long as one. */
export function asText({ body, mediaUrl = [], persistentAction = [] }: MessageArgs): MessageArgs | undefined {
  const maps = persistentAction.flatMap((action) => {
    const at = /^geo:([^|]+)/.exec(action)?.[1]
    return at === undefined ? [] : [mapOf(at)]
  })
  const links = [...mediaUrl, ...maps]
  const text = [body, ...links].filter(Boolean).join('\n')
  return links.length === 0 || text.length > MAX_TEXT ? undefined : { body: text }
}

const mapOf = (at: string): string => `https://www.google.com/maps/search/?api=1&query=${at}`

/** Six decimals are about 10 cm, and never print as `1e-7`. */
const degrees = (value: number): number => Number(value.toFixed(6))
