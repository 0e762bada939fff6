import { expect, test } from 'vitest'
import { withEmptyMinutes } from './minutes.js'

const minute = (time: string, received: number) => ({
  at: `2026-01-01T${time}:00.000Z`,
  ...{ received, posted: 0, delivered: 0, failed: 0 },
})

test('minutes in which nothing happened are zero', () => {
  expect(withEmptyMinutes([minute('10:00', 3), minute('10:03', 1), minute('10:04', 2)])).toEqual([
    minute('10:00', 3),
    minute('10:01', 0),
    minute('10:02', 0),
    minute('10:03', 1),
    minute('10:04', 2),
  ])
  expect(withEmptyMinutes([])).toEqual([])
})
