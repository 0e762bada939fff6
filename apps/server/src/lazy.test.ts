import { expect, test } from 'vitest'
import { lazy } from './lazy.js'

test('loads once, for all that ask', async () => {
  let loads = 0
  const get = lazy(async () => ++loads)
  expect(loads).toBe(0)
  expect(await Promise.all([get(), get()])).toEqual([1, 1])
  expect(await get()).toBe(1)
})

test('tries again after a failure', async () => {
  let loads = 0
  const get = lazy(async () => {
    loads += 1
    if (loads === 1) throw new Error('EMFILE')
    return loads
  })
  await expect(Promise.all([get(), get()])).rejects.toThrow('EMFILE')
  expect(await get()).toBe(2)
})
