import { describe, expect, test } from 'vitest'
import { PlugboardApiError } from './errors.js'
import { parseRetryAfterMs, retryDelayMs } from './retry.js'

const error = (retryAfterMs?: number) =>
  new PlugboardApiError({
    reason: 'status',
    status: 503,
    message: '',
    method: 'GET',
    path: '/',
    retryAfterMs,
  })

describe('retryDelayMs', () => {
  test('doubles from 100 ms to 5 s, less a random half', () => {
    const delays = [0, 1, 2, 3, 10, 2000].map((attempt) => retryDelayMs(error(), attempt, () => 1))
    expect(delays).toEqual([100, 200, 400, 800, 5_000, 5_000])
    expect(retryDelayMs(error(), 1, () => 0)).toBe(100)
  })

  test('does what the server asks for', () => {
    expect(retryDelayMs(error(7_000), 0)).toBe(7_000)
    expect(retryDelayMs(error(0), 5)).toBe(0)
  })
})

describe('parseRetryAfterMs', () => {
  const now = Date.parse('2026-11-22T08:00:00Z')

  test.each([
    ['120', 120_000],
    [' 0 ', 0],
    ['Sun, 22 Nov 2026 08:00:30 GMT', 30_000],
    ['Sun, 22 Nov 2026 07:00:00 GMT', 0],
    ['soon', undefined],
    ['', undefined],
    [null, undefined],
  ])('reads %j as %s', (header, delayMs) => {
    expect(parseRetryAfterMs(header, now)).toBe(delayMs)
  })
})
