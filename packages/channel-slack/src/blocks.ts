import type { Action, Card, Choice, Json, Part } from '@plugboard/core'
import { splitText } from '@plugboard/core'
import type { Button, ImageBlock, KnownBlock, PlainTextElement, SectionBlock } from '@slack/types'
import { OPENS_URL } from './interactions.js'
import {
  MAX_ALT,
  MAX_BUTTONS,
  MAX_LABEL,
  MAX_MENU,
  MAX_OPTIONS,
  MAX_PLACEHOLDER,
  MAX_SECTION,
} from './limits.js'
import { block, type Elements, escapeText, isWebUrl, section, toMrkdwn, withLinks } from './rich-text.js'
import { fromSlackForm, hasSlackForm } from './slack-form.js'

/** A text without meaning in any language, where Slack requires one. */
export const NOTHING = '…'

/** One message. `text` is for notifications and screen readers, and is shown if there are no blocks. */
export function post(text: string, blocks: KnownBlock[] = [], options: { mrkdwn?: boolean } = {}): Part {
  // Blocks are plain JSON, but their types do not say so.
  const args = { text, ...(blocks.length > 0 && { blocks: blocks as unknown as Json }), ...options }
  return { call: 'chat.postMessage', args }
}

/** A plain text: addresses are links, and so are mentions and links in Slack's own form. */
export const fromPlain = (text: string): Elements => section(fromSlackForm(text, {}, withLinks))

/** A message with a plain text, without markup. */
export function say(text: string): Part {
  if (!hasSlackForm(text)) return post(escapeText(text), [], { mrkdwn: false })
  const elements = fromPlain(text)
  return post(toMrkdwn(elements), [block(elements, text)])
}

const label = (text: string, max = MAX_LABEL): PlainTextElement => ({
  type: 'plain_text',
  text: cut(text, max),
  emoji: true,
})

/** Shortens a text to `max` UTF-16 units without splitting a character. Never blank. */
export function cut(text: string, max: number): string {
  if (text.trim() === '') return NOTHING
  if (text.length <= max) return text
  return `${(splitText(text, max - 1)[0] ?? '').slice(0, max - 1)}…`
}

export const image = (url: string, title?: string): ImageBlock => ({
  type: 'image',
  image_url: url,
  alt_text: title?.trim() ? cut(title, MAX_ALT) : 'image',
  ...(title?.trim() && { title: label(title, MAX_ALT) }),
})

export const choiceButton = ({ title, value }: Choice, i: number): Button => ({
  type: 'button',
  action_id: `choice:${i}`,
  text: label(title),
  value,
})

export const buttons = (elements: Button[]): KnownBlock[] =>
  Array.from({ length: Math.ceil(elements.length / MAX_BUTTONS) }, (_, i) => ({
    type: 'actions',
    elements: elements.slice(i * MAX_BUTTONS, (i + 1) * MAX_BUTTONS),
  }))

/** One or more menus for the options. */
export function menus(message: string, options: { label: string; value: string }[]): KnownBlock[] {
  const pages: (typeof options)[] = []
  let room = 0
  for (const option of options) {
    const size = Math.min(option.label.length, MAX_LABEL) + option.value.length
    const page = pages.at(-1)
    if (page && page.length < MAX_OPTIONS && size <= room) page.push(option)
    else {
      pages.push([option])
      room = MAX_MENU
    }
    room -= size
  }
  return pages.map((page, i) => ({
    type: 'actions',
    elements: [
      {
        type: 'static_select',
        action_id: `option:${i}`,
        placeholder: label(message, MAX_PLACEHOLDER),
        options: page.map(({ label: text, value }) => ({ text: label(text), value })),
      },
    ],
  }))
}

/**
 * Marks that mrkdwn takes for formatting and that cannot be escaped: at the edge of a word, and `>` at the start of a
 * line. The spaces exclude line breaks, or the pattern would be tried from each break of a long run.
 */
const AT_RISK = /(?<![\p{L}\p{N}])[*_~`]|[*_~`](?![\p{L}\p{N}])|^[^\S\n\r\u2028\u2029]*>/mu

/**
 * The text of a card beside its picture. Only a section can show both, and a section supports only mrkdwn. A text that
 * mrkdwn would change is shown without formatting.
 */
function cardWords(elements: Elements, plain: string, picture?: string): SectionBlock {
  const mrkdwn = toMrkdwn(elements)
  const isSafe = mrkdwn.length <= MAX_SECTION && !AT_RISK.test(plain)
  return {
    type: 'section',
    text: isSafe ? { type: 'mrkdwn', text: mrkdwn } : { type: 'plain_text', text: plain, emoji: true },
    ...(picture !== undefined && {
      accessory: { type: 'image', image_url: picture, alt_text: cut(plain.split('\n')[0] ?? '', MAX_ALT) },
    }),
  }
}

/** A formatted text, and the same text without formatting. */
export interface Rich {
  elements: Elements
  plain: string
}

/** How a card is shown. `before` are texts that are too long for its blocks. */
export interface CardView {
  before: string[]
  text: string
  blocks: KnownBlock[]
}

/** Turns a card into blocks. `read` parses its texts: as Markdown or as plain text. */
export function card({ title, subtitle, image: url, actions }: Card, read: (text: string) => Rich): CardView {
  const picture = url !== undefined && isWebUrl(url) ? url : undefined
  const links = [...(url !== undefined && !picture ? [url] : []), ...actions.flatMap(unlinkable)]
  const lines = [subtitle, ...links].filter((line): line is string => Boolean(line?.trim()))
  const [head, rest] = [read(title.trim()), read(lines.join('\n'))]
  const plain = [head.plain, rest.plain].filter(Boolean).join('\n')
  const isLong = plain.length > MAX_SECTION
  const isPicture = picture !== undefined && (isLong || plain === '')
  const isWords = plain !== '' && !isLong
  return {
    before: isLong ? splitText(plain, MAX_SECTION) : [],
    text: escapeText(cut(plain.split('\n')[0] ?? '', MAX_SECTION)),
    blocks: [
      ...(isPicture ? [image(picture)] : []),
      ...(isWords ? [cardWords([...bold(head.elements), ...rest.elements], plain, picture)] : []),
      ...buttons(actions.flatMap(cardButton)),
    ],
  }
}

/** A title in bold; lists and the like are unchanged. */
const bold = (elements: Elements): Elements =>
  elements.map((element) => {
    if (element.type !== 'rich_text_section') return element
    return { ...element, elements: element.elements.map(inBold) }
  })

const inBold = <T extends { style?: object }>(piece: T): T => ({
  ...piece,
  style: { ...piece.style, bold: true },
})

/** A link whose address Slack rejects, as a line of text. */
const unlinkable = (action: Action): string[] =>
  action.action === 'Open URL' && !isWebUrl(action.url)
    ? [[action.title, action.url].filter(Boolean).join(': ')]
    : []

function cardButton(action: Action, i: number): Button[] {
  if (action.action !== 'Open URL') {
    return [
      choiceButton(
        { title: action.title, value: action.action === 'Postback' ? action.payload : action.text },
        i,
      ),
    ]
  }
  if (!isWebUrl(action.url)) return []
  return [{ type: 'button', action_id: `${OPENS_URL}:${i}`, text: label(action.title), url: action.url }]
}
