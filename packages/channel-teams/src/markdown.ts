import { isUrl } from '@plugboard/core'
import { type Block, type Inline, type List, parseMarkdown } from '@plugboard/markdown'
import { MAX_URL } from './limits.js'

/** Characters that XML cannot have, not even escaped. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is removed
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g

/** A text that Teams can show: without halves of characters and without controls. */
export const clean = (text: string): string =>
  text.toWellFormed().replace(/\r\n?/g, '\n').replace(CONTROLS, '')

/** An address that a link may have. */
export const isLinkable = (url: string): boolean =>
  url.length <= MAX_URL && isUrl(url) && /^(https?|mailto):$/.test(new URL(url).protocol)

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** A text in the markup of Teams' messages. */
export const toXml = (text: string): string => escaped(clean(text)).replaceAll('\n', '<br/>')

export const xmlLink = (url: string, words: string): string =>
  `<a href="${escaped(new URL(url).href)}">${toXml(words)}</a>`

/**
 * Markdown in the markup of Teams' messages, in which each character can be escaped; in Teams' own Markdown, an underscore
 * or a number at the start of a line cannot. Empty if it shows nothing.
 * https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages
 */
export const markdownToXml = (source: string): string => blocksToXml(parseMarkdown(clean(source)))

const blocksToXml = (blocks: readonly Block[]): string =>
  blocks.map(blockToXml).reduce((all, block, i) => {
    // Lists, quotes and code begin a line of their own.
    const isApart = isLine(blocks[i]) && isLine(blocks[i - 1])
    return all + (i > 0 && isApart ? '<br/><br/>' : '') + block
  }, '')

const isLine = (block: Block | undefined): boolean =>
  block !== undefined && !['list', 'quote', 'code-block'].includes(block.type)

function blockToXml(block: Block): string {
  switch (block.type) {
    case 'paragraph':
      return inlinesToXml(block.children)
    case 'heading':
      return `<b>${inlinesToXml(block.children)}</b>`
    case 'rule':
      return '———'
    case 'code-block':
      return `<pre>${escaped(block.text)}</pre>`
    case 'quote':
      return `<blockquote>${blocksToXml(block.children)}</blockquote>`
    case 'list':
      return listToXml(block)
    case 'table':
      return block.rows.map((row) => row.map(inlinesToXml).join(' | ')).join('<br/>')
  }
}

function listToXml({ items, start }: List): string {
  const rows = items.map(({ isChecked, children }) => {
    const box = isChecked === undefined ? '' : isChecked ? '☑ ' : '☐ '
    return `<li>${box}${blocksToXml(children)}</li>`
  })
  if (start === undefined) return `<ul>${rows.join('')}</ul>`
  return `<ol${start === 1 ? '' : ` start="${start}"`}>${rows.join('')}</ol>`
}

const inlinesToXml = (inlines: readonly Inline[]): string => inlines.map(inlineToXml).join('')

const TAGS = { strong: 'b', emphasis: 'i', strikethrough: 's' } as const

function inlineToXml(inline: Inline): string {
  switch (inline.type) {
    case 'text':
      return toXml(inline.text)
    case 'break':
      return '<br/>'
    case 'code':
      return `<code>${toXml(inline.text)}</code>`
    case 'strong':
    case 'emphasis':
    case 'strikethrough': {
      const tag = TAGS[inline.type]
      return `<${tag}>${inlinesToXml(inline.children)}</${tag}>`
    }
    case 'link': {
      const words = inlinesToXml(inline.children)
      if (isLinkable(inline.url))
        return `<a href="${escaped(new URL(inline.url).href)}">${words || toXml(inline.url)}</a>`
      return inline.url ? `${words} (${toXml(inline.url)})` : words
    }
    case 'image':
      return isLinkable(inline.url)
        ? xmlLink(inline.url, inline.alt || inline.url)
        : toXml(inline.alt || inline.url)
  }
}

