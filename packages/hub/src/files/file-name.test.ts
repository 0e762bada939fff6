import { characters } from '@plugboard/core/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fileNameOf } from './file-name.js'

const character = fc.nat(characters.max).map(characters.at, characters.indexOf)

test.each([
  ['report.pdf', 'report.pdf'],
  ['Größe 👋.png', 'Größe 👋.png'],
  ['../../etc/passwd', 'passwd'],
  ['C:\\temp\\a.txt', 'a.txt'],
  ['a\r\nb\0.txt', 'ab.txt'],
  ['photo\u202egpj.exe', 'photogpj.exe'],
  ['\u2066a\u2069\u200f\u061c.txt', 'a.txt'],
  [' \u202e ', undefined],
  ['', undefined],
  [undefined, undefined],
])('%j is kept as %j', (name, kept) => {
  expect(fileNameOf(name)).toBe(kept)
})

test('whatever a name is, what is kept is short, well-formed, and without controls', () => {
  fc.assert(
    fc.property(fc.string({ unit: character, maxLength: 300 }), (name) => {
      const kept = fileNameOf(name) ?? 'a'
      expect(kept.length).toBeLessThanOrEqual(200)
      expect(kept.isWellFormed()).toBe(true)
      expect(kept).not.toMatch(/[\p{Cc}\p{Bidi_Control}/\\]/u)
      expect(fileNameOf(kept)).toBe(kept)
    }),
  )
})
