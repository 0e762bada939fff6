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
import { channelOf, hasMms, isWhatsApp } from './endpoint.js'
import { fitOnButtons, fitsOnButton, type Interactive, interactive } from './interactive.js'
import { MAX_BODY, MAX_PLACE, maxTextAt } from './limits.js'

/** A file by its address. */
type SentFile = { url: string; caption?: string }

/** A message without sender and recipient, as Vonage takes it: https://developer.vonage.com/en/api/messages */
export type MessageArgs = {
  channel: string
  message_type: string
  text?: string
  image?: SentFile
  audio?: SentFile
  video?: SentFile
  file?: SentFile
  custom?: Custom
  template?: { name: string; parameters?: string[] }
  whatsapp?: { policy: 'deterministic'; locale: string }
}

/** What WhatsApp itself takes, unchanged. */
type Custom =
  | { type: 'location'; location: { latitude: number; longitude: number; name?: string; address?: string } }
  | { type: 'interactive'; interactive: Interactive }

/** Turns content into messages, one per part. */
export function render(content: OutboundContent, endpoint: Endpoint): Part[] {
  // The host passes only types of `capabilities`.
  const known = content as Content
  switch (known.type) {
    case 'text':
      return says(endpoint, formatted(known, endpoint))
    case 'image':
      return file('image', known.image, known.title, endpoint)
    case 'audio':
      return file('audio', known.audio, known.title, endpoint)
    case 'video':
      return file('video', known.video, known.title, endpoint)
    case 'file':
      return file('file', known.file, known.title, endpoint)
    case 'location':
      return place(known, endpoint)
    case 'single-choice':
      return question(known, endpoint)
    case 'card':
      return card(known, endpoint)
    case 'template':
      return [template(known)]
    default:
      return []
  }
}

const message = (
  channel: string,
  message_type: string,
  fields: Omit<MessageArgs, 'channel' | 'message_type'>,
): Part => ({
  call: 'message',
  args: { channel, message_type, ...fields } satisfies MessageArgs,
})

/** Texts within the limit. The host has split them, but converted Markdown may be longer than its source. */
function says(endpoint: Endpoint, ...lines: (string | undefined)[]): Part[] {
  const text = lines.filter(Boolean).join('\n').toWellFormed()
  if (!text.trim()) return []
  const channel = channelOf(endpoint)
  return splitText(text, maxTextAt(endpoint)).map((each) => message(channel, 'text', { text: each }))
}

function formatted(
  { text, markdown }: { text: string; markdown?: boolean | undefined },
  endpoint: Endpoint,
): string {
  if (!markdown) return text
  // A text of only link definitions shows nothing.
  return (isWhatsApp(endpoint) ? toWhatsApp(text) : toPlainText(text)) || text
}

/** Pictures that WhatsApp does not support; it supports JPEG and PNG. */
const NO_PICTURE_ON_WHATSAPP = /\.(avif|bmp|gif|heic|svg|tiff?|webp)$/i

function isPicture(image: string): boolean {
  return !NO_PICTURE_ON_WHATSAPP.test(isUrl(image) ? new URL(image).pathname : '')
}

/** Types of files that a title can be beside. */
const CAPTIONED: Readonly<Record<string, readonly string[]>> = {
  whatsapp: ['image', 'video', 'file'],
  mms: ['image', 'audio', 'video'],
}

/** A file by its address. Where it has no caption, its title is a text before it. */
function file(
  type: 'image' | 'audio' | 'video' | 'file',
  url: string,
  title: string | undefined,
  endpoint: Endpoint,
): Part[] {
  const channel = hasMms(endpoint) ? 'mms' : channelOf(endpoint)
  if (channel === 'whatsapp' && type === 'image' && !isPicture(url)) return says(endpoint, title, url)
  const sent = url.toWellFormed()
  // A blank caption is refused.
  if (!title?.trim()) return [message(channel, type, { [type]: { url: sent } })]
  if (CAPTIONED[channel]?.includes(type))
    return [message(channel, type, { [type]: { url: sent, caption: title.toWellFormed() } })]
  return [...says(endpoint, title), message(channel, type, { [type]: { url: sent } })]
}

