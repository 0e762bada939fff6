import { expect, test } from 'vitest'
import { DeadGenerations } from './dead-generations.js'

test('knows a dead generation and all before it, until a higher one revives the lane', () => {
  const dead = new DeadGenerations()
  dead.add(1, 5)
  expect([4, 5].map((generation) => dead.has(1, generation))).toEqual([true, true])
  expect(dead.has(2, 5)).toBe(false)
  expect(dead.has(1, 6)).toBe(false)
  expect(dead.has(1, 6)).toBe(false)
})

test('forgets the oldest failure when there are too many', () => {
  const dead = new DeadGenerations(2)
  for (const lane of [1, 2, 1, 3]) dead.add(lane, 1)
  expect([1, 2, 3].map((lane) => dead.has(lane, 1))).toEqual([true, false, true])
})
