import {
  type Card,
  type Choice,
  type Content,
  type ContentOf,
  type Endpoint,
  FailureError,
  fileNameIn,
  isUrl,
  type Json,
  type OutboundContent,
  type Part,
  splitText,
} from '@plugboard/core'
import { toWhatsApp } from '@plugboard/markdown'
import { z } from 'zod'
import { isGroup } from './endpoint.js'
import {
  type FileType,
  MAX_BODY,
  MAX_BUTTON_LABEL,
  MAX_BUTTONS,
  MAX_CAPTION,
  MAX_PLACE,
  MAX_TEXT,
} from './limits.js'

/** A file of a message: by its address, or by the id of an upload. */
export type FileArgs = { link?: string; id?: string; caption?: string; filename?: string; voice?: true }

/** A message without its recipient, in the words of the API: `type`, and a field of that name. */
export type Message =
  | { type: 'text'; text: { body: string; preview_url?: true } }
  | { type: 'location'; location: { latitude: number; longitude: number; name?: string; address?: string } }
  | TemplateMessage
  | { type: 'interactive'; interactive: Interactive }
  | FileMessage

export type TemplateMessage = {
  type: 'template'
  template: { [field: string]: Json; components?: Json[] }
}

export type FileMessage = { [type in FileType]: { type: type } & { [field in type]: FileArgs } }[FileType]

type Interactive = {
  type: string
  header?: { [field: string]: Json }
  body: { text: string }
  action: { [field: string]: Json }
}

/** Turns content into messages, one per part. */
export function render(content: OutboundContent, endpoint: Endpoint): Part[] {
  // The host passes only types of `capabilities`.
  const known = content as Content
  switch (known.type) {
    case 'text':
      return interactiveOf(known, endpoint) ?? says(formatted(known.text, known.markdown))
    case 'image':
      return file(NO_PICTURE.test(pathOf(known.image)) ? 'document' : 'image', known.image, known.title)
    case 'video':
      return file('video', known.video, known.title)
    case 'file':
      return file('document', known.file, known.title)
    // WhatsApp shows no words beside sound.
    case 'audio':
      return [...says(known.title ?? ''), ...file('audio', known.audio)]
    case 'voice':
      return [
        ...says(known.title ?? ''),
        ...file('audio', known.audio, undefined, VOICE.test(pathOf(known.audio))),
      ]
    case 'location':
      return place(known)
    case 'single-choice':
      return asks(formatted(known.text, known.markdown), known.choices)
    case 'card':
      return card(known)
    case 'template':
      return template(known)
    default:
      return []
  }
}

const message = (args: Message): Part => ({ call: 'message', args })

/** Texts within the limit. The host has split them, but converted Markdown may be longer than its source. */
const says = (text: string): Part[] =>
  splitText(text.toWellFormed(), MAX_TEXT)
    .filter((body) => body.trim() !== '')
    .map((body) => message(textMessage(body)))

