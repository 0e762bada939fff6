import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_MARKDOWN, parseMarkdown } from './parse.js'
import { toPlainText } from './plain-text.js'
import type { Block, Inline } from './tree.js'

const words = (text: string): Inline => ({ type: 'text', text })
const link = (url: string, text = url): Inline => ({ type: 'link', url, children: [words(text)] })
const paragraph = (...children: Inline[]): Block => ({ type: 'paragraph', children })

describe('Markdown is read as', () => {
  test.each<[string, string, Block[]]>([
    ['a heading', '## A', [{ type: 'heading', level: 2, children: [words('A')] }]],
    [
      'lines',
      'a\nb  \nc<br>d',
      [paragraph(words('a\nb'), { type: 'break' }, words('c'), { type: 'break' }, words('d'))],
    ],
    ['a style once', '**a __b__**', [paragraph({ type: 'strong', children: [words('a b')] })]],
    ['code', '```js x\na\n```', [{ type: 'code-block', text: 'a', language: 'js' }]],
    ['a quote', '> a', [{ type: 'quote', children: [paragraph(words('a'))] }]],
    [
      'a list',
      '2. a\n3. b',
      [
        {
          type: 'list',
          start: 2,
          isTight: true,
          items: [{ children: [paragraph(words('a'))] }, { children: [paragraph(words('b'))] }],
        },
      ],
    ],
    [
      'tasks',
      '- [x] a\n- [ ] b',
      [
        {
          type: 'list',
          isTight: true,
          items: [
            { isChecked: true, children: [paragraph(words('a'))] },
            { isChecked: false, children: [paragraph(words('b'))] },
          ],
        },
      ],
    ],
    [
      'a table',
      'a|b\n-|-\nc',
      [
        {
          type: 'table',
          rows: [
            [[words('a')], [words('b')]],
            [[words('c')], []],
          ],
        },
      ],
    ],
    ['a link', '[a](<b c> "d")', [paragraph(link('b c', 'a'))]],
    ['a link by reference', '[a][1]\n\n[1]: b', [paragraph(link('b', 'a'))]],
    ['a picture', '![a *b* ![c](d)](e)', [paragraph({ type: 'image', url: 'e', alt: 'a b c' })]],
    ['HTML, as words', '<b>a</b>', [paragraph(words('<b>a</b>'))]],
    ['a footnote, as words', 'a[^1]\n\n[^1]: b', [paragraph(words('a[^1]')), paragraph(words('[^1]: b'))]],
  ])('%s', (_, source, blocks) => expect(parseMarkdown(source)).toEqual(blocks))
})

const labelled = [
  link('d', 'see www.a.example/_b_'),
  words(' '),
  link('http://www.a.example/_b_', 'www.a.example/_b_'),
]

describe('a bare address', () => {
  test.each([
    'https://example.com/a?q=_test_&sig=_AbC_&x=1',
    'https://example.com/api/_v1_',
    'https://example.com/%41_b_?c=%20*d*e',
    'https://example.com/a_(b)',
    'HTTP://localhost:3000/__init__',
    'https://ä.example/ö',
  ])('stays exactly as it is written: %s', (url) => {
    expect(parseMarkdown(`see ${url} now`)).toEqual([paragraph(words('see '), link(url), words(' now'))])
    expect(toPlainText(`see ${url} now`)).toBe(`see ${url} now`)
  })

  test.each<[string, Inline[]]>([
    ['(https://a.example/b).', [words('('), link('https://a.example/b'), words(').')]],
    ['https://a.example, b', [link('https://a.example'), words(', b')]],
    ['www.a.example/_b_', [link('http://www.a.example/_b_', 'www.a.example/_b_')]],
    ['a_b@c.example.', [link('mailto:a_b@c.example', 'a_b@c.example'), words('.')]],
    ['**https://a.example**', [{ type: 'strong', children: [link('https://a.example')] }]],
    ['_https://a.example_', [{ type: 'emphasis', children: [link('https://a.example')] }]],
    ['~~https://a.example~~', [{ type: 'strikethrough', children: [link('https://a.example')] }]],
    ['[https://a.example](b)', [link('b', 'https://a.example')]],
    ['[https://a.example/_b_*c*](d)', [link('d', 'https://a.example/_b_*c*')]],
    ['[see www.a.example/_b_](d) www.a.example/_b_', labelled],
    ['xhttps://a.example readme.md', [words('xhttps://a.example readme.md')]],
    ['`https://a.example`', [{ type: 'code', text: 'https://a.example' }]],
  ])('ends where the text around it begins: %s', (source, inlines) => {
    expect(parseMarkdown(source)).toEqual([paragraph(...inlines)])
  })
})

describe('plain text of', () => {
  test.each([
    ['blocks in blocks', '> a\n>\n> - b\n>\n>   c\n> - > d', '> a\n> \n> - b\n> \n>   c\n> \n> - > d'],
    ['an empty item', '- \n- a', '-\n- a'],
    ['a picture', '![a](b)', 'a (b)'],
    ['a link on itself', '[a.example](https://a.example/)', 'a.example'],
    ['an empty quote', 'a\n\n>\n\nb', 'a\n\nb'],
  ])('%s', (_, source, text) => expect(toPlainText(source)).toBe(text))
})