/** Six decimals are about 10 cm. */
const degrees = (value: number): number => Number(value.toFixed(6))

function place({ latitude, longitude, title, address }: ContentOf<'location'>, endpoint: Endpoint): Part[] {
  const words = [title, address].filter(Boolean).join('\n')
  const isShort = words.length <= MAX_PLACE
  const location = {
    ...{ latitude: degrees(latitude), longitude: degrees(longitude) },
    ...(isShort && title?.trim() && { name: title.toWellFormed() }),
    ...(isShort && address?.trim() && { address: address.toWellFormed() }),
  }
  const sent = message('whatsapp', 'custom', { custom: { type: 'location', location } })
  return isShort ? [sent] : [...says(endpoint, words), sent]
}

/** https://developer.vonage.com/en/messages/concepts/whatsapp#message-templates */
const template = ({ name, language, parameters = [] }: ContentOf<'template'>): Part =>
  message('whatsapp', 'template', {
    whatsapp: { policy: 'deterministic', locale: language.toWellFormed() },
    template: {
      name: name.toWellFormed(),
      ...(parameters.length > 0 && { parameters: parameters.map((each) => each.toWellFormed()) }),
    },
  })

const asks = (fields: Interactive): Part =>
  message('whatsapp', 'custom', { custom: { type: 'interactive', interactive: fields } })

/** Buttons are below a text, so what is longer comes before it. */
function question({ text, choices, markdown }: ContentOf<'single-choice'>, endpoint: Endpoint): Part[] {
  const [before, body] = cut(formatted({ text, markdown }, endpoint))
  return [...says(endpoint, before), asks(interactive({ body, choices }))]
}

/** A picture, texts and buttons in one message. Links are lines, unless there is one alone. */
function card({ title, subtitle, image, actions, markdown }: ContentOf<'card'>, endpoint: Endpoint): Part[] {
  const choices = actions.flatMap((action) => {
    if (action.action === 'Open URL') return []
    return [{ title: action.title, value: action.action === 'Postback' ? action.payload : action.text }]
  })
  const links = actions.filter((action) => action.action === 'Open URL')
  const [link] =
    links.length === 1 && choices.length === 0
      ? links.filter(({ title, url }) => fitsOnButton(title) && isWeb(url))
      : []
  const lines = link ? [] : links.map((each) => [each.title, each.url].filter(Boolean).join(': '))
  const said = [title, subtitle].filter(Boolean).join('\n')
  const words = [said && formatted({ text: said, markdown }, endpoint), ...lines].filter(Boolean).join('\n')
  if (choices.length === 0 && !link) {
    if (image === undefined) return says(endpoint, words)
    if (words.length <= MAX_BODY) return file('image', image, words, endpoint)
    return [...file('image', image, undefined, endpoint), ...says(endpoint, words)]
  }
  const isHeader = image !== undefined && isPicture(image) && isWeb(image) && fitOnButtons(choices)
  const [before, body] = cut(words)
  return [
    ...(image !== undefined && !isHeader ? file('image', image, undefined, endpoint) : []),
    ...says(endpoint, before),
    asks(interactive({ body, choices, link, ...(isHeader && { image }) })),
  ]
}

const isWeb = (url: string): boolean => /^https?:\/\/[^\s/]/.test(url)

/** The last piece that fits above buttons, and what comes before it. */
function cut(text: string): [before: string, body: string] {
  const wellFormed = text.toWellFormed()
  const body = splitText(wellFormed, MAX_BODY).at(-1) ?? ''
  return [wellFormed.slice(0, wellFormed.lastIndexOf(body)).trimEnd(), body]
}
