import { expect, test } from 'vitest'
import { short, withShortId } from './short.js'

test('objects that were made in the same moment look different', () => {
  // As the server writes its ids: the time, a counter, and zeros.
  const ids = ['c8b5a8', 'c8b5ac', 'c8b5b0'].map((count) => `01a22de7-394a-73a4-a684-${count}000000`)
  expect(ids.map(short)).toEqual(['01a22de7…c8b5a8', '01a22de7…c8b5ac', '01a22de7…c8b5b0'])
})

test('any other long id has its start and its end, and a short one is whole', () => {
  expect(short('018c5f0e000000abcd000000')).toBe('018c5f0e…000000')
  expect(short('+4915112345678')).toBe('+4915112345678')
})

test('a text that is no id stays whole', () => {
  expect(withShortId('ada.lovelace@example.com')).toBe('ada.lovelace@example.com')
  expect(withShortId('01a22de7-394a-73a4-a684-c8b5a8000000')).toBe('01a22de7…c8b5a8')
})
