import { type Block, type Inline, type List, parseMarkdown } from '@plugboard/markdown'
import { clean, type Entity, type Formatted, isVisible, plain } from './formatted-text.js'
import { linkTo } from './links.js'

/** Markdown as a text with entities, so that no character has to be escaped. */
export function fromMarkdown(source: string): Formatted {
  const text = clean(source)
  const writer = new Writer()
  writeBlocks(parseMarkdown(text), writer, '\n\n')
  const written = writer.end()
  return isVisible(written.text) ? written : plain(text)
}

type Mark = Pick<Entity, 'type' | 'url' | 'language'>

/** Builds a text and its entities, nested as Telegram requires. */
class Writer {
  #text = ''
  /** End of the last visible piece. */
  #visibleEnd = 0
  readonly #entities: Entity[] = []
  /** Open marks, outermost first. */
  readonly #open: (Mark & { start: number })[] = []
  /** Prefix of each new line. */
  #indent = ''

  write(text: string): void {
    this.#text += text.replaceAll('\n', `\n${this.#indent}`)
    if (isVisible(text)) this.#visibleEnd = this.#text.length
  }

  /** Adds a mark around a body, unless a mark of the same type is open. */
  marked(mark: Mark, body: () => void): void {
    if (this.#isIn(mark.type)) return body()
    this.#open.push({ ...mark, start: this.#text.length })
    body()
    const open = this.#open.pop()
    if (open) this.#close(open)
  }

  /** Code cannot be combined with other marks, so open marks are split around it. In a link it is plain text. */
  code(mark: Mark, text: string): void {
    if (this.#isIn('text_link')) return this.write(text)
    const around = this.#open.filter(({ type }) => type !== 'blockquote')
    for (const each of [...around].reverse()) this.#close(each)
    const start = this.#text.length
    this.write(text)
    this.#close({ ...mark, start })
    for (const each of around) each.start = this.#text.length
  }

  /** Indents the lines of a body by the width of the marker before the first line. */
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
    if (this.#visibleEnd > start) this.#entities.push({ ...mark, offset: start, length })
  }
}

function writeBlocks(blocks: readonly Block[], to: Writer, between: string): void {
  for (const [i, block] of blocks.entries()) {
    if (i > 0) to.write(between)
    writeBlock(block, to)
  }
}

function writeBlock(block: Block, to: Writer): void {
  switch (block.type) {
    case 'paragraph':
      return writeLine(block.children, to)
    case 'heading':
      return to.marked({ type: 'bold' }, () => writeLine(block.children, to))
    case 'rule':
      return to.write('———')
    case 'code-block':
      return to.code({ type: 'pre', ...(block.language && { language: block.language }) }, block.text)
    case 'quote':
      return to.marked({ type: 'blockquote' }, () => writeBlocks(block.children, to, '\n\n'))
    case 'list':
      return writeList(block, to)
    case 'table':
      for (const [i, row] of block.rows.entries()) {
        if (i > 0) to.write('\n')
        for (const [j, cell] of row.entries()) {
          if (j > 0) to.write(' | ')
          writeLine(cell, to)
        }
      }
  }
}

function writeList({ items, start }: List, to: Writer): void {
  for (const [i, { isChecked, children }] of items.entries()) {
    if (i > 0) to.write('\n')
    const bullet = start === undefined ? '• ' : `${start + i}. `
    const box = isChecked === undefined ? '' : isChecked ? '☑ ' : '☐ '
    to.indented(bullet, () => {
      to.write(box)
      writeBlocks(children, to, '\n')
    })
  }
}

function writeLine(inlines: readonly Inline[], to: Writer): void {
  for (const inline of inlines) writeInline(inline, to)
}

function writeInline(inline: Inline, to: Writer): void {
  switch (inline.type) {
    case 'text':
      return to.write(inline.text)
    case 'break':
      return to.write('\n')
    case 'strong':
      return to.marked({ type: 'bold' }, () => writeLine(inline.children, to))
    case 'emphasis':
      return to.marked({ type: 'italic' }, () => writeLine(inline.children, to))
    case 'strikethrough':
      return to.marked({ type: 'strikethrough' }, () => writeLine(inline.children, to))
    case 'code':
      return to.code({ type: 'code' }, inline.text)
    case 'link':
      return writeLink(inline.url, inline.children, to)
    case 'image':
      return writeLink(inline.url, inline.alt ? [{ type: 'text', text: inline.alt }] : [], to)
  }
}

/** An address that Telegram rejects follows its label as text. The apps link bare addresses themselves. */
function writeLink(url: string, children: readonly Inline[], to: Writer): void {
  const [only] = children
  const isBare =
    only?.type === 'text' &&
    [url, url.replace(/^mailto:/, ''), url.replace(/^http:\/\//, '')].includes(only.text)
  if (isBare) return to.write(only.text)
  if (children.length === 0) return to.write(url)
  const target = linkTo(url)
  if (target) return to.marked({ type: 'text_link', url: target }, () => writeLine(children, to))
  writeLine(children, to)
  if (url) to.write(` (${url})`)
}
