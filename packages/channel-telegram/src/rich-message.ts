import { type InboundContent, truncate } from '@plugboard/core'
import { z } from 'zod'
import { fileFields, fileIn } from './files.js'
import { linked } from './formatted-words.js'
import { at } from './property.js'

/** Telegram allows 50 files in a message. */
const MAX_FILES = 50
/** Telegram allows 32,768 characters in a message, besides addresses. */
const MAX_CHARACTERS = 60_000
/** Telegram allows 16 levels of blocks and formatting. Each line gets the marks of all quotes and lists that it is in. */
const MAX_LEVELS = 16
/** Deepest indentation of one level of a list. */
const MAX_INDENT = 8

const messageSchema = z.object({ blocks: z.array(z.unknown()) })
const placeSchema = z.object({ latitude: z.number(), longitude: z.number() })

/** The words of a rich message, and its files: https://core.telegram.org/bots/api#richmessage. Undefined for other values. */
export function readRichMessage(value: unknown): InboundContent[] | undefined {
  const message = messageSchema.safeParse(value)
  if (!message.success) return undefined
  const { blocks } = message.data
  const text = wordsOfBlocks(cut(blocks, { characters: MAX_CHARACTERS }, MAX_LEVELS), '\n\n')
  const files: InboundContent[] = []
  collectFiles(blocks, files)
  return [...(text === '' ? [] : [{ type: 'text', text }]), ...files]
}

/**
 * A copy with a limited number of characters and of levels of blocks. What is beyond is left out, and `…` stands for it.
 */
function cut(value: unknown, left: { characters: number }, levels: number): unknown {
  if (typeof value === 'string') return cutText(value, left)
  if (Array.isArray(value)) return value.map((each) => cut(each, left, levels))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => {
      if (WORDLESS.has(name)) return [name, each]
      if (name !== 'blocks') return [name, cut(each, left, levels)]
      return [name, levels > 0 ? cut(each, left, levels - 1) : [{ type: 'paragraph', text: '…' }]]
    }),
  )
}

/** Fields without words: kinds, and files. */
const WORDLESS = new Set(['type', ...fileFields])

function cutText(text: string, left: { characters: number }): string {
  const room = left.characters
  left.characters -= text.length
  if (left.characters >= 0) return text
  // Only the first text that is too long ends in `…`.
  return room >= 0 ? `${truncate(text, room)}…` : ''
}

/** The words of rich texts, a line each, within the limits of a message. */
export function wordsOfTexts(texts: readonly unknown[]): string {
  const left = { characters: MAX_CHARACTERS }
  return texts.map((text) => wordsOf(cut(text, left, MAX_LEVELS))).join('\n')
}

/** The words of a rich text: a string, a list of them, or an object with a type. */
function wordsOf(text: unknown): string {
  if (typeof text === 'string') return text
  if (Array.isArray(text)) return text.map(wordsOf).join('')
  if (typeof text !== 'object' || text === null) return ''
  const wordsIn = (field: string) => wordsOf(at(text, field))
  switch (at(text, 'type')) {
    case 'custom_emoji':
      return wordsIn('alternative_text')
    case 'mathematical_expression':
      return wordsIn('expression')
    case 'url':
      return linked(wordsIn('text'), wordsIn('url'))
    case 'button':
      return buttonWords(at(text, 'button'))
    default:
      return wordsIn('text')
  }
}

/** A block has one line or more; blocks without words are left out. */
function wordsOfBlocks(blocks: unknown, between: string): string {
  if (!Array.isArray(blocks)) return ''
  return blocks
    .map((block) => blockWords(block))
    .filter((words) => words.trim() !== '')
    .join(between)
}

function blockWords(block: unknown): string {
  const inner = (between: string) => wordsOfBlocks(at(block, 'blocks'), between)
  const words = (field: string) => wordsOf(at(block, field))
  switch (at(block, 'type')) {
    case 'divider':
      return '———'
    case 'mathematical_expression':
      return words('expression')
    case 'list':
      return listOf(at(block, 'items'))
        .map((item) => itemWords(item))
        .join('\n')
    case 'blockquote':
    case 'pullquote':
    case 'expandable_blockquote':
      return quoted(lines(words('text'), inner('\n\n'), credited(words('credit'))))
    case 'table':
      return lines(words('caption'), ...listOf(at(block, 'cells')).map((row) => rowWords(row)))
    case 'map':
      return lines(placeWords(at(block, 'location')), captionWords(block))
    case 'buttons':
      return lines(...listOf(at(block, 'buttons')).map((button) => buttonWords(button)))
    default:
      // Paragraphs, headings, details, collages, files, and blocks that Telegram adds later.
      return lines(words('summary'), words('text'), inner('\n\n'), captionWords(block))
  }
}

/** An item of a list, with its bullet, number or checkbox; further lines are indented. */
function itemWords(item: unknown): string {
  const box = at(item, 'has_checkbox') === true ? (at(item, 'is_checked') === true ? '☑' : '☐') : undefined
  const label = at(item, 'label')
  const marker = `${box ?? (typeof label === 'string' && label !== '' ? label : '•')} `
  const words = wordsOfBlocks(at(item, 'blocks'), '\n')
  return marker + words.replaceAll('\n', `\n${' '.repeat(Math.min(marker.length, MAX_INDENT))}`)
}

const rowWords = (row: unknown): string =>
  listOf(row)
    .map((cell) => wordsOf(at(cell, 'text')))
    .join(' | ')

/** A caption is a rich text, or has one and the credit of its author. */
function captionWords(block: unknown): string {
  const caption = at(block, 'caption')
  return lines(wordsOf(caption), credited(wordsOf(at(caption, 'credit'))))
}

function buttonWords(button: unknown): string {
  const url = at(button, 'url')
  const words = wordsOf(at(button, 'text'))
  return typeof url === 'string' ? linked(words, url) : words
}

function placeWords(location: unknown): string {
  const { data } = placeSchema.safeParse(location)
  return data ? `${data.latitude}, ${data.longitude}` : ''
}

const quoted = (words: string): string => (words === '' ? '' : `> ${words.replaceAll('\n', '\n> ')}`)
const credited = (credit: string): string => (credit === '' ? '' : `— ${credit}`)
const lines = (...all: string[]): string => all.filter((words) => words.trim() !== '').join('\n')
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
/** Adds the files of blocks, in order. */
function collectFiles(blocks: unknown, to: InboundContent[]): void {
  for (const block of listOf(blocks)) {
    const file = to.length < MAX_FILES ? fileIn(block) : undefined
    if (file) to.push(file)
    collectFiles(at(block, 'blocks'), to)
    for (const item of listOf(at(block, 'items'))) collectFiles(at(item, 'blocks'), to)
  }
}
