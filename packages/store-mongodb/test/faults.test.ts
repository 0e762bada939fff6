import { isPlugboardError } from '@plugboard/core'
import type { Store, StreamRef } from '@plugboard/hub'
import { type Fault, failNext, failNoMore, type MongodbServer, startMongodb } from '@plugboard/test-mongodb'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { openMongoStore } from '../src/index.js'
import { hasServer } from './database.js'
import { event, mapping, say, talk } from './scene.js'

/** Of each stream. */
const MESSAGES = 10

const faults: Fault[] = [
  ['insert'],
  ['findAndModify'],
  ['insert', 'findAndModify', 'update', 'find'],
].flatMap((commands) =>
  (['step-down', 'hang-up'] as const).flatMap((how) => [1, 3].map((times) => ({ commands, how, times }))),
)

/** What was said, and the number it has when that was acknowledged. */
interface Said {
  payload: string
  seq?: number
}

/** Says it once; a failure must be one that is worth another attempt. */
async function sayOnce(store: Store, stream: StreamRef, payload: string): Promise<Said> {
  try {
    const { entry } = await say(store, stream, { payload, dedupe: payload })
    return { payload, seq: entry.seq }
  } catch (error) {
    expect(isPlugboardError(error) && error.code, String(error)).toBe('UNAVAILABLE')
    return { payload }
  }
}

/** Says it until it is acknowledged. */
async function insist(store: Store, stream: StreamRef, payload: string): Promise<Said> {
  let said: Said = { payload }
  await expect
    .poll(
      async () => {
        said = await sayOnce(store, stream, payload)
        return said.seq
      },
      { timeout: 20_000 },
    )
    .toBeDefined()
  return said
}

/** All messages of a stream, oldest first, when those that are acknowledged can be read. */
async function listed(store: Store, { clientId, streamId }: StreamRef, count: number): Promise<Said[]> {
  let messages: Said[] = []
  await expect
    .poll(
      async () => {
        const entries = (await store.listMessages(clientId, streamId, { limit: 1000 })) ?? []
        messages = entries.map(({ payload, seq }) => ({ payload, seq })).reverse()
        return messages.length
      },
      { timeout: 20_000 },
    )
    .toBe(count)
  return messages
}

describe.runIf(hasServer)('a server that fails now and then', () => {
  let server: MongodbServer
  let store: Store
  beforeAll(async () => {
    server = await startMongodb({ isOwn: true })
    // One that only pretends to step down does not tell who listens, so it is asked. No call waits for it long.
    const url = `${server.database('faults')}&serverMonitoringMode=poll`
    const open = () => openMongoStore({ url, selectionTimeoutMs: 50 })
    // A busy machine may take longer than that to connect.
    store = await vi.waitFor(open, { timeout: 20_000 })
  }, 60_000)
  afterAll(async () => {
    await store.close()
    await server.stop()
  })

  test.each(faults)(
    'has what was acknowledged, once and in its place: $commands, $how, $times',
    async (fault) => {
      const streams = [await talk(store), await talk(store), await talk(store)]
      const texts = Array.from({ length: MESSAGES }, (_, i) => `"message ${i}"`)
      await failNext(server.url, fault)
      const first = await Promise.all(
        streams.map((stream) => Promise.all(texts.map((text) => sayOnce(store, stream, text)))),
      )
      await failNoMore(server.url)
      const whole = streams.map(async (stream, index) => {
        const all: Said[] = []
        for (const said of first[index] ?? []) {
          all.push(said.seq === undefined ? await insist(store, stream, said.payload) : said)
        }
        const inOrder = all.sort((a, b) => (a.seq ?? 0) - (b.seq ?? 0))
        expect(await listed(store, stream, MESSAGES)).toEqual(inOrder)
      })
      await Promise.all(whole)
    },
  )

  test.each<Fault>([
    { commands: ['update'], how: 'hang-up' },
    { commands: ['find'], how: 'hang-up', times: 3 },
    { commands: ['findAndModify'], how: 'hang-up', times: 3 },
    { commands: ['insert'], how: 'hang-up', times: 3 },
  ])('merges users once, and moves what is theirs with the next call: $commands', async (fault) => {
    const older = await talk(store)
    const { clientId } = older
    const { userId: younger } = await store.mapEndpoint(mapping(clientId))
    const users = [older.userId, younger] as const
    const merge = () => store.mergeUsers({ clientId, users, event: () => event('user.merged') })
    await failNext(server.url, fault)
    await merge().catch(() => undefined)
    await failNoMore(server.url)
    await expect.poll(() => merge().then(() => true), { timeout: 20_000 }).toBe(true)
    await expect.poll(async () => (await store.findUser(clientId, younger))?.id).toBe(older.userId)
    const listed = await store.listConversations(clientId, older.userId, { limit: 9 })
    expect(listed).toHaveLength(2)
    expect((await store.mapEndpoint(mapping(clientId))).userId).toBe(older.userId)
    const last = async () => {
      const entries = await store.readEntries({ clientId, streamId: younger }, 1, 9)
      return entries.filter(({ type }) => type === 'user.merged').length
    }
    await expect.poll(last).toBe(1)
  })
})
