import {
  type Action,
  type Card,
  type Content,
  type ContentOf,
  type JsonObject,
  type OutboundContent,
  type Part,
  truncate,
} from '@plugboard/core'
import { bold, clean, type Formatted, isVisible, lines, NOTHING, plain, split } from './formatted-text.js'
import { MAX_BUTTONS, MAX_CAPTION, MAX_LABEL, MAX_PLACE, MAX_TEXT } from './limits.js'
import { extensionOf, fileAt, linkTo } from './links.js'
import { fromMarkdown } from './markdown.js'

/**
 * One part for each message that a person sees: the method of the Bot API and its arguments. The chat is added when a
 * part is delivered.
 */
export function render(content: OutboundContent): Part[] {
  // The host degrades to the types of the capabilities, and those are core's.
  const known = content as Exclude<Content, ContentOf<'template'>>
  switch (known.type) {
    case 'text':
      return texts(words(known.text, known.markdown))
    case 'image':
    case 'audio':
    case 'voice':
    case 'video':
    case 'file':
      return media(known)
    case 'location':
      return location(known)
    case 'card':
      return card(known)
    case 'carousel':
      return known.items.flatMap(card)
    case 'single-choice':
      return ask(words(known.text, known.markdown === true), known.choices)
    case 'dropdown':
      return ask(
        words(known.message, known.markdown === true),
        known.options.map(({ label, value }) => ({ title: label, value })),
      )
  }
}

const words = (text: string, isMarkdown: boolean | undefined): Formatted =>
  isMarkdown ? fromMarkdown(text) : plain(text)

const formatted = (key: 'text' | 'caption', { text, entities }: Formatted): JsonObject => ({
  [key]: text,
  ...(entities.length > 0 && { [key === 'text' ? 'entities' : 'caption_entities']: entities }),
})

/** One or more messages for a text; `hanging`, such as a keyboard, goes with the last. */
function texts(text: Formatted, hanging: JsonObject = {}): Part[] {
  const pieces = split(text, MAX_TEXT)
  return pieces.map((piece, i) => ({
    call: 'sendMessage',
    args: { ...formatted('text', piece), ...(i === pieces.length - 1 && hanging) },
  }))
}

type Media = ContentOf<'image' | 'audio' | 'voice' | 'video' | 'file'>

function media(content: Media): Part[] {
  const title = plain(content.title ?? '')
  const url = fileAt(urlOf(content))
  if (url === undefined) return texts(lines(title, plain(urlOf(content))))
  return captioned(methodFor(content.type, extensionOf(url)), url, title)
}

function urlOf(content: Media): string {
  switch (content.type) {
    case 'image':
      return content.image
    case 'audio':
    case 'voice':
      return content.audio
    case 'video':
      return content.video
    case 'file':
      return content.file
  }
}

/** The method for a file, by its extension: Telegram rejects unsupported formats. */
function methodFor(type: Media['type'], extension: string): keyof typeof fieldOf {
  const isOne = (...extensions: string[]) => extension === '' || extensions.includes(extension)
  switch (type) {
    case 'image':
      if (extension === 'gif') return 'sendAnimation'
      return ['svg', 'tif', 'tiff', 'psd'].includes(extension) ? 'sendDocument' : 'sendPhoto'
    case 'audio':
      if (isOne('mp3', 'm4a')) return 'sendAudio'
      return isOne('ogg', 'oga', 'opus') ? 'sendVoice' : 'sendDocument'
    case 'voice':
      return isOne('ogg', 'oga', 'opus', 'mp3', 'm4a') ? 'sendVoice' : 'sendDocument'
    case 'video':
      return isOne('mp4', 'm4v') ? 'sendVideo' : 'sendDocument'
    case 'file':
      return 'sendDocument'
  }
}

/** The argument of each method that has the file. */
export const fieldOf = {
  sendPhoto: 'photo',
  sendAnimation: 'animation',
  sendAudio: 'audio',
  sendVoice: 'voice',
  sendVideo: 'video',
  sendDocument: 'document',
} as const

