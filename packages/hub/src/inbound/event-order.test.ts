import type { InboundEvent } from '@plugboard/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { handleInOrder } from './event-order.js'

interface Told {
  sender: string
  alias?: string
  thread?: string
  isChange?: boolean
}

const eventOf = ({ sender, alias, thread = '*', isChange }: Told, i: number): InboundEvent => {
  const endpoint = { identity: '*', sender, thread }
  const about = {
    ...{ dedupeKey: `${i}`, endpoint, at: new Date() },
    ...(alias !== undefined && { aliases: [{ sender: alias }] }),
  }
  return isChange
    ? { ...about, type: 'renamed', to: endpoint }
    : { ...about, type: 'message', content: { type: 'text', text: 'hi' } }
}

const numberOf = ({ dedupeKey }: InboundEvent) => Number(dedupeKey)

const told = fc.record(
  {
    sender: fc.constantFrom('a', 'b', 'c', 'd'),
    alias: fc.constantFrom('a', 'b', 'c', 'd'),
    thread: fc.constantFrom('*', 'room'),
    isChange: fc.boolean(),
  },
  { requiredKeys: ['sender'] },
)

test('the order is kept where it matters, and every event is handled once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(told, { maxLength: 30 }), fc.scheduler(), async (all, s) => {
      const steps: string[] = []
      const handling = handleInOrder(all.map(eventOf), async (event) => {
        steps.push(`begin ${numberOf(event)}`)
        await s.schedule(Promise.resolve())
        steps.push(`end ${numberOf(event)}`)
      })
      await s.waitFor(handling)
      expect([...steps].sort()).toEqual(all.flatMap((_, i) => [`begin ${i}`, `end ${i}`]).sort())
      for (const [i, one] of all.entries())
        for (const [j, other] of all.entries()) {
          const isSamePlace = (one.thread ?? '*') === (other.thread ?? '*')
          const isSame =
            one.sender === other.sender || one.sender === other.alias || other.sender === one.alias
          if (i < j && (one.isChange || other.isChange || (isSamePlace && isSame)))
            expect(steps.indexOf(`end ${i}`)).toBeLessThan(steps.indexOf(`begin ${j}`))
        }
    }),
  )
})

test('events of different people are handled at the same time, but not all of them', async () => {
  let underWay = 0
  let most = 0
  const people = Array.from({ length: 100 }, (_, i) => ({ sender: `${i}` }))
  await handleInOrder(people.map(eventOf), async () => {
    underWay += 1
    most = Math.max(most, underWay)
    await new Promise((resolve) => setImmediate(resolve))
    underWay -= 1
  })
  expect(most).toBeGreaterThan(1)
  expect(most).toBeLessThan(20)
})

test('a failure ends all of it, once nothing is under way any more', async () => {
  const handled: number[] = []
  let underWay = 0
  const people = Array.from({ length: 100 }, (_, i) => ({ sender: `${i % 10}` }))
  const handling = handleInOrder(people.map(eventOf), async (event) => {
    handled.push(numberOf(event))
    underWay += 1
    await new Promise((resolve) => setImmediate(resolve))
    underWay -= 1
    if (numberOf(event) === 3) throw new Error('it is full')
  })
  await expect(handling).rejects.toThrow('it is full')
  expect(underWay).toBe(0)
  expect(handled.length).toBeLessThan(20)
})