/** The letters and digits of a text. */
const lettersOf = (text: string): string => (text.match(/[\p{L}\p{N}]/gu) ?? []).join('')

describe('nothing is lost of', () => {
  test.each([
    ['quotes in quotes', `${'>'.repeat(5000)} deep`],
    ['lists in lists', `${'- '.repeat(3000)}deep\nlazy`],
    [
      'lists that go ever deeper',
      Array.from({ length: 60 }, (_, i) => `${'  '.repeat(i)}- x${i}`).join('\n'),
    ],
    ['a table of many columns', `|${'a|'.repeat(200)}\n|${'-|'.repeat(200)}\n${'|b\n'.repeat(200)}`],
    ['a long text', 'word '.repeat(30_000)],
    ['a long line', `${'x'.repeat(MAX_MARKDOWN - 1)}👋${'x'.repeat(100_000)}`],
    ['a reference to a long address', `[a]: https://a.example/${'x'.repeat(4000)}\n\n${'[a] '.repeat(1400)}`],
  ])('%s', (_, source) => expect(lettersOf(toPlainText(source))).toBe(lettersOf(source)))
})

/** Markup, and what a parser is slow with: unclosed, nested, repeated. */
const piece = fc.oneof(
  fc.constantFrom(
    ...[
      '*',
      '**',
      '_',
      '__',
      '~~',
      '`',
      '```',
      '[',
      ']',
      '(',
      ')',
      '![',
      '](',
      '<',
      '>',
      '|',
      '|-',
      '- ',
      '> ',
      '1. ',
    ],
    ...[
      '# ',
      '=',
      '\n',
      '\n\n',
      ' ',
      '    ',
      '\t',
      '\\',
      '&',
      '&amp;',
      '&#',
      '@',
      'a@b.c',
      ':',
      '/',
      '//',
      '?',
      '.',
    ],
    ...[
      'https://',
      'https://a.b/',
      'www.',
      'a',
      '"',
      '[a]: ',
      '[^a]',
      '<!--',
      '[x] ',
      'é',
      '👋',
      '\u0301',
      '\u200b',
      '\0',
      '\ud83d',
    ],
  ),
)
const unit = fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join(''))

/** In milliseconds; the shortest of several runs, for other programs use the machine, too. */
function timeOf(run: () => void, enough = 50): number {
  let shortest = Number.POSITIVE_INFINITY
  for (let i = 0; i < 5 && shortest > enough; i += 1) {
    const [cpu, started] = [process.cpuUsage(), performance.now()]
    run()
    const { user, system } = process.cpuUsage(cpu)
    shortest = Math.min(shortest, performance.now() - started, (user + system) / 1000)
  }
  return shortest
}

const depthOf = (nodes: readonly unknown[]): number =>
  nodes.reduce<number>((deepest, node) => {
    const inner = typeof node === 'object' && node !== null ? Object.values(node) : []
    return Math.max(deepest, inner.length > 0 ? 1 + depthOf(inner) : 0)
  }, 0)

describe('in time', () => {
  test.each([
    ['a row of a table that is none', `a\n${'|'.repeat(MAX_MARKDOWN - 3)}x`],
    ['what starts as an address, without letters after it', 'www.\u200b'.repeat(MAX_MARKDOWN / 5)],
    ['what starts as an address, after NUL', '\0www.'.repeat(MAX_MARKDOWN / 5)],
    ['what starts as an address, between pictures of faces', 'www.😀'.repeat(MAX_MARKDOWN / 6)],
    ['addresses in labels of links', '[www.a.example/_b_](c)'.repeat(MAX_MARKDOWN / 22)],
    ['addresses in labels of links that are none', '[www.a.example/_b_]('.repeat(MAX_MARKDOWN / 20)],
    ['addresses that end in what is open', 'www.a\u200b'.repeat(MAX_MARKDOWN / 6)],
  ])('%s', (_, source) => expect(timeOf(() => parseMarkdown(source), 25)).toBeLessThan(25))

  test('every address of a text of many', () => {
    const line = (i: number) => `see https://a.example/${i}, or www.b.example/${i}.`
    const source = Array.from({ length: 150 }, (_, i) => line(i)).join('\n')
    expect(JSON.stringify(parseMarkdown(source)).match(/"url":/g)).toHaveLength(300)
  })
})

describe('any text', () => {
  test('repeated to 150 kB is read in time, into a tree that is not deep', () => {
    const texts = fc.tuple(unit, unit, fc.constantFrom('', '\n'))
    fc.assert(
      fc.property(texts, ([one, other, between]) => {
        const half = MAX_MARKDOWN / 2
        const text = `${one.repeat(half / one.length)}${between}${(other + between).repeat(150_000 / other.length)}`
        expect(timeOf(() => toPlainText(text))).toBeLessThan(50)
        expect(depthOf(parseMarkdown(text))).toBeLessThan(100)
      }),
    )
  })
})
