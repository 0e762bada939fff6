import type { FailureKind } from '@plugboard/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Attempted, deadlineOf, isOutage, judge, scheduledFrom } from './retry.js'
import type { DeliveryFailure } from './transport.js'

const since = new Date('2026-11-22T08:00:00Z')
const after = (ms: number): Date => new Date(since.getTime() + ms)
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const schedule = fc.record({ delaysMs: fc.array(fc.integer({ min: 1, max: 3_600_000 }), { maxLength: 14 }) })
const message = 'no'
const exhausted = { do: 'bury', reason: 'exhausted' }

describe('the time of the next attempt', () => {
  const next = (attempted: Partial<Attempted>, retryAfterMs?: number) =>
    judge({
      ...{ schedule: { delaysMs: [1000, 2000, 4000] }, since, random: 0.5, attempts: 1, now: since },
      failure: { kind: 'transient', message, ...(retryAfterMs !== undefined && { retryAfterMs }) },
      ...attempted,
    })
  const at = (ms: number) => ({ do: 'retry', at: after(ms) })

  test('follows the schedule', () => {
    expect(next({ attempts: 1 })).toEqual(at(1000))
    expect(next({ attempts: 2, now: after(1000) })).toEqual(at(3000))
    expect(next({ attempts: 3, now: after(3000) })).toEqual(at(7000))
  })

  test('is never when the attempts are used up, or the deadline is over', () => {
    expect(next({ attempts: 4, now: after(6000) })).toEqual(exhausted)
    expect(next({ attempts: 1, now: after(7000) })).toEqual(exhausted)
    expect(next({ schedule: { delaysMs: [] } })).toEqual(exhausted)
  })

  test('counts from when the entry was accepted or replayed, or from a later start of the process', () => {
    const entry = { at: since }
    const [earlier, later] = [new Date(entry.at.getTime() - 1), new Date(entry.at.getTime() + 1)]
    expect(scheduledFrom(entry, undefined, earlier)).toEqual(entry.at)
    expect(scheduledFrom(entry, later, earlier)).toEqual(later)
    expect(scheduledFrom(entry, undefined, later)).toEqual(later)
  })

  test('is when the target asked for, and no later than the deadline', () => {
    expect(next({}, 5000)).toEqual(at(5000))
    expect(next({}, 60_000)).toEqual(at(7000))
    expect(next({}, 10)).toEqual(at(1000))
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
          const verdict = next({ schedule, attempts: n + 1, now, random })
          const delay = schedule.delaysMs[n]
          const deadline = deadlineOf(schedule, since)
          const isDead = delay === undefined || now >= deadline
          expect(verdict.do).toBe(isDead ? 'bury' : 'retry')
          if (verdict.do !== 'retry' || delay === undefined) return
          const wait = verdict.at.getTime() - now.getTime()
          expect(wait).toBeGreaterThanOrEqual(Math.min(0.9 * delay, deadline.getTime() - now.getTime()) - 1)
          expect(wait).toBeLessThanOrEqual(1.1 * delay)
          expect(verdict.at.getTime()).toBeLessThanOrEqual(
            Math.max(deadline.getTime(), now.getTime() + delay),
          )
        },
      ),
    )
  })

  test('comes once more than there are delays, at most, for a target that never answers', () => {
    fc.assert(
      fc.property(schedule, fc.nat({ max: 60_000 }), random, (schedule, durationMs, random) => {
        let now = after(durationMs)
        let attempts = 1
        for (;;) {
          const verdict = next({ schedule, attempts, now, random })
          if (verdict.do !== 'retry') break
          attempts += 1
          now = new Date(verdict.at.getTime() + durationMs)
        }
        expect(attempts).toBeLessThanOrEqual(schedule.delaysMs.length + 1)
      }),
    )
  })
})

const given = { schedule: { delaysMs: [1000, 2000] }, attempts: 1, since, now: since, random: 0.5 }

test('each kind of failure has its consequence', () => {
  const consequences = {
    transient: { do: 'retry', at: after(1000) },
    ambiguous: { do: 'retry', at: after(1000) },
    'rate-limited': { do: 'pause-target', until: after(1000) },
    auth: { do: 'refuse' },
    recipient: { do: 'bury', reason: 'recipient' },
    invalid: { do: 'bury', reason: 'invalid' },
    window: { do: 'bury', reason: 'window-closed' },
  } satisfies Record<FailureKind, unknown>
  for (const [kind, consequence] of Object.entries(consequences)) {
    const failure = { kind, message, scope: 'integration' } as DeliveryFailure
    expect(judge({ ...given, failure })).toEqual(consequence)
  }
})

test('a rate limit of one person pauses only the lane, until its deadline at the latest', () => {
  const failure = { kind: 'rate-limited', message, scope: 'endpoint' } as const
  expect(judge({ ...given, failure })).toEqual({ do: 'pause-lane', until: after(1000) })
  const long = { ...failure, retryAfterMs: 60_000 }
  expect(judge({ ...given, failure: long })).toEqual({ do: 'pause-lane', until: after(3000) })
})

test('an overdue entry is exhausted by its next failure, also by a rate limit', () => {
  const late = { ...given, now: after(3000) }
  for (const kind of ['transient', 'ambiguous'] as const) {
    expect(judge({ ...late, failure: { kind, message } })).toEqual(exhausted)
  }
  for (const scope of ['integration', 'endpoint'] as const) {
    const failure = { kind: 'rate-limited', message, scope } as const
    expect(judge({ ...late, failure })).toEqual(exhausted)
  }
})

test('whatever a target asks for, the pause has a minimum and a maximum', () => {
  const retryAfterMs = fc.oneof(
    fc.double(),
    fc.constantFrom(0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e300),
  )
  fc.assert(
    fc.property(retryAfterMs, fc.constantFrom('integration', 'endpoint'), (retryAfterMs, scope) => {
      const next = judge({ ...given, failure: { kind: 'rate-limited', message, scope, retryAfterMs } })
      const until = 'until' in next ? next.until.getTime() : Number.NaN
      expect(until).toBeGreaterThanOrEqual(after(100).getTime())
      expect(until).toBeLessThanOrEqual(after(24 * 60 * 60 * 1000).getTime())
    }),
  )
})

test('only a failure of the target itself counts as an outage', () => {
  const kinds = ['rate-limited', 'transient', 'ambiguous', 'auth', 'recipient', 'invalid'] as const
  const outages = kinds.filter((kind) => isOutage({ kind, message, scope: 'endpoint' } as DeliveryFailure))
  expect(outages).toEqual(['transient', 'ambiguous'])
})
