import { type Id, newId, silentLogger } from '@plugboard/core'
import { expect, test } from 'vitest'
import type { EndpointRecord } from '../log/endpoint-record.js'
import type { Entry } from '../log/entry.js'
import { Tail, type TailEvent, type TailScope } from './operator-tail.js'

test('shows each entry once, whether this process appended it or another one', async () => {
  const { tail, add, watch } = setUp()
  const texts = watch()
  const [mine, theirs] = [add('mine'), add('theirs')]
  tail.appended(mine)
  tail.appendedElsewhere(mine, mine.seq)
  tail.appendedElsewhere(theirs, theirs.seq)
  tail.appendedElsewhere(theirs, theirs.seq)
  expect(await texts(2)).toEqual(['mine', 'theirs'])
})

test('shows the entries of a conversation in their order, however long each takes to read', async () => {
  const { tail, add, watch } = setUp()
  const texts = watch()
  const stream = { clientId: newId(), streamId: newId() }
  const [first, second] = [add('first', stream), add('second', { ...stream, seq: 8 })]
  // A notification of the store may come before the process itself says that it appended the entry.
  tail.appendedElsewhere(first, first.seq)
  tail.appended(second)
  expect(await texts(2)).toEqual(['first', 'second'])
})

test('shows what it is asked for: a client, a conversation, an integration', async () => {
  const { tail, add, watch } = setUp()
  const [client, conversation] = [newId(), newId()]
  const [all, ofClient, ofOne, ofIntegration] = [
    watch(),
    watch({ clientId: client }),
    watch({ conversationId: conversation }),
    watch({ wants: (endpoints) => endpoints.some(({ channel }) => channel.name === 'telegram') }),
  ]
  const entries = [
    add('a', { clientId: client }),
    add('b', { streamId: conversation }),
    add('c', { endpoints: [telegram] }),
  ]
  for (const entry of entries) tail.appended(entry)
  expect(await all(3)).toEqual(['a', 'b', 'c'])
  expect([await ofClient(1), await ofOne(1), await ofIntegration(1)]).toEqual([['a'], ['b'], ['c']])
})

test('keeps no content but a preview, and nothing that is not for people', async () => {
  const { tail, add, watch } = setUp()
  const texts = watch()
  tail.appended({ ...add('deleted'), deletedAt: new Date() })
  tail.appended({ ...add('void'), type: 'void' })
  tail.appended(add('x'.repeat(100_000)))
  const [shown] = await texts(1)
  expect(shown).toHaveLength(256)
})

test('leaves out what is more than 250 entries a second of a client, and says how many; others are shown', async () => {
  const { tail, add, watch, clock } = setUp()
  const [busy, calm] = [newId(), newId()]
  const events = watch({ clientId: busy })
  const all = watch()
  for (let i = 0; i < 400; i += 1) tail.appended(add(String(i), { clientId: busy }))
  tail.appended(add('of another', { clientId: calm }))
  const shown = await events(251)
  expect(shown.at(-1)).toBe('missed 150')
  expect(shown.slice(0, 250)).toEqual(Array.from({ length: 250 }, (_, i) => String(i)))
  expect(await all(252)).toContain('of another')
  clock.at += 1000
  tail.appended(add('later', { clientId: busy }))
  expect(await events(1)).toEqual(['later'])
})

test('leaves out what is more than 1,000 entries a second of all clients', async () => {
  const { tail, add, watch } = setUp()
  const events = watch()
  for (let i = 0; i < 1200; i += 1) tail.appended(add(String(i), { clientId: newId() }))
  expect((await events(1001)).at(-1)).toBe('missed 200')
})

test('shows each entry of a process that is alone', async () => {
  const { tail, add, watch } = setUp({ isAlone: true })
  const texts = watch()
  tail.appended(add('one'))
  tail.appended(add('two'))
  expect(await texts(2)).toEqual(['one', 'two'])
})

