import fc from 'fast-check'
import { expect, test } from 'vitest'
import { excerptOf } from './facts.js'

test('an excerpt is the beginning of a text, at most 256 units of it, and never half of a pair', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 400 }),
    fc.nat(300).map((before) => `${'x'.repeat(before)}${'😀'.repeat(200)}`),
  )
  fc.assert(
    fc.property(texts, (text) => {
      const excerpt = excerptOf(text)
      expect(text.startsWith(excerpt)).toBe(true)
      expect(excerpt.length).toBeGreaterThanOrEqual(Math.min(text.length, 255))
      expect(excerpt.length).toBeLessThanOrEqual(256)
      expect(excerpt.isWellFormed()).toBe(text.isWellFormed())
    }),
  )
})
