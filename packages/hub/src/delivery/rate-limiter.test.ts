import { expect, test } from 'vitest'
import { RateLimiter } from './rate-limiter.js'

test('lets as many through as the rate allows, in the order of coming', () => {
  const limiter = new RateLimiter()
  const waits = Array.from({ length: 4 }, () => limiter.take('a', 2, 1000))
  expect(waits).toEqual([0, 500, 1000, 1500])
  expect(limiter.take('b', 2, 1000)).toBe(0)
  expect(limiter.take('a', 2, 3000)).toBe(0)
})

test('a fast provider gets a small burst after a silence, and never more than its rate for long', () => {
  const limiter = new RateLimiter()
  const waits = Array.from({ length: 60 }, () => limiter.take('a', 30, 0))
  expect(waits.filter((wait) => wait === 0)).toHaveLength(3)
  expect(waits.filter((wait) => wait < 1000).length).toBeLessThanOrEqual(33)
  expect(waits.at(-1)).toBeGreaterThan(1800)
})

test('what was not used is given back', () => {
  const limiter = new RateLimiter()
  limiter.take('a', 1, 0)
  expect(limiter.take('a', 1, 0)).toBe(1000)
  limiter.giveBack('a', 1)
  expect(limiter.take('a', 1, 0)).toBe(1000)
})

test('remembers only who is not at rest', () => {
  const limiter = new RateLimiter()
  for (let i = 0; i < 10_000; i += 1) limiter.take(`endpoint ${i}`, 1, i * 10)
  expect(limiter.size).toBeLessThan(2000)
})
