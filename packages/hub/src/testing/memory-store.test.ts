import { type Id, newId } from '@plugboard/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { StreamRef } from '../log/entry.js'
import type { Lease } from '../log/progress.js'
import { webhookTarget } from '../log/target.js'
import type { Append, Store, Watcher } from '../ports/store.js'
import { memoryDatabase } from './memory-store.js'
import { storeSuite } from './store-suite.js'

async function create() {
  let ahead = 0
  const database = memoryDatabase({ now: () => new Date(Date.now() + ahead) })
  let store = database.open()
  return {
    store,
    async reopen() {
      await store.close()
      store = database.open()
      return store
    },
    another: async () => database.open(),
    advance(ms: number) {
      ahead += ms
    },
    close: () => store.close(),
  }
}

describe('the storage port', () => {
  for (const { name, run } of storeSuite({ name: 'memory', create })) test(name, run)
})

const LEASE_MS = 1000

/** A database with a clock that stands still, and a stream that owes one entry. */
function setUp() {
  let ms = Date.UTC(2030, 0)
  const database = memoryDatabase({ now: () => new Date(ms), leaseMs: LEASE_MS })
  const store = database.open()
  const stream = { clientId: newId(), streamId: newId() }
  void store.append(appendTo(stream, new Date(ms)))
  const pass = (by: number) => {
    ms += by
  }
  const now = () => new Date(ms)
  return { database, store, stream, pass, now }
}

function appendTo(stream: StreamRef, at: Date, claim = false): Append {
  const entry = { id: newId(), type: 'health.new', payload: '{}', at, claim } as const
  return { ...stream, kind: 'integration', entry, resolve: () => ({ owes: [webhookTarget(newId())] }) }
}

async function claim(store: Store, now: Date): Promise<Lease | undefined> {
  const { claimed } = await store.claimDue({ now, limit: 1, except: [] })
  return claimed[0]?.lease
}

const goOn = { scanned: 0, lanes: {}, nextAt: 'active' } as const

test('a lease ends at its time by the clock of the database, and then anybody can take the stream', async () => {
  const { database, store, pass, now } = setUp()
  const other = database.open()
  const lease = await claim(store, now())
  expect(lease).toEqual({ fence: 1, until: new Date(now().getTime() + LEASE_MS) })
  pass(LEASE_MS - 1)
  expect(await claim(other, now())).toBeUndefined()
  pass(1)
  expect(await claim(other, now())).toMatchObject({ fence: 2 })
})

test('the fence rises when an owner takes its own lease again after the end', async () => {
  const { store, stream, pass, now } = setUp()
  const first = await claim(store, now())
  pass(LEASE_MS)
  const second = await claim(store, now())
  expect([first?.fence, second?.fence]).toEqual([1, 2])
  expect(await store.mark(stream, first as Lease, goOn)).toBe('lost')
  expect(await store.mark(stream, second as Lease, goOn)).toBe(1)
})

test('a mark moves the end of the lease, in the database and in the object of its holder', async () => {
  const { database, store, stream, pass, now } = setUp()
  const lease = (await claim(store, now())) as Lease
  pass(LEASE_MS - 1)
  await store.mark(stream, lease, goOn)
  expect(lease.until).toEqual(new Date(now().getTime() + LEASE_MS))
  expect(database.streams()[0]?.holder).toEqual({ owner: 1, fence: 1, until: lease.until })
})

