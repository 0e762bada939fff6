import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { DueClock } from './due-clock.js'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const IDLE_MS = 1000

/** A clock that records when it polled, in milliseconds since the start. */
function setUp(poll: () => Promise<number> = async () => IDLE_MS) {
  const start = Date.now()
  const polls: number[] = []
  const polled = vi.fn()
  const clock = new DueClock({
    poll: () => {
      polls.push(Date.now() - start)
      return poll()
    },
    polled,
  })
  return { clock, polls, polled }
}

describe('DueClock', () => {
  test('polls at the earliest time that it was asked for, and again after the time that each look says', async () => {
    const { clock, polls, polled } = setUp()
    clock.wake(500)
    clock.wake(200)
    clock.wake(300)
    await vi.advanceTimersByTimeAsync(2300)
    expect(polls).toEqual([200, 1200, 2200])
    expect(polled).toHaveBeenCalledTimes(3)
  })

  test('makes one poll at a time, and the next one right after it if that was asked for', async () => {
    const { clock, polls } = setUp(() => new Promise((resolve) => setTimeout(resolve, 100, IDLE_MS)))
    clock.wake(0)
    await vi.advanceTimersByTimeAsync(10)
    expect([clock.isPolling, clock.isRunning]).toEqual([true, true])
    clock.wake(20)
    await vi.advanceTimersByTimeAsync(80)
    expect(polls).toEqual([0])
    await vi.advanceTimersByTimeAsync(20)
    expect(polls.length).toBe(2)
  })

  test('keeps a time that was asked for during a look and is before the one that the look says', async () => {
    const { clock, polls } = setUp(() => new Promise((resolve) => setTimeout(resolve, 100, IDLE_MS)))
    clock.wake(0)
    await vi.advanceTimersByTimeAsync(10)
    clock.wake(500)
    await vi.advanceTimersByTimeAsync(550)
    expect(polls).toEqual([0, 510])
  })

  test('begins no look once it is stopped, and lets one end that is under way', async () => {
    const { clock, polls, polled } = setUp(() => new Promise((resolve) => setTimeout(resolve, 100, IDLE_MS)))
    clock.wake(0)
    await vi.advanceTimersByTimeAsync(10)
    clock.stop()
    clock.wake(0)
    expect([clock.isPolling, clock.isRunning]).toEqual([true, false])
    await vi.advanceTimersByTimeAsync(5000)
    expect([clock.isPolling, polls, polled.mock.calls.length]).toEqual([false, [0], 1])
  })
})
