import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseMarkdown, parsePlain } from './parse.js'
import type { Block, Inline } from './tree.js'

/** A tree as short text: `[strong bold]`. */
const inlines = (list: readonly Inline[]): string =>
  list
    .map((inline) => {
      switch (inline.type) {
        case 'text':
          return inline.text
        case 'code':
          return `[code ${inline.text}]`
        case 'break':
          return '[break]'
        case 'link':
          return `[link ${inline.url} ${inlines(inline.children)}]`
        default:
          return `[${inline.type} ${inlines(inline.children)}]`
      }
    })
    .join('')

const show = (blocks: readonly Block[]): string[] => blocks.map(showBlock)

function showBlock(block: Block): string {
  switch (block.type) {
    case 'paragraph':
      return inlines(block.children)
    case 'heading':
      return `h${block.level} ${inlines(block.children)}`
    case 'code':
      return `code ${block.text}`
    case 'rule':
      return 'rule'
    case 'quote':
      return `quote(${show(block.children).join('|')})`
    case 'list':
      return `list${block.start ?? ''}(${block.items.map((item) => show(item).join('|')).join('; ')})`
    case 'table':
      return `table(${[block.head, ...block.rows].map((row) => row.map(inlines).join(',')).join('; ')})`
  }
}

describe('styles', () => {
  test.each([
    ['a **b** c', 'a [strong b] c'],
    ['*a* and _b_', '[emphasis a] and [emphasis b]'],
    ['***a***', '[strong [emphasis a]]'],
    ['~~a~~', '[strikethrough a]'],
    ['**a *b* c**', '[strong a [emphasis b] c]'],
    ['`**a**`', '[code **a**]'],
    ['snake_case_name', 'snake_case_name'],
    ['2 * 3 * 4', '2 * 3 * 4'],
    ['**open', '**open'],
    ['\\*a\\*', '*a*'],
    ['one\ntwo', 'one\ntwo'],
    ['one<br>two', 'one[break]two'],
    ['<b>a</b> <script>', '<b>a</b> <script>'],
    ['Zażółć **gęślą** 你好 *你好*', 'Zażółć [strong gęślą] 你好 [emphasis 你好]'],
  ])('%j', (source, shown) => {
    expect(show(parseMarkdown(source))).toEqual([shown])
  })
})

describe('links', () => {
  test.each([
    ['[shop](https://a.example/b)', '[link https://a.example/b shop]'],
    ['[a](https://a.example/x_(y))', '[link https://a.example/x_(y) a]'],
    ['![pic](https://a.example/1.png)', '[link https://a.example/1.png pic]'],
    ['see https://a.example/b.', 'see [link https://a.example/b https://a.example/b].'],
    ['(https://a.example)', '([link https://a.example https://a.example])'],
    ['<https://a.example/*b*>', '[link https://a.example/*b* https://a.example/*b*]'],
    ['[x](javascript:alert(1))', '[link javascript:alert(1) x]'],
    ['[a] (b)', '[a] (b)'],
  ])('%j', (source, shown) => {
    expect(show(parseMarkdown(source))).toEqual([shown])
  })

  test('a text that is no Markdown has only addresses', () => {
    expect(inlines(parsePlain('**a** https://a.example, b'))).toBe(
      '**a** [link https://a.example https://a.example], b',
    )
  })
})

describe('blocks', () => {
  test.each([
    ['# A\ntext', ['h1 A', 'text']],
    ['### A ###', ['h3 A']],
    ['- a\n- b\n  - c', ['list(a; b|list(c))']],
    ['3. a\n4. b', ['list3(a; b)']],
    ['1. a\n\n2. b', ['list1(a; b)']],
    ['- a\n  more\n\ntext', ['list(a\nmore)', 'text']],
    ['> a\n> b\n\nc', ['quote(a\nb)', 'c']],
    ['```js\nlet a = `1`\n```\nb', ['code let a = `1`', 'b']],
    ['```\nnever closed', ['code never closed']],
    ['~~~a', ['~~~a']],
    ['```js\n```\nb', ['```js\nb']],
    ['```a```\nb', ['[code a]\nb']],
    ['``` two words\nb', ['``` two words\nb']],
    ['```\n``` not closed\n```\nb', ['code ``` not closed', 'b']],
    ['~~~\na\n~~~~~\nb', ['code a', 'b']],
    ['a\n\n---\n\nb', ['a', 'rule', 'b']],
    ['| a | b |\n| - | - |\n| 1 | **2** |\n| 3 |', ['table(a,b; 1,[strong 2]; 3,)']],
    ['a | b', ['a | b']],
  ])('%j', (source, shown) => {
    expect(show(parseMarkdown(source))).toEqual(shown)
  })
})

/** Without what Markdown is written with, and what only separates. */
const letters = (text: string): string => text.replace(/[^\p{L}\p{N}]/gu, '')

/** Lines that begin a block of code. */
const LANGUAGES = /^[>\- ]*(?:`{3,}|~{3,}) *[\w+#.-]+ *\n/gm

test('no word is lost, whatever the text', () => {
  const parts = fc.constantFrom(
    'a',
    'b1',
    '**',
    '*',
    '_',
    '~~',
    '\n',
    '\n\n',
    '- ',
    '> ',
    '| ',
    '`',
    '[',
    '](',
    ')',
    '  ',
  )
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 60 }), (list) => {
      const source = list.join('')
      const tree = JSON.stringify(parseMarkdown(source))
      const shown = source.replace(LANGUAGES, '')
      for (const letter of new Set(letters(shown))) expect(tree).toContain(letter)
    }),
  )
})

describe('hostile texts take a bounded time', () => {
  const LENGTH = 20_000
  const LIMIT_MS = 500
  test.each([
    '*',
    '**a',
    '_a ',
    '~~',
    '`',
    '[',
    '[a](',
    '![',
    '<',
    '> ',
    '- ',
    '1. ',
    '| ',
    '|-',
    '# ',
    '#',
    '\\',
    '(',
    ')',
    'https://',
    'https://a)',
    '***a',
    '- > ',
    '\t',
    ' ',
    '\n',
  ])('%j repeated', (part) => {
    const source = part.repeat(Math.floor(LENGTH / part.length))
    const start = performance.now()
    expect(Array.isArray(parseMarkdown(source))).toBe(true)
    expect(performance.now() - start).toBeLessThan(LIMIT_MS)
  })

  test('spaces after a fence, and a word', () => {
    const start = performance.now()
    expect(parseMarkdown(`\`\`\`${' '.repeat(LENGTH - 4)}!`)).toHaveLength(1)
    expect(performance.now() - start).toBeLessThan(50)
  })

  test.each([')', '.)', '(', '()'])('addresses that end with %j repeated', (part) => {
    const address = `https://a.example/${part.repeat(1_900 / part.length)} `
    const source = address.repeat(50)
    const start = performance.now()
    expect(Array.isArray(parsePlain(source))).toBe(true)
    expect(performance.now() - start).toBeLessThan(LIMIT_MS)
  })

  test('a longer text is shown as it is', () => {
    const source = '*a* '.repeat(10_000)
    expect(parseMarkdown(source)).toEqual([{ type: 'paragraph', children: [{ type: 'text', text: source }] }])
  })
})
