import { expect, test } from 'vitest'
import { bytesOf, isFull, PAGE_BYTES } from './page.js'

test('a message takes the bytes of what it says and of its details', () => {
  expect(bytesOf({ payload: '"é"' })).toBe(4)
  expect(bytesOf({ payload: '{}', details: '{"a":1}' })).toBe(9)
})

test('a page is full with as many items, or as many bytes, as it may have', () => {
  const half = { payload: 'é'.repeat(PAGE_BYTES / 4) }
  expect(isFull([half], 2)).toBe(false)
  expect(isFull([half], 1)).toBe(true)
  expect(isFull([half, half], 20)).toBe(true)
  expect(isFull([], 20)).toBe(false)
})
