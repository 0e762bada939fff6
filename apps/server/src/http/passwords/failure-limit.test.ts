import { describe, expect, test } from 'vitest'
import { FailureLimit } from './failure-limit.js'

describe('FailureLimit', () => {
  test('makes a key that has failed too often wait until one failure is forgiven, and then for each', () => {
    let now = 0
    const limit = new FailureLimit({ perMinute: 2, now: () => now })
    limit.failed('a')
    expect(limit.waitMs('a')).toBe(0)
    now = 10_000
    limit.failed('a')
    expect(limit.waitMs('a')).toBe(20_000)
    expect(limit.waitMs('b')).toBe(0)
    now = 30_000
    expect(limit.waitMs('a')).toBe(0)
    limit.failed('a')
    expect(limit.waitMs('a')).toBe(30_000)
    now = 120_000
    limit.failed('a')
    expect(limit.waitMs('a')).toBe(0)
  })

  test('may count by the hour', () => {
    let now = 0
    const limit = new FailureLimit({ perHour: 100, now: () => now })
    for (let i = 0; i < 100; i += 1) {
      expect(limit.waitMs('a')).toBe(0)
      limit.failed('a')
    }
    expect(limit.waitMs('a')).toBe(36_000)
    now = 36_000
    expect(limit.waitMs('a')).toBe(0)
  })

  test('takes back what was no failure', () => {
    const limit = new FailureLimit({ perMinute: 1, now: () => 0 })
    limit.failed('a')
    limit.forgive('a')
    limit.forgive('a')
    expect(limit.waitMs('a')).toBe(0)
    limit.failed('a')
    expect(limit.waitMs('a')).toBe(60_000)
  })

  test('lets everything pass at 0', () => {
    const limit = new FailureLimit({ perMinute: 0 })
    for (let i = 0; i < 100; i += 1) limit.failed('a')
    expect(limit.waitMs('a')).toBe(0)
  })

  test('remembers a bounded number of keys, those that failed last', () => {
    const limit = new FailureLimit({ perMinute: 1, maxKeys: 2, now: () => 0 })
    for (const key of ['a', 'b', 'a', 'c']) limit.failed(key)
    expect(['a', 'b', 'c'].map((key) => limit.waitMs(key) > 0)).toEqual([true, false, true])
  })

  test('keeps a key that has failed often, however many others fail once', () => {
    let now = 0
    const limit = new FailureLimit({ perHour: 100, maxKeys: 1_000, now: () => now })
    for (let i = 0; i < 100; i += 1) limit.failed('guessed')
    for (let i = 0; i < 20_000; i += 1) {
      now += 20
      limit.failed(`other ${i}`)
    }
    // Eleven of the hundred are forgiven by now.
    for (let i = 0; i < 12; i += 1) limit.failed('guessed')
    expect(limit.waitMs('guessed')).toBeGreaterThan(0)
  })
})
