import { type Id, isPlugboardError, newId } from '@plugboard/core'
import type { MapEndpoint, NewEntry } from '@plugboard/hub'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { event, message, openStore, say, talk, target, temporaryPath } from '../../test/temporary.js'
import { type Batch, sqliteStore } from '../index.js'

const unavailable = (error: unknown) => isPlugboardError(error, 'UNAVAILABLE')

async function observed(cacheSize?: number) {
  const batches: Batch[] = []
  const options = { path: await temporaryPath(), onBatch: (batch: Batch) => void batches.push(batch) }
  const store = await openStore(cacheSize === undefined ? options : { ...options, cacheSize })
  return { store, batches }
}

const writesOf = (batches: readonly Batch[]): number => batches.reduce((sum, { writes }) => sum + writes, 0)

const mapping = (clientId: Id, user: NewEntry, conversation: NewEntry): MapEndpoint => ({
  clientId,
  channel: { name: 'test', custom: false },
  endpoint: { identity: 'bot', sender: 'someone', thread: '*' },
  at: new Date(),
  ids: { user: newId(), conversation: newId(), endpoint: newId() },
  events: { user: () => user, conversation: () => conversation },
})

describe('group commit', () => {
  test('writes in one transaction what comes in one turn of the event loop', async () => {
    const { store, batches } = await observed()
    const stream = await talk(store)
    batches.length = 0
    await Promise.all(Array.from({ length: 100 }, () => say(store, stream)))
    expect(batches).toMatchObject([{ writes: 100, isApart: false }])
  })

  test('takes marks along with the next write, and writes them soon without one', async () => {
    const { store, batches } = await observed()
    const stream = await talk(store)
    const { claimed } = await say(store, stream, { owes: [target()], claim: true })
    const lease = claimed?.lease ?? { fence: 0 }
    const mark = () => store.mark(stream, lease, { scanned: 2, lanes: {}, nextAt: 'active' })
    batches.length = 0
    // Nothing else writes the first one. A slow machine may still write it in a transaction of its own, right after.
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const first = mark()
    await new Promise((next) => setImmediate(next))
    expect(batches).toEqual([])
    await Promise.all([say(store, stream), first])
    expect(writesOf(batches)).toBe(2)
    vi.useRealTimers()
    batches.length = 0
    await Promise.all([mark(), mark(), mark()])
    expect(writesOf(batches)).toBe(3)
  })

  test('bounds a transaction, and keeps the order', async () => {
    const { store, batches } = await observed()
    const stream = await talk(store)
    batches.length = 0
    const appended = await Promise.all(Array.from({ length: 1200 }, () => say(store, stream)))
    expect(Math.max(...batches.map(({ writes }) => writes))).toBeLessThanOrEqual(512)
    expect(writesOf(batches)).toBe(1200)
    expect(appended.map(({ entry }) => entry.seq)).toEqual(appended.map((_, index) => index + 2))
  })

  test('bounds the time of a transaction, so that large writes keep nobody waiting', async () => {
    const { store, batches } = await observed()
    const stream = await talk(store)
    batches.length = 0
    const payload = JSON.stringify({ type: 'text', text: 'a'.repeat(500_000) })
    const appended = await Promise.all(Array.from({ length: 200 }, () => say(store, stream, { payload })))
    expect(batches.length).toBeGreaterThan(2)
    expect(appended.map(({ entry }) => entry.seq)).toEqual(appended.map((_, index) => index + 2))
  })

  test('fails a write alone that fails half-way, and takes back what it did', async () => {
    const { store, batches } = await observed()
    const stream = await talk(store)
    const taken = await say(store, await talk(store))
    const first = event('user.new', { owes: [target()] })
    const broken = mapping(stream.clientId, first, event('conversation.new', { id: taken.entry.id }))
    const owed = { owes: [target()] }
    batches.length = 0
    const results = await Promise.allSettled([
      say(store, stream, owed),
      store.mapEndpoint(broken),
      say(store, stream, owed),
    ])
    expect(batches).toMatchObject([{ writes: 3, isApart: true }])
    expect(results).toMatchObject([
      { status: 'fulfilled', value: { entry: { seq: 2 } } },
      { status: 'rejected', reason: { code: 'CONFLICT' } },
      { status: 'fulfilled', value: { entry: { seq: 3 } } },
    ])
    expect(await store.findUser(stream.clientId, broken.ids.user)).toBeUndefined()
    expect(await store.findEntry(stream.clientId, first.id)).toBeUndefined()
    expect(await store.backlog(10_000)).toMatchObject({ streams: 1 })
    const whole = mapping(stream.clientId, first, event('conversation.new'))
    expect(await store.mapEndpoint(whole)).toMatchObject({ userId: whole.ids.user, appended: [{}, {}] })
  })

  test('refuses what a rule of the domain refuses without taking the others back', async () => {
    const { store, batches } = await observed()
    const stream = await talk(store)
    const conversation = { id: newId(), clientId: stream.clientId, userId: newId(), createdAt: new Date() }
    batches.length = 0
    const refused = store.createConversation(conversation, event('conversation.new'))
    const [answer] = await Promise.allSettled([refused, say(store, stream)])
    expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'NOT_FOUND' } })
    expect(batches).toMatchObject([{ writes: 2, isApart: false }])
  })

  test('works with fewer streams in memory than one transaction touches', async () => {
    const { store, batches } = await observed(2)
    const clientId = newId()
    const streams = await Promise.all(Array.from({ length: 20 }, () => talk(store, clientId)))
    const round = () => Promise.all(streams.map((stream) => say(store, stream, { owes: [target()] })))
    const rounds = await Promise.all(Array.from({ length: 10 }, round))
    expect(rounds.at(-1)?.every(({ entry }) => entry.seq === 11)).toBe(true)
    expect(batches.some(({ isApart }) => isApart)).toBe(false)
    const { claimed } = await store.claimDue({ now: new Date(), limit: 100, except: [] })
    expect(claimed.map(({ scanned }) => scanned)).toEqual(streams.map(() => 1))
  })
})

describe('a store that is closed', () => {
  test('has written what came before, and refuses what comes after', async () => {
    const path = await temporaryPath()
    const store = await sqliteStore({ path })
    const stream = await talk(store)
    const pending = Array.from({ length: 700 }, () => say(store, stream))
    await store.close()
    expect((await Promise.all(pending)).length).toBe(700)
    await expect(store.append(message(stream))).rejects.toSatisfy(unavailable)
    await expect(store.readEntries(stream, 0, 1)).rejects.toSatisfy(unavailable)
    await store.close()
    expect((await (await openStore({ path })).readEntries(stream, 0, 1000)).length).toBe(701)
  })
})
