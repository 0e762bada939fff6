import { expect, test } from 'vitest'
import { isUrl } from './is-url.js'

test.each([
  ['https://a.example', true],
  ['mailto:ada@a.example', true],
  ['https://bücher.example/café', true],
  ['https://例え.example', true],
  ['a.example', false],
  ['https://', false],
  ['https://é:x', false],
  ['', false],
])('%j is an absolute URL: %s', (text, is) => {
  expect(isUrl(text)).toBe(is)
})

test('says so however often it was asked', () => {
  for (let i = 0; i < 20_000; i += 1) isUrl(`https://a.example/${i}`)
  expect(isUrl('https://bücher.example')).toBe(true)
})
