import type { Token } from 'markdown-it'
import { mailAddresses } from './address.js'
import type { Inline, Link, Style } from './tree.js'

/** The inlines of a line, and the total length of their addresses. */
export function inlinesOf(tokens: readonly Token[]): { inlines: Inline[]; addresses: number } {
  const line = new Line()
  for (const token of tokens) line.add(token)
  return { inlines: line.inlines, addresses: line.addresses }
}

class Line {
  readonly inlines: Inline[] = []
  addresses = 0
  /** Open inline lists, innermost last. */
  readonly #open: Inline[][] = [this.inlines]
  /** How often each style is open. A style within itself is ignored; otherwise the tree could be as deep as the text is long. */
  readonly #styles: Record<Style, number> = { strong: 0, emphasis: 0, strikethrough: 0 }
  #isInLink = false

  add(token: Token): void {
    switch (token.type) {
      case 'text':
      case 'text_special':
        return this.#isInLink ? this.#write(token.content) : this.#writeWithMail(token.content)
      case 'softbreak':
        return this.#write('\n')
      case 'hardbreak':
        return this.#push({ type: 'break' })
      case 'code_inline':
        return this.#push({ type: 'code', text: token.content })
      case 'strong_open':
        return this.#openStyle('strong')
      case 'em_open':
        return this.#openStyle('emphasis')
      case 's_open':
        return this.#openStyle('strikethrough')
      case 'strong_close':
        return this.#closeStyle('strong')
      case 'em_close':
        return this.#closeStyle('emphasis')
      case 's_close':
        return this.#closeStyle('strikethrough')
      case 'link_open': {
        const link: Link = { type: 'link', url: this.#addressOf(token, 'href'), children: [] }
        this.#push(link)
        this.#open.push(link.children)
        this.#isInLink = true
        return
      }
      case 'link_close':
        this.#open.pop()
        this.#isInLink = false
        return
      case 'image':
        return this.#push({ type: 'image', url: this.#addressOf(token, 'src'), alt: altOf(token) })
    }
  }

  #addressOf(token: Token, name: string): string {
    const url = String(token.attrGet(name) ?? '')
    this.addresses += url.length
    return url
  }

  #push(inline: Inline): void {
    this.#open.at(-1)?.push(inline)
  }

  #write(text: string): void {
    if (text === '') return
    const last = this.#open.at(-1)?.at(-1)
    if (last?.type === 'text') last.text += text
    else this.#push({ type: 'text', text })
  }

  #writeWithMail(text: string): void {
    let end = 0
    for (const [start, next] of mailAddresses(text)) {
      const address = text.slice(start, next)
      this.#write(text.slice(end, start))
      this.#push({ type: 'link', url: `mailto:${address}`, children: [{ type: 'text', text: address }] })
      end = next
    }
    this.#write(text.slice(end))
  }

  #openStyle(type: Style): void {
    this.#styles[type] += 1
    if (this.#styles[type] > 1) return
    const children: Inline[] = []
    this.#push({ type, children })
    this.#open.push(children)
  }

  #closeStyle(type: Style): void {
    this.#styles[type] -= 1
    if (this.#styles[type] === 0) this.#open.pop()
  }
}

/** The alternative text of an image without styles. An image within it stays as written. */
function altOf({ children, content }: Token): string {
  if (!children || children.length === 0) return content
  return children
    .map((token) => {
      if (token.type === 'softbreak' || token.type === 'hardbreak') return '\n'
      return token.type === 'text' || token.type === 'code_inline' || token.type === 'image'
        ? token.content
        : ''
    })
    .join('')
}
