import { expect, test } from 'vitest'
import { isPlainUrl } from './plain-url.js'

test.each([
  ['https://api.example', true],
  ['http://127.0.0.1:8080/v2/', true],
  ['no address', true],
  ['https://ada@api.example', false],
  ['https://:secret@api.example', false],
  ['https://api.example/?key=secret', false],
  ['https://api.example/#v2', false],
])('%s: %s', (text, isPlain) => {
  expect(isPlainUrl(text)).toBe(isPlain)
})
