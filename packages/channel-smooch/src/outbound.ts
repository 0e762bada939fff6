import {
  type Action,
  type Card,
  type Choice,
  type Content,
  type ContentOf,
  isUrl,
  type JsonObject,
  type OutboundContent,
  type Part,
  splitText,
} from '@plugboard/core'
import { toPlainText } from '@plugboard/markdown'
import { MAX_ACTIONS, MAX_ITEM_ACTIONS, MAX_ITEMS, MAX_LABEL, MAX_TEXT, MAX_URL } from './limits.js'

/** A message without its author, as Sunshine takes it. */
export type MessageArgs = { content: JsonObject; schema?: 'whatsapp' }

/** Turns content into messages, one per part. */
export function render(content: OutboundContent): Part[] {
  // The host passes only types of `capabilities`.
  const known = content as Content
  switch (known.type) {
    case 'text':
      return says(known.text, known.markdown)
    case 'image':
      return file('image', known.image, known.title)
    case 'file':
      return file('file', known.file, known.title)
    case 'location':
      return [place(known)]
    case 'single-choice':
      return question(known)
    case 'card':
      return card(known)
    case 'carousel':
      return carousel(known)
    case 'template':
      return [template(known)]
    default:
      return []
  }
}

const message = (content: JsonObject): Part => ({ call: 'message', args: { content } satisfies MessageArgs })

/**
 * Texts within the limit. Markdown goes with its plain text, for channels without formats; what is too long for one
 * message then is plain text alone.
 */
function says(text: string, markdown?: boolean): Part[] {
  if (!text.trim()) return []
  if (!markdown)
    return splitText(text.toWellFormed(), MAX_TEXT).map((each) => message({ type: 'text', text: each }))
  const body = wordsOf(text, markdown)
  return body.markdownText === undefined
    ? splitText(body.text, MAX_TEXT).map((each) => message({ type: 'text', text: each }))
    : [message({ type: 'text', ...body })]
}

/** Words of a message; with their Markdown if it and the plain text fit. The text may be longer than a message. */
function wordsOf(source: string, markdown: boolean | undefined): { text: string; markdownText?: string } {
  const given = source.toWellFormed()
  if (!markdown) return { text: given }
  // A text of only link definitions shows nothing.
  const text = toPlainText(given) || given
  return text.length <= MAX_TEXT && given.length <= MAX_TEXT ? { text, markdownText: given } : { text }
}

const isWeb = (url: string): boolean => url.length <= MAX_URL && /^https?:\/\/[^\s/]/.test(url) && isUrl(url)

/** A file by its address; as a text if Sunshine would refuse that. */
function file(
  type: 'image' | 'file',
  url: string,
  title: string | undefined,
  actions: JsonObject[] = [],
): Part[] {
  if (!isWeb(url)) {
    const words = [title, url].filter(Boolean).join('\n')
    return actions.length > 0 ? buttons(words, undefined, actions) : says(words)
  }
  const text = title?.trim() ? { text: title.toWellFormed() } : {}
  return [message({ type, mediaUrl: url.toWellFormed(), ...text, ...(actions.length > 0 && { actions }) })]
}

/** Six decimals are about 10 cm. */
const degrees = (value: number): number => Number(value.toFixed(6))

function place({ latitude, longitude, title, address }: ContentOf<'location'>): Part {
  const location = {
    ...(address?.trim() && { address: address.toWellFormed() }),
    ...(title?.trim() && { name: title.toWellFormed() }),
  }
  return message({
    ...{ type: 'location', coordinates: { lat: degrees(latitude), long: degrees(longitude) } },
    ...(Object.keys(location).length > 0 && { location }),
  })
}

/** Sunshine takes no empty text or label. */
const NOTHING = '…'
const labelOf = (title: string): string => title.toWellFormed().trim() || NOTHING

const replyOf = ({ title, value }: Choice): JsonObject => ({
  type: 'reply',
  text: labelOf(title),
  payload: value,
})

const question = ({ text, choices, markdown }: ContentOf<'single-choice'>): Part[] =>
  buttons(text, markdown, choices.map(replyOf))

