import {
  type Channel,
  type Failure,
  FailureError,
  type Heard,
  type Id,
  type InboundEvent,
} from '@plugboard/core'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { acmeChannel } from '../../test/support/acme-channel.js'
import { integrationOf, recordOf } from '../../test/support/clients.js'
import { openHub, SharedStore } from '../../test/support/hub.js'
import type { Runtime } from '../channels/channels.js'
import type { Hub } from '../hub.js'
import type { ClientRecord } from '../ports/client-record.js'
import type { Store } from '../ports/store.js'
import { NO_CLIENT } from '../ports/stored-document.js'

/** Short, so that takeovers take tenths of a second. */
const LOST_AFTER_MS = 500

const thaws: (() => void)[] = []
const hubs: Hub[] = []
afterEach(async () => {
  for (const thaw of thaws.splice(0)) thaw()
  await Promise.all(hubs.splice(0).map((hub) => hub.stop(1000)))
})

describe('an integration that listens', () => {
  test('gets the events of its source, each stored before the next is asked for', async () => {
    const { hub, sync, texts, provider } = setUp()
    await sync('a')
    provider.say('a', 'one', 'two')
    await vi.waitFor(() => expect(texts()).toEqual(['one', 'two']), { timeout: 3000 })
    expect(provider.confirmed('a')).toBeLessThanOrEqual(2)
    provider.say('a', 'three')
    await vi.waitFor(() => expect(provider.confirmed('a')).toBe(3), { timeout: 3000 })
    expect(texts()).toEqual(['one', 'two', 'three'])
    expect(hub.listening).toBe(1)
  })

  test('continues after a restart where it was', async () => {
    const { hub, sync, texts, provider, open } = setUp()
    await sync('a')
    provider.say('a', 'one')
    await vi.waitFor(() => expect(provider.confirmed('a')).toBe(1), { timeout: 3000 })
    await hub.stop(1000)
    provider.say('a', 'two')
    open()
    await vi.waitFor(() => expect(texts()).toEqual(['one', 'two']), { timeout: 3000 })
    expect(provider.starts.map(({ cursor }) => cursor)).toEqual([undefined, 1])
  })

  test('is stopped, started and restarted within a second when its client changes', async () => {
    const { sync, remove, provider } = setUp()
    await sync('a')
    await vi.waitFor(() => expect(provider.open()).toEqual(['a']), { timeout: 1000 })
    await sync('b')
    await vi.waitFor(() => expect(provider.open()).toEqual(['b']), { timeout: 1000 })
    await sync('b', 'webhook')
    await vi.waitFor(() => expect(provider.open()).toEqual([]), { timeout: 1000 })
    await sync('b', 'listen')
    await vi.waitFor(() => expect(provider.open()).toEqual(['b']), { timeout: 1000 })
    await remove()
    await vi.waitFor(() => expect(provider.open()).toEqual([]), { timeout: 1000 })
  })

  test('leaves nothing behind when it is removed', async () => {
    const { sync, remove, documents } = setUp()
    await sync('a')
    await vi.waitFor(async () => expect(await documents('source')).toHaveLength(1))
    await remove()
    await vi.waitFor(async () => expect(await documents('source')).toEqual([]))
  })

  test('reports that it is connected although nobody writes', async () => {
    const { sync, health } = setUp()
    await sync('a')
    await vi.waitFor(async () =>
      expect(await health()).toMatchObject([{ mode: 'listen', listening: { state: 'connected' } }]),
    )
  })

  test('reports why it fails, and when it tries again', async () => {
    const { sync, health, provider } = setUp()
    provider.failure = { kind: 'transient', message: 'another program listens' }
    await sync('a')
    await vi.waitFor(async () =>
      expect(await health()).toMatchObject([
        {
          status: 'active',
          listening: {
            state: 'failing',
            failure: { kind: 'transient', message: 'another program listens' },
            nextAttemptAt: expect.any(Date),
          },
        },
      ]),
    )
    provider.failure = undefined
    await vi.waitFor(async () => expect((await health())[0]?.listening?.state).toBe('connected'), {
      timeout: 3000,
    })
  })

  test('is paused when its credentials are refused, and starts again with new ones', async () => {
    const { sync, health, provider } = setUp()
    provider.failure = { kind: 'auth', message: 'wrong token' }
    await sync('a')
    await vi.waitFor(async () =>
      expect(await health()).toMatchObject([{ status: 'paused', reason: 'wrong token' }]),
    )
    provider.failure = undefined
    await sync('b')
    await vi.waitFor(() => expect(provider.open()).toEqual(['b']), { timeout: 1000 })
  })

  test('takes no requests of its provider', async () => {
    const { hub, sync, client } = setUp()
    await sync('a')
    const request = { method: 'POST' as const, publicUrl: 'https://x', headers: {}, body: new Uint8Array() }
    await expect(hub.ingest.receive(await client(), 'acme', request)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    })
  })
})

