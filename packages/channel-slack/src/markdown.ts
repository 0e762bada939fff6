import {
  type Block,
  type List,
  type ListItem,
  type Inline as MarkdownInline,
  parseMarkdown,
  type Table,
} from '@plugboard/markdown'
import {
  type Elements,
  type Inline,
  joined,
  link,
  mentionText,
  type Style,
  section,
  words,
} from './rich-text.js'
import { fromSlackForm, hideSlackForm } from './slack-form.js'

/** Deepest list that Slack shows. */
const MAX_INDENT = 8

/**
 * Markdown as rich text: headings are bold lines, tables are code, pictures and HTML are text. Mentions and links in
 * Slack's own form stay what they are, except in code.
 */
export function fromMarkdown(text: string): Elements {
  const { hidden, show } = hideSlackForm(text)
  const elements = elementsOf(parseMarkdown(hidden))
  return hidden === text ? elements : elements.map((element) => shown(element, show))
}

function shown(element: Elements[number], show: (text: string) => string): Elements[number] {
  const inLine = (pieces: readonly unknown[]): Inline[] =>
    joined((pieces as Inline[]).flatMap((piece) => shownPiece(piece, show)))
  switch (element.type) {
    case 'rich_text_list':
      return {
        ...element,
        elements: element.elements.map((item) => ({ ...item, elements: inLine(item.elements) })),
      }
    case 'rich_text_preformatted':
      return {
        ...element,
        elements: element.elements.map((piece) => ({ ...piece, text: show(piece.text ?? '') })),
      }
    default:
      return { ...element, elements: inLine(element.elements) }
  }
}

function shownPiece(piece: Inline, show: (text: string) => string): Inline[] {
  if (piece.type === 'link') return link(show(piece.url), show(piece.text ?? ''), piece.style)
  if (piece.type !== 'text') return [piece]
  const text = show(piece.text)
  if (text === piece.text) return [piece]
  return piece.style?.code ? words(text, piece.style) : fromSlackForm(text, piece.style)
}

/** Lines that follow each other are one section, with an empty line between paragraphs. */
function elementsOf(blocks: readonly Block[]): Elements {
  const elements: Elements = []
  let open: Inline[] = []
  const flush = (): void => {
    elements.push(...section(open))
    open = []
  }
  for (const block of blocks) {
    const own = blockElements(block)
    if (own) {
      flush()
      for (const element of own) elements.push(element)
      continue
    }
    const inline = flow(block)
    if (open.length > 0 && inline.length > 0) open.push(...words('\n\n'))
    for (const piece of inline) open.push(piece)
  }
  flush()
  return elements
}

/** The elements of a block that is more than lines; undefined for lines. */
function blockElements(block: Block): Elements | undefined {
  switch (block.type) {
    case 'list':
      return list(block, 0)
    case 'quote': {
      const elements = joined(lines(block.children))
      return elements.length > 0 ? [{ type: 'rich_text_quote', elements }] : []
    }
    case 'code-block':
      return preformatted(block.text)
    case 'table':
      return preformatted(tableText(block))
    default:
      return undefined
  }
}

const preformatted = (text: string): Elements =>
  text === '' ? [] : [{ type: 'rich_text_preformatted', elements: [{ type: 'text', text }] }]

const tableText = ({ rows }: Table): string =>
  rows.map((row) => row.map((cell) => plain(phrasing(cell))).join(' | ')).join('\n')

const plain = (pieces: readonly Inline[]): string =>
  pieces
    .map((piece) => {
      if (piece.type === 'link') return [piece.text, piece.url].filter(Boolean).join(' ')
      return piece.type === 'text' ? piece.text : mentionText(piece)
    })
    .join('')

/** Slack's lists hold lines only: a list in a list is a deeper list of its own, and the outer one goes on after it. */
function list({ items, start }: List, indent: number): Elements {
  const elements: Elements = []
  const style = start === undefined ? 'bullet' : 'ordered'
  for (const [i, item] of items.entries()) {
    const own = item.children.filter((child) => child.type !== 'list')
    const inline = [...checkbox(item), ...lines(own)]
    const line = {
      type: 'rich_text_section' as const,
      elements: joined(inline.length > 0 ? inline : words(' ')),
    }
    const last = elements.at(-1)
    if (last?.type === 'rich_text_list' && last.indent === indent) last.elements.push(line)
    else {
      const offset = start === undefined ? 0 : Math.max(start - 1, 0) + i
      elements.push({
        type: 'rich_text_list',
        style,
        indent,
        elements: [line],
        ...(offset > 0 && { offset }),
      })
    }
    for (const child of item.children) {
      if (child.type === 'list') elements.push(...list(child, Math.min(indent + 1, MAX_INDENT)))
    }
  }
  return elements
}

const checkbox = ({ isChecked }: ListItem): Inline[] =>
  isChecked === undefined ? [] : words(isChecked ? '☑ ' : '☐ ')

/** Blocks as lines, where Slack takes lines only. */
const lines = (blocks: readonly Block[], style: Style = {}): Inline[] =>
  onLines(blocks.map((block) => flow(block, style)))

const onLines = (groups: Inline[][]): Inline[] =>
  groups.filter((each) => each.length > 0).flatMap((each, i) => (i > 0 ? [...words('\n'), ...each] : each))

function flow(block: Block, style: Style = {}): Inline[] {
  switch (block.type) {
    case 'paragraph':
      return phrasing(block.children, style)
    case 'heading':
      return phrasing(block.children, { ...style, bold: true })
    case 'rule':
      return words('———', style)
    case 'code-block':
      return words(block.text, { ...style, code: true })
    case 'quote':
      return lines(block.children, style)
    case 'list':
      return onLines(
        block.items.map((item) => [...words('• ', style), ...checkbox(item), ...lines(item.children, style)]),
      )
    case 'table':
      return words(tableText(block), style)
  }
}

const phrasing = (inlines: readonly MarkdownInline[], style: Style = {}): Inline[] =>
  joined(inlines.flatMap((inline) => phrase(inline, style)))

function phrase(inline: MarkdownInline, style: Style): Inline[] {
  switch (inline.type) {
    case 'text':
      return words(inline.text, style)
    case 'code':
      return words(inline.text, { ...style, code: true })
    case 'break':
      return words('\n', style)
    case 'strong':
      return phrasing(inline.children, { ...style, bold: true })
    case 'emphasis':
      return phrasing(inline.children, { ...style, italic: true })
    case 'strikethrough':
      return phrasing(inline.children, { ...style, strike: true })
    case 'link':
      return link(inline.url, plain(phrasing(inline.children)), style)
    case 'image':
      return link(inline.url, inline.alt, style)
  }
}
