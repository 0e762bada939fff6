import { describe, expect, test } from 'vitest'
import { retryAfterMs } from './retry-after.js'

const now = new Date('2026-03-01T12:00:00Z')

describe('retryAfterMs', () => {
  test.each([
    ['120', 120_000],
    [' 0 ', 0],
    ['Sun, 01 Mar 2026 12:00:30 GMT', 30_000],
    ['Sunday, 01-Mar-26 12:00:30 GMT', 30_000],
    ['Sun, 01 Mar 2026 11:00:00 GMT', 0],
    ['Thu, 01 Mar 2126 11:00:00 GMT', 86_400_000],
    ['99999999999999999999', 86_400_000],
    ['-5', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['Soon enough', undefined],
    ['', undefined],
    [null, undefined],
    [undefined, undefined],
  ])('reads %j as %j', (value, expected) => {
    expect(retryAfterMs(value, now)).toBe(expected)
  })
})