describe('a channel that listens badly', () => {
  test.each<[string, () => AsyncIterable<unknown>]>([
    [
      'throws at once',
      () => {
        throw new Error('no')
      },
    ],
    ['is no generator', () => 42 as never],
    ['yields no list', () => values({ events: 'none' })],
    ['yields nothing at all', () => values(undefined)],
    ['has a huge position', () => values({ events: [], cursor: 'x'.repeat(5000) })],
    ['has a position that is no JSON', () => values({ events: [], cursor: 1n })],
    ['ends', () => values()],
    ['answers no result', () => ({ [Symbol.asyncIterator]: () => ({ next: async () => null as never }) })],
  ])('that %s is started again later, and others go on', async (_, listen) => {
    const { sync, health, provider, texts, hub } = setUp({ listen: listen as () => AsyncIterable<Heard> })
    await sync('a')
    await vi.waitFor(async () => expect((await health())[0]?.listening?.state).toBe('failing'))
    expect(hub.listening).toBe(2)
    provider.say('other', 'hello')
    await vi.waitFor(() => expect(texts()).toEqual(['hello']), { timeout: 3000 })
  })

  test('that never answers and ignores its signal is left behind', async () => {
    const { sync, remove, hub } = setUp({
      listen: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }) }),
    })
    await sync('a')
    await vi.waitFor(() => expect(hub.listening).toBe(2))
    await remove()
    await vi.waitFor(() => expect(hub.listening).toBe(1))
    const started = performance.now()
    await hub.stop(1000)
    expect(performance.now() - started).toBeLessThan(2500)
  })

  test('that always has a value leaves time for others', async () => {
    const { sync, provider, texts } = setUp({
      async *listen() {
        for (;;) yield { events: [] }
      },
    })
    await sync('a')
    provider.say('other', 'hello')
    await vi.waitFor(() => expect(texts()).toEqual(['hello']), { timeout: 3000 })
  })

  test('that yields invalid events loses only those', async () => {
    const valid = eventOf(1, 'valid')
    const events = [null, 42, {}, { ...valid, at: 'now' }, { ...valid, content: undefined }, valid]
    const { sync, texts } = setUp({
      async *listen({ signal }) {
        yield { events: events as InboundEvent[] }
        await ended(signal)
      },
    })
    await sync('a')
    await vi.waitFor(() => expect(texts()).toEqual(['valid']), { timeout: 3000 })
  })
})

test('sources of a channel that is not loaded keep none of the others waiting', async () => {
  const clients = Array.from({ length: 120 }, () => {
    const record = recordOf()
    const integration = { ...integrationOf(record.id), channel: 'missing', mode: 'listen' as const }
    return { ...record, integrations: [integration] }
  })
  const { hub, sync, documents } = setUp({}, clients)
  await vi.waitFor(async () => expect(await documents('source')).toHaveLength(120), { timeout: 5000 })
  await sync('a')
  await vi.waitFor(() => expect(hub.listening).toBe(1), { timeout: 5000 })
})

