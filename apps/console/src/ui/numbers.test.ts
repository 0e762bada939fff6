import { expect, test } from 'vitest'
import { bytesOf, counted, countOf, rateOf } from './numbers.js'

test('counts agree with their nouns', () => {
  expect([0, 1, 2].map((n) => counted(n, 'person', 'people'))).toEqual(['0 people', '1 person', '2 people'])
})

test('a count that ends before all are counted says so', () => {
  expect([countOf(100_000, true), countOf(100_000)]).toEqual(['100,000+', '100,000'])
})

test('bytes and rates are short', () => {
  expect([0, 999, 1_500, 48_200_000, 5e15].map(bytesOf)).toEqual([
    '0 B',
    '999 B',
    '1.5 kB',
    '48.2 MB',
    '5,000 TB',
  ])
  expect([0.25, 9.96, 1_234.6].map(rateOf)).toEqual(['0.3', '10', '1,235'])
})
