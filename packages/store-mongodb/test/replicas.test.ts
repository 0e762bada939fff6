import { isPlugboardError, newId } from '@plugboard/core'
import type { Store, Watcher } from '@plugboard/hub'
import { createConnection } from 'mongoose'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { openMongoStore } from '../src/index.js'
import { dropDatabase, hasServer, newDatabaseUrl, openStore } from './database.js'
import { due, event, mapping, say, take, talk, target } from './scene.js'

/** Two replicas on one database whose clocks go by hand, together. */
async function replicas(options: { leaseMs?: number; wakeUps?: 'polling' } = {}) {
  const url = newDatabaseUrl()
  const clock = { ms: Date.now() }
  const now = () => new Date(clock.ms)
  const [a, b] = [await openStore({ url, now, ...options }), await openStore({ url, now, ...options })]
  onTestFinished(() => dropDatabase(url))
  return { a, b, url, clock, now }
}

/** What a watcher is told, and a wait for it. */
async function watching(store: Store) {
  const told: string[] = []
  const watcher: Watcher = {
    due: () => told.push('due'),
    clientChanged: (id) => told.push(`client ${id}`),
    turnEnded: (id) => told.push(`turn ${id}`),
    appended: ({ streamId }, seq) => told.push(`appended ${streamId} ${seq}`),
    signalled: ({ streamId }, text) => told.push(`signalled ${streamId} ${text}`),
    queued: () => told.push('queued'),
    missed: () => told.push('missed'),
  }
  const { isInstant } = await store.watch(watcher)
  return { told, isInstant, hears: (what: string) => vi.waitFor(() => expect(told).toContain(what), 5000) }
}

describe.runIf(hasServer)('the lease of a stream', () => {
  test('is for the other when its holder says nothing for its time, and the holder marks nothing then', async () => {
    const { a, b, clock, now } = await replicas({ leaseMs: 10_000 })
    const stream = await talk(a)
    const { claimed } = await take(a, stream)
    expect(claimed.lease.until).toEqual(new Date(clock.ms + 9000))
    clock.ms += 9999
    expect(await due(b, now())).toEqual([])
    clock.ms += 1
    const [mine] = (await b.claimDue({ now: now(), limit: 1, except: [] })).claimed
    expect(mine?.lease.fence).toBe(claimed.lease.fence + 1)
    const mark = { scanned: 2, lanes: {}, nextAt: 'active' } as const
    expect(await a.mark(stream, claimed.lease, mark)).toBe('lost')
    expect(await b.mark(stream, mine?.lease ?? claimed.lease, mark)).toBe(2)
  })

  test('is renewed by a mark, which moves its end', async () => {
    const { a, b, clock, now } = await replicas({ leaseMs: 10_000 })
    const stream = await talk(a)
    const { claimed } = await take(a, stream)
    for (let round = 0; round < 5; round += 1) {
      clock.ms += 8000
      expect(await a.mark(stream, claimed.lease, { scanned: 1, lanes: {}, nextAt: 'active' })).toBe(2)
      expect(claimed.lease.until).toEqual(new Date(clock.ms + 9000))
      expect(await due(b, now())).toEqual([])
    }
  })

  test('goes to an append when it is over, with a higher fence, whoever had it', async () => {
    const { a, b, clock } = await replicas({ leaseMs: 10_000 })
    const stream = await talk(a)
    const { claimed } = await take(a, stream)
    clock.ms += 10_000
    expect((await take(a, stream)).claimed.lease.fence).toBe(claimed.lease.fence + 1)
    clock.ms += 10_000
    expect((await take(b, stream)).claimed.lease.fence).toBe(claimed.lease.fence + 2)
  })

  test('is not taken for an entry that was there before', async () => {
    const { a, b } = await replicas()
    const stream = await talk(a)
    await say(a, stream, { dedupe: 'event 1' })
    const again = await say(a, stream, { dedupe: 'event 1', owes: [target()], claim: true })
    expect([again.duplicate, again.claimed]).toEqual([true, undefined])
    expect(await due(b, new Date(Date.now() + 3_600_000))).toEqual([])
    expect(await a.backlog(10)).toEqual({ streams: 0, isMore: false })
  })
})

