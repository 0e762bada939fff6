import { isPlugboardError } from '@plugboard/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GuestLimits } from './guest-limits.js'

/** Limits with a clock that is set by hand; `admit` answers how long to stay away, 0 where the message was taken. */
function limitsOf(options: { messagesPerMinute: number; bytesPerDay: number }) {
  const clock = { now: 0 }
  const limits = new GuestLimits({ ...options, now: () => clock.now })
  const admit = (guestId: string, size = 1): number => {
    try {
      limits.admit(guestId, size)
      return 0
    } catch (error) {
      if (!isPlugboardError(error, 'RATE_LIMITED')) throw error
      return error.retryAfterMs ?? 0
    }
  }
  return { clock, limits, admit }
}

describe('the limits of a guest', () => {
  test('allow a number of messages per minute, and then say when to retry', () => {
    const { clock, admit } = limitsOf({ messagesPerMinute: 2, bytesPerDay: 0 })
    expect([admit('a'), admit('a'), admit('a')]).toEqual([0, 0, 60_000])
    expect(admit('b')).toBe(0)
    clock.now = 59_999
    expect(admit('a')).toBe(1)
    clock.now = 60_000
    expect(admit('a')).toBe(0)
  })

  test('allow a number of bytes per day, even if the size is known late', () => {
    const { clock, limits, admit } = limitsOf({ messagesPerMinute: 0, bytesPerDay: 10 })
    expect([admit('a', 6), admit('a', 5), admit('a', 4)]).toEqual([0, 86_400_000, 0])
    expect(admit('b', 0)).toBe(0)
    limits.spend('b', 10)
    expect(admit('b')).toBeGreaterThan(0)
    clock.now = 86_400_000
    expect([admit('a', 10), admit('b', 10)]).toEqual([0, 0])
  })

  test('never let more through than they say in any one window', () => {
    const steps = fc.array(fc.tuple(fc.nat(5_000), fc.nat(9)), { maxLength: 100 })
    fc.assert(
      fc.property(steps, (given) => {
        const { clock, admit } = limitsOf({ messagesPerMinute: 5, bytesPerDay: 40 })
        let [taken, bytes, since] = [0, 0, 0]
        for (const [wait, size] of given) {
          clock.now += wait
          if (clock.now - since >= 60_000) [taken, since] = [0, clock.now]
          if (admit('a', size) > 0) continue
          if (taken === 0) since = clock.now
          taken += 1
          bytes += size
          expect(taken).toBeLessThanOrEqual(5)
          expect(bytes).toBeLessThanOrEqual(40)
        }
      }),
    )
  })

  test('are none where they are 0', () => {
    const { admit } = limitsOf({ messagesPerMinute: 0, bytesPerDay: 0 })
    for (let i = 0; i < 1_000; i += 1) expect(admit('a', 1_000_000)).toBe(0)
  })
})
