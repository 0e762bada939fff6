import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deadlineOf, nextAttempt } from './retry.js'

const since = new Date('2026-11-22T08:00:00Z')
const after = (ms: number): Date => new Date(since.getTime() + ms)
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const schedule = fc.record({ delaysMs: fc.array(fc.integer({ min: 1, max: 3_600_000 }), { maxLength: 14 }) })

describe('nextAttempt', () => {
  const given = { schedule: { delaysMs: [1000, 2000, 4000] }, since, random: 0.5 }

  test('follows the schedule', () => {
    expect(nextAttempt({ ...given, attempts: 1, now: since })).toEqual(after(1000))
    expect(nextAttempt({ ...given, attempts: 2, now: after(1000) })).toEqual(after(3000))
    expect(nextAttempt({ ...given, attempts: 3, now: after(3000) })).toEqual(after(7000))
  })

  test('gives up when the attempts are used up, and when the deadline is over', () => {
    expect(nextAttempt({ ...given, attempts: 4, now: after(6000) })).toBe('dead')
    expect(nextAttempt({ ...given, attempts: 1, now: after(7000) })).toBe('dead')
    expect(nextAttempt({ ...given, schedule: { delaysMs: [] }, attempts: 1, now: since })).toBe('dead')
  })

  test('waits as long as the target asked for, and no longer than to the deadline', () => {
    expect(nextAttempt({ ...given, attempts: 1, now: since, retryAfterMs: 5000 })).toEqual(after(5000))
    expect(nextAttempt({ ...given, attempts: 1, now: since, retryAfterMs: 60_000 })).toEqual(after(7000))
    expect(nextAttempt({ ...given, attempts: 1, now: since, retryAfterMs: 10 })).toEqual(after(1000))
  })

  test('is never in the past, strays by a tenth at most, and is at the deadline at the latest', () => {
    fc.assert(
      fc.property(
        schedule,
        fc.nat({ max: 15 }),
        fc.nat({ max: 7_200_000 }),
        random,
        (schedule, n, ms, random) => {
          const now = after(ms)
          const next = nextAttempt({ schedule, attempts: n + 1, since, now, random })
          const delay = schedule.delaysMs[n]
          const deadline = deadlineOf(schedule, since)
          const isDead = delay === undefined || now >= deadline
          expect(next === 'dead').toBe(isDead)
          if (next === 'dead' || delay === undefined) return
          const wait = next.getTime() - now.getTime()
          expect(wait).toBeGreaterThanOrEqual(Math.min(0.9 * delay, deadline.getTime() - now.getTime()) - 1)
          expect(wait).toBeLessThanOrEqual(1.1 * delay)
          expect(next.getTime()).toBeLessThanOrEqual(Math.max(deadline.getTime(), now.getTime() + delay))
        },
      ),
    )
  })

  test('a target that never answers is given up after one attempt more than there are delays, at most', () => {
    fc.assert(
      fc.property(schedule, fc.nat({ max: 60_000 }), random, (schedule, durationMs, random) => {
        let now = after(durationMs)
        let attempts = 1
        for (;;) {
          const next = nextAttempt({ schedule, attempts, since, now, random })
          if (next === 'dead') break
          attempts += 1
          now = new Date(next.getTime() + durationMs)
        }
        expect(attempts).toBeLessThanOrEqual(schedule.delaysMs.length + 1)
      }),
    )
  })
})