describe.runIf(hasServer)('a lease that was taken for an entry that was there before', () => {
  test('is given back at once when something else is owed', async () => {
    const { a, b, now } = await replicas()
    const stream = await talk(a)
    await say(a, stream, { dedupe: 'event 1' })
    const { entry, claimed } = await take(a, stream)
    const lanes = { [target()]: { done: entry.seq - 1 } }
    await a.mark(stream, claimed.lease, {
      scanned: entry.seq,
      lanes,
      nextAt: new Date(now().getTime() + 60_000),
    })
    expect((await say(b, stream, { dedupe: 'event 1', owes: [target()], claim: true })).claimed).toBe(
      undefined,
    )
    expect(await due(a, now())).toEqual([stream.streamId])
  })

  test('is given back at once when another entry of the same moment is owed', async () => {
    const { a, b, now } = await replicas()
    const stream = await talk(a)
    await say(a, stream, { dedupe: 'event 1' })
    // The first keeps the stream busy, so that the two after it go together.
    const [, repeat, fresh] = await Promise.all([
      say(a, stream),
      say(a, stream, { dedupe: 'event 1', owes: [target()], claim: true }),
      say(a, stream, { owes: [target()] }),
    ])
    expect([repeat.duplicate, repeat.claimed, fresh.duplicate]).toEqual([true, undefined, false])
    const { claimed } = await b.claimDue({ now: now(), limit: 9, except: [] })
    expect(claimed.map(({ streamId, scanned }) => [streamId, scanned < fresh.entry.seq])).toEqual([
      [stream.streamId, true],
    ])
  })
})

describe.runIf(hasServer)('what was begun and not ended by a process that died', () => {
  test('a stream whose first entry is not in its place gets it from the first reader', async () => {
    const { a, b, url } = await replicas()
    const stream = await talk(a)
    const connection = await createConnection(url).asPromise()
    await connection.collection('entries').deleteMany({ seq: 1 })
    await connection.close()
    expect((await b.readEntries(stream, 0, 10)).map(({ seq, type }) => [seq, type])).toEqual([
      [1, 'conversation.new'],
    ])
  })

  test('an endpoint whose conversation is not there gets it from who maps it next', async () => {
    const { a, b, url } = await replicas()
    const clientId = newId()
    const first = await a.mapEndpoint(mapping(clientId))
    const connection = await createConnection(url).asPromise()
    const { ObjectId } = connection.base.Types
    await connection.collection('streams').deleteOne({ _id: new ObjectId(first.conversationId) })
    await connection.collection('entries').deleteMany({ streamId: new ObjectId(first.conversationId) })
    await connection.collection('addresses').updateMany({}, { $set: { check: 'new' } })
    await connection.close()
    const second = await b.mapEndpoint(mapping(clientId))
    expect([second.userId, second.conversationId]).toEqual([first.userId, first.conversationId])
    expect(second.appended.map(({ entry }) => entry.type)).toEqual(['conversation.new'])
    expect(await b.findConversation(clientId, first.conversationId)).toBeDefined()
    expect((await a.mapEndpoint(mapping(clientId))).appended).toEqual([])
  })

  test('an endpoint of a conversation that is being deleted gives a new one once it is', async () => {
    const { a, b, url } = await replicas()
    const clientId = newId()
    const first = await a.mapEndpoint(mapping(clientId))
    const connection = await createConnection(url).asPromise()
    await connection.collection('addresses').updateMany({}, { $set: { check: 'end' } })
    expect((await b.mapEndpoint(mapping(clientId))).conversationId).toBe(first.conversationId)
    const { ObjectId } = connection.base.Types
    const one = { _id: new ObjectId(first.conversationId) }
    await connection.collection('streams').updateOne(one, { $set: { deletedAt: new Date() } })
    await connection.close()
    const second = await b.mapEndpoint(mapping(clientId))
    expect([second.userId, second.conversationId === first.conversationId]).toEqual([first.userId, false])
  })
})

