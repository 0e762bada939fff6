import { expect, test } from 'vitest'
import { durationOf, shownTime, spanOf } from './time.js'

test('spans have one unit, the largest', () => {
  expect([0, 999, 59_999, 60_000, 3_599_999, 3_600_000, 90_000_000].map(spanOf)).toEqual([
    '0 s',
    '0 s',
    '59 s',
    '1 min',
    '59 min',
    '1 h',
    '1 d',
  ])
})

test('durations are as exact as they matter', () => {
  expect([0.4, 84, 5_002, 61_000].map(durationOf)).toEqual(['0 ms', '84 ms', '5.0 s', '1 min'])
})

test('a time of today has seconds, one of this year has its day, an older one its year', () => {
  const now = new Date(2026, 5, 15, 12, 0, 0)
  expect(shownTime(new Date(2026, 5, 15, 9, 5, 7), now)).toMatch(/^09:05:07$/)
  expect(shownTime(new Date(2026, 5, 14, 9, 5, 7), now)).toMatch(/14.*09:05$/)
  expect(shownTime(new Date(2024, 5, 14, 9, 5, 7), now)).toMatch(/2024/)
})
