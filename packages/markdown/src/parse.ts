import type { Token } from 'markdown-it'
import { inlinesOf } from './inlines.js'
import { createParser, roomFor } from './syntax.js'
import type { Block, Inline, List, ListItem, Table } from './tree.js'

/** Maximum length of Markdown, in UTF-16 units. The rest of a text is plain text. */
export const MAX_MARKDOWN = 10_000
/** Maximum total length of link addresses: each reference repeats the address of its definition. */
const MAX_ADDRESSES = 2 * MAX_MARKDOWN

const parser = createParser()

/**
 * Parses the blocks of a Markdown text: CommonMark with GitHub's tables, tasks, `~~strikethrough~~` and bare addresses.
 * HTML and footnotes are plain text. Takes at most a few milliseconds for any text: parts beyond {@link MAX_MARKDOWN},
 * or nested too deeply, are plain text.
 */
export function parseMarkdown(source: string): Block[] {
  const end = endOfMarkdown(source)
  const markdown = source.slice(0, end)
  const blocks = blocksOf(parser.parse(markdown, { ...roomFor(markdown) }))
  if (!blocks) return words(source)
  return end < source.length ? [...blocks, ...words(source.slice(end))] : blocks
}

const words = (text: string): Block[] =>
  text.trim() === '' ? [] : [{ type: 'paragraph', children: [{ type: 'text', text: text.trim() }] }]

/** End of the text, or of its last paragraph, line or word within the limit. */
function endOfMarkdown(source: string): number {
  if (source.length <= MAX_MARKDOWN) return source.length
  const whole = source.slice(0, MAX_MARKDOWN)
  for (const gap of ['\n\n', '\n', ' ']) {
    const at = whole.lastIndexOf(gap)
    if (at > MAX_MARKDOWN / 2) return at
  }
  return /[\ud800-\udbff]$/.test(whole.slice(-1)) ? MAX_MARKDOWN - 1 : MAX_MARKDOWN
}

/** Undefined if the link addresses exceed the limit in total. */
function blocksOf(tokens: readonly Token[]): Block[] | undefined {
  const builder = new Builder()
  for (const token of tokens) {
    builder.add(token)
    if (builder.addresses > MAX_ADDRESSES) return undefined
  }
  return builder.blocks
}

/** Builds the tree from the parser's flat list. */
class Builder {
  readonly blocks: Block[] = []
  /** Length of the addresses so far. */
  addresses = 0
  /** Open block lists, innermost last. */
  readonly #open: Block[][] = [this.blocks]
  readonly #lists: List[] = []
  #table: Table = { type: 'table', rows: [] }
  /** Content of the last line or cell. */
  #inlines: Inline[] = []

  add(token: Token): void {
    switch (token.type) {
      case 'inline': {
        const { inlines, addresses } = inlinesOf(token.children ?? [])
        this.#inlines = inlines
        this.addresses += addresses
        return
      }
      case 'paragraph_open':
        return this.#loosen(token)
      case 'paragraph_close':
        return this.#push({ type: 'paragraph', children: this.#inlines })
      case 'heading_close':
        return this.#push({ type: 'heading', level: Number(token.tag.slice(1)), children: this.#inlines })
      case 'hr':
        return this.#push({ type: 'rule' })
      case 'code_block':
      case 'fence': {
        const [language = ''] = token.info.trim().split(/\s/, 1)
        return this.#push({ type: 'code-block', text: token.content.replace(/\n$/, ''), language })
      }
      case 'blockquote_open': {
        const children: Block[] = []
        this.#push({ type: 'quote', children })
        this.#open.push(children)
        return
      }
      case 'blockquote_close':
        return this.#close()
      case 'bullet_list_open':
        return this.#openList({})
      case 'ordered_list_open':
        return this.#openList({ start: Number(token.attrGet('start') ?? 1) })
      case 'bullet_list_close':
      case 'ordered_list_close':
        this.#lists.pop()
        return
      case 'list_item_open': {
        const item: ListItem = { children: [] }
        this.#lists.at(-1)?.items.push(item)
        this.#open.push(item.children)
        return
      }
      case 'list_item_close':
        this.#check()
        return this.#close()
      case 'table_open':
        this.#table = { type: 'table', rows: [] }
        return this.#push(this.#table)
      case 'tr_open':
        this.#table.rows.push([])
        return
      case 'th_close':
      case 'td_close':
        this.#table.rows.at(-1)?.push(this.#inlines)
        return
    }
  }

  #push(block: Block): void {
    this.#open.at(-1)?.push(block)
  }

  #close(): void {
    this.#open.pop()
  }

  #openList(numbers: { start?: number }): void {
    const list: List = { type: 'list', ...numbers, isTight: true, items: [] }
    this.#push(list)
    this.#lists.push(list)
  }

  /** The parser marks paragraphs of a list without empty lines as hidden. */
  #loosen(token: Token): void {
    const list = this.#lists.at(-1)
    if (list && !token.hidden && list.items.at(-1)?.children === this.#open.at(-1)) list.isTight = false
  }

  /** A checkbox at the start makes an item a task. */
  #check(): void {
    const item = this.#lists.at(-1)?.items.at(-1)
    const [paragraph] = item?.children ?? []
    const first = paragraph?.type === 'paragraph' ? paragraph.children[0] : undefined
    const [box, mark] = (first?.type === 'text' && /^\[([ x])\]\s+/i.exec(first.text)) || []
    if (!item || first?.type !== 'text' || box === undefined) return
    item.isChecked = mark !== ' '
    first.text = first.text.slice(box.length)
  }
}
