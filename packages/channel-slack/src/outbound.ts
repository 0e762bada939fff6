import {
  type Card,
  type Content,
  type ContentOf,
  type OutboundContent,
  type Part,
  splitText,
} from '@plugboard/core'
import type { KnownBlock } from '@slack/types'
import {
  buttons,
  type CardView,
  card,
  choiceButton,
  cut,
  fromPlain,
  image,
  menus,
  NOTHING,
  post,
  type Rich,
  say,
} from './blocks.js'
import { MAX_BLOCKS, MAX_CARDS, MAX_PLACE, MAX_SECTION, MAX_TEXT } from './limits.js'
import { fromMarkdown } from './markdown.js'
import {
  block,
  type Elements,
  escapeText,
  type Inline,
  isWebUrl,
  link,
  mentionText,
  mrkdwnLink,
  section,
  toMrkdwn,
  words,
} from './rich-text.js'
import { fromSlackForm, hasSlackForm } from './slack-form.js'

/** Turns content into messages of Slack, one part each. */
export function render(content: OutboundContent): Part[] {
  // The host degrades to the types of `capabilities`, and those are core's.
  const known = content as Exclude<Content, ContentOf<'template'>>
  switch (known.type) {
    case 'text':
      return known.markdown ? [markdown(rich(known.text))] : [say(known.text)]
    case 'single-choice':
      return [choice(known)]
    case 'dropdown':
      return dropdown(known)
    case 'image':
      return [picture(known)]
    case 'audio':
    case 'voice':
      return [media(known.audio, known.title)]
    case 'video':
      return [media(known.video, known.title)]
    case 'file':
      return [media(known.file, known.title)]
    case 'location':
      return place(known)
    case 'card':
      return cards([known])
    case 'carousel':
      return cards(known.items)
  }
}

/** A text as it is written, but for mentions and links in Slack's own form. */
function verbatim(text: string): Rich {
  const elements = section(fromSlackForm(text))
  return { elements, plain: hasSlackForm(text) ? textOf(elements) : text }
}

/** A Markdown text. One that would show nothing, or that is too long, is shown as it is written. */
function rich(text: string): Rich {
  const elements = fromMarkdown(text)
  const plain = textOf(elements)
  const isShown = plain.trim() !== '' && block(elements, text).elements === elements
  return isShown && toMrkdwn(elements).length <= MAX_TEXT ? { elements, plain } : verbatim(text)
}

/** The text alone, with the addresses of links that do not show them. */
const textOf = (elements: Elements): string =>
  elements
    .flatMap((element) => (element.type === 'rich_text_list' ? element.elements : [element]))
    .map(({ elements }) =>
      elements
        .map((piece) => {
          const inline = piece as Inline
          if (inline.type === 'link') return inline.text ? `${inline.text} (${inline.url})` : inline.url
          return inline.type === 'text' ? inline.text : mentionText(inline)
        })
        .join(''),
    )
    .join('\n')

const markdown = ({ elements, plain }: Rich): Part => post(toMrkdwn(elements), [block(elements, plain)])

function choice({ text, choices, ...content }: ContentOf<'single-choice'>): Part {
  const elements = isMarkdown(content) ? rich(text).elements : fromPlain(text)
  const shown: KnownBlock[] = text.trim() ? [block(elements, text)] : []
  return post(toMrkdwn(elements) || NOTHING, [...shown, ...buttons(choices.map(choiceButton))])
}

/** Core keeps the flag when it degrades other content to choices. */
const isMarkdown = (content: object): boolean => 'markdown' in content && content.markdown === true

/** A message with a menu for every 100 options, so that none exceeds Slack's limits. */
function dropdown({ message, options }: ContentOf<'dropdown'>): Part[] {
  const pieces = splitText(message, MAX_SECTION)
  const last = pieces.at(-1) ?? ''
  const text = escapeText(cut(last, MAX_SECTION))
  const shown: KnownBlock[] = last.trim() ? [block(fromPlain(last), last)] : []
  const asked = menus(last, options).map((menu, i) => post(text, [...(i === 0 ? shown : []), menu]))
  return [...pieces.slice(0, -1).map(say), ...asked]
}

function picture({ image: url, title }: ContentOf<'image'>): Part {
  if (!isWebUrl(url)) return media(url, title)
  return post(escapeText(title?.trim() ? title : 'image'), [image(url, title)])
}

/** A link in the text; Slack shows a player for formats that it knows. */
function media(url: string, title = ''): Part {
  return isWebUrl(url) ? post(mrkdwnLink(url, title)) : say(title ? `${title}: ${url}` : url)
}

function place({ latitude, longitude, title = '', address = '' }: ContentOf<'location'>): Part[] {
  // Six decimals are about 10 cm, and never print as `1e-7`.
  const point = `${Number(latitude.toFixed(6))},${Number(longitude.toFixed(6))}`
  const map = `https://www.google.com/maps/search/?api=1&query=${point}`
  const isLong = title.length + address.length > MAX_PLACE
  const before = isLong
    ? splitText([title, address].filter((line) => line.trim()).join('\n'), MAX_SECTION)
    : []
  const name = isLong || !title.trim() ? [] : [...words(title, { bold: true }), ...words('\n')]
  const elements = section([...name, ...link(map, isLong || !address.trim() ? point : address)])
  return [...before.map(say), post(toMrkdwn(elements), [block(elements, map)])]
}

/** Puts as many cards into a message as fit, because Slack accepts only one message a second. */
function cards(items: Card[]): Part[] {
  const parts: Part[] = []
  let open = new CardMessage()
  const flush = (): void => {
    if (!open.isEmpty) parts.push(open.part)
    open = new CardMessage()
  }
  for (const item of items) {
    const { before, ...view } = card(item, item.markdown ? rich : verbatim)
    const size = JSON.stringify(view.blocks).length
    if (before.length > 0 || !open.hasRoomFor(view, size)) flush()
    parts.push(...before.map(say))
    if (view.blocks.length > 0) open.add(view, size)
  }
  flush()
  return parts.length > 0 ? parts : [say(NOTHING)]
}

type Shown = Pick<CardView, 'text' | 'blocks'>

/** One message of cards. A card that is larger than a message gets its own. */
class CardMessage {
  readonly #views: Shown[] = []
  #blocks = 0
  #size = 0

  get isEmpty(): boolean {
    return this.#views.length === 0
  }

  get part(): Part {
    return post(
      this.#views.map(({ text }) => text).join('\n'),
      this.#views.flatMap(({ blocks }) => blocks),
    )
  }

  /** `size` is in characters of the JSON of its blocks. */
  hasRoomFor({ blocks }: Shown, size: number): boolean {
    return this.#blocks + blocks.length <= MAX_BLOCKS && this.#size + size <= MAX_CARDS
  }

  add(view: Shown, size: number): void {
    this.#views.push(view)
    this.#blocks += view.blocks.length
    this.#size += size
  }
}
