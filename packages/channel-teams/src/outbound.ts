import {
  type Action,
  type Card,
  type Content,
  type ContentOf,
  fileNameIn,
  type JsonObject,
  type OutboundContent,
  type Part,
  splitText,
} from '@plugboard/core'
import { toPlainText } from '@plugboard/markdown'
import {
  adaptiveCard,
  buttonRows,
  cut,
  image,
  isPicture,
  linkButton,
  menu,
  NOTHING,
  quietButton,
  sayButton,
  textBlocks,
} from './adaptive-card.js'
import { MAX_CARDS, MAX_ITEMS, MAX_LABEL, MAX_LINES, MAX_MESSAGE_BYTES, MAX_TEXT } from './limits.js'
import {
  clean,
  isLinkable,
  markdownLines,
  markdownToXml,
  plainLines,
  type Run,
  toXml,
  xmlLink,
} from './markdown.js'

/** Turns content into messages of Teams, one part each. */
export function render(content: OutboundContent): Part[] {
  // The host degrades to the types of `capabilities`, and those are core's.
  const known = content as Exclude<Content, ContentOf<'template'>>
  switch (known.type) {
    case 'text':
      return known.markdown ? formatted(known.text) : [plain(known.text)]
    case 'single-choice':
      return ask(known.text, isMarkdown(known), [
        buttonRows(known.choices.map(({ title, value }) => sayButton(title, value))),
      ])
    case 'dropdown':
      return ask(known.message, isMarkdown(known), pagesOf(known.options).map(menu))
    case 'image':
      return picture(known)
    case 'audio':
    case 'voice':
      return [file(known.audio, known.title)]
    case 'video':
      return [file(known.video, known.title)]
    case 'file':
      return [file(known.file, known.title)]
    case 'location':
      return place(known)
    case 'card':
      return cards([known])
    case 'carousel':
      return cards(known.items)
  }
}

/** Core keeps the flag when it degrades other content to choices. */
const isMarkdown = (content: object): boolean => 'markdown' in content && content.markdown === true

const message = (activity: JsonObject): Part => ({ call: 'message', args: { type: 'message', ...activity } })

/** A text as it is written. Teams takes no empty one, which is left of one of controls alone. */
const plain = (text: string): Part => {
  const words = clean(text)
  return message({ textFormat: 'plain', text: words.trim() === '' ? NOTHING : words })
}

const xml = (text: string): Part => message({ textFormat: 'xml', text })

/** Bytes of a message in UTF-16, in which Teams counts. */
const sizeOf = (value: unknown): number => JSON.stringify(value).length * 2

/** Room for what Teams adds to a message. */
const ENVELOPE_BYTES = 400

/** Longest text of a notification. */
const LONGEST_SUMMARY = 100

/** Cards of one message together. */
const MAX_CARD_BYTES = MAX_MESSAGE_BYTES - ENVELOPE_BYTES - LONGEST_SUMMARY * 4

const fits = (value: unknown): boolean => sizeOf(value) <= MAX_MESSAGE_BYTES - ENVELOPE_BYTES

/** A Markdown text. One that would show nothing is shown as it is written, and one that gets too long without styles. */
function formatted(source: string): Part[] {
  const text = markdownToXml(source)
  const part = xml(text)
  if (text.replace(/<[^>]*>|&nbsp;|\s/g, '') === '') return [plain(source)]
  return fits(part.args) ? [part] : splitText(toPlainText(clean(source)), MAX_TEXT).map(plain)
}

const say = (text: string, markdown: boolean): Part[] =>
  markdown ? formatted(text) : splitText(text, MAX_TEXT).map(plain)

const linesOf = (text: string, markdown: boolean): Run[][] =>
  markdown ? markdownLines(text) : plainLines(text)

const isBlank = (lines: readonly Run[][]): boolean =>
  lines.every((runs) => runs.every(({ text }) => text.trim() === ''))

/** A card with attached controls, and a text for its notification. */
const cardMessage = (body: JsonObject[], summary: string): Part =>
  message({ summary: cut(summary, LONGEST_SUMMARY), attachments: [adaptiveCard(body)] })

/** A question with its buttons or its menus; a text that is too long for a card comes before it. */
function ask(text: string, markdown: boolean, controls: readonly JsonObject[][]): Part[] {
  const [first = [], ...others] = controls
  const whole = isShort(text)
    ? cardMessage([...textBlocks(shownLines(text, markdown)), ...first], text)
    : undefined
  const head = whole && fits(whole.args) ? [whole] : [...say(text, markdown), cardMessage(first, text)]
  return [...head, ...others.map((control) => cardMessage(control, text))]
}

/** Lines of a text without their styles. */
const wordsOf = (lines: readonly Run[][]): string =>
  lines.map((runs) => runs.map(({ text }) => text).join('')).join('\n')

/** Whether a text may be inside a card. */
const isShort = (text: string): boolean =>
  text.length <= MAX_TEXT && text.split('\n', MAX_LINES + 1).length <= MAX_LINES

/** Markdown that shows nothing is shown as it is written. */
function shownLines(text: string, markdown: boolean): Run[][] {
  const lines = linesOf(text, markdown)
  return markdown && isBlank(lines) ? plainLines(text) : lines
}

