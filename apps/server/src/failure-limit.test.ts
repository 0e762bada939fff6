import { describe, expect, it } from 'vitest'
import { FailureLimit } from './failure-limit.js'

describe('FailureLimit', () => {
  it('makes a key wait for the rest of the minute once it has failed too often', () => {
    let now = 0
    const limit = new FailureLimit({ perMinute: 2, now: () => now })
    limit.failed('a')
    expect(limit.waitMs('a')).toBe(0)
    now = 10_000
    limit.failed('a')
    expect(limit.waitMs('a')).toBe(50_000)
    expect(limit.waitMs('b')).toBe(0)
    now = 60_000
    expect(limit.waitMs('a')).toBe(0)
  })

  it('lets everything pass at 0', () => {
    const limit = new FailureLimit({ perMinute: 0 })
    for (let i = 0; i < 100; i += 1) limit.failed('a')
    expect(limit.waitMs('a')).toBe(0)
  })

  it('remembers a bounded number of keys, the youngest', () => {
    const limit = new FailureLimit({ perMinute: 1, maxKeys: 2, now: () => 0 })
    for (const key of ['a', 'b', 'c']) limit.failed(key)
    expect(['a', 'b', 'c'].map((key) => limit.waitMs(key) > 0)).toEqual([false, true, true])
  })
})
