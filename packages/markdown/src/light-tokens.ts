import type { MarkdownIt, Token } from 'markdown-it'

type Attribute = NonNullable<Token['attrs']>[number]

/**
 * A token with all its fields from the start. The parser's own constructor adds them one by one, which takes most of the
 * time for a text with many short lines.
 */
class LightToken implements Token {
  type: string
  tag: string
  nesting: Token['nesting']
  attrs: Token['attrs'] = null
  map: Token['map'] = null
  level = 0
  children: Token[] | null = null
  content = ''
  markup = ''
  info = ''
  meta: Token['meta'] = null
  block = false
  hidden = false

  constructor(type: string, tag: string, nesting: Token['nesting']) {
    this.type = type
    this.tag = tag
    this.nesting = nesting
  }

  attrIndex(name: string): number {
    return this.attrs?.findIndex(([own]) => own === name) ?? -1
  }

  attrPush(attribute: Attribute): void {
    this.attrs = [...(this.attrs ?? []), attribute]
  }

  attrSet(name: string, value: Attribute[1]): void {
    this.attrs = [...(this.attrs ?? []).filter(([own]) => own !== name), [name, value]]
  }

  attrGet(name: string): Attribute[1] | null {
    return this.attrs?.find(([own]) => own === name)?.[1] ?? null
  }

  attrJoin(name: string, value: Attribute[1]): void {
    const own = this.attrGet(name)
    this.attrSet(name, own === null ? value : `${own} ${value}`)
  }
}

/** Makes a parser create {@link LightToken}s. What else its states do stays as it is. */
export function useLightTokens({ block, inline }: MarkdownIt): void {
  block.State = class extends block.State {
    override push(type: string, tag: string, nesting: Token['nesting']): Token {
      const token = new LightToken(type, tag, nesting)
      token.block = true
      if (nesting < 0) this.level -= 1
      token.level = this.level
      if (nesting > 0) this.level += 1
      this.tokens.push(token)
      return token
    }
  }
  inline.State = class extends inline.State {
    override pushPending(): Token {
      const token = new LightToken('text', '', 0)
      token.content = this.pending
      token.level = this.pendingLevel
      this.tokens.push(token)
      this.pending = ''
      return token
    }
  }
}
