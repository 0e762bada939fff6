import { type Block, type Inline, type List, type ListItem, parseMarkdown } from '@plugboard/markdown'
import { clean, escapedPieces, escapeText, isVisible, isWebUrl } from './escaped-text.js'

/** Discord knows three levels of headings. */
const MAX_HEADING = 3
/** A character without width, which keeps two marks apart. */
const APART = '\u200b'

/**
 * Markdown in Discord's flavour, as texts of at most `max` UTF-16 units: tables are code, pictures are links, a quote in a
 * quote is one quote. At least one text; what would show nothing is shown as it is written.
 */
export function fromMarkdown(source: string, max: number): string[] {
  const text = clean(source)
  const pieces = packed(
    parseMarkdown(text).flatMap((block) => blockPieces(block, max)),
    max,
    '\n\n',
  )
  return pieces.length > 0 ? pieces : escapedPieces(text, max)
}

/** Joins pieces as far as they fit. */
function packed(pieces: readonly string[], max: number, between: string): string[] {
  const all: string[] = []
  let open: string | undefined
  for (const piece of pieces) {
    if (open !== undefined && open.length + between.length + piece.length <= max) open += between + piece
    else {
      if (open !== undefined) all.push(open)
      open = piece
    }
  }
  return open === undefined ? all : [...all, open]
}

/** A block that is too long loses its formatting, but no word. */
function blockPieces(block: Block, max: number): string[] {
  const written = lengthOf(block, max) <= max ? writeBlock(block).trimEnd() : undefined
  if (written !== undefined && written.length <= max) return isVisible(written) ? [written] : []
  if (block.type === 'quote') return block.children.flatMap((child) => blockPieces(child, max))
  if (block.type === 'list') return packed(listPieces(block, max), max, '\n')
  const words = wordsOf(block)
  return isVisible(words) ? escapedPieces(words, max) : []
}

function listPieces({ items, start, ...list }: List, max: number): string[] {
  const [only, ...others] = items
  if (only && others.length === 0) return only.children.flatMap((child) => blockPieces(child, max))
  return items.flatMap((item, i) =>
    blockPieces({ ...list, ...(start !== undefined && { start: start + i }), items: [item] }, max),
  )
}

/** How long a block is at least, without its marks. Counts no further than `enough`. */
function lengthOf(node: Block | Inline | ListItem, enough: number): number {
  const inner: readonly (Block | Inline | ListItem)[] =
    'items' in node
      ? node.items
      : 'rows' in node
        ? node.rows.flat(2)
        : 'children' in node
          ? node.children
          : []
  let length = 'text' in node ? node.text.length : 'url' in node ? node.url.length : 0
  for (const each of inner) {
    if (length > enough) return length
    length += lengthOf(each, enough - length)
  }
  return length
}

function wordsOf(block: Block): string {
  switch (block.type) {
    case 'paragraph':
    case 'heading':
      return inlineWords(block.children)
    case 'code-block':
      return block.text
    case 'rule':
      return '———'
    case 'table':
      return tableLines(block.rows)
    case 'quote':
      return block.children.map(wordsOf).join('\n\n')
    case 'list':
      return block.items.map(({ children }) => children.map(wordsOf).join('\n')).join('\n')
  }
}

const inlineWords = (inlines: readonly Inline[]): string =>
  inlines
    .map((inline) => {
      switch (inline.type) {
        case 'text':
        case 'code':
          return inline.text
        case 'break':
          return '\n'
        case 'link':
          return spelledOut(inlineWords(inline.children), inline.url)
        case 'image':
          return spelledOut(inline.alt, inline.url)
        default:
          return inlineWords(inline.children)
      }
    })
    .join('')

const spelledOut = (words: string, url: string): string =>
  words.trim() && url && words !== url ? `${words} (${url})` : words || url

function writeBlock(block: Block, isInList = false): string {
  switch (block.type) {
    case 'paragraph':
      return escapedLines(writeInline(block.children))
    case 'heading': {
      const line = writeInline(block.children).replaceAll('\n', ' ').trim()
      if (!isVisible(line)) return ''
      return block.level <= MAX_HEADING && !isInList
        ? `${'#'.repeat(block.level)} ${line}`
        : marked('**', line)
    }
    case 'rule':
      return '———'
    case 'code-block':
      return codeBlock(block.text, block.language)
    case 'quote':
      return block.children
        .map((child) => writeBlock(child))
        .join('\n\n')
        .split('\n')
        .map((line) => `> ${line.replace(/^> /, '')}`)
        .join('\n')
    case 'list':
      return writeList(block)
    case 'table':
      return codeBlock(tableLines(block.rows), '')
  }
}

