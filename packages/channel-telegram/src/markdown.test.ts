import type { JsonObject } from '@plugboard/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { refusalOf } from '../test/rules.js'
import { partsOf } from '../test/support.js'
import { isVisible } from './formatted.js'
import { telegram } from './index.js'

const silent = () => undefined
const runtime = await telegram.load({
  options: { apiRoot: 'https://api.telegram.org' },
  logger: { debug: silent, info: silent, warn: silent, error: silent },
  fetch,
})

interface Shown {
  text?: string
  caption?: string
}

/** What a person sees of a content, white space aside; fails when Telegram would refuse a part of it. */
function shown(content: JsonObject): string {
  const parts = partsOf(runtime, content)
  for (const { call, args } of parts) {
    expect(refusalOf(call, { ...(args as JsonObject), chat_id: '501' })).toBeUndefined()
  }
  return squeezed(parts.map(({ args }) => (args as Shown).text ?? (args as Shown).caption ?? '').join(' '))
}

const squeezed = (text: string): string => text.replace(/\s/g, '')

/** Runs of all that is special somewhere: Markdown, MarkdownV2, HTML, pairs and halves, both directions, no width. */
const special = [
  ...'*_~`[]()<>#+-=|{}.!\\&"\'\n\t /:@',
  ...[
    '**',
    '__',
    '```',
    '~~',
    '](',
    '![',
    '> ',
    '\n- ',
    '\n1. ',
    '\n\n',
    '    ',
    '<b>',
    '</b>',
    '&amp;',
    '[a]: /b',
  ],
  ...[
    'word',
    'snake_case_name',
    '2 * 3',
    'https://example.com/a_(b)',
    'ada@example.com',
    'שלום',
    'مرحبا',
    '世界',
  ],
  ...[
    '👋🏽',
    '👨‍👩‍👧',
    '\ud83d',
    '\udc4b',
    '\u200f',
    '\u202e',
    '\u200b',
    '\u0301',
    '\u0000',
    '\u2028',
    '\ufeff',
    '⠀',
  ],
]
const wild = fc.array(fc.oneof(fc.constantFrom(...special), fc.string({ unit: 'binary', maxLength: 5 })), {
  maxLength: 60,
})
const wildText = wild.map((pieces) => pieces.join(''))

describe('any text', () => {
  test('is taken, and all of it is seen', () => {
    fc.assert(
      fc.property(wildText, (text) => {
        const expected = isVisible(text.toWellFormed()) ? squeezed(text.toWellFormed()) : ''
        expect(shown({ type: 'text', text }).replace(/^…$/, '')).toBe(expected)
      }),
      { numRuns: 500 },
    )
  })

  test('that is long is taken in parts, and all of it is seen', () => {
    const long = fc.tuple(wildText, fc.integer({ min: 1, max: 400 }))
    fc.assert(
      fc.property(long, ([text, times]) => {
        const all = `a${`${text}b`.repeat(times)}`
        expect(shown({ type: 'text', text: all })).toBe(squeezed(all.toWellFormed()))
      }),
      { numRuns: 50 },
    )
  })

  test('is taken in every other place of a content', () => {
    const image = 'https://media.example/picture.png'
    fc.assert(
      fc.property(wildText, fc.boolean(), (text, markdown) => {
        const action = { action: 'Postback', title: text, payload: 'c:1' }
        for (const content of [
          { type: 'image', image, title: text },
          { type: 'image', image: text || 'x' },
          { type: 'location', latitude: 1, longitude: 2, title: text, address: text },
          { type: 'card', title: text, subtitle: text, image, markdown, actions: [action] },
          {
            type: 'card',
            title: text,
            markdown,
            actions: [{ action: 'Open URL', title: text, url: text || 'x' }],
          },
          { type: 'single-choice', text, markdown, choices: [{ title: text, value: 'c:1' }] },
          { type: 'dropdown', message: text, options: [{ label: text, value: 'c:1' }] },
        ]) {
          shown(content)
        }
      }),
      { numRuns: 300 },
    )
  })
})

type Piece = { source: string; seen: string }
const join = (pieces: readonly Piece[], by: string): Piece => ({
  source: pieces.map(({ source }) => source).join(by),
  seen: pieces.map(({ seen }) => seen).join(''),
})

