import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { GivenUp, LAST_WORDS_MS, pause, withTimeout } from './call-timeout.js'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const never = (): Promise<never> => new Promise(() => undefined)
const heeding = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

test.each<[string, (signal: AbortSignal) => Promise<unknown>, unknown]>([
  ['returns', async () => 7, 7],
  ['rejects', () => Promise.reject(new RangeError('no')), expect.any(RangeError)],
  [
    'throws synchronously',
    () => {
      throw new RangeError('no')
    },
    expect.any(RangeError),
  ],
  ['heeds its signal', heeding, expect.objectContaining({ name: 'TimeoutError' })],
  ['ignores its signal', never, expect.any(GivenUp)],
])('work that %s leaves no timer and no listener behind', async (_, work, expected) => {
  const { signal } = new AbortController()
  const ended = withTimeout(5000, signal, work).catch((error: unknown) => error)
  await vi.advanceTimersByTimeAsync(5000 + LAST_WORDS_MS)
  expect(await ended).toEqual(expected)
  expect([vi.getTimerCount(), getEventListeners(signal, 'abort')]).toEqual([0, []])
})

test('work is aborted with the outer signal, and given up a second later', async () => {
  const outer = new AbortController()
  const ends: string[] = []
  withTimeout(60_000, outer.signal, heeding).catch(() => ends.push('heeded'))
  withTimeout(60_000, outer.signal, never).catch(() => ends.push('given up'))
  outer.abort()
  await vi.advanceTimersByTimeAsync(LAST_WORDS_MS - 1)
  expect(ends).toEqual(['heeded'])
  await vi.advanceTimersByTimeAsync(1)
  expect(ends).toEqual(['heeded', 'given up'])
})

test('a pause ends with its time or its signal, and leaves nothing behind', async () => {
  const { signal, abort } = abortable()
  const [whole, ended] = [pause(1000, signal), pause(2000, signal)]
  await vi.advanceTimersByTimeAsync(1000)
  abort()
  expect([await whole, await ended]).toEqual([true, false])
  expect([await pause(1000, signal), await pause(0, abortable().signal)]).toEqual([false, true])
  expect([vi.getTimerCount(), getEventListeners(signal, 'abort')]).toEqual([0, []])
})

function abortable(): { signal: AbortSignal; abort(): void } {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort() }
}
