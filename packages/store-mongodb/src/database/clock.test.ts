import { describe, expect, test } from 'vitest'
import { DatabaseClock } from './clock.js'

describe('the clock of the database', () => {
  test('is that of this process where they differ by less than a measurement can tell', () => {
    const clock = new DatabaseClock(() => 1000)
    clock.read({ localTime: new Date(Date.now() + 300) })
    expect(clock.now()).toEqual(new Date(1000))
    const time = new Date(5)
    expect([clock.toDatabase(time), clock.fromDatabase(time)]).toEqual([time, time])
  })

  test.each([60_000, -60_000])('is %i ms ahead where it is', (ahead) => {
    const clock = new DatabaseClock(() => 1_000_000)
    clock.read({ localTime: new Date(Date.now() + ahead) })
    expect(Math.abs(clock.now().getTime() - 1_000_000 - ahead)).toBeLessThan(100)
    const time = new Date(5_000_000)
    expect(clock.fromDatabase(clock.toDatabase(time))).toEqual(time)
    expect(Math.abs(clock.toDatabase(time).getTime() - time.getTime() - ahead)).toBeLessThan(100)
  })

  test.each([undefined, null, 1_700_000_000_000, '2026-01-01T00:00:00Z', {}, new Date(Number.NaN)])(
    'stays as it was when an answer has %o for a time',
    (localTime) => {
      const clock = new DatabaseClock(() => 1000)
      clock.read({ localTime })
      expect([clock.now(), clock.measured()]).toEqual([new Date(1000), new Date(1000)])
    },
  )

  test('is measured as it is, whatever this process says', () => {
    const clock = new DatabaseClock(() => 1000)
    for (const ahead of [300, -300, 3_600_000]) {
      const localTime = new Date(Date.now() + ahead)
      clock.read({ localTime })
      const late = clock.measured().getTime() - localTime.getTime()
      expect([late >= 0, late < 1000]).toEqual([true, true])
    }
  })
})
