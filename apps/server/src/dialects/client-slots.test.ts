import { EventEmitter } from 'node:events'
import { Readable } from 'node:stream'
import { newId } from '@plugboard/core'
import { expect, test } from 'vitest'
import { ClientSlots } from './client-slots.js'
import { CHUNK } from './json-text.js'
import { withListSlot } from './list-slots.js'

const client = newId()

/** A response of which the end is all that matters. */
const responseOf = (closed = false) => Object.assign(new EventEmitter(), { closed })

const long = async () => 'x'.repeat(CHUNK)
const short = async () => '[]'

test('a list that is long counts until its response is closed, and a stream does', async () => {
  const slots = new ClientSlots({ what: 'lists', perClient: 2, maxWaitMs: 1 })
  const [one, other] = [responseOf(), responseOf()]
  await withListSlot(slots, client, one, long)
  await withListSlot(slots, client, other, async () => Readable.from([]))
  await expect(withListSlot(slots, client, responseOf(), short)).rejects.toMatchObject({
    code: 'RATE_LIMITED',
    retryAfterMs: 1000,
  })
  expect(await withListSlot(slots, newId(), responseOf(), short)).toBe('[]')
  other.emit('close')
  expect(await withListSlot(slots, client, responseOf(), short)).toBe('[]')
})

test('a short list, and one that fails, count while they are made', async () => {
  const slots = new ClientSlots({ what: 'lists', perClient: 1, maxWaitMs: 1 })
  for (let n = 0; n < 3; n += 1) expect(await withListSlot(slots, client, responseOf(), short)).toBe('[]')
  const failing = withListSlot(slots, client, responseOf(), async () => {
    throw new Error('broken')
  })
  await expect(failing).rejects.toThrow('broken')
  expect(await withListSlot(slots, client, responseOf(), short)).toBe('[]')
})

test('more lists wait for their turn, in order and no more than may wait', async () => {
  const slots = new ClientSlots({ what: 'lists', perClient: 1, maxWaitMs: 10_000, maxWaiting: 2 })
  const first = responseOf()
  await withListSlot(slots, client, first, long)
  const done: number[] = []
  const waiting = [1, 2].map((n) => withListSlot(slots, client, responseOf(), async () => `${done.push(n)}`))
  await expect(withListSlot(slots, client, responseOf(), short)).rejects.toMatchObject({
    code: 'RATE_LIMITED',
  })
  expect(done).toEqual([])
  first.emit('close')
  await Promise.all(waiting)
  expect(done).toEqual([1, 2])
})

test('networks take turns, and the one with most waiting gives way when too many wait', async () => {
  const slots = new ClientSlots({ what: 'lists', perClient: 1, maxWaitMs: 10_000, maxWaiting: 3 })
  const first = responseOf()
  await withListSlot(slots, client, first, long, 'greedy')
  const done: string[] = []
  const list = (name: string, of: string) =>
    withListSlot(slots, client, responseOf(), async () => `${done.push(name)}`, of)
  const greedy = [1, 2, 3].map((n) => list(`greedy ${n}`, 'greedy'))
  const refused = expect(greedy[2]).rejects.toMatchObject({ code: 'RATE_LIMITED' })
  const other = list('other', 'other')
  await refused
  first.emit('close')
  await Promise.all([...greedy.slice(0, 2), other])
  expect(done).toEqual(['greedy 1', 'other', 'greedy 2'])
})

test('a list whose caller is gone before it is answered does not count', async () => {
  const slots = new ClientSlots({ what: 'lists', perClient: 1, maxWaitMs: 1 })
  await withListSlot(slots, client, responseOf(true), long)
  expect(await withListSlot(slots, client, responseOf(), short)).toBe('[]')
})
