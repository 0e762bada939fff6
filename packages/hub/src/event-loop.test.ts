import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { yieldIfBusy } from './event-loop.js'

const hold = (ms: number): void => {
  for (const until = performance.now() + ms; performance.now() < until; );
}

test('short work continues immediately', async () => {
  await turn()
  expect([yieldIfBusy(), yieldIfBusy()]).toEqual([undefined, undefined])
})

test('work that takes long is spread over turns of the event loop, in order', async () => {
  await turn()
  const done: number[] = []
  let turns = 0
  let isOver = false
  const count = (): void => {
    turns += 1
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const mine = yieldIfBusy()
      if (mine) await mine
      hold(6)
      done.push(i)
    }),
  )
  isOver = true
  expect(done).toEqual(Array.from({ length: 20 }, (_, i) => i))
  // Two pieces fit the budget of the first turn, and each of the others has its own.
  expect(turns).toBeGreaterThanOrEqual(17)
})

test('a new turn has a new budget', async () => {
  await turn()
  yieldIfBusy()
  hold(12)
  expect(yieldIfBusy()).toBeInstanceOf(Promise)
  await turn()
  await turn()
  await turn()
  expect(yieldIfBusy()).toBe(undefined)
})
