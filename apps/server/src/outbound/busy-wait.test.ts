import { describe, expect, test } from 'vitest'
import { BusyWait } from './busy-wait.js'

/** A loop whose turns and clock go by hand. */
function handLoop(processors = 2) {
  let now = 0
  let next: (() => void) | undefined
  const wait = new BusyWait({
    now: () => now,
    nextTurn: (callback) => {
      expect(next).toBeUndefined()
      next = callback
    },
    processors,
  })
  return {
    wait,
    /** A request that is answered after so many milliseconds. */
    exchange(ms: number) {
      const began = wait.began()
      this.pass(ms)
      wait.ended(began)
    },
    /** Time goes by, in turns of 0.1 ms. Answers how many of them the thread was kept awake for. */
    pass(ms: number): number {
      let turns = 0
      for (const end = now + ms; now < end - 1e-9; now += 0.1) {
        const callback = next
        next = undefined
        if (callback) turns += 1
        callback?.()
      }
      return turns
    },
  }
}

describe('a thread that waits for an answer', () => {
  test('stays awake for it after a quick one, and not for long', () => {
    const loop = handLoop()
    loop.exchange(0.1)
    loop.pass(1)
    loop.wait.began()
    const turns = loop.pass(10)
    expect(turns).toBeGreaterThan(1)
    expect(turns).toBeLessThan(10)
    expect(loop.pass(10)).toBe(0)
  })

  test('sleeps before it knows of one, after a slow one, and with nothing under way', () => {
    const loop = handLoop()
    loop.wait.ended(loop.wait.began())
    loop.exchange(5)
    expect(loop.pass(10)).toBe(0)
    loop.wait.began()
    expect(loop.pass(10)).toBe(0)
  })

  test('sleeps as soon as there is nothing to wait for', () => {
    const loop = handLoop()
    loop.exchange(0.1)
    loop.exchange(0.1)
    expect(loop.pass(1)).toBe(1)
    expect(loop.pass(1)).toBe(0)
  })

  test('sleeps while many are under way', () => {
    const loop = handLoop()
    loop.exchange(0.1)
    for (let i = 0; i < 3; i += 1) loop.wait.began()
    expect(loop.pass(1)).toBe(1)
    expect(loop.pass(1)).toBe(0)
  })

  test('sleeps on a machine with one processor, which the receiver may need', () => {
    const loop = handLoop(1)
    loop.exchange(0.1)
    loop.wait.began()
    expect(loop.pass(10)).toBe(0)
  })
})
