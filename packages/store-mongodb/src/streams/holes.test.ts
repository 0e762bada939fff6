import { isPlugboardError } from '@plugboard/core'
import type { Store, StreamRef } from '@plugboard/hub'
import {
  failNext,
  failNoMore,
  type MongodbServer,
  rewriteAnswers,
  startMongodb,
} from '@plugboard/test-mongodb'
import { createConnection } from 'mongoose'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { dropDatabase, hasServer, newDatabaseUrl, openStore } from '../../test/database.js'
import { say, talk, target } from '../../test/scene.js'

/** A store with a conversation, and the URL of its database. */
async function scene() {
  const url = newDatabaseUrl()
  onTestFinished(() => dropDatabase(url))
  const store = await openStore({ url })
  return { url, store, stream: await talk(store) }
}

interface Lost {
  count?: number
  agoMs?: number
}

/** Before anyone's two seconds: a process sees the database's clock late by the way of the answer, which may be slow. */
const LONG_AGO_MS = 60_000
/** As many as are lost together. */
const LOST = 64

/** The database as it is after a process died that had reserved numbers, so long ago by the database's clock. */
async function lose(url: string, streamId: string, { count = 1, agoMs = 0 }: Lost = {}): Promise<void> {
  const connection = await createConnection(url).asPromise()
  const { ObjectId } = connection.base.Types
  const at = new Date(Date.now() - agoMs)
  const last = { $add: ['$seq', count] }
  const reserved = { $concatArrays: ['$reserved', [{ first: { $add: ['$seq', 1] }, last, at }]] }
  const filter = { _id: new ObjectId(streamId) }
  await connection
    .collection('streams')
    .updateOne(filter, [
      { $set: { reserved: { $ifNull: ['$reserved', []] } } },
      { $set: { reserved, seq: last } },
    ] as never)
  await connection.close()
}

const listed = async (store: Store, { clientId, streamId }: StreamRef, page: object = {}) =>
  (await store.listMessages(clientId, streamId, { limit: 1000, ...page }))?.map(({ seq }) => seq)
const read = async (store: Store, stream: StreamRef, after = 0) =>
  (await store.readEntries(stream, after, 1000)).map(({ seq }) => seq)
const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => first + i)

describe.runIf(hasServer)('a number that was reserved and never used', () => {
  test('stops readers for two seconds, and is nothing then, so that they go on', async () => {
    const { url, store, stream } = await scene()
    const before = (await say(store, stream)).entry
    await lose(url, stream.streamId)
    const after = (await say(store, stream)).entry
    expect([before.seq, after.seq]).toEqual([2, 4])
    expect([await listed(store, stream), await read(store, stream)]).toEqual([[2], [1, 2]])
    await vi.waitFor(async () => expect(await read(store, stream)).toEqual([1, 2, 3, 4]), {
      timeout: 10_000,
      interval: 300,
    })
    expect((await store.readEntries(stream, 2, 1))[0]).toMatchObject({ seq: 3, type: 'void', at: before.at })
    expect(await listed(store, stream)).toEqual([4, 2])
  })

  test('stops nobody who meets it long after, also where it is one of many', async () => {
    const { url, store, stream } = await scene()
    const { clientId, streamId } = stream
    for (let round = 0; round < 3; round += 1) {
      await lose(url, streamId, { count: LOST, agoMs: LONG_AGO_MS })
      await say(store, stream, { incomingId: stream.userId })
    }
    const messages = [1, 2, 3].map((round) => 1 + round * (LOST + 1))
    const newestFirst = messages.toReversed()
    const [newest = 0] = newestFirst
    // Each of them is the first to meet what is missing.
    const lists: Record<string, (fresh: Store) => Promise<number[] | undefined>> = {
      messages: (fresh) => listed(fresh, stream),
      'the newest message': (fresh) => listed(fresh, stream, { limit: 1 }),
      entries: async (fresh) => (await fresh.listEntries(clientId, streamId, 3)).map(({ seq }) => seq),
      replies: async (fresh) =>
        (await fresh.listReplies(clientId, streamId, stream.userId, { limit: 10 })).map(({ seq }) => seq),
    }
    expect(await lists.messages?.(await openStore({ url }))).toEqual(newestFirst)
    expect(await lists['the newest message']?.(await openStore({ url }))).toEqual([newest])
    expect(await lists.entries?.(await openStore({ url }))).toEqual(newestFirst)
    expect(await lists.replies?.(await openStore({ url }))).toEqual(messages)
    expect(await read(await openStore({ url }), stream)).toEqual(upTo(newest))
    expect(await store.countMessages(clientId, streamId, { after: 1, limit: 10 })).toBe(3)
  })

  test.each([
    ['messages', (store: Store, stream: StreamRef) => listed(store, stream, { limit: 1 })],
    [
      'entries',
      async (store: Store, { clientId, streamId }: StreamRef) =>
        (await store.listEntries(clientId, streamId, 1)).map(({ seq }) => seq),
    ],
    [
      'what is to be delivered',
      async (store: Store, stream: StreamRef) => (await read(store, stream, 1)).slice(-1),
    ],
  ])('is filled by the first who reads %s', async (_, newest) => {
    const { url, store, stream } = await scene()
    await lose(url, stream.streamId, { count: LOST, agoMs: LONG_AGO_MS })
    const { entry } = await say(store, stream)
    expect(await newest(await openStore({ url }), stream)).toEqual([entry.seq])
  })

  test('is nothing after two seconds also where nobody knows when it was reserved, or a clock was set back', async () => {
    const { url, store, stream } = await scene()
    await lose(url, stream.streamId, { count: LOST, agoMs: -3_600_000 })
    const { entry } = await say(store, stream)
    expect(await listed(store, stream)).toEqual([])
    await vi.waitFor(async () => expect(await listed(store, stream)).toEqual([entry.seq]), {
      timeout: 10_000,
      interval: 300,
    })
  })

  test('is filled where nothing comes after it too, so that who delivers has nothing left to wait for', async () => {
    const { url, store, stream } = await scene()
    const { entry, claimed } = await say(store, stream, { owes: [target()], claim: true })
    await lose(url, stream.streamId, { count: LOST, agoMs: LONG_AGO_MS })
    const entries = await store.readEntries(stream, entry.seq, 1000)
    expect(entries.map(({ seq, type }) => [seq, type])).toEqual(upTo(2 + LOST, 3).map((seq) => [seq, 'void']))
    if (!claimed) throw new Error('someone else has the lease')
    expect(await store.mark(stream, claimed.lease, { scanned: 2 + LOST, lanes: {}, nextAt: null })).toBe(
      2 + LOST,
    )
    expect(await store.backlog(10)).toEqual({ streams: 0, isMore: false })
  })

  test('is not used any more by who comes late: that entry gets another', async () => {
    const { url, store, stream } = await scene()
    const connection = await createConnection(url).asPromise()
    const { ObjectId } = connection.base.Types
    const [clientId, streamId] = [new ObjectId(stream.clientId), new ObjectId(stream.streamId)]
    // As a reader leaves it that gave the number up while its process was frozen.
    const filled = { clientId, streamId, seq: 2, at: new Date(0), type: 'void', payload: '', owes: [] }
    await connection.collection('entries').insertOne(filled)
    await connection.close()
    const { entry, duplicate } = await say(store, stream)
    expect([entry.seq, duplicate]).toEqual([3, false])
    const entries = await store.readEntries(stream, 0, 10)
    expect(entries.map(({ seq, type }) => [seq, type])).toEqual([
      [1, 'conversation.new'],
      [2, 'void'],
      [3, 'message'],
    ])
  })
})