/** Menus of as many options as one may have. */
function pagesOf<T>(options: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(options.length / MAX_ITEMS) }, (_, i) =>
    options.slice(i * MAX_ITEMS, (i + 1) * MAX_ITEMS),
  )
}

function picture({ image: url, title = '' }: ContentOf<'image'>): Part[] {
  if (!isPicture(url)) return [file(url, title)]
  const words = title.trim() || (fileNameIn(url) ?? url)
  const shown = image(url, words)
  const whole = isShort(title) && cardMessage([shown, ...textBlocks(plainLines(title))], words)
  return whole && fits(whole.args) ? [whole] : [cardMessage([shown], words), ...say(title, false)]
}

/** A link; Teams shows no player and takes no files of others. */
function file(url: string, title = ''): Part {
  const words = title.trim()
  if (!isLinkable(url)) return plain(words ? `${words}: ${url}` : url)
  const link = xml(xmlLink(url, words || (fileNameIn(url) ?? url)))
  return fits(link.args) ? link : plain(`${words}: ${url}`)
}

function place({ latitude, longitude, title = '', address = '' }: ContentOf<'location'>): Part[] {
  // Six decimals are about 10 cm, and never print as `1e-7`.
  const point = `${Number(latitude.toFixed(6))},${Number(longitude.toFixed(6))}`
  const link = xmlLink(`https://www.google.com/maps/search/?api=1&query=${point}`, `📍 ${point}`)
  const lines = [title.trim() && `<b>${toXml(title.trim())}</b>`, address.trim() && toXml(address.trim())]
  const whole = xml([...lines, link].filter(Boolean).join('<br/>'))
  if (fits(whole.args)) return [whole]
  return [...say([title, address].filter((line) => line.trim()).join('\n'), false), xml(link)]
}

/** A card as an attachment, and its texts if they are too long for it. */
interface CardView {
  before: Part[]
  attachment: JsonObject
  bytes: number
  summary: string
}

/** Cards beside each other, in as many messages as they need. A card with long texts begins a message, after them. */
function cards(items: readonly Card[]): Part[] {
  const parts: Part[] = []
  let group: CardView[] = []
  let bytes = 0
  const flush = (): void => {
    if (group.length > 0) parts.push(cardsMessage(group))
    group = []
    bytes = 0
  }
  for (const item of items) {
    const view = viewOf(item)
    const isFull = group.length === MAX_CARDS || bytes + view.bytes > MAX_CARD_BYTES
    if (isFull || view.before.length > 0) flush()
    parts.push(...view.before)
    group.push(view)
    bytes += view.bytes
  }
  flush()
  return parts
}

const cardsMessage = (views: readonly CardView[]): Part =>
  message({
    summary: views[0]?.summary ?? '',
    ...(views.length > 1 && { attachmentLayout: 'carousel' }),
    attachments: views.map(({ attachment }) => attachment),
  })

function viewOf({ title, subtitle = '', image: url, actions, ...card }: Card): CardView {
  const markdown = isMarkdown(card)
  const shown = url !== undefined && isPicture(url) ? [image(url, title)] : []
  const links = [...(url !== undefined && shown.length === 0 ? [url] : []), ...actions.flatMap(unlinkable)]
  const rest = [subtitle, ...links].filter((line) => line.trim()).join('\n')
  const words = [title, rest].filter((text) => text.trim()).join('\n')
  const buttons = buttonRows(actions.flatMap(cardButton))
  if (isShort(words)) {
    const [head, lines] = [linesOf(title, markdown), linesOf(rest, markdown)]
    const texts = [...textBlocks(head, { weight: 'Bolder', size: 'Medium' }), ...textBlocks(lines)]
    const body = [...shown, ...texts, ...buttons]
    const summary = cut(wordsOf([...head, ...lines]), LONGEST_SUMMARY)
    const view = sized({ before: [], attachment: adaptiveCard(body), summary })
    if (body.length > 0 && view.bytes <= MAX_CARD_BYTES) return view
  }
  const bare = [...shown, ...buttons]
  // A card needs something to show.
  const body = bare.length > 0 ? bare : textBlocks(plainLines(cut(words, MAX_LABEL)))
  const summary = cut(words, LONGEST_SUMMARY)
  return sized({ before: say(words, markdown), attachment: adaptiveCard(body), summary })
}

const sized = (view: Omit<CardView, 'bytes'>): CardView => ({ ...view, bytes: sizeOf(view.attachment) })

/** A link whose address Teams does not take, as a line of text. */
const unlinkable = (action: Action): string[] =>
  action.action === 'Open URL' && !isLinkable(action.url)
    ? [[action.title, action.url].filter(Boolean).join(': ')]
    : []

function cardButton(action: Action): JsonObject[] {
  switch (action.action) {
    case 'Say something':
      return [sayButton(action.title, action.text)]
    case 'Postback':
      return [quietButton(action.title, action.payload)]
    case 'Open URL':
      return isLinkable(action.url)
        ? [linkButton(action.title || (fileNameIn(action.url) ?? action.url), action.url)]
        : []
  }
}
