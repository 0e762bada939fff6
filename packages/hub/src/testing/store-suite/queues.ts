import assert from 'node:assert/strict'
import { type Id, newId } from '@plugboard/core'
import fc from 'fast-check'
import type { QueuedItem, QueueItem } from '../../log/queue.js'
import type { Store } from '../../ports/store.js'
import { SLOW_RUNS } from '../random-runs.js'
import { same } from './assertions.js'
import type { Cases, Scene } from './scene.js'

const all = { after: 0, limit: 1000 }

const itemOf = (scene: Scene, seq: number, streamId = newId(), userId?: Id): QueueItem => ({
  ...{ streamId, seq, at: scene.tick() },
  ...(userId !== undefined && { userId }),
})

const numbered = (items: readonly QueueItem[]): QueuedItem[] =>
  items.map((item, index) => ({ ...item, n: index + 1 }))

/** Each item once, and those of a stream in the order of their numbers there. */
function inOrder(items: readonly QueuedItem[]): void {
  same(
    items.map(({ n }) => n),
    items.map((_, index) => index + 1),
  )
  const last = new Map<Id, number>()
  for (const { streamId, seq } of items) {
    assert.ok(seq > (last.get(streamId) ?? 0), `${seq} after ${last.get(streamId)} of one stream`)
    last.set(streamId, seq)
  }
}

/** Numbered queues of a client. */
export const queueCases: Cases = {
  'items get numbers from one, in their order, and are read after any number': async (scene) => {
    const [clientId, queueId] = [newId(), newId()]
    const items = Array.from({ length: 5 }, (_, index) => itemOf(scene, index + 1))
    same(await scene.store.queueEnds(clientId, queueId), undefined)
    same(await scene.store.readQueue(clientId, queueId, all), [])
    await scene.store.enqueue(clientId, queueId, items.slice(0, 2))
    await scene.store.enqueue(clientId, queueId, [])
    await scene.store.enqueue(clientId, queueId, items.slice(2))
    same(await scene.store.readQueue(clientId, queueId, all), numbered(items))
    const middle = { after: 1, limit: 2 }
    same(await scene.store.readQueue(clientId, queueId, middle), numbered(items).slice(1, 3))
    same(await scene.store.readQueue(clientId, queueId, { after: 5, limit: 2 }), [])
    same(await scene.store.queueEnds(clientId, queueId), { first: 1, last: 5 })
  },

  'what is in a queue is not added again, alone or among others': async (scene) => {
    const [clientId, queueId] = [newId(), newId()]
    const [a, b, c] = [itemOf(scene, 1), itemOf(scene, 1), itemOf(scene, 1)]
    await scene.store.enqueue(clientId, queueId, [a, b, a])
    await scene.store.enqueue(clientId, queueId, [b])
    await scene.store.enqueue(clientId, queueId, [a, c, b])
    same(await scene.store.readQueue(clientId, queueId, all), numbered([a, b, c]))
    await scene.store.enqueue(clientId, newId(), [a])
    same(await scene.store.readQueue(clientId, queueId, all), numbered([a, b, c]))
  },

  'the items of one user are read alone': async (scene) => {
    const [clientId, queueId, ann, bob] = [newId(), newId(), newId(), newId()]
    const users = [ann, undefined, bob, ann, ann]
    const items = users.map((userId) => itemOf(scene, 1, newId(), userId))
    await scene.store.enqueue(clientId, queueId, items)
    const numbersOf = async (userId: Id, after = 0, limit = 9) =>
      (await scene.store.readQueue(clientId, queueId, { after, limit, userId })).map(({ n }) => n)
    same([await numbersOf(ann), await numbersOf(bob), await numbersOf(newId())], [[1, 4, 5], [3], []])
    same([await numbersOf(ann, 1, 1), await numbersOf(ann, 4)], [[4], [5]])
  },

  'the oldest items are removed by their age up to the newest item, and numbers go on': async (scene) => {
    const [clientId, queueId] = [newId(), newId()]
    const items = Array.from({ length: 6 }, () => itemOf(scene, 1))
    const [, , third] = items
    await scene.store.enqueue(clientId, queueId, items)
    const purge = (before: Date, limit = 100) => scene.store.purgeQueue(clientId, queueId, before, limit)
    same(await purge(new Date(0)), 0)
    same(await purge(third?.at ?? new Date(0)), 2)
    same(await scene.store.queueEnds(clientId, queueId), { first: 3, last: 6 })
    same(await purge(scene.after(1), 1), 1)
    same(await purge(scene.after(1)), 2)
    same(await purge(scene.after(1)), 0)
    same(await scene.store.queueEnds(clientId, queueId), { first: 6, last: 6 })
    await scene.store.enqueue(clientId, queueId, [itemOf(scene, 1)])
    same(await scene.store.queueEnds(clientId, queueId), { first: 6, last: 7 })
    same(await scene.store.purgeQueue(clientId, newId(), scene.after(1), 9), 0)
  },

  'an old item that is behind a young one stays, so that no number is missing between two': async (scene) => {
    const [clientId, queueId, old] = [newId(), newId(), scene.tick()]
    const items = [1, 2, 3, 4].map((seq) => itemOf(scene, seq))
    const [a, b, c, d] = items as [QueueItem, QueueItem, QueueItem, QueueItem]
    await scene.store.enqueue(clientId, queueId, [{ ...a, at: old }, b, { ...c, at: old }, d])
    same(await scene.store.purgeQueue(clientId, queueId, b.at, 9), 1)
    same(await scene.store.queueEnds(clientId, queueId), { first: 2, last: 4 })
  },

  'each queue of each client has numbers and items of its own': async (scene) => {
    const [mine, yours, one, two] = [newId(), newId(), newId(), newId()]
    const item = itemOf(scene, 1)
    const places = [
      [mine, one],
      [mine, two],
      [yours, one],
    ] as const
    for (const place of places) await scene.store.enqueue(...place, [item])
    for (const place of places) same(await scene.store.readQueue(...place, all), numbered([item]))
    same(await scene.store.readQueue(yours, two, all), [])
    while (!(await scene.store.purgeClient(mine, 1)));
    const left = await Promise.all(places.map((place) => scene.store.readQueue(...place, all)))
    same(
      left.map(({ length }) => length),
      [0, 0, 1],
    )
  },

  'whatever is added at once, each item is there once, and a stream keeps its order': async (scene) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.nat(3), { maxLength: 6 }), { maxLength: 6 }), (calls) =>
        addsAll([scene.store], scene, calls),
      ),
      { numRuns: SLOW_RUNS },
    )
  },
}

