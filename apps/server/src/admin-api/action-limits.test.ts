import { newId } from '@plugboard/core'
import { expect, test } from 'vitest'
import { ActionLimits } from './action-limits.js'

const viewer = { kind: 'operator' as const, id: newId(), role: 'viewer' as const }
const link = { kind: 'tenant' as const, id: newId(), role: 'operator' as const }
const admin = { kind: 'operator' as const, id: newId(), role: 'admin' as const }

/** How many of 1000 are allowed. */
function allowed(act: () => void): number {
  let count = 0
  for (let i = 0; i < 1000; i += 1) {
    try {
      act()
      count += 1
    } catch (error) {
      expect(error).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) })
    }
  }
  return count
}

test('a caller who is not an administrator is limited to 600 actions per minute', () => {
  const clock = { now: 0 }
  const limits = new ActionLimits(() => clock.now)
  for (const caller of [viewer, link]) expect(allowed(() => limits.countAction(caller))).toBe(600)
  expect(allowed(() => limits.countAction(admin))).toBe(1000)
  clock.now += 1_000
  expect(allowed(() => limits.countAction(viewer))).toBe(10)
})

test('an operator or a link begins 60 sessions in a minute', () => {
  const limits = new ActionLimits(() => 0)
  for (const caller of [viewer, link, admin]) expect(allowed(() => limits.countSession(caller))).toBe(60)
})
