import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { looking, shown, shownWithLooks } from '../test/shown.js'
import { wildPieces, wildText } from '../test/wild-text.js'

/** Markdown, and the words that a person sees of it, each with its looks. */
interface Piece {
  source: string
  seen: { words: string; looks: string[] }[]
}

const bare = (source: string, words = source, ...looks: string[]): Piece => ({
  source,
  seen: [{ words, looks }],
})

const join = (pieces: readonly Piece[], by: string): Piece => ({
  source: pieces.map(({ source }) => source).join(by),
  seen: pieces.flatMap(({ seen }) => seen),
})

/** Code stands in no bold and no italic. */
const look = (type: string, { source, seen }: Piece): Piece => ({
  source,
  seen: seen.map(({ words, looks }) => ({
    words,
    looks:
      looks.some((each) => ['code', 'pre'].includes(each)) && type !== 'blockquote'
        ? looks
        : [...looks, type],
  })),
})

const between = (before: string, { source, seen }: Piece, after = ''): Piece => ({
  source: before + source + after,
  seen,
})

const words = ['Ada', 'ñandú', 'שלום', 'مرحبا', '世界', '👋🏽', 'x1', 'snake_case'].map((each) => bare(each))
const punctuation = [...'*_~`[]()<>#+-=|{}.!\\&"\'/:@'].map((each) => bare(`\\${each}`, each))
const word = fc.constantFrom(...words, ...words, ...punctuation)

const phrase = (inner: fc.Arbitrary<Piece>) =>
  fc.array(inner, { minLength: 1, maxLength: 3 }).map((pieces) => join(pieces, ' '))
const wrapped = (inner: fc.Arbitrary<Piece>, mark: string, type: string) =>
  inner.map((piece) => look(type, between(mark, join([bare('x'), piece, bare('x')], ' '), mark)))

const linked = phrase(word).map((piece) =>
  look('text_link', between('[', piece, '](https://a.example/b_c?d=(e))')),
)
const refused = bare('[local](http://localhost:3000/x)', 'local (http://localhost:3000/x)')
const leaf = fc.oneof(word, word, fc.constantFrom(bare('`a*b_c`', 'a*b_c', 'code'), refused), linked)
const struck = phrase(leaf)
const leaning = phrase(fc.oneof(leaf, wrapped(struck, '~~', 'strikethrough')))
const strong = phrase(fc.oneof(leaf, wrapped(leaning, '_', 'italic')))
const inline = phrase(fc.oneof(leaf, wrapped(strong, '**', 'bold'))).map((piece) =>
  join([bare('a'), piece], ' '),
)

const fence = bare('```ts\nconst a = `*b*`\n```', 'const a = `*b*`', 'pre')
const block = fc.oneof(
  inline,
  inline.map((piece) => look('bold', between('# ', join([piece, bare('end')], ' ')))),
  fc.array(inline, { minLength: 1, maxLength: 3 }).map((items) =>
    join(
      items.map((item) => join([bare('-', '•'), item], ' ')),
      '\n',
    ),
  ),
  inline.map((piece) => look('blockquote', between('> ', piece))),
  fc.constant(fence),
)
const document = fc.array(block, { minLength: 1, maxLength: 3 }).map((blocks) => join(blocks, '\n\n'))

const looksOf = ({ seen }: Piece): string => seen.map(({ words, looks }) => looking(words, looks)).join('')

describe('any Markdown', () => {
  test('of known structure shows its words with their looks, and no mark', () => {
    fc.assert(
      fc.property(document, (piece) => {
        const content = { type: 'text', text: piece.source, markdown: true }
        expect(shownWithLooks(content)).toBe(looksOf(piece))
      }),
    )
  })

  test('that is long keeps its looks over several messages', () => {
    const filler = bare('filler '.repeat(500).trim())
    fc.assert(
      fc.property(document, document, (before, after) => {
        const piece = join([before, filler, after], '\n\n')
        const content = { type: 'card', title: '', subtitle: piece.source, markdown: true, actions: [] }
        expect(shownWithLooks(content)).toBe(looksOf(piece))
      }),
    )
  })

  test('at all is taken', () => {
    const taken = fc.property(wildText, (text) => void shown({ type: 'text', text, markdown: true }))
    fc.assert(taken)
  })

  test('at all keeps its words, where none stands for something else', () => {
    const wordsIn = (text: string): string => (text.match(/\p{L}+/gu) ?? []).join('')
    const safe = wildPieces.map((pieces) => pieces.filter((each) => !/[&`![\]()<:~]/.test(each)).join(''))
    fc.assert(
      fc.property(safe, (text) => {
        const seen = shown({ type: 'text', text, markdown: true })
        expect(wordsIn(seen)).toBe(wordsIn(text.toWellFormed()))
      }),
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
    ['a long card', '**a** _b_ '.repeat(10_000)],
    ['a long heading', `# ${'word '.repeat(1500)}`],
  ])('of a hostile form comes to an end, with all its words: %s', (_, text) => {
    const seen = shown({ type: 'card', title: 'Card', subtitle: text, markdown: true, actions: [] })
    const words = text.replaceAll(/\(https[^)]*\)/g, '').match(/\p{L}+/gu)
    for (const word of words ?? []) expect(seen).toContain(word)
  })
})
