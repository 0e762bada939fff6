import { expect, test } from 'vitest'
import { connectionsFor, descriptorLimit, mayRunOut } from './descriptors.js'

test('knows how many files this process may have open', async () => {
  expect(await descriptorLimit()).toBeGreaterThan(100)
})

test('leaves files and calls out their part, whatever the limit is', () => {
  for (const limit of [100, 128, 256, 1_024, 65_536, 1_048_576]) {
    expect(connectionsFor(limit)).toBeGreaterThanOrEqual(16)
    expect(limit - connectionsFor(limit)).toBeGreaterThanOrEqual(64)
  }
  expect(connectionsFor(10)).toBe(16)
})

test('knows where they may run out', () => {
  expect([256, 1_024, 4_096].map(mayRunOut)).toEqual([true, true, true])
  expect([20_000, 1_048_576].map(mayRunOut)).toEqual([false, false])
})
