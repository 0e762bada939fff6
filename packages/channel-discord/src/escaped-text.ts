import { isUrl, splitText } from '@plugboard/core'

/** A text without meaning in any language, where Discord requires one. */
export const NOTHING = '…'

/** Whether Discord shows something of a text. It refuses a message of only white space and characters without width. */
export const isVisible = (text: string): boolean =>
  /[^\s\p{Cc}\p{Cf}\p{Z}\p{Default_Ignorable_Code_Point}\u2800\ufffc]/u.test(text)

/** Control characters other than line feeds and tabs. */
const CONTROLS = /(?![\n\t])\p{Cc}/gu

/** Replaces what cannot be sent: halves of surrogate pairs and control characters. */
export const clean = (text: string): string =>
  (text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text).toWellFormed().replace(CONTROLS, '')

/**
 * What stays as it is: an address, which Discord links, and Discord's own form of mentions, emoji and times. Nobody is
 * notified, because messages allow no mentions. https://docs.discord.com/developers/reference#message-formatting
 */
const VERBATIM =
  /https?:\/\/(?<![\p{L}\p{N}_]https?:\/\/)[^\s<>\\|]{1,2000}|<(?:@[!&]?\d{1,20}|#\d{1,20}|a?:\w{1,40}:\d{1,20}|t:-?\d{1,15}(?::[tTdDfFsSR])?)>/gu

/** Marks that have a meaning anywhere. */
const MARKS = /[\\*_~`|[\]<>]/g
/** Marks that have one at the start of a line: headings, lists, small text. */
const AT_LINE_START = /^([ \t]*)(#{1,3}(?=\s|$)|-#(?=\s|$)|[-+](?=\s|$)|(?:\d{1,10})(?=\.(?:\s|$)))/gm
/** Names of emoji. */
const EMOJI_NAME = /:(?=[\w+-]{1,60}:)/g

/** A text that Discord shows to the letter. */
export function escapeText(text: string): string {
  if (!text.includes('<') && !text.includes('://')) return atLineStarts(escapeMarks(text))
  let escaped = ''
  let end = 0
  for (const match of text.matchAll(VERBATIM)) {
    const before = escapeMarks(text.slice(end, match.index))
    // A colon before an address begins what looks like the name of an emoji.
    escaped += (match[0].startsWith('http') ? before.replace(/:$/, '\\:') : before) + match[0]
    end = match.index + match[0].length
  }
  return atLineStarts(escaped + escapeMarks(text.slice(end)))
}

function escapeMarks(text: string): string {
  const escaped = text.replace(MARKS, '\\$&')
  return text.includes(':') ? escaped.replace(EMOJI_NAME, '\\:') : escaped
}

const atLineStarts = (text: string): string =>
  text.replace(AT_LINE_START, (_, space: string, mark: string) =>
    /^\d/.test(mark) ? `${space}${mark}\\` : `${space}\\${mark}`,
  )

/** A text as messages of at most `max` UTF-16 units, each shown to the letter. At least one. */
export function escapedPieces(text: string, max: number): string[] {
  const words = clean(text)
  // As many characters as fit if all of the text has as many marks as its start.
  const start = words.slice(0, max)
  const size = Math.max(1, Math.floor((max * start.length) / Math.max(1, escapeText(start).length)))
  const pieces = splitText(words, Math.min(max, size)).flatMap((piece) => pieceBy(piece, max))
  return pieces.length > 0 ? pieces : [NOTHING]
}

/** A piece that is too long with its back slashes is cut in two. */
function pieceBy(text: string, max: number): string[] {
  const escaped = escapeText(text)
  if (escaped.length <= max) return isVisible(text) ? [escaped] : []
  const half = Math.max(1, Math.ceil(text.length / 2))
  return splitText(text, half).flatMap((piece) => pieceBy(piece, max))
}

/** How many times the room of a label is read, for those with much white space. */
const MAX_CUT = 10

/** Shortens a label to `max` UTF-16 units without splitting a character. Never blank. */
export function cut(text: string, max: number): string {
  const words = clean(text.slice(0, max * MAX_CUT))
    .replace(/\s+/g, ' ')
    .trim()
  if (!isVisible(words)) return NOTHING
  if (words.length <= max) return words
  return `${(splitText(words, max - 1)[0] ?? '').slice(0, max - 1).toWellFormed()}…`
}

/** An address that Discord links and shows in an embed. */
export const isWebUrl = (url: string): boolean => /^https?:\/\/[^\s<>"\\]+$/i.test(url) && isUrl(url)
