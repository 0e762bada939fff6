import { type Id, newId } from '@plugboard/core'
import { expect, test } from 'vitest'
import { memoryDatabase } from '../testing/memory-store.js'
import type { ClientView } from './directory.js'
import { Idempotency } from './idempotency.js'

const HOUR_MS = 60 * 60 * 1000
const request = { route: 'POST /messages', key: 'k', body: '{"a":1}' }

test('a repetition is made with the id of the first time, also by another process', async () => {
  const { client, make, ids, another } = setUp()
  await make(request)
  await make(request)
  await another().run(client, request, async (id) => ids.push(id))
  expect(ids.length).toBe(3)
  expect(new Set(ids).size).toBe(1)
})

test('the same key for another body is a mismatch, for another route or client it is another key', async () => {
  const { make, ids, other } = setUp()
  await make(request)
  await expect(make({ ...request, body: '{"a":2}' })).rejects.toMatchObject({ code: 'MISMATCH' })
  await make({ ...request, route: 'POST /users' })
  await make(request, other)
  expect([ids.length, new Set(ids).size]).toEqual([3, 3])
})

test('while the first is under way the second is a conflict, and then it is not any more', async () => {
  const { client, idempotency, make } = setUp()
  let end = (): void => undefined
  const first = idempotency.run(client, request, () => new Promise<void>((resolve) => (end = resolve)))
  await new Promise((resolve) => setImmediate(resolve))
  await expect(make(request)).rejects.toMatchObject({ code: 'CONFLICT' })
  end()
  await first
  await make(request)
})

test('after a failure the same request may be repeated, with the same id', async () => {
  const { client, idempotency, make, ids } = setUp()
  const failed = idempotency.run(client, request, async (id) => {
    ids.push(id)
    throw new Error('broken')
  })
  await expect(failed).rejects.toThrow('broken')
  await make(request)
  expect([ids.length, new Set(ids).size]).toEqual([2, 1])
})

test('a key is forgotten after 24 hours', async () => {
  const { make, ids, pass, purged, idempotency } = setUp()
  await make(request)
  pass(24 * HOUR_MS - 1)
  await make(request)
  pass(2)
  await make({ ...request, body: 'another' })
  expect([ids.length, new Set(ids).size]).toEqual([3, 2])
  await idempotency.purge()
  expect(purged()).toBe(0)
  pass(24 * HOUR_MS + 1)
  await idempotency.purge()
  expect(purged()).toBe(1)
})

function setUp() {
  let now = Date.parse('2026-11-22T08:00:00Z')
  let purged = 0
  const store = memoryDatabase().open()
  const { purgeKeys } = store
  store.purgeKeys = async (before, limit) => {
    const count = await purgeKeys(before, limit)
    purged += count
    return count
  }
  const another = (): Idempotency => new Idempotency({ store, now: () => new Date(now) })
  const idempotency = another()
  const [client, other] = [{ id: newId() } as ClientView, { id: newId() } as ClientView]
  const ids: Id[] = []
  return {
    ...{ client, other, idempotency, another, ids },
    purged: () => purged,
    pass: (ms: number) => {
      now += ms
    },
    make: (request: Parameters<Idempotency['run']>[1], as = client) =>
      idempotency.run(as, request, async (id) => ids.push(id)),
  }
}
