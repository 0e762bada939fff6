import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FairQueue } from './fair-queue.js'

/** Tasks that end when the test says so, in the order in which they began. */
function stage(atOnce: number, maxWaiting: number) {
  const queue = new FairQueue({ atOnce, maxWaiting })
  const began: string[] = []
  const refused: string[] = []
  const ends: (() => void)[] = []
  const settled = () => new Promise((resolve) => setImmediate(resolve))
  const add = (caller: string) =>
    queue
      .run(caller, () => {
        began.push(caller)
        return new Promise<void>((resolve) => ends.push(resolve))
      })
      .catch(({ code }) => refused.push(`${caller} ${code}`))
  const end = () => {
    ends.shift()?.()
    return settled()
  }
  return { add, end, began, refused, settled }
}

test('runs tasks up to the limit, and the others in turns by caller', async () => {
  const { add, end, began } = stage(2, 10)
  for (const caller of ['a', 'a', 'a', 'a', 'a', 'b', 'c', 'b']) void add(caller)
  expect(began).toEqual(['a', 'a'])
  for (let i = 0; i < 8; i += 1) await end()
  expect(began).toEqual(['a', 'a', 'a', 'b', 'c', 'a', 'b', 'a'])
})

test('who has most tasks is refused when too many wait, and never keeps another out', async () => {
  const { add, refused, settled, end, began } = stage(1, 3)
  for (const caller of ['a', 'a', 'a', 'a', 'a', 'b', 'c']) void add(caller)
  await settled()
  expect(refused).toEqual(['a RATE_LIMITED', 'a RATE_LIMITED', 'a RATE_LIMITED'])
  void add('d')
  await settled()
  expect(refused.at(-1)).toBe('d RATE_LIMITED')
  for (let i = 0; i < 4; i += 1) await end()
  expect(began).toEqual(['a', 'a', 'b', 'c'])
})

test('a task that fails makes room for the next', async () => {
  const queue = new FairQueue({ atOnce: 1, maxWaiting: 1 })
  const failing = queue.run('a', () => Promise.reject(new Error('no')))
  const next = queue.run('a', async () => 'yes')
  await expect(failing).rejects.toThrow('no')
  expect(await next).toBe('yes')
})

test('every task runs or is refused, never more than the limit at a time, in any order of arrival', async () => {
  const step = fc.oneof(fc.constantFrom('a', 'b', 'c', 'd'), fc.constant('end'))
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 1, max: 3 }),
      async (steps, atOnce) => {
        const { add, end, began, refused, settled } = stage(atOnce, 4)
        let ended = 0
        for (const each of steps) {
          if (each !== 'end') void add(each)
          else if (ended < began.length) {
            ended += 1
            await end()
          }
          await settled()
          expect(began.length - ended).toBeLessThanOrEqual(atOnce)
        }
        while (ended < began.length) {
          ended += 1
          await end()
        }
        expect(began.length + refused.length).toBe(steps.filter((each) => each !== 'end').length)
      },
    ),
  )
})