describe('several processes', () => {
  test('share the sources evenly, each with one owner, also when one is added', async () => {
    const { syncMany, open, provider, hub } = setUp()
    const second = open()
    await syncMany(12)
    await vi.waitFor(() => expect([hub.listening, second.listening]).toEqual([6, 6]), { timeout: 8000 })
    const third = open()
    await vi.waitFor(() => expect([hub.listening, second.listening, third.listening]).toEqual([4, 4, 4]), {
      timeout: 8000,
    })
    await vi.waitFor(() => expect(provider.open()).toHaveLength(12))
    expect(provider.most).toBe(1)
  }, 20_000)

  test('take over at once from one that stops', async () => {
    const { hub, open, sync, provider } = setUp()
    await sync('a')
    await vi.waitFor(() => expect(provider.open()).toEqual(['a']))
    const second = open()
    await hub.stop(1000)
    await vi.waitFor(() => expect(second.listening).toBe(1), { timeout: 2000 })
    await vi.waitFor(() => expect(provider.open()).toEqual(['a']), { timeout: 2000 })
    expect(provider.most).toBe(1)
  })

  test('take over from one that stops while it stores many events, and lose and double none', async () => {
    const COUNT = 50
    const events = Array.from({ length: COUNT }, (_, i) => eventOf(i, `${i}`))
    let begin = (): void => undefined
    const begun = new Promise<void>((resolve) => {
      begin = resolve
    })
    const { hub, open, sync, shared, texts } = setUp({
      async *listen({ cursor, signal, connected }) {
        connected()
        await begun
        if (cursor === undefined) yield { events, cursor: 'all' }
        await ended(signal)
      },
    })
    await sync('a')
    const store = shared.open()
    let stopping: Promise<void> | undefined
    const second = open({
      ...store,
      async append(append) {
        if (append.entry.type === 'message' && texts().length === 3) stopping = second.stop(1000)
        return store.append(append)
      },
    })
    await hub.stop(1000)
    await vi.waitFor(() => expect(second.listening).toBe(2), { timeout: 3000 })
    begin()
    await vi.waitFor(() => expect(stopping).toBeDefined())
    await stopping
    expect(texts()).toEqual(['0', '1', '2', '3'])
    open()
    await vi.waitFor(() => expect(texts()).toHaveLength(COUNT), { timeout: 3000 })
    expect(texts()).toEqual(events.map((_, i) => `${i}`))
  })

  test('take over from one that is frozen, which stores nothing more when it goes on, and loses nothing', async () => {
    const { open, sync, provider, texts, freeze, thaw, documents } = setUp()
    await sync('a')
    await vi.waitFor(() => expect(provider.open()).toEqual(['a']))
    provider.say('a', 'one')
    await vi.waitFor(() => expect(provider.confirmed('a')).toBe(1))
    freeze()
    provider.say('a', 'two', 'three')
    const second = open()
    await vi.waitFor(() => expect(second.listening).toBe(1), { timeout: 5000 })
    await vi.waitFor(() => expect(provider.confirmed('a')).toBe(3), { timeout: 3000 })
    thaw()
    provider.say('a', 'four')
    await vi.waitFor(() => expect(texts()).toEqual(['one', 'two', 'three', 'four']), { timeout: 3000 })
    await vi.waitFor(async () => {
      const [source] = await documents('source')
      const owners = (await documents('listener')).map(({ id }) => id)
      expect(owners).toContain(JSON.parse(source?.data ?? '').owner)
    })
  }, 20_000)
})

test('a source that was taken while heartbeats were late is started after the next one', async () => {
  const { hub, open, sync, shared, provider } = setUp()
  await sync('a')
  await hub.stop(1000)
  const store = shared.open()
  const late = new Promise<void>((resolve) => setTimeout(resolve, LOST_AFTER_MS))
  let isTaken = false
  const second = open({
    ...store,
    // As by change streams: then nothing is compared again and again.
    watch: async () => ({ isInstant: true }),
    async replaceDocument(document) {
      const { collection } = document
      if (collection === 'listener' && isTaken) await late
      const isReplaced = await store.replaceDocument(document)
      if (collection === 'source') isTaken = true
      return isReplaced
    },
    async findClient(by) {
      // Later than a heartbeat counts, and earlier than the next one is stored.
      if (isTaken) await new Promise((resolve) => setTimeout(resolve, 0.7 * LOST_AFTER_MS))
      return store.findClient(by)
    },
  })
  await vi.waitFor(() => expect(second.listening).toBe(1), { timeout: 3000 })
  await vi.waitFor(() => expect(provider.open()).toEqual(['a']), { timeout: 5000 })
})

