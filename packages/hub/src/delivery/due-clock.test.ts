import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { DueClock } from './due-clock.js'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const IDLE_MS = 1000

/** A clock that tells when it looked, in milliseconds since the start. */
function setUp(look: () => Promise<number> = async () => IDLE_MS) {
  const start = Date.now()
  const looks: number[] = []
  const looked = vi.fn()
  const clock = new DueClock({
    look: () => {
      looks.push(Date.now() - start)
      return look()
    },
    looked,
  })
  return { clock, looks, looked }
}

describe('DueClock', () => {
  test('looks at the earliest time that it was asked for, and again after the time that each look says', async () => {
    const { clock, looks, looked } = setUp()
    clock.wake(500)
    clock.wake(200)
    clock.wake(300)
    await vi.advanceTimersByTimeAsync(2300)
    expect(looks).toEqual([200, 1200, 2200])
    expect(looked).toHaveBeenCalledTimes(3)
  })

  test('makes one look at a time, and the one that was asked for meanwhile when it has ended', async () => {
    const { clock, looks } = setUp(() => new Promise((resolve) => setTimeout(resolve, 100, IDLE_MS)))
    clock.wake(0)
    await vi.advanceTimersByTimeAsync(10)
    expect([clock.isLooking, clock.isRunning]).toEqual([true, true])
    clock.wake(20)
    await vi.advanceTimersByTimeAsync(80)
    expect(looks).toEqual([0])
    await vi.advanceTimersByTimeAsync(20)
    expect(looks.length).toBe(2)
  })

  test('keeps a time that was asked for during a look and is before the one that the look says', async () => {
    const { clock, looks } = setUp(() => new Promise((resolve) => setTimeout(resolve, 100, IDLE_MS)))
    clock.wake(0)
    await vi.advanceTimersByTimeAsync(10)
    clock.wake(500)
    await vi.advanceTimersByTimeAsync(550)
    expect(looks).toEqual([0, 510])
  })

  test('begins no look once it is stopped, and lets one end that is under way', async () => {
    const { clock, looks, looked } = setUp(() => new Promise((resolve) => setTimeout(resolve, 100, IDLE_MS)))
    clock.wake(0)
    await vi.advanceTimersByTimeAsync(10)
    clock.stop()
    clock.wake(0)
    expect([clock.isLooking, clock.isRunning]).toEqual([true, false])
    await vi.advanceTimersByTimeAsync(5000)
    expect([clock.isLooking, looks, looked.mock.calls.length]).toEqual([false, [0], 1])
  })
})
