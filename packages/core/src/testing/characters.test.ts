import fc from 'fast-check'
import { expect, test } from 'vitest'
import { characters } from './characters.js'

test('each number has a character of its own, well formed, whose number it is', () => {
  fc.assert(
    fc.property(fc.nat(characters.max), (index) => {
      const character = characters.at(index)
      expect([character.isWellFormed(), [...character].length]).toEqual([true, 1])
      expect(characters.indexOf(character)).toBe(index)
    }),
  )
})

test('the first, the last and those beside the halves of pairs are among them', () => {
  for (const character of ['\0', '\ud7ff', '\ue000', '\u{10000}', '\u{10ffff}'])
    expect(characters.at(characters.indexOf(character))).toBe(character)
  expect(characters.indexOf('\u{10ffff}')).toBe(characters.max)
  expect(characters.indexOf('\0')).toBe(0)
})

test.each(['', 'ab', '\ud800', '\udfff', '\udbff', undefined, 7])('%j is no character', (value) => {
  expect(() => characters.indexOf(value)).toThrow(TypeError)
})

test('they make texts that break programs, as those of fast-check do', () => {
  const text = fc.string({ unit: fc.nat(characters.max).map(characters.at, characters.indexOf) })
  expect(fc.sample(text, { numRuns: 5_000, seed: 1 })).toContain('__proto__')
})
