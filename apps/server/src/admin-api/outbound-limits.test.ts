import { newId } from '@plugboard/core'
import { expect, test } from 'vitest'
import { OutboundLimits } from './outbound-limits.js'

const ada = { kind: 'operator' as const, id: newId() }
const ben = { kind: 'tenant' as const, id: newId() }

test('a target is called ten times in a minute, whoever asks, and one caller asks for sixty calls', () => {
  const clock = { now: 0 }
  const limits = new OutboundLimits(() => clock.now)
  const asked = (of: typeof ada | typeof ben = ada, target = newId()): number | undefined => {
    try {
      limits.count(of, target)
      return undefined
    } catch (error) {
      return (error as { retryAfterMs: number }).retryAfterMs
    }
  }
  const target = newId()
  for (let i = 0; i < 10; i += 1) expect(asked(i % 2 === 0 ? ada : ben, target)).toBeUndefined()
  expect([asked(ada, target), asked(ben, target)]).toEqual([6_000, 6_000])
  for (let i = 0; i < 55; i += 1) expect(asked()).toBeUndefined()
  expect([asked(ada), asked(ben)]).toEqual([1_000, undefined])
  clock.now += 6_000
  expect([asked(ada, target), asked(ada, target)]).toEqual([undefined, 6_000])
})
