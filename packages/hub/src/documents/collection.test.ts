import { newId } from '@plugboard/core'
import { expect, test } from 'vitest'
import { memoryDatabase } from '../testing/memory-store.js'
import { Collection } from './collection.js'

test('a walk passes each document once, in order, although they change and go', async () => {
  const numbers = new Collection<{ n: number }>(memoryDatabase().open(), 'number')
  const [clientId, other] = [newId(), newId()]
  for (let n = 0; n < 250; n += 1) await numbers.insert(clientId, newId(), { n })
  await numbers.insert(other, newId(), { n: -1 })
  const walked: number[] = []
  for await (const { id, data } of numbers.walk(clientId)) {
    walked.push(data.n)
    if (data.n % 2 === 0) await numbers.remove(clientId, id)
    else await numbers.change(clientId, id, ({ n } = data) => ({ n: -n }))
  }
  expect(walked).toEqual([...Array(250).keys()])
  const left: number[] = []
  for await (const { data } of numbers.walk(clientId)) left.push(data.n)
  expect(left).toEqual([...Array(125).keys()].map((i) => -(2 * i + 1)))
})
