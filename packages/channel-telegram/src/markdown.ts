import { splitText } from '@plugboard/core'
import type { Link, List, ListItem, Nodes, Parents } from 'mdast'
import { fromMarkdown } from 'mdast-util-from-markdown'
import { gfmStrikethroughFromMarkdown } from 'mdast-util-gfm-strikethrough'
import { gfmStrikethrough } from 'micromark-extension-gfm-strikethrough'
import { clean, type Entity, type Formatted, isVisible, lines, plain } from './formatted.js'
import { MAX_TEXT } from './limits.js'
import { linkTo } from './links.js'

/** What would take words away, or turn them into another thing than was written, is left as it is. */
const literal = ['definition', 'htmlFlow', 'htmlText']

/**
 * More quotes and lists in one another, or a longer run of stars, than anyone writes for a reader. The parser takes
 * seconds for hundreds of them.
 */
const TOO_DEEP = /^(?:[ \t]*(?:>|[*+-](?=[ \t])|\d{1,9}[.)](?=[ \t]))){20}|([*_])\1{99}/m

/**
 * CommonMark with `~~strikethrough~~` as a text with entities, so that no character needs an escape. A longer text than
 * a message takes is parsed in pieces, because the parser's time grows faster than the text.
 */
export function markdown(source: string): Formatted {
  return lines(...splitText(clean(source), MAX_TEXT).map(parse))
}

function parse(source: string): Formatted {
  if (TOO_DEEP.test(source)) return plain(source)
  const tree = fromMarkdown(source, {
    extensions: [gfmStrikethrough({ singleTilde: false }), { disable: { null: literal } }],
    mdastExtensions: [gfmStrikethroughFromMarkdown()],
  })
  const writer = new Writer()
  write(tree, writer)
  const written = writer.end()
  return isVisible(written.text) ? written : plain(source)
}

type Mark = Pick<Entity, 'type' | 'url' | 'language'>

/** Puts a text together, and the entities on it, such that they stand inside of each other as Telegram wants it. */
class Writer {
  #text = ''
  readonly #entities: Entity[] = []
  /** What is open here, the outermost first. */
  readonly #open: (Mark & { start: number })[] = []
  /** What each new line begins with. */
  #indent = ''

  write(text: string): void {
    this.#text += text.replaceAll('\n', `\n${this.#indent}`)
  }

  /** Within a mark of the same type there is nothing to add, and a link holds nothing but what is spread over words. */
  marked(mark: Mark, body: () => void): void {
    if (this.#isIn(mark.type)) return body()
    this.#open.push({ ...mark, start: this.#text.length })
    body()
    const open = this.#open.pop()
    if (open) this.#close(open)
  }

  /** Code holds no other mark and stands in no bold, so that is cut in two around it. In a link it is plain words. */
  code(mark: Mark, text: string): void {
    if (this.#isIn('text_link')) return this.write(text)
    const around = this.#open.filter(({ type }) => type !== 'blockquote')
    for (const each of [...around].reverse()) this.#close(each)
    const start = this.#text.length
    this.write(text)
    this.#close({ ...mark, start })
    for (const each of around) each.start = this.#text.length
  }

  /** Lines of the body stand as far in as a marker before the first one. */
  indented(marker: string, body: () => void): void {
    this.write(marker)
    const outer = this.#indent
    this.#indent += ' '.repeat(marker.length)
    body()
    this.#indent = outer
  }

  end(): Formatted {
    const entities = this.#entities.sort((a, b) => a.offset - b.offset || b.length - a.length)
    return { text: this.#text, entities }
  }

  #isIn(type: Mark['type']): boolean {
    return this.#open.some((each) => each.type === type)
  }

  #close({ start, ...mark }: Mark & { start: number }): void {
    const length = this.#text.length - start
    if (isVisible(this.#text.slice(start))) this.#entities.push({ ...mark, offset: start, length })
  }
}

function write(node: Nodes, to: Writer): void {
  switch (node.type) {
    case 'text':
      return to.write(node.value)
    case 'break':
      return to.write('\n')
    case 'thematicBreak':
      return to.write('———')
    case 'heading':
      return to.marked({ type: 'bold' }, () => writeAll(node, to))
    case 'strong':
      return to.marked({ type: 'bold' }, () => writeAll(node, to))
    case 'emphasis':
      return to.marked({ type: 'italic' }, () => writeAll(node, to))
    case 'delete':
      return to.marked({ type: 'strikethrough' }, () => writeAll(node, to))
    case 'inlineCode':
      return to.code({ type: 'code' }, node.value)
    case 'code':
      return to.code({ type: 'pre', ...(node.lang && { language: node.lang }) }, node.value)
    case 'link':
      return writeLink(node, to)
    case 'image':
      return writeLink(
        { ...node, type: 'link', children: node.alt ? [{ type: 'text', value: node.alt }] : [] },
        to,
      )
    case 'root':
      return writeAll(node, to, '\n\n')
    case 'blockquote':
      return to.marked({ type: 'blockquote' }, () => writeAll(node, to, '\n\n'))
    case 'list':
      return writeList(node, to)
    case 'listItem':
      return writeAll(node, to, '\n')
    default:
      return 'children' in node ? writeAll(node, to) : undefined
  }
}

function writeAll({ children }: Parents | { children: (List | ListItem)[] }, to: Writer, between = ''): void {
  for (const [i, child] of children.entries()) {
    if (i > 0) to.write(between)
    write(child, to)
  }
}

function writeList(list: List, to: Writer): void {
  const first = list.start ?? 1
  for (const [i, item] of list.children.entries()) {
    if (i > 0) to.write('\n')
    to.indented(list.ordered ? `${first + i}. ` : '• ', () => write(item, to))
  }
}

/** An address that Telegram would refuse stands behind its words, so that nothing is lost. */
function writeLink(link: Link, to: Writer): void {
  const { url, children } = link
  const [only] = children
  const isBare = only?.type === 'text' && (only.value === url || `mailto:${only.value}` === url)
  if (isBare) return to.write(only.value)
  if (children.length === 0) return to.write(url)
  const target = linkTo(url)
  if (target) return to.marked({ type: 'text_link', url: target }, () => writeAll(link, to))
  writeAll(link, to)
  if (url) to.write(` (${url})`)
}
