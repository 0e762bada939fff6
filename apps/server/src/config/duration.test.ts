import { describe, expect, test } from 'vitest'
import { formatDuration, parseDuration } from './duration.js'

describe('durations', () => {
  test.each([
    ['250ms', 250],
    ['1.5s', 1_500],
    ['20m', 1_200_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['0s', 0],
  ])('reads %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  test.each(['', '5', 's', '-1s', '1 s', '1s2', '1e3ms', '25d', 'Infinitys'])('refuses %j', (text) => {
    expect(parseDuration(text)).toBeUndefined()
  })

  test.each(['250ms', '1500ms', '90s', '20m', '2h', '1d', '0ms'])('shows %s as it was written', (text) => {
    expect(formatDuration(parseDuration(text) ?? -1)).toBe(text)
  })
})
