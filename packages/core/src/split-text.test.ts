import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { splitText, truncate } from './split-text.js'

const withoutSpace = (text: string): string => text.replace(/\s+/g, '')

/** Texts with many places to cut, and with characters of two units. */
const texts = fc
  .array(
    fc.oneof(
      fc.constantFrom(' ', '\n', '\n\n', '. ', '。', '👋', '!', '\u00a0'),
      fc.string({ unit: 'grapheme' }),
    ),
  )
  .map((pieces) => pieces.join(''))

describe('the pieces of a text', () => {
  const limits = fc.integer({ min: 2, max: 40 })

  test('are within the limit and not empty', () => {
    fc.assert(
      fc.property(texts, limits, (text, max) => {
        const pieces = splitText(text, max)
        for (const piece of pieces) expect(piece.length).toBeLessThanOrEqual(max)
        if (withoutSpace(text) !== '') expect(pieces).not.toContain('')
      }),
    )
  })

  test('never end inside a surrogate pair', () => {
    fc.assert(
      fc.property(texts, limits, (text, max) => {
        expect(splitText(text, max).every((piece) => piece.isWellFormed())).toBe(true)
      }),
    )
  })

  test('are the whole text, save for white space at the cuts', () => {
    fc.assert(
      fc.property(texts, limits, (text, max) => {
        expect(withoutSpace(splitText(text, max).join(''))).toBe(withoutSpace(text))
      }),
    )
  })
})

test('a text within the limit stays as it is, white space too', () => {
  expect(splitText(' a\n', 3)).toEqual([' a\n'])
  expect(splitText('', 3)).toEqual([''])
})

test.each([
  ['a paragraph', 'One two.\n\nThree four', 15, ['One two.', 'Three four']],
  ['a line', 'One two\nThree four', 15, ['One two', 'Three four']],
  ['a sentence', 'One two. Three four', 15, ['One two.', 'Three four']],
  ['a sentence without a space', '一二三四。五六七', 7, ['一二三四。', '五六七']],
  ['a word', 'One two three four', 15, ['One two three', 'four']],
  ['anywhere', 'x'.repeat(7), 3, ['xxx', 'xxx', 'x']],
  ['anywhere but in a pair', '👋👋👋', 3, ['👋', '👋', '👋']],
])('cuts at %s', (_, text, max, pieces) => {
  expect(splitText(text, max)).toEqual(pieces)
})

test('takes linear time on hostile texts', () => {
  const started = performance.now()
  for (const unit of ['!', ' ', '\n', '.!', '👋', 'a ']) splitText(unit.repeat(500_000 / unit.length), 40_000)
  expect(performance.now() - started).toBeLessThan(5_000)
})

test('a text is truncated to its beginning, and never inside a surrogate pair', () => {
  fc.assert(
    fc.property(texts, fc.nat(40), (text, max) => {
      const beginning = truncate(text, max)
      expect(text.startsWith(beginning)).toBe(true)
      expect(beginning.isWellFormed()).toBe(true)
      expect(beginning.length).toBeLessThanOrEqual(max)
      expect(beginning.length).toBeGreaterThanOrEqual(Math.min(text.length, max - 1))
    }),
  )
})