test('gives a reader all at once that happens within a tenth of a second', async () => {
  const { tail, add } = setUp()
  const pages = tail.open({}, new AbortController().signal)
  let [count, seen] = [0, 0]
  void (async () => {
    for await (const events of pages) {
      count += 1
      seen += events.length
    }
  })()
  const start = performance.now()
  for (let i = 0; i < 100; i += 1) {
    tail.appended(add('x'))
    await turn()
  }
  await expect.poll(() => seen).toBe(100)
  expect(count).toBeLessThanOrEqual(1 + Math.ceil((performance.now() - start) / 100))
  tail.close()
})

test('keeps a bounded number of entries for a reader that does not read', async () => {
  const { tail, add, clock } = setUp()
  const abort = new AbortController()
  const pages = tail.open({}, abort.signal)
  const first = pages.next()
  tail.appended(add('first'))
  await first
  for (let second = 0; second < 10; second += 1) {
    clock.at += 1000
    for (let i = 0; i < 400; i += 1) tail.appended(add('x'))
    await turn()
  }
  const { value } = await pages.next()
  expect(value).toHaveLength(1001)
  expect(value?.at(-1)).toEqual({ missed: 3000 })
})

test('an entry that cannot be read is missed', async () => {
  const { tail, add, watch, store } = setUp()
  const events = watch()
  store.isBroken = true
  const entry = add('theirs')
  tail.appendedElsewhere(entry, entry.seq)
  expect(await events(1)).toEqual(['missed 1'])
})

test('ends with its signal, and when the process stops', async () => {
  const { tail } = setUp()
  const abort = new AbortController()
  const ends = [tail.open({}, abort.signal).next(), tail.open({}, new AbortController().signal).next()]
  expect(tail.size).toBe(2)
  abort.abort()
  expect(await ends[0]).toEqual({ done: true, value: undefined })
  tail.close()
  expect(await ends[1]).toEqual({ done: true, value: undefined })
  expect(tail.size).toBe(0)
  expect(await tail.open({}, new AbortController().signal).next()).toMatchObject({ done: true })
})

const telegram = { channel: { name: 'telegram', custom: false } } as EndpointRecord

const turn = () => new Promise((resolve) => setImmediate(resolve))

function setUp({ isAlone = false } = {}) {
  const clock = { at: 5000 }
  const store = { isBroken: false }
  const entries: { entry: Entry; endpoints: readonly EndpointRecord[] }[] = []
  const tail = new Tail({
    ...{ isAlone, log: silentLogger, now: () => new Date(clock.at) },
    store: {
      async readEntries({ streamId }, after) {
        if (store.isBroken) throw new Error('the store failed')
        return entries
          .map(({ entry }) => entry)
          .filter((entry) => entry.streamId === streamId && entry.seq === after + 1)
      },
    },
    owners: {
      of: async ({ streamId }) => ({
        endpoints: entries.find(({ entry }) => entry.streamId === streamId)?.endpoints ?? [],
        channel: 'x',
      }),
    },
  })
  return {
    ...{ tail, clock, store },
    add(
      text: string,
      of: { clientId?: Id; streamId?: Id; seq?: number; endpoints?: readonly EndpointRecord[] } = {},
    ): Entry {
      const { clientId = newId(), streamId = newId(), seq = 7, endpoints = [] } = of
      const entry: Entry = {
        ...{ id: newId(), clientId, streamId, seq, type: 'message', at: new Date(), owes: [] },
        payload: JSON.stringify({ type: 'text', text }),
      }
      entries.push({ entry, endpoints })
      return entry
    },
    /** Starts to watch. The returned function waits for so many events. */
    watch(scope: TailScope = {}) {
      const pages = tail.open(scope, new AbortController().signal)
      const seen: string[] = []
      const reading = (async () => {
        for await (const events of pages) seen.push(...events.map(textOf))
      })()
      void reading
      return async (count: number) => {
        await expect.poll(() => seen.length).toBeGreaterThanOrEqual(count)
        return seen.splice(0)
      }
    },
  }
}

const textOf = (event: TailEvent): string =>
  'missed' in event ? `missed ${event.missed}` : event.entry.preview
