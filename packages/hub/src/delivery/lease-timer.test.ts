import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { LeaseTimer } from './lease-timer.js'

const START = new Date('2026-01-01T00:00:00Z')
const after = (ms: number) => new Date(START.getTime() + ms)

beforeEach(() => {
  vi.useFakeTimers({ now: START })
})
afterEach(() => {
  vi.useRealTimers()
})

const now = () => new Date()

describe('LeaseTimer', () => {
  test('asks for a renewal halfway to the end, and again after each renewal', () => {
    const renew = vi.fn()
    const timer = new LeaseTimer({ fence: 1, until: after(30_000) }, now, renew)
    vi.advanceTimersByTime(14_999)
    expect(renew).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(renew).toHaveBeenCalledTimes(1)
    timer.begin({ fence: 1, until: after(45_000) })
    vi.advanceTimersByTime(15_000)
    expect(renew).toHaveBeenCalledTimes(2)
  })

  test('is over at its end, also where the time was moved in the lease itself', () => {
    const lease = { fence: 1, until: after(10_000) }
    const timer = new LeaseTimer(lease, now, vi.fn())
    vi.advanceTimersByTime(9_999)
    expect(timer.isOver).toBe(false)
    vi.advanceTimersByTime(1)
    expect(timer.isOver).toBe(true)
    lease.until = after(20_000)
    expect(timer.isOver).toBe(false)
  })

  test('asks for nothing after its end, nor of a lease that never ends', () => {
    const renew = vi.fn()
    new LeaseTimer({ fence: 1, until: after(10_000) }, now, renew).end()
    const endless = new LeaseTimer({ fence: 1 }, now, renew)
    vi.advanceTimersByTime(1_000_000)
    expect(renew).not.toHaveBeenCalled()
    expect(endless.isOver).toBe(false)
  })
})