describe.runIf(hasServer)('a reader to whom the database’s clock is an hour ahead', () => {
  test('voids nothing that is acknowledged, and passes nothing', async () => {
    const { url, store, stream } = await scene()
    const ahead = await rewriteAnswers(url, (answer) =>
      answer.localTime instanceof Date
        ? { ...answer, localTime: new Date(answer.localTime.getTime() + 3_600_000) }
        : answer,
    )
    onTestFinished(() => ahead.close())
    const hasty = await openStore({ url: ahead.url })
    let isOver = false
    const seen: number[] = []
    const lists: number[][] = []
    const follow = async (): Promise<void> => {
      while (!isOver) {
        const entries = await hasty.readEntries(stream, seen.at(-1) ?? 0, 16)
        seen.push(...entries.map(({ seq }) => seq))
        lists.push((await listed(hasty, stream)) ?? [])
      }
    }
    const following = follow()
    const other = await openStore({ url })
    const said = await Promise.all(
      [store, other].map(async (writer) => {
        const numbers: number[] = []
        for (let n = 0; n < 8; n += 1) numbers.push((await say(writer, stream)).entry.seq)
        return numbers
      }),
    )
    isOver = true
    await following
    const acknowledged = said.flat().sort((a, b) => a - b)
    const whole = await listed(store, stream)
    expect(whole).toEqual([...acknowledged].reverse())
    expect(await read(store, stream, seen.at(-1) ?? 0)).toEqual(
      upTo((acknowledged.at(-1) ?? 0) as number, (seen.at(-1) ?? 0) + 1),
    )
    expect(seen).toEqual(upTo(seen.length))
    // No list has a message without all that are before it.
    for (const list of lists) expect(list).toEqual(whole?.slice(-list.length).slice(0, list.length))
  })
})

describe.runIf(hasServer)('a batch that is lost because the database fails', () => {
  let server: MongodbServer
  beforeAll(async () => {
    server = await startMongodb({ isOwn: true })
  }, 60_000)
  afterAll(() => server.stop())

  test('of 256: the next message is listed, and to be delivered, within four seconds', async () => {
    const store = await openStore({ url: server.database('batch') })
    const stream = await talk(store)
    await say(store, stream)
    await failNext(server.url, { commands: ['insert'], times: 1000, how: 'hang-up' })
    const lost = await Promise.allSettled(upTo(256).map(() => say(store, stream)))
    await failNoMore(server.url)
    expect(new Set(lost.map(({ status }) => status))).toEqual(new Set(['rejected']))
    const { entry } = await say(store, stream)
    const from = performance.now()
    expect(entry.seq).toBeGreaterThan(256)
    const fresh = await openStore({ url: server.database('batch') })
    await vi.waitFor(async () => expect(await listed(fresh, stream)).toContain(entry.seq), 10_000)
    expect(await read(store, stream)).toEqual(upTo(entry.seq))
    expect(performance.now() - from).toBeLessThan(4000)
  })

  test('does not fail those who deliver while it cannot be filled, and fails lists', async () => {
    const url = server.database('failing')
    const store = await openStore({ url })
    const stream = await talk(store)
    await lose(url, stream.streamId, { count: LOST, agoMs: LONG_AGO_MS })
    const { entry } = await say(store, stream)
    await failNext(server.url, { commands: ['insert'], times: 1000, how: 'hang-up' })
    expect(await read(store, stream, 1)).toEqual([])
    await expect(listed(store, stream)).rejects.toSatisfy((error) => isPlugboardError(error, 'UNAVAILABLE'))
    await failNoMore(server.url)
    await vi.waitFor(async () => expect(await listed(store, stream)).toEqual([entry.seq]), 10_000)
  })
})
