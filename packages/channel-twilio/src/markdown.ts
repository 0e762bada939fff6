import type { List, Nodes, Root, RootContent, Table } from 'mdast'
import { fromMarkdown } from 'mdast-util-from-markdown'
import { gfmFromMarkdown } from 'mdast-util-gfm'
import { gfm } from 'micromark-extension-gfm'

/** How a medium marks what is marked up. */
interface Flavour {
  bold(text: string): string
  italic(text: string): string
  struck(text: string): string
  code(text: string): string
  codeBlock(text: string): string
}

const asItIs = (text: string): string => text

const plain: Flavour = { bold: asItIs, italic: asItIs, struck: asItIs, code: asItIs, codeBlock: asItIs }

/** https://faq.whatsapp.com/539178204879377: marks stand next to the words, and reach to the end of a line at most. */
const mark =
  (sign: string) =>
  (text: string): string =>
    text.replace(/^([^\S\n]*)(\S|\S.*\S)([^\S\n]*)$/gm, (_, before, words, after) => {
      return `${before}${sign}${words}${sign}${after}`
    })

const whatsApp: Flavour = {
  bold: mark('*'),
  italic: mark('_'),
  struck: mark('~'),
  code: (text) => (text.includes('`') ? text : `\`${text}\``),
  codeBlock: (text) => (text.includes('```') ? text : `\`\`\`\n${text}\n\`\`\``),
}

/** The words of a Markdown text, for media without marks: links are spelled out. */
export const toPlainText = (markdown: string): string => convert(markdown, plain)

/** The same with WhatsApp's marks. */
export const toWhatsApp = (markdown: string): string => convert(markdown, whatsApp)

function convert(markdown: string, flavour: Flavour): string {
  const root = fromMarkdown(markdown, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] })
  return new Writer(root, flavour).blocks(root.children).trim()
}

/** Writes a parsed text in a flavour. */
class Writer {
  readonly #flavour: Flavour
  readonly #targets = new Map<string, string>()

  constructor(root: Root, flavour: Flavour) {
    this.#flavour = flavour
    this.#collect(root)
  }

  /** Where the references of a text lead; of two definitions the first holds. */
  #collect(node: Nodes): void {
    if (node.type === 'definition' && !this.#targets.has(node.identifier)) {
      this.#targets.set(node.identifier, node.url)
    }
    if ('children' in node) for (const child of node.children) this.#collect(child)
  }

  blocks(nodes: readonly RootContent[], between = '\n\n'): string {
    return nodes
      .map((node) => this.#write(node))
      .filter(Boolean)
      .join(between)
  }

  #inline(nodes: readonly RootContent[]): string {
    return nodes.map((node) => this.#write(node)).join('')
  }

  #write(node: RootContent): string {
    const { bold, italic, struck, code, codeBlock } = this.#flavour
    switch (node.type) {
      case 'text':
        return node.value
      case 'html':
        return /^<br\s*\/?>$/i.test(node.value) ? '\n' : node.value
      case 'break':
        return '\n'
      case 'paragraph':
      case 'tableCell':
        return this.#inline(node.children)
      case 'heading':
        return bold(this.#inline(unmarked(node.children)))
      case 'strong':
        return bold(this.#inline(unmarked(node.children)))
      case 'emphasis':
        return italic(this.#inline(node.children))
      case 'delete':
        return struck(this.#inline(node.children))
      case 'inlineCode':
        return code(node.value)
      case 'code':
        return codeBlock(node.value)
      case 'blockquote':
        return this.blocks(node.children).replace(/^/gm, '> ')
      case 'list':
        return this.#list(node)
      case 'listItem':
        return this.blocks(node.children, '\n')
      case 'table':
        return this.#table(node)
      case 'tableRow':
        return node.children.map((cell) => this.#inline(cell.children)).join(' | ')
      case 'thematicBreak':
        return '---'
      case 'link':
        return spellOut(this.#inline(node.children), node.url)
      case 'linkReference':
        return spellOut(this.#inline(node.children), this.#targets.get(node.identifier) ?? '')
      case 'image':
        return spellOut(node.alt ?? '', node.url)
      case 'imageReference':
        return spellOut(node.alt ?? '', this.#targets.get(node.identifier) ?? '')
      case 'footnoteReference':
        return `[${node.label ?? node.identifier}]`
      case 'footnoteDefinition':
        return `[${node.label ?? node.identifier}] ${this.blocks(node.children, '\n')}`
      default:
        // Definitions, which show where they are used, and YAML, which is not switched on.
        return ''
    }
  }

  #list({ children, ordered, start, spread }: List): string {
    const items = children.map((item, i) => {
      const bullet = ordered ? `${(start ?? 1) + i}.` : '-'
      const task = typeof item.checked === 'boolean' ? (item.checked ? ' [x]' : ' [ ]') : ''
      const text = this.blocks(item.children, item.spread ? '\n\n' : '\n')
      return `${bullet}${task} ${text.replace(/\n(?=.)/g, '\n  ')}`.trimEnd()
    })
    return items.join(spread ? '\n\n' : '\n')
  }

  #table({ children }: Table): string {
    return children.map((row) => this.#write(row)).join('\n')
  }
}

/** Bold in bold would end it. */
const unmarked = (nodes: readonly RootContent[]): RootContent[] =>
  nodes.flatMap((node) => (node.type === 'strong' ? unmarked(node.children) : [node]))

/** A link as words; one whose words are its address is only that. */
function spellOut(words: string, url: string): string {
  if (!url) return words
  if (!words.trim()) return url
  return bare(words) === bare(url) ? words.replace(/^mailto:/, '') : `${words} (${url})`
}

const bare = (text: string): string => text.replace(/^(mailto:|https?:\/\/)/, '').replace(/\/$/, '')
