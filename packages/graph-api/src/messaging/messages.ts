import {
  type Action,
  type Card,
  type Choice,
  type ContentOf,
  isUrl,
  type JsonObject,
  type Part,
  splitText,
  truncate,
} from '@plugboard/core'

/** Most quick replies below a message. https://developers.facebook.com/docs/messenger-platform/send-messages/quick-replies */
const MAX_QUICK_REPLIES = 13
/** Longest label of a quick reply and of a button, in characters. */
const MAX_LABEL = 20
/** Most buttons of a card, and below a text. */
const MAX_BUTTONS = 3
/** Longest text above buttons, in characters. …/send-messages/template/button */
const MAX_BUTTON_TEXT = 640
/** Most cards side by side, and the longest title and subtitle of one, in characters. …/send-messages/template/generic */
const MAX_ELEMENTS = 10
const MAX_ELEMENT_TEXT = 80

/** Above buttons without a text, and on buttons without a label: Meta rejects empty ones. */
const NOTHING = '…'

/** What a message is: its text with quick replies, or its attachment. */
type Message = { text: string; quick_replies?: JsonObject[] } | { attachment: Attachment }

type Attachment = { type: string; payload: JsonObject }

/** Contents that Messenger and Instagram show in the same form. */
type MessagingContent = ContentOf<
  'text' | 'image' | 'audio' | 'voice' | 'video' | 'file' | 'single-choice' | 'card' | 'carousel'
>

/** What differs between the two. */
export interface MessageForm {
  /** Cuts a text into pieces that are not too long. */
  cut(text: string): string[]
  /** Markdown as plain text: neither shows formats. May be empty. */
  toPlain(markdown: string): string
}

/** Turns content into messages, one part each, whose args are a {@link Message} as `message`. */
export function messageParts(content: MessagingContent, form: MessageForm): Part[] {
  return messagesOf(content, form).map(messagePart)
}

const messagePart = (message: Message): Part => ({ call: 'messages', args: { message } })

function messagesOf(content: MessagingContent, form: MessageForm): Message[] {
  switch (content.type) {
    case 'text':
      return texts(plain(content.text, content, form), form)
    case 'single-choice':
      return ask(plain(content.text, content, form), content.choices, form)
    case 'image':
      return media('image', content.image, content.title, form)
    case 'audio':
    case 'voice':
      return media('audio', content.audio, content.title, form)
    case 'video':
      return media('video', content.video, content.title, form)
    case 'file':
      return media('file', content.file, content.title, form)
    case 'card':
      return cards([content], form)
    case 'carousel':
      return cards(content.items, form)
  }
}

/** The text to show. Halves of surrogate pairs cannot be sent. A text of only link definitions shows nothing. */
function plain(text: string, { markdown }: { markdown?: unknown }, { toPlain }: MessageForm): string {
  const shown = markdown === true ? toPlain(text) : text
  return (shown.trim() ? shown : text).toWellFormed()
}

const texts = (text: string, { cut }: MessageForm): Message[] =>
  cut(text)
    .filter((piece) => piece.trim() !== '')
    .map((piece) => ({ text: piece }))

/** The quick replies are below the last piece of the text. */
function ask(text: string, choices: readonly Choice[], form: MessageForm): Message[] {
  const pieces = texts(text, form)
  const last = pieces.pop() ?? { text: NOTHING }
  return [...pieces, { ...last, quick_replies: choices.map(quickReply) }]
}

const quickReply = ({ title, value }: Choice): JsonObject => ({
  content_type: 'text',
  title: label(title),
  payload: value,
})

const label = (title: string): string => (title.trim() ? truncate(title.toWellFormed(), MAX_LABEL) : NOTHING)

/** A file has no caption, so its title follows. */
function media(type: string, url: string, title = '', form: MessageForm): Message[] {
  const caption = texts(title.toWellFormed(), form)
  return isWebUrl(url)
    ? [attachment(type, { url: wellFormed(url) }), ...caption]
    : [...caption, ...texts(url.toWellFormed(), form)]
}

const attachment = (type: string, payload: JsonObject): Message => ({ attachment: { type, payload } })

const isWebUrl = (text: string): boolean => isUrl(text) && /^https?:$/.test(new URL(text).protocol)

/** A text that parses may have halves of surrogate pairs, which its address has as replacement characters. */
const wellFormed = (url: string): string => (url.isWellFormed() || !isUrl(url) ? url : new URL(url).href)

/** Cards that fit are side by side; one with longer words is a picture and a text with buttons. */
function cards(items: readonly Card[], form: MessageForm): Message[] {
  const messages: Message[] = []
  let elements: JsonObject[] = []
  const flush = () => {
    if (elements.length > 0) messages.push(template('generic', { elements }))
    elements = []
  }
  for (const item of items) {
    const element = elementOf(item, form)
    if (!element || elements.length === MAX_ELEMENTS) flush()
    if (element) elements.push(element)
    else messages.push(...separately(item, form))
  }
  flush()
  return messages
}

