import { isUrl } from '@plugboard/core'
import type {
  RichTextBlock,
  RichTextBlockElement,
  RichTextChannelMention,
  RichTextLink,
  RichTextList,
  RichTextPreformatted,
  RichTextText,
  RichTextUsergroupMention,
  RichTextUserMention,
} from '@slack/types'
import { MAX_RICH_TEXT, MAX_URL } from './limits.js'

/** A mention of a person, a channel or a group. */
export type Mention = RichTextUserMention | RichTextChannelMention | RichTextUsergroupMention
/** A piece of a line: text, a link or a mention. Slack does not parse it, so nothing has to be escaped. */
export type Inline = RichTextText | RichTextLink | Mention
export type Style = NonNullable<RichTextText['style']>
/** The elements of a block: lines, lists, quotes and code. */
export type Elements = RichTextBlockElement[]

export const isWebUrl = (url: string): boolean =>
  url.length <= MAX_URL && /^https?:\/\/[^\s/]/i.test(url) && isUrl(url)

const isLinkable = (url: string): boolean =>
  isWebUrl(url) || (url.length <= MAX_URL && /^(mailto|tel):[^\s]+$/i.test(url))

/** A text as pieces; none for an empty text, which Slack rejects. */
export function words(text: string, style: Style = {}): Inline[] {
  if (text === '') return []
  return [{ type: 'text', text, ...(Object.keys(style).length > 0 && { style }) }]
}

/** A link, or its label and address as text if Slack rejects the address. */
export function link(url: string, label: string, style: Style = {}): Inline[] {
  if (!isLinkable(url)) return words(label === '' || label === url ? url : `${label} (${url})`, style)
  const text = label === url ? '' : label
  return [{ type: 'link', url, ...(text && { text }), ...(Object.keys(style).length > 0 && { style }) }]
}

/** Joins neighbours of the same style. */
export function joined(pieces: readonly Inline[]): Inline[] {
  const result: Inline[] = []
  for (const piece of pieces) {
    const last = result.at(-1)
    if (last?.type === 'text' && piece.type === 'text' && isSame(last.style, piece.style)) {
      last.text += piece.text
    } else result.push({ ...piece })
  }
  return result
}

const isSame = (a: Style = {}, b: Style = {}): boolean =>
  (['bold', 'italic', 'strike', 'code'] as const).every((name) => Boolean(a[name]) === Boolean(b[name]))

/** Lines as the elements of a block; no element for no lines. */
export const section = (pieces: readonly Inline[]): Elements =>
  pieces.length > 0 ? [{ type: 'rich_text_section', elements: joined(pieces) }] : []

/** A block of these elements, or of the plain text if it would be too long. */
export function block(elements: Elements, plain: string): RichTextBlock {
  const rich: RichTextBlock = { type: 'rich_text', elements }
  return JSON.stringify(rich).length <= MAX_RICH_TEXT ? rich : { ...rich, elements: section(words(plain)) }
}

/** A plain text whose addresses are links, as pieces. */
export function withLinks(text: string): Inline[] {
  const pieces: Inline[] = []
  let end = 0
  for (const match of text.matchAll(/https?:\/\/[^\s<>"|]+/gi)) {
    const url = withoutPunctuation(match[0])
    pieces.push(...words(text.slice(end, match.index)), ...link(url, ''))
    end = match.index + url.length
  }
  return [...pieces, ...words(text.slice(end))]
}

/** Removes punctuation after an address. A loop, because a pattern would be tried at each character. */
function withoutPunctuation(address: string): string {
  let end = address.length
  while (`.,:;!?'"*_~)]`.includes(address.charAt(end - 1))) end -= 1
  return address.slice(0, end)
}

/** Escapes the three control characters of a text of Slack. */
export const escapeText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** A link in mrkdwn, without characters that would end it. */
export function mrkdwnLink(url: string, label: string): string {
  const address = escapeText(url.replaceAll('|', '%7C').replaceAll('<', '%3C').replaceAll('>', '%3E'))
  const text = escapeText(label.replace(/\s+/g, ' ').trim())
  return text === '' || label === url ? `<${address}>` : `<${address}|${text}>`
}

/** Elements as mrkdwn, for notifications and cards. */
export const toMrkdwn = (elements: Elements): string => elements.map(elementToMrkdwn).join('\n')

function elementToMrkdwn(element: Elements[number]): string {
  switch (element.type) {
    case 'rich_text_section':
      return inlineToMrkdwn(element.elements as Inline[])
    case 'rich_text_list':
      return listToMrkdwn(element)
    case 'rich_text_quote':
      return inlineToMrkdwn(element.elements as Inline[]).replace(/^/gm, '> ')
    case 'rich_text_preformatted':
      return `\`\`\`\n${preformatted(element)}\n\`\`\``
  }
}

function listToMrkdwn({
  elements,
  style,
  indent = 0,
  offset = 0,
}: RichTextList & { offset?: number }): string {
  const form = { isOrdered: style === 'ordered', indent, offset }
  return elements.map((item, i) => listLine(form, i, inlineToMrkdwn(item.elements as Inline[]))).join('\n')
}

const preformatted = ({ elements }: RichTextPreformatted): string =>
  escapeText(elements.map((piece) => (piece.type === 'text' ? piece.text : piece.url)).join(''))

/** A mention as Slack writes it in a text. */
export function mentionText(mention: Mention): string {
  switch (mention.type) {
    case 'user':
      return `<@${mention.user_id}>`
    case 'channel':
      return `<#${mention.channel_id}>`
    case 'usergroup':
      return `<!subteam^${mention.usergroup_id}>`
  }
}

/** Deepest list that Slack shows. */
const MAX_INDENT = 8

/** An item of a list as a line. */
export function listLine(
  { isOrdered, indent, offset }: { isOrdered: boolean; indent: number; offset: number },
  i: number,
  text: string,
): string {
  const margin = '    '.repeat(Math.min(Math.max(Math.trunc(indent) || 0, 0), MAX_INDENT))
  return `${margin}${isOrdered ? `${(offset || 0) + i + 1}.` : '•'} ${text}`
}

function inlineToMrkdwn(pieces: readonly Inline[]): string {
  let text = ''
  let last = ''
  for (const [i, piece] of pieces.entries()) {
    const inner = pieceToMrkdwn(piece)
    const marked = mark(inner, piece.style)
    // Slack formats only at the edge of a word; this space has no width.
    const isEdge = (isMarked(piece.style) || isMarked(pieces[i - 1]?.style)) && /\S/.test(last)
    text += isEdge && /^\S/.test(marked) ? `\u200b${marked}` : marked
    last = marked.slice(-1)
  }
  return text
}

function pieceToMrkdwn(piece: Inline): string {
  switch (piece.type) {
    case 'text':
      return escapeText(piece.text)
    case 'link':
      return mrkdwnLink(piece.url, piece.text ?? '')
    default:
      return mentionText(piece)
  }
}

const isMarked = (style: Style = {}): boolean => Object.values(style).some(Boolean)

/** Puts marks around the text of each line: not around spaces, and not across lines. */
const mark = (text: string, { bold, italic, strike, code }: Style = {}): string => {
  const marks = [bold && '*', italic && '_', strike && '~', code && '`'].filter(
    (each) => typeof each === 'string',
  )
  if (marks.length === 0) return text
  const [before, after] = [marks.join(''), marks.toReversed().join('')]
  return text
    .split('\n')
    .map((line) => {
      const words = line.trim()
      return words === '' ? line : line.replace(words, () => `${before}${words}${after}`)
    })
    .join('\n')
}