/** Buttons are below a text, so what is longer comes before it. */
function buttons(source: string, markdown: boolean | undefined, actions: JsonObject[]): Part[] {
  const { text, markdownText } = wordsOf(source.trim() ? source : NOTHING, markdown)
  const pieces = splitText(text, MAX_TEXT)
  const last = pieces.at(-1)?.trim() ? (pieces.at(-1) ?? NOTHING) : NOTHING
  return [
    ...pieces.slice(0, -1).map((each) => message({ type: 'text', text: each })),
    message({ type: 'text', text: last, ...(markdownText !== undefined && { markdownText }), actions }),
  ]
}

/** A button of a card; a link that Sunshine would refuse is none. */
function actionOf(action: Action): JsonObject[] {
  const text = labelOf(action.title)
  if (action.action !== 'Open URL')
    return [{ type: 'postback', text, payload: action.action === 'Postback' ? action.payload : action.text }]
  return isWeb(action.url) ? [{ type: 'link', text, uri: action.url.toWellFormed() }] : []
}

/** Links that are no buttons, as lines. */
const linesOf = (actions: readonly Action[]): string[] =>
  actions.flatMap((action) =>
    action.action === 'Open URL' && !isWeb(action.url)
      ? [[action.title, action.url].filter(Boolean).join(': ')]
      : [],
  )

/** A card with what it needs to be an item of a carousel. */
function itemOf({ title, subtitle, image, actions, markdown }: Card): JsonObject | undefined {
  const buttons = actions.flatMap(actionOf)
  const plain = (text: string): string => (markdown ? toPlainText(text) || text : text).toWellFormed().trim()
  const words = { title: plain(title), description: plain(subtitle ?? '') }
  const isShort = words.title !== '' && Object.values(words).every(({ length }) => length <= MAX_LABEL)
  const isPlain = buttons.length === actions.length && (image === undefined || isWeb(image))
  if (!isShort || !isPlain || buttons.length === 0 || buttons.length > MAX_ITEM_ACTIONS) return undefined
  return {
    title: words.title,
    ...(words.description && { description: words.description }),
    ...(image !== undefined && { mediaUrl: image.toWellFormed() }),
    actions: buttons,
  }
}

/** An item of its own, or a text or a picture with buttons. */
function card(content: ContentOf<'card'>): Part[] {
  const item = itemOf(content)
  if (item) return [message({ type: 'carousel', items: [item] })]
  const { title, subtitle, image, actions, markdown } = content
  const words = [title, subtitle, ...linesOf(actions)].filter(Boolean).join('\n')
  const below = actions.flatMap(actionOf).slice(0, MAX_ACTIONS)
  const isTitle = !markdown && words.length <= MAX_TEXT
  if (image !== undefined && isTitle) return file('image', image, words, below)
  const picture = image === undefined ? [] : file('image', image, undefined)
  return [...picture, ...(below.length > 0 ? buttons(words, markdown, below) : says(words, markdown))]
}

/** One message, if each card can be an item; otherwise one message for each card. */
function carousel({ items }: ContentOf<'carousel'>): Part[] {
  const all = items.flatMap((each) => itemOf(each) ?? [])
  if (all.length < items.length) return items.flatMap((each) => card({ ...each, type: 'card' }))
  const pages = Array.from({ length: Math.ceil(all.length / MAX_ITEMS) }, (_, i) =>
    all.slice(i * MAX_ITEMS, (i + 1) * MAX_ITEMS),
  )
  return pages.map((page) => message({ type: 'carousel', items: page }))
}

/** A template of WhatsApp: https://docs.smooch.io/guide/whatsapp/#message-templates */
function template({ name, language, parameters = [] }: ContentOf<'template'>): Part {
  const body = {
    type: 'body',
    parameters: parameters.map((text) => ({ type: 'text', text: text.toWellFormed() })),
  }
  const content = {
    type: 'template',
    template: {
      name: name.toWellFormed(),
      language: { policy: 'deterministic', code: language.toWellFormed() },
      ...(parameters.length > 0 && { components: [body] }),
    },
  }
  return { call: 'message', args: { content, schema: 'whatsapp' } satisfies MessageArgs }
}