describe.runIf(hasServer)('a watcher', () => {
  test('hears at once what others do to clients, turns and what is due, where there are change streams', async () => {
    const { a, b } = await replicas()
    const { told, isInstant, hears } = await watching(b)
    if (!isInstant) return expect(told).toEqual([])
    const lists = { tokens: [], integrations: [], webhooks: [] }
    const client = { id: newId(), version: 1, createdAt: new Date(), ...lists }
    await a.insertClient(client)
    await hears(`client ${client.id}`)
    const stream = await talk(a, client.id)
    const { entry, claimed } = await take(a, stream)
    await a.endTurn(client.id, entry.id, new Date())
    await hears(`turn ${entry.id}`)
    expect(told).not.toContain('due')
    await a.mark(stream, claimed.lease, {
      scanned: entry.seq,
      lanes: {},
      nextAt: new Date(Date.now() + 1000),
    })
    await hears('due')
  })

  test('hears of what is appended by who does not deliver, and of a replay', async () => {
    const { a, b } = await replicas()
    const { told, isInstant, hears } = await watching(b)
    const stream = await talk(a)
    const to = target()
    const { entry } = await say(a, stream, { owes: [to] })
    if (isInstant) await hears('due')
    expect(await due(b, new Date(entry.at.getTime() + 1000))).toEqual([stream.streamId])
    expect(told.filter((what) => what !== 'due')).toEqual([])
  })

  test('is told nothing by polling, and finds what is due by itself', async () => {
    const { a, b } = await replicas({ wakeUps: 'polling' })
    const { told, isInstant } = await watching(b)
    expect(isInstant).toBe(false)
    const stream = await talk(a)
    const { entry } = await say(a, stream, { owes: [target()] })
    expect(await due(b, new Date(entry.at.getTime() + 1000))).toEqual([stream.streamId])
    expect(told).toEqual([])
  })
})

describe.runIf(hasServer)('opening', () => {
  test('refuses a database of a newer Plugboard, and one that is not up to date and may not be changed', async () => {
    const url = newDatabaseUrl()
    onTestFinished(() => dropDatabase(url))
    const conflict = (words: RegExp) => (error: unknown) =>
      isPlugboardError(error, 'CONFLICT') && words.test((error as Error).message)
    await expect(openMongoStore({ url, migrate: false })).rejects.toSatisfy(conflict(/not up to date/))
    await (await openMongoStore({ url })).close()
    await (await openMongoStore({ url, migrate: false })).close()
    const connection = await createConnection(url).asPromise()
    await connection
      .collection<{ _id: string }>('schema')
      .updateOne({ _id: 'schema' }, { $set: { version: 99 } })
    await connection.close()
    await expect(openMongoStore({ url })).rejects.toSatisfy(conflict(/newer Plugboard.*99/))
  })

  test('by many at once makes one schema', async () => {
    const url = newDatabaseUrl()
    onTestFinished(() => dropDatabase(url))
    const stores = await Promise.all(Array.from({ length: 4 }, () => openMongoStore({ url })))
    await stores[0]?.putMeta('key', 'text')
    expect(await stores[3]?.getMeta('key')).toBe('text')
    await Promise.all(stores.map((store) => store.close()))
  })

  test('says UNAVAILABLE where nothing listens, and so does a store that is closed', async () => {
    const url = 'mongodb://127.0.0.1:1/none?directConnection=true'
    const unavailable = (error: unknown) => isPlugboardError(error, 'UNAVAILABLE')
    await expect(openMongoStore({ url, selectionTimeoutMs: 300 })).rejects.toSatisfy(unavailable)
    const store = await openStore()
    await store.close()
    await expect(store.getMeta('key')).rejects.toSatisfy(unavailable)
    await expect(
      store.createUser({ id: newId(), clientId: newId(), createdAt: new Date() }, event('user.new')),
    ).rejects.toSatisfy(unavailable)
  })
})