/** A line of a paragraph that begins as a list or a heading does is neither, because the parser has read them. */
const escapedLines = (text: string): string =>
  text.replace(/^([ \t]*)(?=[-+] |-# |#{1,3} )/gm, '$1\\').replace(/^([ \t]*\d{1,10})(?=\. )/gm, '$1\\')

function writeList({ items, start }: List): string {
  return items
    .map(({ isChecked, children }, i) => {
      const bullet = start === undefined ? '- ' : `${start + i}. `
      const box = isChecked === undefined ? '' : isChecked ? '☑ ' : '☐ '
      const lines = children
        .map((child) => writeBlock(child, true))
        .join('\n')
        .split('\n')
      const indent = ' '.repeat(bullet.length)
      return lines.map((line, j) => (j === 0 ? bullet + box + line : indent + line)).join('\n')
    })
    .join('\n')
}

/** Cells as wide as the widest of their column. */
function tableLines(rows: readonly (readonly (readonly Inline[])[])[]): string {
  const cells = rows.map((row) => row.map((cell) => inlineWords(cell).replaceAll('\n', ' ').trim()))
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.min(40, Math.max(...cells.map((row) => row[column]?.length ?? 0))),
  )
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join(' | ')
        .trimEnd(),
    )
    .join('\n')
}

/** Three back ticks would end it. */
function codeBlock(text: string, language: string): string {
  if (!isVisible(text)) return ''
  const code = text.replaceAll('```', `\`${APART}\`${APART}\``).replace(/`$/, `\`${APART}`)
  return `\`\`\`${/^[\w+#.-]{1,20}$/.test(language) ? language : ''}\n${code}\n\`\`\``
}

/** Two marks beside each other would be one other mark. */
function writeInline(inlines: readonly Inline[]): string {
  let written = ''
  for (const inline of inlines) {
    const next = piece(inline)
    const isTogether = /[*_~`]$/.test(written) && /^[*_~`]/.test(next)
    written += isTogether ? APART + next : next
  }
  return written
}

function piece(inline: Inline): string {
  switch (inline.type) {
    case 'text':
      return escapeText(inline.text)
    case 'break':
      return '\n'
    case 'code':
      return inlineCode(inline.text)
    case 'strong':
      return marked('**', writeInline(inline.children))
    case 'emphasis':
      return marked('*', writeInline(inline.children))
    case 'strikethrough':
      return marked('~~', writeInline(inline.children))
    case 'link':
      return link(inline.children, inline.url)
    case 'image':
      return link(inline.alt ? [{ type: 'text', text: inline.alt }] : [], inline.url)
  }
}

/** A mark has no space inside. */
function marked(mark: string, text: string): string {
  const inner = text.trim()
  if (!isVisible(inner)) return text
  const start = text.indexOf(inner)
  return `${text.slice(0, start)}${mark}${inner}${mark}${text.slice(start + inner.length)}`
}

function inlineCode(text: string): string {
  const code = text.replaceAll('\n', ' ')
  if (!isVisible(code)) return code
  if (!code.includes('`')) return `\`${code}\``
  return code.includes('``') ? escapeText(code) : `\`\` ${code} \`\``
}

/** Discord shows no link whose label looks like an address. */
function link(children: readonly Inline[], url: string): string {
  const words = inlineWords(children)
  if (!isWebUrl(url))
    return writeInline(children) + (url && words !== url ? escapeText(words.trim() ? ` (${url})` : url) : '')
  if (!words.trim() || isSame(words, url)) return url
  if (/https?:\/\/|[[\]]/i.test(words)) return `${escapeText(words)} (${url} )`
  const address = url.replaceAll('(', '%28').replaceAll(')', '%29')
  return `[${writeInline(children)}](${address})`
}

const isSame = (words: string, url: string): boolean =>
  words.replace(/^https?:\/\//, '').replace(/\/$/, '') === url.replace(/^https?:\/\//, '').replace(/\/$/, '')