/** Each call adds the next items of some streams, some of which were added before. */
export async function addsAll(
  stores: readonly Store[],
  scene: Scene,
  calls: readonly (readonly number[])[],
): Promise<void> {
  const [clientId, queueId] = [newId(), newId()]
  const streams = [0, 1, 2, 3].map(() => ({ id: newId(), items: [] as QueueItem[] }))
  const adding = calls.flatMap((call, index) => {
    const items = call.map((place) => {
      const stream = streams[place] as (typeof streams)[number]
      const item = itemOf(scene, stream.items.length + 1, stream.id)
      stream.items.push(item)
      return item
    })
    // As a process does that does not know what another one has added: all of the stream up to there again.
    const again = items.flatMap(({ streamId, seq }) =>
      (streams.find(({ id }) => id === streamId)?.items ?? []).slice(0, seq),
    )
    const store = stores[index % stores.length] as Store
    return [store.enqueue(clientId, queueId, again), store.enqueue(clientId, queueId, again)]
  })
  await Promise.all(adding)
  const seen: QueuedItem[] = []
  for (;;) {
    const page = await scene.store.readQueue(clientId, queueId, { after: seen.at(-1)?.n ?? 0, limit: 3 })
    seen.push(...page)
    if (page.length === 0) break
  }
  inOrder(seen)
  same(seen.length, streams.flatMap(({ items }) => items).length)
}
