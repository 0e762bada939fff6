import type { Definition, List, ListItem, Nodes, PhrasingContent, Root, RootContent, Table } from 'mdast'
import { type Elements, type Inline, joined, link, type Style, section, words } from './rich-text.js'

/** Makes a syntax tree of Markdown, GitHub's flavour. */
export type ParseMarkdown = (text: string) => Root

/** Deepest list that Slack shows. */
const MAX_INDENT = 8

/** Markdown in Slack's terms: headings are bold lines, tables stand in code, pictures and HTML are words. */
export const fromMarkdown =
  (parseMarkdown: ParseMarkdown) =>
  (text: string): Elements => {
    const root = parseMarkdown(text)
    const definitions = new Map<string, string>()
    for (const node of definitionsIn(root)) {
      // The first of several counts.
      if (!definitions.has(node.identifier)) definitions.set(node.identifier, node.url)
    }
    return blocks(root.children, definitions)
  }

type Definitions = ReadonlyMap<string, string>

function definitionsIn(node: Nodes): Definition[] {
  if (node.type === 'definition') return [node]
  return 'children' in node ? node.children.flatMap(definitionsIn) : []
}

/** Lines that follow each other are one section, with an empty line between paragraphs. */
function blocks(nodes: readonly RootContent[], definitions: Definitions): Elements {
  const elements: Elements = []
  let lines: Inline[] = []
  const flush = (): void => {
    elements.push(...section(lines))
    lines = []
  }
  for (const node of nodes) {
    const own = blockElements(node, definitions)
    if (own) {
      flush()
      elements.push(...own)
      continue
    }
    const inline = flow(node, {}, definitions)
    lines.push(...(lines.length > 0 && inline.length > 0 ? words('\n\n') : []), ...inline)
  }
  flush()
  return elements
}

/** What is more than lines. */
function blockElements(node: RootContent, definitions: Definitions): Elements | undefined {
  switch (node.type) {
    case 'list':
      return list(node, 0, definitions)
    case 'blockquote': {
      const elements = joined(lines(node.children, {}, definitions))
      return elements.length > 0 ? [{ type: 'rich_text_quote', elements }] : []
    }
    case 'code':
      return preformatted(node.value)
    case 'table':
      return preformatted(tableText(node, definitions))
    default:
      return undefined
  }
}

const preformatted = (text: string): Elements =>
  text === '' ? [] : [{ type: 'rich_text_preformatted', elements: [{ type: 'text', text }] }]

const tableText = (table: Table, definitions: Definitions): string =>
  table.children
    .map((row) => row.children.map((cell) => plain(phrasing(cell.children, {}, definitions))).join(' | '))
    .join('\n')

const plain = (pieces: readonly Inline[]): string =>
  pieces
    .map((piece) => (piece.type === 'text' ? piece.text : [piece.text, piece.url].filter(Boolean).join(' ')))
    .join('')

/** Slack's lists hold lines only: a list in a list is a deeper list of its own, and the outer one goes on after it. */
function list(node: List, indent: number, definitions: Definitions): Elements {
  const elements: Elements = []
  const first = node.start ?? 1
  const style = node.ordered ? 'ordered' : 'bullet'
  for (const [i, item] of node.children.entries()) {
    const own = item.children.filter((child) => child.type !== 'list')
    const inline = [...checkbox(item), ...lines(own, {}, definitions)]
    const line = {
      type: 'rich_text_section' as const,
      elements: joined(inline.length > 0 ? inline : words(' ')),
    }
    const last = elements.at(-1)
    if (last?.type === 'rich_text_list' && last.indent === indent) last.elements.push(line)
    else {
      const offset = node.ordered ? Math.max(first - 1, 0) + i : 0
      elements.push({
        type: 'rich_text_list',
        style,
        indent,
        elements: [line],
        ...(offset > 0 && { offset }),
      })
    }
    for (const child of item.children) {
      if (child.type === 'list') elements.push(...list(child, Math.min(indent + 1, MAX_INDENT), definitions))
    }
  }
  return elements
}

const checkbox = ({ checked }: ListItem): Inline[] =>
  typeof checked === 'boolean' ? words(checked ? '☑ ' : '☐ ') : []

/** Blocks as lines, where Slack takes lines only. */
const lines = (nodes: readonly RootContent[], style: Style, definitions: Definitions): Inline[] =>
  onLines(nodes.map((node) => flow(node, style, definitions)))

const onLines = (groups: Inline[][]): Inline[] =>
  groups.filter((each) => each.length > 0).flatMap((each, i) => (i > 0 ? [...words('\n'), ...each] : each))

function flow(node: RootContent, style: Style, definitions: Definitions): Inline[] {
  switch (node.type) {
    case 'paragraph':
      return phrasing(node.children, style, definitions)
    case 'heading':
      return phrasing(node.children, { ...style, bold: true }, definitions)
    case 'thematicBreak':
      return words('———', style)
    case 'code':
      return words(node.value, { ...style, code: true })
    case 'html':
      return words(node.value, style)
    case 'blockquote':
    case 'footnoteDefinition':
      return lines(node.children, style, definitions)
    case 'list':
      return onLines(
        node.children.map((item) => [...words('• ', style), ...lines(item.children, style, definitions)]),
      )
    case 'table':
      return words(tableText(node, definitions), style)
    case 'definition':
      return []
    default:
      return 'value' in node || 'children' in node
        ? phrasing([node as PhrasingContent], style, definitions)
        : []
  }
}

const phrasing = (nodes: readonly PhrasingContent[], style: Style, definitions: Definitions): Inline[] =>
  joined(nodes.flatMap((node) => phrase(node, style, definitions)))

function phrase(node: PhrasingContent, style: Style, definitions: Definitions): Inline[] {
  switch (node.type) {
    case 'text':
    case 'html':
      return words(node.value, style)
    case 'inlineCode':
      return words(node.value, { ...style, code: true })
    case 'break':
      return words('\n', style)
    case 'strong':
      return phrasing(node.children, { ...style, bold: true }, definitions)
    case 'emphasis':
      return phrasing(node.children, { ...style, italic: true }, definitions)
    case 'delete':
      return phrasing(node.children, { ...style, strike: true }, definitions)
    case 'link':
      return link(node.url, plain(phrasing(node.children, {}, definitions)), style)
    case 'linkReference':
      return link(
        definitions.get(node.identifier) ?? '',
        plain(phrasing(node.children, {}, definitions)),
        style,
      )
    case 'image':
      return link(node.url, node.alt ?? '', style)
    case 'imageReference':
      return link(definitions.get(node.identifier) ?? '', node.alt ?? '', style)
    case 'footnoteReference':
      return words(`[${node.label ?? node.identifier}]`, style)
  }
}
