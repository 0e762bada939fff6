import type { FailureKind } from '@plugboard/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isOutage, settle } from './settle.js'
import type { DeliveryFailure } from './transport.js'

const now = new Date('2026-11-22T08:00:00Z')
const after = (ms: number): Date => new Date(now.getTime() + ms)
const given = { schedule: { delaysMs: [1000, 2000] }, attempts: 1, since: now, now, random: 0.5 }
const message = 'no'

test('each kind of failure has its consequence', () => {
  const consequences = {
    transient: { do: 'retry', at: after(1000) },
    ambiguous: { do: 'retry', at: after(1000) },
    'rate-limited': { do: 'pause-target', until: after(1000) },
    auth: { do: 'refuse' },
    recipient: { do: 'bury', reason: 'recipient' },
    invalid: { do: 'bury', reason: 'invalid' },
  } satisfies Record<FailureKind, unknown>
  for (const [kind, consequence] of Object.entries(consequences)) {
    const failure = { kind, message, scope: 'integration' } as DeliveryFailure
    expect(settle({ ...given, failure })).toEqual(consequence)
  }
})

test('a rate limit of one person holds up the lane alone, to its deadline at the latest', () => {
  const failure = { kind: 'rate-limited', message, scope: 'endpoint' } as const
  expect(settle({ ...given, failure })).toEqual({ do: 'wait', until: after(1000) })
  const long = { ...failure, retryAfterMs: 60_000 }
  expect(settle({ ...given, failure: long })).toEqual({ do: 'wait', until: after(3000) })
})

test('what is overdue is exhausted with its next failure, also with a rate limit', () => {
  const late = { ...given, now: after(3000) }
  for (const kind of ['transient', 'ambiguous'] as const) {
    expect(settle({ ...late, failure: { kind, message } })).toEqual({ do: 'bury', reason: 'exhausted' })
  }
  for (const scope of ['integration', 'endpoint'] as const) {
    const failure = { kind: 'rate-limited', message, scope } as const
    expect(settle({ ...late, failure })).toEqual({ do: 'bury', reason: 'exhausted' })
  }
})

test('whatever a target asks for, the pause is neither none nor for ever', () => {
  const retryAfterMs = fc.oneof(
    fc.double(),
    fc.constantFrom(0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e300),
  )
  fc.assert(
    fc.property(retryAfterMs, fc.constantFrom('integration', 'endpoint'), (retryAfterMs, scope) => {
      const next = settle({ ...given, failure: { kind: 'rate-limited', message, scope, retryAfterMs } })
      const until = 'until' in next ? next.until.getTime() : Number.NaN
      expect(until).toBeGreaterThanOrEqual(after(100).getTime())
      expect(until).toBeLessThanOrEqual(after(24 * 60 * 60 * 1000).getTime())
    }),
  )
})

test('only what tells of the target as such counts as an outage', () => {
  const kinds = ['rate-limited', 'transient', 'ambiguous', 'auth', 'recipient', 'invalid'] as const
  const outages = kinds.filter((kind) => isOutage({ kind, message, scope: 'endpoint' } as DeliveryFailure))
  expect(outages).toEqual(['transient', 'ambiguous'])
})