const template = (template_type: string, payload: JsonObject): Message =>
  attachment('template', { template_type, ...payload })

/** Undefined for a card that does not fit, or that has a title alone, which Meta rejects. */
function elementOf(card: Card, form: MessageForm): JsonObject | undefined {
  const [title, subtitle] = [plain(card.title, card, form), plain(card.subtitle ?? '', card, form)]
  const { image = '', actions } = card
  const buttons = buttonsOf(actions)
  const fits =
    title.trim() !== '' &&
    [title, subtitle].every((text) => text.length <= MAX_ELEMENT_TEXT) &&
    (image === '' || isWebUrl(image)) &&
    buttons.length === actions.length &&
    buttons.length <= MAX_BUTTONS
  const more = {
    ...(subtitle.trim() && { subtitle }),
    ...(image !== '' && { image_url: wellFormed(image) }),
    ...(buttons.length > 0 && { buttons }),
  }
  return fits && Object.keys(more).length > 0 ? { title, ...more } : undefined
}

function separately(card: Card, form: MessageForm): Message[] {
  const { title, subtitle = '', image = '', actions } = card
  const isPicture = isWebUrl(image)
  const buttons = buttonsOf(actions)
  const words = [
    plain(title, card, form),
    plain(subtitle, card, form),
    isPicture ? '' : image.toWellFormed(),
    ...actions.filter((action) => !buttonOf(action)).map(refusedLink),
  ]
  const text = words.filter((line) => line.trim()).join('\n')
  const picture = isPicture ? [attachment('image', { url: wellFormed(image) })] : []
  return [...picture, ...(buttons.length === 0 ? texts(text, form) : withButtons(text, buttons, form))]
}

/** The first buttons are below the text, further ones below messages of their own. */
function withButtons(text: string, buttons: readonly JsonObject[], form: MessageForm): Message[] {
  const pieces = splitText(text, MAX_BUTTON_TEXT).filter((piece) => piece.trim() !== '')
  const last = pieces.pop() ?? NOTHING
  const pages = Array.from({ length: Math.ceil(buttons.length / MAX_BUTTONS) }, (_, i) =>
    buttons.slice(i * MAX_BUTTONS, (i + 1) * MAX_BUTTONS),
  )
  return [
    ...pieces.flatMap((piece) => texts(piece, form)),
    ...pages.map((page, i) => template('button', { text: i === 0 ? last : NOTHING, buttons: page })),
  ]
}

const buttonsOf = (actions: readonly Action[]): JsonObject[] =>
  actions.map(buttonOf).filter((button) => button !== undefined)

/** Undefined for a link that Meta rejects. https://developers.facebook.com/docs/messenger-platform/send-messages/buttons */
function buttonOf(action: Action): JsonObject | undefined {
  switch (action.action) {
    case 'Say something':
      return postback(action.title, action.text)
    case 'Postback':
      return postback(action.title, action.payload)
    case 'Open URL': {
      const { url } = action
      if (!isWebUrl(url)) return undefined
      return { type: 'web_url', title: label(action.title || new URL(url).hostname), url: wellFormed(url) }
    }
  }
}

const postback = (title: string, payload: string): JsonObject => ({
  type: 'postback',
  title: label(title),
  payload,
})

const refusedLink = (action: Action): string =>
  action.action === 'Open URL'
    ? [action.title, action.url]
        .filter((text) => text.trim())
        .join(': ')
        .toWellFormed()
    : ''

/**
 * A message with a file or a template as texts, with the addresses of its files and links, and its other buttons as quick
 * replies below the last. Empty for a text.
 */
export function textForm(message: JsonObject, { cut }: Pick<MessageForm, 'cut'>): Message[] {
  const { attachment } = message
  if (!isObject(attachment) || !isObject(attachment.payload)) return []
  const { payload } = attachment
  const shown = [payload, ...listIn(payload.elements)]
  const buttons = shown.flatMap((each) => listIn(each.buttons))
  const lines = [
    ...shown.flatMap(({ text, title, subtitle, image_url, url }) => [text, title, subtitle, image_url, url]),
    ...buttons.filter(({ url }) => url !== undefined).map(({ title, url }) => `${title}: ${url}`),
  ]
  const pieces = cut(lines.filter((line) => typeof line === 'string' && line !== '').join('\n'))
  const last = pieces.pop() || NOTHING
  const replies = buttons.filter(({ payload }) => payload !== undefined).slice(0, MAX_QUICK_REPLIES)
  const quick_replies = replies.map(({ title = '', payload = '' }) => ({
    content_type: 'text',
    title,
    payload,
  }))
  return [
    ...pieces.map((text) => ({ text })),
    { text: last, ...(quick_replies.length > 0 && { quick_replies }) },
  ]
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const listIn = (value: unknown): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : [])