test('whatever handles do, only the newest lease of a stream is accepted', async () => {
  const handle = fc.nat(2)
  const step = fc.oneof(
    fc.record({ type: fc.constant('claim' as const), handle }),
    fc.record({ type: fc.constant('append' as const), handle }),
    fc.record({ type: fc.constant('give back' as const), handle }),
    fc.record({ type: fc.constant('pass' as const), ms: fc.nat(LEASE_MS) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const { database, stream, pass, now } = setUp()
      const stores = [database.open(), database.open(), database.open()] as const
      const leases: { store: Store; lease: Lease }[] = []
      let isHeld = false
      for (const each of steps) {
        if (each.type === 'pass') {
          pass(each.ms)
          continue
        }
        const store = stores[each.handle] as Store
        const newest = leases.at(-1)
        if (each.type === 'give back') {
          if (!isHeld || newest?.store !== store) continue
          await store.mark(stream, newest.lease, { ...goOn, scanned: 1000, nextAt: now() })
          isHeld = false
          continue
        }
        const lease =
          each.type === 'claim'
            ? await claim(store, now())
            : (await store.append(appendTo(stream, now(), true)))?.claimed?.lease
        if (!lease) continue
        isHeld = true
        leases.push({ store, lease })
        expect(lease.fence).toBe(leases.length)
      }
      for (const [index, { store, lease }] of leases.entries()) {
        const isNewest = isHeld && index === leases.length - 1
        expect((await store.mark(stream, lease, goOn)) === 'lost').toBe(!isNewest)
      }
    }),
  )
})

test('a call has its whole effect before its promise is looked at', () => {
  const { database, store, stream, now } = setUp()
  expect(database.streams()).toMatchObject([{ ...stream, nextAt: now(), holder: undefined, scanned: 0 }])
  void store.claimDue({ now: now(), limit: 1, except: [] })
  void store.wakeClient(stream.clientId, now())
  expect(database.streams()).toMatchObject([{ nextAt: undefined, holder: { owner: 1 }, isWoken: true }])
})

test('what a caller does with what it gave or was given changes nothing', async () => {
  const { database, store, stream, now } = setUp()
  const lane = { done: 0 }
  const lease = (await claim(store, now())) as Lease
  await store.mark(stream, lease, { ...goOn, lanes: { [webhookTarget(newId())]: lane } })
  lane.done = 1
  const [entry] = await store.readEntries(stream, 0, 1)
  if (entry) entry.payload = 'changed'
  lease.until?.setTime(0)
  const [view] = database.streams()
  expect(view?.entries[0]?.payload).toBe('{}')
  expect(Object.values(view?.lanes ?? {})).toEqual([{ done: 0 }])
  expect(view?.holder?.until).toEqual(new Date(now().getTime() + LEASE_MS))
})

test('handles are notified of what the others change, and not after they were closed', async () => {
  const { database, store, stream, now } = setUp()
  const [heard, own]: [string[], string[]] = [[], []]
  const other = database.open()
  await store.watch(watcherOf(own))
  await other.watch(watcherOf(heard))
  await store.append(appendTo({ ...stream, streamId: newId() }, now()))
  await store.insertClient(clientOf(stream.clientId))
  expect([heard, own]).toEqual([[`due ${now().getTime()}`, `client ${stream.clientId}`], []])
  await other.close()
  await store.purgeClient(stream.clientId, 100)
  expect(heard).toHaveLength(2)
})

test('a handle that was closed is unavailable, and its leases go on until they end', async () => {
  const { database, store, stream, pass, now } = setUp()
  const lease = (await claim(store, now())) as Lease
  await store.close()
  await expect(store.mark(stream, lease, goOn)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  const next = database.open()
  expect(await claim(next, now())).toBeUndefined()
  pass(LEASE_MS)
  expect(await claim(next, now())).toMatchObject({ fence: 2 })
})

function watcherOf(heard: string[]): Watcher {
  return {
    due: (at) => heard.push(`due ${at.getTime()}`),
    clientChanged: (id) => heard.push(`client ${id}`),
    turnEnded: (id) => heard.push(`turn ${id}`),
    appended: ({ streamId }, seq) => heard.push(`appended ${streamId} ${seq}`),
    signalled: ({ streamId }, text) => heard.push(`signalled ${streamId} ${text}`),
    queued: () => heard.push('queued'),
    missed: () => heard.push('missed'),
  }
}

const clientOf = (id: Id) => ({
  ...{ id, version: 1, createdAt: new Date(0) },
  ...{ tokens: [], integrations: [], webhooks: [] },
})