test('a process that is notified of changes looks seldom for what is not there, and starts the first source at once', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const record = recordOf()
  const [shared, provider] = [new SharedStore(record), fakeProvider()]
  const store = { ...shared.open(), watch: async () => ({ isInstant: true }) }
  const read = vi.spyOn(store, 'listDocuments')
  const acme = { ...acmeChannel({ listen: provider.listen }), modes: { webhook: [], listen: [] } }
  const hub = openHub(store, [acme])
  await vi.advanceTimersByTimeAsync(10_000)
  read.mockClear()
  await vi.advanceTimersByTimeAsync(60_000)
  const readsOf = (name: string) => read.mock.calls.filter(([, collection]) => collection === name).length
  expect(readsOf('source')).toBeLessThanOrEqual(7)
  expect(readsOf('job')).toBeLessThanOrEqual(11)
  const channels = [{ name: 'acme', isEnabled: true, config: { token: 'a' }, mode: 'listen' as const }]
  const synced = hub.sync.run(record.id, 'test', { channels, webhooks: [] })
  await vi.advanceTimersByTimeAsync(2_000)
  await synced
  expect(provider.starts).toHaveLength(1)
  const stopped = hub.stop(1000)
  await vi.advanceTimersByTimeAsync(2_000)
  await stopped
})

test('an outage of the store lets no process take another one for dead', async () => {
  const { hub, syncMany, open, shared, provider, freeze, thaw, documents } = setUp()
  const [store, freezing] = freezable(shared.open())
  const second = open(store)
  await syncMany(4)
  await vi.waitFor(() => expect([hub.listening, second.listening]).toEqual([2, 2]), { timeout: 5000 })
  const ids = async () => (await documents('listener')).map(({ id }) => id).sort()
  const before = await ids()
  freeze()
  freezing.freeze()
  await new Promise((resolve) => setTimeout(resolve, 3 * LOST_AFTER_MS))
  expect([hub.listening, second.listening]).toEqual([0, 0])
  thaw()
  freezing.thaw()
  await vi.waitFor(() => expect([hub.listening, second.listening]).toEqual([2, 2]), { timeout: 5000 })
  await vi.waitFor(() => expect(provider.open()).toHaveLength(4), { timeout: 5000 })
  expect(await ids()).toEqual(before)
})

const eventOf = (number: number, text: string): InboundEvent => ({
  ...{ type: 'message', dedupeKey: `m${number}`, at: new Date(), content: { type: 'text', text } },
  endpoint: { identity: '*', sender: 'ada', thread: 'ada' },
})

async function* values(...all: unknown[]): AsyncGenerator<unknown> {
  yield* all
}

const ended = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))

/** A provider with a list of messages per account, which it gives from a position on. */
function fakeProvider() {
  const accounts = new Map<string, { said: string[]; confirmed: number; wake: Set<() => void> }>()
  const running: string[] = []
  const of = (account: string) => {
    const known = accounts.get(account) ?? { said: [], confirmed: 0, wake: new Set<() => void>() }
    accounts.set(account, known)
    return known
  }
  const provider = {
    failure: undefined as Failure | undefined,
    starts: [] as { account: string; cursor: unknown }[],
    /** The most that listened for one account at the same time. */
    most: 0,
    open: () => [...running].sort(),
    say(account: string, ...texts: string[]) {
      of(account).said.push(...texts)
      for (const wake of of(account).wake) wake()
    },
    confirmed: (account: string) => of(account).confirmed,
    async *listen({
      integration,
      cursor,
      signal,
      connected,
    }: Parameters<NonNullable<Runtime['listen']>>[0]): AsyncGenerator<Heard> {
      const { token: account } = integration.config as { token: string }
      if (provider.failure) throw new FailureError(provider.failure)
      provider.starts.push({ account, cursor })
      running.push(account)
      provider.most = Math.max(provider.most, running.filter((each) => each === account).length)
      // As long as the signal is not aborted, also if the generator hangs.
      signal.addEventListener('abort', () => running.splice(running.indexOf(account), 1), { once: true })
      connected()
      const mine = of(account)
      for (let at = typeof cursor === 'number' ? cursor : 0; ; ) {
        mine.confirmed = Math.max(mine.confirmed, at)
        const text = mine.said[at]
        if (text !== undefined) {
          at += 1
          yield { events: [eventOf(at, text)], cursor: at }
          continue
        }
        await new Promise<void>((resolve) => {
          mine.wake.add(resolve)
          signal.addEventListener('abort', () => resolve(), { once: true })
        })
        if (signal.aborted) return
      }
    },
  }
  return provider
}

