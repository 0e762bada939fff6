import { parseInlines } from './inlines.js'
import type { Block, Inline } from './tree.js'

/** A longer text, in UTF-16 units, is shown as it is. */
const MAX_MARKDOWN = 20_000
/** Quotes and lists within each other. What is deeper is text. */
const MAX_DEPTH = 6
const MAX_COLUMNS = 20

/** With the language of the code at most. Of a line without spaces at its end: otherwise both runs of spaces would be tried. */
const FENCE = /^ {0,3}(`{3,}|~{3,}) *([\w+#.-]*)$/
const HEADING = /^ {0,3}(#{1,6})\s(.*)$/
const RULE = /^ {0,3}(?:(?:\* *){3,}|(?:- *){3,}|(?:_ *){3,})$/
const QUOTE = /^ {0,3}> ?/
const ITEM = /^( {0,3})([-*+]|(\d{1,9})[.)])( {1,4})(?=\S)/
const DELIMITERS = /^ {0,3}\|?(?: *:?-+:? *\|)+(?: *:?-+:? *)?$/

/**
 * Parses the Markdown that bots write: paragraphs, headings, lists, quotes, code, tables, styles and links. HTML is text.
 * Line breaks stay. Takes time proportional to the length of the text.
 */
export function parseMarkdown(source: string): Block[] {
  if (source.length > MAX_MARKDOWN) return [{ type: 'paragraph', children: [{ type: 'text', text: source }] }]
  return parseBlocks(source.replace(/\r\n?/g, '\n').split('\n'), 0)
}

const closes = (line: string, fence: string): boolean =>
  line.startsWith(fence) && line === fence.charAt(0).repeat(line.length)

/** The lines of one level, read once from the first to the last. */
function parseBlocks(lines: readonly string[], depth: number): Block[] {
  const blocks: Block[] = []
  let at = 0
  let words: string[] = []
  const endParagraph = (): void => {
    if (words.length > 0) blocks.push({ type: 'paragraph', children: parseInlines(words.join('\n').trim()) })
    words = []
  }
  const take = (belongs: (line: string) => boolean): string[] => {
    const from = at
    while (at < lines.length && belongs(lines[at] ?? '')) at += 1
    return lines.slice(from, at)
  }

  while (at < lines.length) {
    const line = lines[at] ?? ''
    const [, fence, language] = FENCE.exec(line.trimEnd()) ?? []
    const [, hashes, title = ''] = HEADING.exec(line) ?? []
    if (fence) {
      at += 1
      const code = take((inner) => !closes(inner.trim(), fence))
      at += 1
      // A word where a language would be, and no code: somebody wrote it as text.
      if (code.length === 0 && language) words.push(line)
      else {
        endParagraph()
        blocks.push({ type: 'code', text: code.join('\n') })
      }
    } else if (hashes) {
      endParagraph()
      blocks.push({
        type: 'heading',
        level: hashes.length,
        children: parseInlines(title.trim().replace(/\s#+$/, '')),
      })
      at += 1
    } else if (RULE.test(line)) {
      endParagraph()
      blocks.push({ type: 'rule' })
      at += 1
    } else if (depth < MAX_DEPTH && QUOTE.test(line)) {
      endParagraph()
      const quoted = take((inner) => QUOTE.test(inner)).map((inner) => inner.replace(QUOTE, ''))
      blocks.push({ type: 'quote', children: parseBlocks(quoted, depth + 1) })
    } else if (depth < MAX_DEPTH && ITEM.test(line)) {
      endParagraph()
      blocks.push(parseList())
    } else if (line.includes('|') && isTable(line, lines[at + 1])) {
      endParagraph()
      blocks.push(parseTable())
    } else {
      if (line.trim() === '') endParagraph()
      else words.push(line)
      at += 1
    }
  }
  endParagraph()
  return blocks

  /** Items of one kind. What is indented, or follows without an empty line, belongs to the item. */
  function parseList(): Block {
    const number = ITEM.exec(lines[at] ?? '')?.[3]
    const isNext = (line: string): boolean => {
      const item = ITEM.exec(line)
      return item !== null && (item[3] === undefined) === (number === undefined) && !RULE.test(line)
    }
    const items: Block[][] = []
    while (isNext(lines[at] ?? '')) {
      const [marker = ''] = ITEM.exec(lines[at] ?? '') ?? []
      const inner = [(lines[at] ?? '').slice(marker.length)]
      at += 1
      const indent = /^ {2,}|^\t/
      while (at < lines.length) {
        const line = lines[at] ?? ''
        const isGap = line.trim() === '' && (indent.test(lines[at + 1] ?? '') || isNext(lines[at + 1] ?? ''))
        if (!isGap && !indent.test(line) && (line.trim() === '' || beginsBlock(line))) break
        if (isGap && isNext(lines[at + 1] ?? '') && !indent.test(lines[at + 1] ?? '')) {
          at += 1
          break
        }
        inner.push(dedented(line, marker.length))
        at += 1
      }
      items.push(parseBlocks(inner, depth + 1))
    }
    return { type: 'list', items, ...(number !== undefined && { start: Number(number) }) }
  }

  function parseTable(): Block {
    const head = cellsOf(lines[at] ?? '')
    at += 2
    const rows = take((line) => line.trim() !== '' && line.includes('|')).map((line) => {
      const cells = cellsOf(line)
      return head.map((_, column) => cells[column] ?? [])
    })
    return { type: 'table', head, rows }
  }
}

const beginsBlock = (line: string): boolean =>
  ITEM.test(line) || FENCE.test(line) || HEADING.test(line) || QUOTE.test(line) || RULE.test(line)

function dedented(line: string, width: number): string {
  let indent = 0
  while (indent < width && line.charAt(indent) === ' ') indent += 1
  return line.charAt(0) === '\t' ? line.slice(1) : line.slice(indent)
}

const isTable = (head: string, delimiters = ''): boolean =>
  delimiters.includes('|') && DELIMITERS.test(delimiters) && columns(head).length <= MAX_COLUMNS

const columns = (line: string): string[] =>
  line
    .trim()
    .replace(/^\||(?<!\\)\|$/g, '')
    .split(/(?<!\\)\|/)

const cellsOf = (line: string): Inline[][] =>
  columns(line).map((cell) => parseInlines(cell.replaceAll('\\|', '|').trim()))

/** The addresses in a text that is no Markdown. */
export function parsePlain(source: string): Inline[] {
  const inlines: Inline[] = []
  let from = 0
  for (const { index, 0: found } of source.matchAll(/\bhttps?:\/\/[^\s<>]{1,2000}/g)) {
    const [link] = parseInlines(found)
    if (link?.type !== 'link') continue
    if (index > from) inlines.push({ type: 'text', text: source.slice(from, index) })
    inlines.push(link)
    from = index + link.url.length
  }
  if (from < source.length) inlines.push({ type: 'text', text: source.slice(from) })
  return inlines
}