const punctuation = [...'*_~`[]()<>#+-=|{}.!\\&"\'/:@'].map((each) => ({ source: `\\${each}`, seen: each }))
const words = ['Ada', 'ñandú', 'שלום', 'مرحبا', '世界', '👋🏽', 'x1', 'snake_case'].map((each) => ({
  source: each,
  seen: each,
}))
const word = fc.constantFrom<Piece>(...words, ...words, ...punctuation)
const wrapped = (inner: fc.Arbitrary<Piece>, mark: string) =>
  inner.map(({ source, seen }) => ({ source: `${mark}x ${source} x${mark}`, seen: `x${seen}x` }))
const phrase = (inner: fc.Arbitrary<Piece>) =>
  fc.array(inner, { minLength: 1, maxLength: 4 }).map((pieces) => join(pieces, ' '))

const code = fc.constantFrom<Piece>({ source: '`a*b_c`', seen: 'a*b_c' })
const leaf = fc.oneof(word, word, code)
const linked = phrase(word).map(({ source, seen }) => ({
  source: `[${source}](https://example.com/a_b?c=(d))`,
  seen,
}))
const struck = phrase(fc.oneof(leaf, linked))
const leaning = phrase(fc.oneof(leaf, linked, wrapped(struck, '~~')))
const strong = phrase(fc.oneof(leaf, linked, wrapped(leaning, '_')))
const inline = phrase(fc.oneof(leaf, linked, wrapped(strong, '**')))
const block = fc.oneof(
  inline.map(({ source, seen }) => ({ source: `para ${source}`, seen: `para${seen}` })),
  inline.map(({ source, seen }) => ({ source: `# head ${source} end`, seen: `head${seen}end` })),
  fc.array(inline, { minLength: 1, maxLength: 3 }).map((items) => ({
    source: items.map(({ source }) => `- item ${source}`).join('\n'),
    seen: items.map(({ seen }) => `•item${seen}`).join(''),
  })),
  inline.map(({ source, seen }) => ({ source: `> quote ${source}`, seen: `quote${seen}` })),
  fc.constantFrom<Piece>({ source: '```ts\nconst a = `*b*`\n```', seen: 'consta=`*b*`' }),
)
const document = fc.array(block, { minLength: 1, maxLength: 6 }).map((blocks) => join(blocks, '\n\n'))

describe('any Markdown', () => {
  test('of known structure shows its words, and no mark', () => {
    fc.assert(
      fc.property(document, ({ source, seen }) => {
        expect(shown({ type: 'text', text: source, markdown: true })).toBe(squeezed(seen))
      }),
      { numRuns: 200 },
    )
  })

  test('at all is taken, and keeps the words', () => {
    const wordsIn = (text: string): string[] => text.match(/\p{L}+/gu) ?? []
    const safe = wild.map((pieces) => pieces.filter((each) => !/[&`![\]()<:]|~~~/.test(each)).join(''))
    fc.assert(
      fc.property(wildText, (text) => void shown({ type: 'text', text, markdown: true })),
      { numRuns: 1000 },
    )
    fc.assert(
      fc.property(safe, (text) => {
        const source = text.replaceAll('~', '')
        const seen = shown({ type: 'text', text: source, markdown: true })
        expect(wordsIn(seen).join('')).toBe(wordsIn(source.toWellFormed()).join(''))
      }),
      { numRuns: 500 },
    )
  })

  test.each([
    ['quotes in quotes', '>'.repeat(4000)],
    ['open brackets', '['.repeat(4000)],
    ['stars', '*a '.repeat(1300)],
    ['bold in bold', `${'*'.repeat(2000)}a${'*'.repeat(2000)}`],
    ['bold in italic', `${'**a _b '.repeat(280)}${' c_ d**'.repeat(280)}`],
    ['lists that go ever deeper', Array.from({ length: 60 }, (_, i) => `${'  '.repeat(i)}- x`).join('\n')],
    ['lists in lists', `${'- '.repeat(1500)}x`],
    ['many formats', '**a** _b_ '.repeat(400)],
    ['many links', '[a](https://a.example/) '.repeat(170)],
    ['back ticks', '`'.repeat(4000)],
    ['a long heading', `# ${'word '.repeat(1500)}`],
  ])('of a hostile form is taken in a moment: %s', (_, text) => {
    const started = performance.now()
    shown({ type: 'text', text, markdown: true })
    expect(performance.now() - started).toBeLessThan(2000)
  })
})
