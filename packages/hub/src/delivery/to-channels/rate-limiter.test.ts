import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RateLimiter } from './rate-limiter.js'

const slow = { perSecond: 1, burst: 1 }

test('lets as many through as the pace allows, in the order of coming', () => {
  const limiter = new RateLimiter()
  const pace = { perSecond: 2, burst: 1 }
  const waits = Array.from({ length: 4 }, () => limiter.take('a', pace, 1000))
  expect(waits).toEqual([0, 500, 1000, 1500])
  expect(limiter.take('b', pace, 1000)).toBe(0)
  expect(limiter.take('a', pace, 3000)).toBe(0)
})

test('lets a burst through after a silence, then one after another', () => {
  const limiter = new RateLimiter()
  const pace = { perSecond: 1, burst: 3 }
  const take = (now: number) => limiter.take('a', pace, now)
  expect([take(0), take(0), take(0), take(0), take(0)]).toEqual([0, 0, 0, 1000, 2000])
  // After two seconds of silence, two of three tokens are back.
  expect([take(4000), take(4000), take(4000)]).toEqual([0, 0, 1000])
})

test('never lets more through than the burst and the pace together', () => {
  const pace = fc.record({
    perSecond: fc.integer({ min: 1, max: 50 }),
    burst: fc.integer({ min: 1, max: 10 }),
  })
  fc.assert(
    fc.property(pace, fc.array(fc.nat(2000), { maxLength: 100 }), (pace, gaps) => {
      const limiter = new RateLimiter()
      let now = 0
      const uses = gaps.map((gap) => {
        now += gap
        return now + limiter.take('a', pace, now)
      })
      for (const [i, first] of uses.entries())
        for (const [j, last] of uses.slice(i).entries())
          expect(j + 1).toBeLessThanOrEqual(pace.burst + ((last - first) / 1000) * pace.perSecond + 1e-6)
    }),
  )
})

test('what was not used is given back', () => {
  const limiter = new RateLimiter()
  limiter.take('a', slow, 0)
  expect(limiter.take('a', slow, 0)).toBe(1000)
  limiter.giveBack('a', slow)
  expect(limiter.take('a', slow, 0)).toBe(1000)
})

test('what is held gets nothing until then, and no burst after it', () => {
  const limiter = new RateLimiter()
  const pace = { perSecond: 1, burst: 3 }
  limiter.take('a', pace, 0)
  limiter.hold('a', pace, 5000, 100)
  expect([limiter.take('a', pace, 100), limiter.take('a', pace, 100)]).toEqual([4900, 5900])
  limiter.hold('b', pace, 5000, 100)
  expect([limiter.take('b', pace, 5000), limiter.take('b', pace, 5000)]).toEqual([0, 1000])
  expect(limiter.take('c', pace, 100)).toBe(0)
})

test('remembers only who is not at rest', () => {
  const limiter = new RateLimiter()
  for (let i = 0; i < 10_000; i += 1) limiter.take(`endpoint ${i}`, slow, i * 10)
  expect(limiter.size).toBeLessThan(2000)
})
