import { newId } from '@plugboard/core'
import { atOnce, same } from './assertions.js'
import type { Cases } from './scene.js'

/** Numbers that only rise. */
export const counterCases: Cases = {
  'a number begins at one, and is one more each time': async ({ store }) => {
    const clientId = newId()
    for (const expected of [1, 2, 3]) same(await store.increment(clientId, 'tickets'), expected)
  },

  'a number rises and falls by what is said, and may be read': async ({ store }) => {
    const clientId = newId()
    const steps = [0, 5, 2 ** 40, -7, 0, -(2 ** 41)]
    let sum = 0
    for (const step of steps) {
      sum += step
      same(await store.increment(clientId, 'bytes', step), sum)
    }
    same(await store.increment(clientId, 'bytes'), sum + 1)
  },

  'of twenty who count at once each gets a number of its own, and none is left out': async ({ store }) => {
    const clientId = newId()
    const numbers = await atOnce(20, () => store.increment(clientId, 'tickets'))
    same(
      numbers.sort((a, b) => a - b),
      Array.from({ length: 20 }, (_, index) => index + 1),
    )
    same(await store.increment(clientId, 'tickets'), 21)
  },

  'each client counts for itself, and under each name': async ({ store }) => {
    const [mine, yours] = [newId(), newId()]
    const names = ['a', 'A', 'a ', '', 'é', 'e\u0301', '$inc', 'a.b', '1']
    await store.increment(mine, 'a')
    for (const name of names) same(await store.increment(mine, name), name === 'a' ? 2 : 1)
    same(await store.increment(yours, 'a'), 1)
    same(await store.increment(mine, 'a'), 3)
  },

  'the numbers of a client that is purged are gone, and those of others go on': async ({ store }) => {
    const [mine, yours] = [newId(), newId()]
    for (const clientId of [mine, yours]) for (const name of ['a', 'b']) await store.increment(clientId, name)
    while (!(await store.purgeClient(mine, 1)));
    same([await store.increment(mine, 'a'), await store.increment(yours, 'a')], [1, 2])
  },
}
