import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isJsonObject, isStorable, parseJsonObject } from './json.js'

test.each([
  ['a text', 'Größe 👋', true],
  ['nothing', '', true],
  ['NUL', 'a\u0000', false],
  ['the first half of a pair', 'a\ud83d', false],
  ['the second half of a pair', '\udc4b', false],
  ['the halves in the wrong order', '\udc4b\ud83d', false],
])('%s: %j is storable: %s', (_, text, expected) => {
  expect(isStorable(text)).toBe(expected)
})

const anyUnits = fc
  .array(fc.oneof(fc.nat(0xff_ff), fc.integer({ min: 0xd8_00, max: 0xdf_ff })), { maxLength: 4 })
  .map((units) => String.fromCharCode(...units))

test('storable is what comes back from UTF-8 as it was, NUL apart', () => {
  const survives = (text: string) => Buffer.from(text, 'utf8').toString('utf8') === text
  fc.assert(fc.property(anyUnits, (text) => isStorable(text) === (survives(text) && !text.includes('\0'))))
})

test.each([
  ['{"a":{"b":[1]}}', { a: { b: [1] } }],
  ['[]', {}],
  ['null', {}],
  ['"text"', {}],
  ['{"a":', {}],
  ['', {}],
])('the object in %s', (text, expected) => {
  expect(parseJsonObject(text)).toEqual(expected)
})

test('lists, null and what is absent are no objects', () => {
  expect([{}, [], null, undefined, 'text', 0].map(isJsonObject)).toEqual([true, ...Array(5).fill(false)])
})