const textMessage = (body: string): Message => ({
  type: 'text',
  text: { body, ...(/https?:\/\//i.test(body) && { preview_url: true }) },
})

/** A text of only link definitions shows nothing. */
const formatted = (text: string, isMarkdown = false): string => (isMarkdown ? toWhatsApp(text) || text : text)

const interactiveSchema = z.looseObject({
  type: z.string().regex(/^[a-z_]{1,50}$/),
  header: z.record(z.string(), z.json()).optional(),
  action: z.record(z.string(), z.json()),
})

/**
 * A text with `interactive` as the API has it: a flow, products, or a request for the number or the place of the person.
 * Its body is the text, which is all that other channels show. Undefined for any other text, and in a group, which takes no
 * such message.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/interactive-messages
 * @throws FailureError for a longer text
 */
function interactiveOf(
  { text, markdown, interactive: given }: ContentOf<'text'>,
  endpoint: Endpoint,
): Part[] | undefined {
  const { data } = interactiveSchema.safeParse(given)
  if (!data || isGroup(endpoint)) return undefined
  const { type, header, action, ...more } = data
  const words = formatted(text, markdown).toWellFormed()
  if (words.length > MAX_BODY) {
    const reason = `the text of an interactive message has at most ${MAX_BODY} characters`
    throw new FailureError({ kind: 'invalid', message: reason })
  }
  const interactive: Interactive = { ...more, type, ...(header && { header }), body: { text: words }, action }
  return [message({ type: 'interactive', interactive })]
}

/** Pictures that WhatsApp does not show; it shows JPEG and PNG. As documents they arrive. */
const NO_PICTURE = /\.(avif|bmp|gif|heic|svg|tiff?|webp)$/i
/** Only Opus in Ogg can be a voice message, which has a microphone and a wave. */
const VOICE = /\.(og[ag]|opus)$/i

const pathOf = (url: string): string => (isUrl(url) ? new URL(url).pathname : '')

/** Longest address that is sent as one, in UTF-16 units. */
const MAX_ADDRESS = 2000

const isWebAddress = (text: string): boolean =>
  text.length <= MAX_ADDRESS && isUrl(text) && /^https?:$/.test(new URL(text).protocol)

/** A file by its address; what is no address is a text. */
function file(type: FileType, link: string, title?: string, isVoice = false): Part[] {
  if (!isWebAddress(link)) return says([title, link].filter(Boolean).join('\n'))
  const filename = type === 'document' ? fileNameIn(link) : undefined
  const args: FileArgs = {
    link,
    ...(title && { caption: title.toWellFormed() }),
    ...(filename && { filename }),
    ...(isVoice && { voice: true }),
  }
  return [message(fileMessage(type, args))]
}

/** A computed field loses its name in TypeScript. */
export function fileMessage(type: FileType, file: FileArgs): FileMessage {
  switch (type) {
    case 'image':
      return { type, image: file }
    case 'video':
      return { type, video: file }
    case 'audio':
      return { type, audio: file }
    case 'document':
      return { type, document: file }
  }
}

function place({ latitude, longitude, title = '', address = '' }: ContentOf<'location'>): Part[] {
  const at = { latitude: degrees(latitude), longitude: degrees(longitude) }
  if (Math.max(title.length, address.length) > MAX_PLACE)
    return [...says([title, address].filter(Boolean).join('\n')), message({ type: 'location', location: at })]
  // An address is shown only beside a name.
  const name = title || address
  const location = {
    ...at,
    ...(name && { name: name.toWellFormed() }),
    ...(title && address && { address: address.toWellFormed() }),
  }
  return [message({ type: 'location', location })]
}

/** Six decimals are about 10 cm, and never print as `1e-7`. */
const degrees = (value: number): number => Number(value.toFixed(6))

/** Shown in place of a text that is not there: the API wants one. */
const NOTHING = '…'
/** What opens a list. */
const OPENS_LIST = '☰ Menu'

/** Labels have one line, and are not empty. */
const labelOf = (title: string): string => title.replace(/\s+/g, ' ').trim().toWellFormed() || NOTHING

/**
 * A question with up to three short answers has buttons, which must differ; any other a list, which takes a longer text.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/interactive-reply-buttons-messages
 */
function asks(text: string, choices: readonly Choice[], image?: string): Part[] {
  const rows = choices.map(({ title, value }) => ({ id: value, title: labelOf(title) }))
  const areButtons =
    rows.length <= MAX_BUTTONS &&
    rows.every(({ title }) => title.length <= MAX_BUTTON_LABEL) &&
    new Set(rows.map(({ title }) => title)).size === rows.length &&
    text.length <= MAX_BODY
  if (areButtons) {
    const buttons = rows.map((reply) => ({ type: 'reply', reply }))
    return [interactive('button', text, { buttons }, image)]
  }
  const pieces = splitText(text.toWellFormed(), MAX_TEXT)
  return [
    ...(image === undefined ? [] : file('image', image)),
    ...pieces.slice(0, -1).flatMap(says),
    interactive('list', pieces.at(-1) ?? '', { button: OPENS_LIST, sections: [{ rows }] }),
  ]
}

function interactive(
  type: Interactive['type'],
  text: string,
  action: Interactive['action'],
  image?: string,
): Part {
  return message({
    type: 'interactive',
    interactive: {
      type,
      ...(image !== undefined && { header: { type: 'image', image: { link: image } } }),
      body: { text: text.trim() === '' ? NOTHING : text.toWellFormed() },
      action,
    },
  })
}

/** A card: buttons below its picture and its words, or one link as a button. Further links become lines. */
function card({ title, subtitle, image, actions, markdown }: Card): Part[] {
  const replies = actions.flatMap((action): Choice[] => {
    if (action.action === 'Open URL') return []
    return [{ title: action.title, value: action.action === 'Postback' ? action.payload : action.text }]
  })
  const links = actions.flatMap((action) => (action.action === 'Open URL' ? [action] : []))
  const [link, ...others] = links
  const isButton =
    link !== undefined &&
    others.length + replies.length === 0 &&
    labelOf(link.title).length <= MAX_BUTTON_LABEL &&
    isWebAddress(link.url)
  const lines = isButton ? [] : links.map(({ title: label, url }) => [label, url].filter(Boolean).join(': '))
  const words = [title, subtitle].map((text) => formatted(text ?? '', markdown))
  const text = [...words, ...lines].filter(Boolean).join('\n')
  const isShown = image !== undefined && isWebAddress(image) && !NO_PICTURE.test(pathOf(image))
  const picture = isShown ? image : undefined
  const before = image !== undefined && !isShown ? file('document', image) : []
  if (isButton && text.length <= MAX_BODY) {
    const parameters = { display_text: labelOf(link.title), url: link.url }
    return [...before, interactive('cta_url', text, { name: 'cta_url', parameters }, picture)]
  }
  const whole = isButton ? [text, [link.title, link.url].filter(Boolean).join(': ')].join('\n') : text
  if (replies.length > 0) return [...before, ...asks(whole, replies, picture)]
  if (picture === undefined) return [...before, ...says(whole)]
  if (whole.length > MAX_CAPTION) return [...file('image', picture), ...says(whole)]
  return file('image', picture, whole)
}

const NAME = /^[a-z0-9_]{1,512}$/
const componentsSchema = z.array(z.looseObject({ type: z.string() })).max(20)

/**
 * A template with the parameters of its body, or with `components` as the API has them, for headers and buttons: in the
 * content, or in its `template`, where the Sunshine dialect keeps them. A template of another channel is its text.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/overview
 */
function template(content: ContentOf<'template'>): Part[] {
  const { name, language, parameters = [], text, markdown } = content
  if (!NAME.test(name) && text?.trim()) return says(formatted(text, markdown))
  const own = componentsIn(content.components) ?? componentsIn(propertyOf(content.template, 'components'))
  const body = {
    type: 'body',
    parameters: parameters.map((value) => ({ type: 'text', text: inOneLine(value) })),
  }
  const components = own ?? (parameters.length > 0 ? [body] : [])
  return [
    message({
      type: 'template',
      template: {
        ...{ name: name.toWellFormed(), language: { code: language.toWellFormed() } },
        ...(components.length > 0 && { components }),
      },
    }),
  ]
}

/** A parameter has no line breaks, no tabs, and at most four spaces in a row. */
const inOneLine = (value: string): string =>
  value
    .replace(/\s*[\n\r\t]\s*/g, ' ')
    .replace(/ {5,}/g, '    ')
    .toWellFormed()

const propertyOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined

function componentsIn(value: unknown): Json[] | undefined {
  const { data } = componentsSchema.safeParse(value)
  // A payload is JSON.
  return data as Json[] | undefined
}
