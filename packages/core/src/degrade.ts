import type { Capabilities } from './channel.js'
import type { Action, Card, Choice, Content, ContentOf, ContentType } from './content.js'
import type { JsonObject } from './json.js'
import { limitMarkdown } from './limit-markdown.js'
import { contentIn, textOf } from './read-content.js'
import { splitText } from './split-text.js'

/** A numbered answer in a text: what a person types, and its meaning. */
export interface NumberedOption {
  number: number
  title: string
  value: string
}

/** The contents that a channel shows for a payload, in order, and the numbered answers in their texts. */
export interface Degraded {
  contents: (Content | JsonObject)[]
  options: NumberedOption[]
}

/** Placeholder text above buttons without a message, because providers reject an empty text. */
const NOTHING = '…'

/**
 * Converts a payload to contents that a channel can show. The result is deterministic. Nothing is dropped silently:
 * content without a native form becomes text. Returns undefined for a payload with nothing to show (no known type and
 * no text). A channel that lists its types gets texts within its limit, buttons that fit, and `choices` only on
 * `single-choice`. It gets at most 10,000 characters of Markdown; the rest is plain text.
 */
export function degrade(
  payload: JsonObject,
  capabilities: Capabilities & { content: readonly ContentType[] },
): (Omit<Degraded, 'contents'> & { contents: Content[] }) | undefined
export function degrade(payload: JsonObject, capabilities: Capabilities): Degraded | undefined
export function degrade(payload: JsonObject, capabilities: Capabilities): Degraded | undefined {
  if (capabilities.content === 'any') return { contents: [payload], options: [] }
  const content = asContent(payload, capabilities)
  if (!content) return undefined
  const { typing, delay, ...quiet } = content
  const { contents, options } = numberChoices(simplify(quiet, capabilities), capabilities)
  const [first, ...rest] = contents.flatMap((each) => cut(each, capabilities)).filter(saysSomething)
  if (!first) return undefined
  const pace = { ...(typing !== undefined && { typing }), ...(delay !== undefined && { delay }) }
  return { contents: limitMarkdown([{ ...first, ...pace }, ...rest]), options }
}

/** Known content that the channel can show, or the `text` of anything else. */
function asContent(payload: JsonObject, can: Capabilities): Content | undefined {
  const known = contentIn(payload)
  if (known?.type === 'template' && !isNative('template', can) && !known.text?.trim()) return undefined
  if (known) return known
  const text = textOf(payload)
  return text === undefined ? undefined : { type: 'text', text }
}

const saysSomething = (content: Content): boolean => content.type !== 'text' || content.text.trim() !== ''

/** Converts content to types that the channel shows, texts and `single-choice`. Does not number or cut yet. */
function simplify(content: Content, can: Capabilities): Content[] {
  if (content.type === 'single-choice') return [content]
  const { choices = [], ...body } = content
  const contents = isShown(body, can) ? [body] : replace(body, can)
  return choices.length > 0 ? ask(contents, choices) : contents
}

/** Replaces content that the channel cannot show. */
function replace(content: Exclude<Content, { type: 'single-choice' }>, can: Capabilities): Content[] {
  switch (content.type) {
    case 'text':
      return [content]
    case 'dropdown': {
      const choices = content.options.map(({ label, value }) => ({ title: label, value }))
      return [{ type: 'single-choice', text: content.message, choices }]
    }
    case 'carousel':
      // Not `simplify`: a card in a carousel has no choices, and an extra field of that name may hold anything.
      return content.items
        .map(asCard)
        .flatMap((card) => (isShown(card, can) ? [card] : replaceCard(card, can)))
    case 'card':
      return replaceCard(content, can)
    case 'voice':
      return simplify({ ...content, type: 'audio' }, can)
    case 'audio':
      return simplify(asFile(content.audio, content.title), can)
    case 'video':
      return simplify(asFile(content.video, content.title), can)
    case 'file':
      return [say(content.title, content.file)]
    case 'image':
      return [say(content.title, content.image)]
    case 'location':
      return [say(content.title, content.address, mapLink(content))]
    case 'template': {
      const { text = '', markdown } = content
      return [{ type: 'text', text, ...(markdown !== undefined && { markdown }) }]
    }
  }
}