/** A file with a caption and buttons. A caption that is too long is sent as a separate text with the buttons. */
function captioned(
  call: keyof typeof fieldOf,
  url: string,
  caption: Formatted,
  hanging: JsonObject = {},
): Part[] {
  const file = { [fieldOf[call]]: url }
  if (!isVisible(caption.text)) return [{ call, args: { ...file, ...hanging } }]
  if (caption.text.length > MAX_CAPTION) return [{ call, args: file }, ...texts(caption, hanging)]
  const [only = caption] = split(caption, MAX_CAPTION)
  return [{ call, args: { ...file, ...formatted('caption', only), ...hanging } }]
}

function location({ latitude, longitude, title = '', address = '' }: ContentOf<'location'>): Part[] {
  const isVenue = [title, address].every((text) => isVisible(text) && text.length <= MAX_PLACE)
  if (isVenue) {
    const place = { title: plain(title).text, address: plain(address).text }
    return [{ call: 'sendVenue', args: { latitude, longitude, ...place } }]
  }
  const said = lines(bold(title), plain(address))
  return [{ call: 'sendLocation', args: { latitude, longitude } }, ...(said.text ? texts(said) : [])]
}

function card({ title, subtitle = '', image = '', actions, markdown: isMarkdown }: Card): Part[] {
  const buttons = actions.flatMap((action) => actionButton(action) ?? [])
  const hanging = buttons.length > 0 ? keyboard(buttons) : {}
  const picture = fileAt(image)
  const text = lines(
    isMarkdown ? fromMarkdown(title) : bold(title),
    words(subtitle, isMarkdown),
    picture === undefined ? plain(image) : undefined,
    ...actions.map(refusedLink),
  )
  if (picture === undefined) return texts(text, hanging)
  return captioned(methodFor('image', extensionOf(picture)), picture, text, hanging)
}

/** A link that cannot be a button, as a line of text. */
function refusedLink(action: Action): Formatted | undefined {
  if (action.action !== 'Open URL' || actionButton(action)) return undefined
  return plain([action.title, action.url].filter(isVisible).join(': '))
}

/** A question with a keyboard; further messages for more answers than fit in one. */
function ask(text: Formatted, choices: readonly { title: string; value: string }[]): Part[] {
  if (choices.length === 0) return texts(text)
  const buttons = choices.map(({ title, value }) => answerButton(title, value))
  const pages = Array.from({ length: Math.ceil(buttons.length / MAX_BUTTONS) }, (_, i) =>
    buttons.slice(i * MAX_BUTTONS, (i + 1) * MAX_BUTTONS),
  )
  return pages.flatMap((page, i) => texts(i === 0 ? text : plain(NOTHING), keyboard(page)))
}

/** A button of a keyboard; `callback_data` has at most 64 bytes. */
type Button = { text: string; callback_data: string } | { text: string; url: string }

/** A button that returns its token when it is pressed. */
const answerButton = (title: string, token: string): Button => ({
  text: label(title),
  callback_data: token,
})

/** The button of a card; undefined for a link that Telegram rejects. */
function actionButton(action: Action): Button | undefined {
  switch (action.action) {
    case 'Say something':
      return answerButton(action.title, action.text)
    case 'Postback':
      return answerButton(action.title, action.payload)
    case 'Open URL': {
      const url = linkTo(action.url)
      return url === undefined ? undefined : { text: label(action.title || new URL(url).hostname), url }
    }
  }
}

/** Short labels share a row. */
function keyboard(buttons: readonly Button[]): JsonObject {
  const longest = Math.max(...buttons.map(({ text }) => text.length))
  const perRow = longest <= 6 ? 4 : longest <= 16 ? 2 : 1
  const rows = Array.from({ length: Math.ceil(buttons.length / perRow) }, (_, i) =>
    buttons.slice(i * perRow, (i + 1) * perRow),
  )
  return { reply_markup: { inline_keyboard: rows } }
}

function label(title: string): string {
  const text = clean(title)
  if (!isVisible(text)) return NOTHING
  return text.length <= MAX_LABEL ? text : `${truncate(text, MAX_LABEL - 1)}…`
}