/** A piece of a line in a card, with its style. */
export interface Run {
  text: string
  isStrong?: boolean
  isEmphasis?: boolean
  isStruck?: boolean
  isCode?: boolean
  url?: string
}

/** A text as lines of a card. */
export const plainLines = (text: string): Run[][] =>
  clean(text)
    .split('\n')
    .map((line) => [{ text: line }])

/** Markdown as lines of a card, whose own Markdown has no escapes. */
export function markdownLines(source: string): Run[][] {
  const lines: Run[][] = [[]]
  writeBlocks(parseMarkdown(clean(source)), lines, '')
  return lines
}

/** Adds a piece, with a new line for each line feed. */
function add(lines: Run[][], { text, ...style }: Run, indent: string): void {
  for (const [i, piece] of text.split('\n').entries()) {
    if (i > 0) lines.push(indent ? [{ text: indent }] : [])
    if (piece !== '') lines.at(-1)?.push({ text: piece, ...style })
  }
}

function writeBlocks(blocks: readonly Block[], lines: Run[][], indent: string, isTight = false): void {
  for (const [i, block] of blocks.entries()) {
    if (i > 0) add(lines, { text: isTight ? '\n' : '\n\n' }, indent)
    writeBlock(block, lines, indent)
  }
}

function writeBlock(block: Block, lines: Run[][], indent: string): void {
  switch (block.type) {
    case 'paragraph':
      return writeInlines(block.children, lines, indent, {})
    case 'heading':
      return writeInlines(block.children, lines, indent, { isStrong: true })
    case 'rule':
      return add(lines, { text: '———' }, indent)
    case 'code-block':
      return add(lines, { text: block.text, isCode: true }, indent)
    case 'quote':
      add(lines, { text: '│ ' }, indent)
      return writeBlocks(block.children, lines, `${indent}│ `)
    case 'list':
      for (const [i, { isChecked, children }] of block.items.entries()) {
        if (i > 0) add(lines, { text: '\n' }, indent)
        const bullet = block.start === undefined ? '• ' : `${block.start + i}. `
        const box = isChecked === undefined ? '' : isChecked ? '☑ ' : '☐ '
        add(lines, { text: bullet + box }, indent)
        // Spaces at the start of a line are not shown.
        writeBlocks(children, lines, `${indent}\u2003`, true)
      }
      return
    case 'table':
      for (const [i, row] of block.rows.entries()) {
        if (i > 0) add(lines, { text: '\n' }, indent)
        for (const [j, cell] of row.entries()) {
          if (j > 0) add(lines, { text: ' | ' }, indent)
          writeInlines(cell, lines, indent, {})
        }
      }
  }
}

type Style = Omit<Run, 'text'>

function writeInlines(inlines: readonly Inline[], lines: Run[][], indent: string, style: Style): void {
  for (const inline of inlines) {
    switch (inline.type) {
      case 'text':
        add(lines, { text: inline.text, ...style }, indent)
        break
      case 'break':
        add(lines, { text: '\n' }, indent)
        break
      case 'code':
        add(lines, { text: inline.text, ...style, isCode: true }, indent)
        break
      case 'strong':
        writeInlines(inline.children, lines, indent, { ...style, isStrong: true })
        break
      case 'emphasis':
        writeInlines(inline.children, lines, indent, { ...style, isEmphasis: true })
        break
      case 'strikethrough':
        writeInlines(inline.children, lines, indent, { ...style, isStruck: true })
        break
      case 'link':
        if (isLinkable(inline.url)) {
          const words =
            inline.children.length > 0 ? inline.children : [{ type: 'text' as const, text: inline.url }]
          writeInlines(words, lines, indent, { ...style, url: new URL(inline.url).href })
        } else {
          writeInlines(inline.children, lines, indent, style)
          if (inline.url) add(lines, { text: ` (${inline.url})`, ...style }, indent)
        }
        break
      case 'image':
        add(
          lines,
          { text: inline.alt || inline.url, ...style, ...(isLinkable(inline.url) && { url: inline.url }) },
          indent,
        )
    }
  }
}
