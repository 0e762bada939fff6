import { slowness } from '@plugboard/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { withLinks } from './formatted-words.js'
import { readRichMessage, wordsOfTexts } from './rich-message.js'

const word = fc.stringMatching(/^[a-zäß0-9]{1,8}$/)

/** A rich text, and its words in order. */
interface Said<T> {
  value: T
  words: string[]
}

const styles = ['bold', 'italic', 'spoiler', 'subscript', 'marked', 'mention', 'reference', 'of_tomorrow']

const { text } = fc.letrec<{ text: Said<unknown> }>((tie) => ({
  text: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    word.map((value) => ({ value, words: [value] })),
    word.map((expression) => ({
      value: { type: 'mathematical_expression', expression },
      words: [expression],
    })),
    word.map((alternative_text) => ({
      value: { type: 'custom_emoji', custom_emoji_id: '1', alternative_text },
      words: [alternative_text],
    })),
    fc.array(tie('text'), { maxLength: 3 }).map((all) => ({
      value: all.map(({ value }) => value),
      words: all.flatMap(({ words }) => words),
    })),
    fc.tuple(fc.constantFrom(...styles), tie('text')).map(([type, inner]) => ({
      value: { type, text: inner.value, user: { id: 1 } },
      words: inner.words,
    })),
    fc.tuple(word, tie('text')).map(([path, inner]) => ({
      value: { type: 'url', text: inner.value, url: `https://a.example/${path}` },
      words: [...inner.words, path],
    })),
  ),
}))

type Block = Said<object>
const join = (all: readonly Said<unknown>[]): string[] => all.flatMap(({ words }) => words)
const values = <T>(all: readonly Said<T>[]): T[] => all.map(({ value }) => value)
const ofText = (type: string) => text.map(({ value, words }) => ({ value: { type, text: value }, words }))

const { block } = fc.letrec<{ block: Block }>((tie) => {
  const blocks = fc.array(tie('block') as fc.Arbitrary<Block>, { maxLength: 3 })
  return {
    block: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      ...['paragraph', 'heading', 'pre', 'footer', 'expandable_blockquote', 'of_tomorrow'].map(ofText),
      fc.tuple(fc.constantFrom('blockquote', 'expandable_blockquote'), blocks, text).map(
        ([type, inner, credit]): Block => ({
          value: { type, blocks: values(inner), credit: credit.value },
          words: [...join(inner), ...credit.words],
        }),
      ),
      fc.tuple(text, blocks).map(
        ([summary, inner]): Block => ({
          value: { type: 'details', summary: summary.value, blocks: values(inner) },
          words: [...summary.words, ...join(inner)],
        }),
      ),
      fc.array(blocks, { maxLength: 3 }).map(
        (items): Block => ({
          value: { type: 'list', items: items.map((inner) => ({ label: '•', blocks: values(inner) })) },
          words: items.flatMap(join),
        }),
      ),
      fc.tuple(text, fc.array(fc.array(text, { maxLength: 3 }), { maxLength: 3 })).map(
        ([caption, rows]): Block => ({
          value: {
            type: 'table',
            caption: caption.value,
            cells: rows.map((row) => row.map(({ value }) => ({ text: value }))),
          },
          words: [...caption.words, ...rows.flatMap(join)],
        }),
      ),
      fc.tuple(fc.constantFrom('photo', 'collage', 'audio'), text, text, blocks).map(
        ([type, said, credit, inner]): Block => ({
          value: { type, blocks: values(inner), caption: { text: said.value, credit: credit.value } },
          words: [...join(inner), ...said.words, ...credit.words],
        }),
      ),
    ),
  }
})

describe('the text of a rich message', () => {
  test('has every word of every block, in order', () => {
    fc.assert(
      fc.property(fc.array(block, { minLength: 1, maxLength: 5 }), (blocks) => {
        const [content] = readRichMessage({ blocks: values(blocks) }) ?? []
        let rest = String(content?.text ?? '')
        for (const each of join(blocks)) {
          expect(rest).toContain(each)
          rest = rest.slice(rest.indexOf(each) + each.length)
        }
      }),
    )
  })

  test('is found in anything that looks like one, or nothing is', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        for (const message of [value, { blocks: value }, { blocks: [value] }]) {
          const contents = readRichMessage(message)
          for (const { text: words } of contents ?? []) expect(words).toEqual(expect.any(String))
        }
      }),
    )
  })
})

test('a text with the addresses of its links is that text when they are taken out', () => {
  const range = fc.tuple(fc.nat(40), fc.nat(12))
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 30 }), fc.array(range), (said, ranges) => {
      const url = 'https://a.example/\u0001'
      const entities = ranges.map(([offset, length]) => ({ type: 'text_link', offset, length, url }))
      const written = withLinks(said, entities)
      expect(written.replaceAll(` (${url})`, '').replaceAll(url, '').replaceAll(/\s/g, '')).toBe(
        said.replaceAll(/\s/g, ''),
      )
    }),
  )
})

describe('a rich message that Telegram would not send', () => {
  const paragraph = (text: string): object => ({ type: 'paragraph', text })
  const nested = (levels: number, text: string, wrap: (blocks: object[]) => object): object[] => {
    let blocks = [paragraph(text)]
    for (let level = 0; level < levels; level += 1) blocks = [wrap(blocks)]
    return blocks
  }
  const megabyte = 'a\n'.repeat(350_000)
  const read = (blocks: object[]) => {
    const start = performance.now()
    const text = String(readRichMessage({ blocks })?.[0]?.text)
    return { text, ms: performance.now() - start }
  }

  test.each([
    ['quotes in quotes', nested(45, megabyte, (blocks) => ({ type: 'blockquote', blocks }))],
    ['lists in lists', nested(30, megabyte, (blocks) => ({ type: 'list', items: [{ blocks }] }))],
    [
      'a list with long labels',
      nested(2, megabyte, (blocks) => ({ type: 'list', items: [{ label: 'x'.repeat(500), blocks }] })),
    ],
    [
      'many quotes in quotes',
      Array.from({ length: 100 }, () =>
        nested(40, 'a\n'.repeat(3000), (blocks) => ({ type: 'blockquote', blocks })),
      ).flat(),
    ],
  ])('is read in bounded time and space: %s', (_, blocks) => {
    const { text, ms } = read(blocks)
    expect(text.length).toBeLessThan(5_000_000)
    expect(text.includes('…')).toBe(true)
    expect(ms / slowness()).toBeLessThan(250)
  })

  test('is cut after more characters than a message of Telegram has', () => {
    const { text } = read([paragraph('x'.repeat(80_000)), paragraph('z')])
    expect(text.length).toBe(60_001)
    expect(text.slice(-2)).toBe('x…')
  })

  test('is not cut within a character', () => {
    const { text } = read([paragraph(`x${'😀'.repeat(60_000)}`)])
    expect(text.isWellFormed()).toBe(true)
  })
})

test('the texts of a quote have the limit of a message together', () => {
  const long = { type: 'url', text: 'x'.repeat(500_000), url: `https://a.example/${' '.repeat(500_000)}` }
  const words = wordsOfTexts(['first', long, long])
  expect(words.startsWith('first\nxxx')).toBe(true)
  expect(words.length).toBeLessThan(61_000)
  expect(wordsOfTexts([])).toBe('')
})