/** The image, then the text with the buttons. Without buttons, one content has both. */
function replaceCard(card: ContentOf<'card'>, can: Capabilities): Content[] {
  const picture = card.image !== undefined && isNative('image', can) ? card.image : undefined
  const words = say(card.title, card.subtitle, picture ? undefined : card.image, ...card.actions.map(asLink))
  const text = { ...words, ...(card.markdown !== undefined && { markdown: card.markdown }) }
  const choices = card.actions.flatMap(asChoice)
  if (choices.length > 0)
    return ask([...(picture ? [{ type: 'image' as const, image: picture }] : []), text], choices)
  return picture ? [{ type: 'image', image: picture, ...(text.text && { title: text.text }) }] : [text]
}

/** Adds choices to the last content if it is a text; otherwise appends a separate content for them. */
function ask(contents: Content[], choices: Choice[]): Content[] {
  const last = contents.at(-1)
  if (last?.type !== 'text') return [...contents, { type: 'single-choice', text: '', choices }]
  return [...contents.slice(0, -1), { ...last, type: 'single-choice', choices }]
}

/** Converts choices that do not fit buttons to numbered lines, numbered across all contents. */
function numberChoices(
  contents: Content[],
  can: Capabilities,
): { contents: Content[]; options: NumberedOption[] } {
  const options: NumberedOption[] = []
  const numbered = contents.map((content): Content => {
    if (content.type !== 'single-choice') return content
    if (isNative('single-choice', can) && fitOnButtons(content.choices, can)) {
      return { ...content, text: content.text.trim() ? content.text : NOTHING }
    }
    const { choices, ...rest } = content
    const first = options.length + 1
    const own = choices.map(({ title, value }, i) => ({ number: first + i, title, value }))
    options.push(...own)
    return { ...rest, ...say(content.text, ...own.map(({ number, title }) => `${number}. ${title}`)) }
  })
  return { contents: numbered, options }
}

/** Splits texts above the limit. A title above it follows its image as text. */
function cut(content: Content, can: Capabilities): Content[] {
  const { maxTextLength: max, maxCaptionLength = max } = can
  switch (content.type) {
    case 'text':
      return splitText(content.text, max).map((text) => ({ ...content, text }))
    case 'single-choice': {
      const { choices: _, ...rest } = content
      const pieces = splitText(content.text, max)
      const before = pieces.slice(0, -1).map((text) => ({ ...rest, type: 'text' as const, text }))
      return [...before, { ...content, text: pieces.at(-1) ?? NOTHING }]
    }
    case 'image':
    case 'audio':
    case 'voice':
    case 'video':
    case 'file': {
      const { title, ...untitled } = content
      return title !== undefined && title.length > maxCaptionLength
        ? [untitled, ...cut(say(title), can)]
        : [content]
    }
    default:
      return [content]
  }
}

const isNative = (type: ContentType, can: Capabilities): boolean =>
  can.content === 'any' || can.content.includes(type)

/** Whether the channel can show content unchanged: its type, and the buttons of its cards. */
function isShown(content: Content, can: Capabilities): boolean {
  if (!isNative(content.type, can)) return false
  if (content.type === 'card') return fitOnButtons(content.actions, can)
  if (content.type === 'carousel') return content.items.every((card) => fitOnButtons(card.actions, can))
  return true
}

function fitOnButtons(labels: readonly { title: string }[], { buttons }: Capabilities): boolean {
  if (labels.length === 0) return true
  if (!buttons || labels.length > buttons.max) return false
  return labels.every(({ title }) => title.length <= buttons.maxLabel)
}

/** Joins lines to a text. Absent and empty lines are skipped. */
const say = (...lines: (string | undefined)[]): ContentOf<'text'> => ({
  type: 'text',
  text: lines.filter(Boolean).join('\n'),
})

const asCard = (card: Card): ContentOf<'card'> => ({ ...card, type: 'card' })

const asFile = (file: string, title: string | undefined): ContentOf<'file'> => ({
  type: 'file',
  file,
  ...(title && { title }),
})

/** Six decimals are precise to about 10 cm, and never print as `1e-7`. */
const mapLink = ({ latitude, longitude }: ContentOf<'location'>): string =>
  `https://www.google.com/maps/search/?api=1&query=${Number(latitude.toFixed(6))},${Number(longitude.toFixed(6))}`

/** A link as a line of text; undefined for other buttons. */
const asLink = (action: Action): string | undefined =>
  action.action === 'Open URL' ? [action.title, action.url].filter(Boolean).join(': ') : undefined

/** A button as a choice; none for a link. */
function asChoice(action: Action): Choice[] {
  if (action.action === 'Open URL') return []
  return [{ title: action.title, value: action.action === 'Postback' ? action.payload : action.text }]
}