/** The first process, on a store that others can share. With another `listen`, a second client listens well. */
function setUp(bad: Pick<Runtime, 'listen'> = {}, more: readonly ClientRecord[] = []) {
  const record = recordOf()
  const others = Array.from({ length: 20 }, () => recordOf())
  const shared = new SharedStore(record, ...others, ...more)
  const provider = fakeProvider()
  const listening = { modes: { webhook: [], listen: [] } } as const
  const runtime = { classify: (error: unknown) => (error as FailureError).failure }
  const good: Channel = {
    ...acmeChannel({ ...runtime, listen: provider.listen }),
    ...listening,
    name: 'good',
  }
  const acme: Channel = { ...acmeChannel({ ...runtime, listen: provider.listen, ...bad }), ...listening }
  const settings = { listenerLostAfterMs: LOST_AFTER_MS }
  function open(store: Store = shared.open()): Hub {
    const hub = openHub(store, [acme, good], settings)
    hubs.push(hub)
    return hub
  }
  const [store, freezing] = freezable(shared.open())
  const hub = open(store)
  const sync = async (token: string, mode: 'webhook' | 'listen' = 'listen', clientId: Id = record.id) => {
    const channels = [{ name: 'acme', isEnabled: true, config: { token }, mode }]
    await hub.sync.run(clientId, 'test', { channels, webhooks: [] })
    if (bad.listen) {
      const other = { name: 'good', isEnabled: true, config: { token: 'other' }, mode }
      await hub.sync.run(others[0]?.id as Id, 'test', { channels: [other], webhooks: [] })
    }
  }
  const client = async () => {
    const found = await hub.clients.find({ id: record.id })
    if (!found) throw new Error('the client is gone')
    return found
  }
  return {
    ...{ hub, shared, provider, open, sync, client },
    remove: () => hub.sync.run(record.id, 'test', { channels: [], webhooks: [] }),
    syncMany: async (count: number) => {
      for (const [i, { id }] of others.slice(0, count).entries()) await sync(`a${i}`, 'listen', id)
    },
    health: async () => hub.health.list(await client()),
    texts: () =>
      shared.database
        .streams()
        .flatMap(({ entries }) => entries)
        .filter(({ type }) => type === 'message')
        .map(({ payload }) => (JSON.parse(payload) as { text: string }).text),
    documents: (collection: string) => shared.store.listDocuments(NO_CLIENT, collection, { limit: 500 }),
    ...freezing,
  }
}

/** A store whose calls get no answer while it is frozen, as those of a process that is stopped. */
function freezable(inner: Store) {
  let waiting: Promise<void> | undefined
  let thaw = () => {}
  const entries = Object.entries(inner).map(([name, call]) => [
    name,
    async (...args: never[]) => {
      await waiting
      return (call as (...args: never[]) => unknown)(...args)
    },
  ])
  const freezing = {
    freeze() {
      waiting = new Promise((resolve) => {
        thaw = () => {
          waiting = undefined
          resolve()
        }
      })
      thaws.push(() => thaw())
    },
    thaw: () => thaw(),
  }
  return [Object.fromEntries(entries) as Store, freezing] as const
}
