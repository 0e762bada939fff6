import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Outbox } from './sender-protocol.js'

describe('Outbox', () => {
  const sent: string[][] = []
  let outbox: Outbox<string>

  beforeEach(() => {
    vi.useFakeTimers()
    sent.length = 0
    outbox = new Outbox((waiting) => sent.push(waiting))
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('sends what was added in one turn of the event loop at once, in order', () => {
    outbox.add('a')
    outbox.add('b')
    expect(sent).toEqual([])
    vi.runAllTimers()
    outbox.add('c')
    vi.runAllTimers()
    expect(sent).toEqual([['a', 'b'], ['c']])
  })

  test('lets what nobody waits for wait 5 ms', () => {
    outbox.addLazily('a')
    vi.advanceTimersByTime(4)
    outbox.addLazily('b')
    expect(sent).toEqual([])
    vi.advanceTimersByTime(1)
    expect(sent).toEqual([['a', 'b']])
  })

  test('sends what waits with the next that does not', () => {
    outbox.addLazily('a')
    outbox.add('b')
    vi.advanceTimersByTime(0)
    expect(sent).toEqual([['a', 'b']])
    vi.runAllTimers()
    expect(sent).toHaveLength(1)
  })

  test('forgets what is taken out of it', () => {
    outbox.addLazily('a')
    outbox.add('b')
    expect(outbox.take()).toEqual(['a', 'b'])
    vi.runAllTimers()
    expect(sent).toEqual([])
  })
})
