import { expect, it } from 'vitest'
import { connectionsFor, descriptorLimit } from './descriptors.js'

it('knows how many files this process may have open', async () => {
  expect(await descriptorLimit()).toBeGreaterThan(100)
})

it('leaves files and calls out their part, whatever the limit is', () => {
  for (const limit of [100, 128, 256, 1_024, 65_536, 1_048_576]) {
    expect(connectionsFor(limit)).toBeGreaterThanOrEqual(16)
    expect(limit - connectionsFor(limit)).toBeGreaterThanOrEqual(64)
  }
  expect(connectionsFor(10)).toBe(16)
})
