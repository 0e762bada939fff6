import { parseMarkdown } from './parse.js'
import type { Block, Inline, List } from './tree.js'

/** Notation of a medium for styles. */
export interface Marks {
  strong(text: string): string
  emphasis(text: string): string
  strikethrough(text: string): string
  code(text: string): string
  codeBlock(text: string): string
}

const asItIs = (text: string): string => text

const NONE: Marks = {
  strong: asItIs,
  emphasis: asItIs,
  strikethrough: asItIs,
  code: asItIs,
  codeBlock: asItIs,
}

/**
 * Converts Markdown to plain text: quotes with `>`, lists with `-` or numbers, tables with `|` between cells, links as
 * `words (address)`. Other markup is removed, or written with `marks`. The result may be empty, because link definitions
 * show nothing.
 */
export function toPlainText(markdown: string, marks: Marks = NONE): string {
  const writer = new Writer(marks)
  writer.blocks(parseMarkdown(markdown), '\n\n')
  return writer.text.trim()
}

/** Writes lines with the prefixes of the surrounding quotes and lists. */
class Writer {
  text = ''
  readonly #marks: Marks
  /** Prefix of each line; of an empty line; and of the next line, if different. */
  #before = ''
  #beforeEmpty = ''
  #marker: string | undefined
  /** Separator before the next line. */
  #between = ''

  constructor(marks: Marks) {
    this.#marks = marks
  }

  blocks(blocks: readonly Block[], between: string): void {
    for (const [i, block] of blocks.entries()) {
      if (i > 0) this.#separate(between)
      this.#block(block)
    }
  }

  #block(block: Block): void {
    const { strong, codeBlock } = this.#marks
    switch (block.type) {
      case 'paragraph':
        return this.#lines(this.#inline(block.children))
      case 'heading':
        // Bold within bold would end it.
        return this.#lines(strong(this.#inline(block.children, true)))
      case 'rule':
        return this.#lines('---')
      case 'code-block':
        return this.#lines(codeBlock(block.text))
      case 'quote':
        return this.#within('> ', '> ', '> ', () => this.blocks(block.children, '\n\n'))
      case 'list':
        return this.#list(block)
      case 'table':
        return this.#lines(
          block.rows.map((row) => row.map((cell) => this.#inline(cell)).join(' | ')).join('\n'),
        )
    }
  }

  #list({ items, start, isTight }: List): void {
    const between = isTight ? '\n' : '\n\n'
    for (const [i, { isChecked, children }] of items.entries()) {
      const bullet = start === undefined ? '-' : `${start + i}.`
      const box = isChecked === undefined ? '' : isChecked ? '[x] ' : '[ ] '
      if (i > 0) this.#separate(between)
      this.#within(`${bullet} ${box}`, '  ', '', () => {
        this.blocks(children, between)
        if (this.#marker !== undefined) this.#line('')
      })
    }
  }

  #separate(between: string): void {
    if (this.#between.length < 2) this.#between = between === '\n\n' ? `\n${this.#beforeEmpty}\n` : between
  }

  #within(first: string, rest: string, restEmpty: string, body: () => void): void {
    const [before, beforeEmpty, marker] = [this.#before, this.#beforeEmpty, this.#marker]
    this.#marker = (marker ?? before) + first
    this.#before = before + rest
    if (restEmpty) this.#beforeEmpty = before + restEmpty
    body()
    // A quote without text leaves nothing.
    this.#marker = this.#marker === undefined ? undefined : marker
    this.#before = before
    this.#beforeEmpty = beforeEmpty
  }

  #lines(text: string): void {
    if (text !== '') for (const line of text.split('\n')) this.#line(line)
  }

  #line(line: string): void {
    if (this.text !== '') this.text += this.#between || '\n'
    this.#between = ''
    if (this.#marker !== undefined) this.text += line === '' ? this.#marker.trimEnd() : this.#marker + line
    else this.text += line === '' ? this.#beforeEmpty : this.#before + line
    this.#marker = undefined
  }

  #inline(inlines: readonly Inline[], isStrong = false): string {
    return inlines.map((inline) => this.#piece(inline, isStrong)).join('')
  }

  #piece(inline: Inline, isStrong: boolean): string {
    const { strong, emphasis, strikethrough, code } = this.#marks
    switch (inline.type) {
      case 'text':
        return inline.text
      case 'break':
        return '\n'
      case 'code':
        return code(inline.text)
      case 'strong': {
        const text = this.#inline(inline.children, true)
        return isStrong ? text : strong(text)
      }
      case 'emphasis':
        return emphasis(this.#inline(inline.children, isStrong))
      case 'strikethrough':
        return strikethrough(this.#inline(inline.children, isStrong))
      case 'link':
        return spellOut(this.#inline(inline.children, isStrong), inline.url)
      case 'image':
        return spellOut(inline.alt, inline.url)
    }
  }
}

/** A link as plain text; only the address if the text equals it. */
function spellOut(words: string, url: string): string {
  if (!url) return words
  if (!words.trim()) return url
  return bare(words) === bare(url) ? words.replace(/^mailto:/, '') : `${words} (${url})`
}

const bare = (text: string): string => text.replace(/^(mailto:|https?:\/\/)/, '').replace(/\/$/, '')
