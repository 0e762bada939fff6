import { describe, expect, test } from 'vitest'
import { EndedGenerations } from './ended-generations.js'

describe('EndedGenerations', () => {
  test('knows a dead generation and all before it, until a higher one revives the lane', () => {
    const ended = new EndedGenerations()
    ended.add(1, 5)
    expect([4, 5].map((generation) => ended.has(1, generation))).toEqual([true, true])
    expect(ended.has(2, 5)).toBe(false)
    expect(ended.has(1, 6)).toBe(false)
    expect(ended.has(1, 6)).toBe(false)
  })

  test('forgets the oldest failure when there are too many', () => {
    const ended = new EndedGenerations(2)
    for (const lane of [1, 2, 1, 3]) ended.add(lane, 1)
    expect([1, 2, 3].map((lane) => ended.has(lane, 1))).toEqual([true, false, true])
  })
})
