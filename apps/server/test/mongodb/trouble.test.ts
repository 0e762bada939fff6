import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { failNext, failNoMore, type MongodbServer, startMongodb } from '@plugboard/test-mongodb'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { call, createClient } from '../support/api.js'
import { converseMany, firstsOf, listAll, numbered, seeded } from '../support/fault-load.js'
import { startReceiver } from '../support/receiver.js'
import { freePort, type Line, lineTo, newDatabase, type Shared } from '../support/replicas.js'
import { cleanUp, isSoak, SHORT_LEASE, startServer, type TestServer } from '../support/server.js'

/** Messages whose inserts are lost together. */
const BATCH = isSoak ? 256 : 64

let line: Line
beforeAll(async () => {
  line = await lineTo(inject('mongodbUrl') ?? '')
})
afterAll(async () => {
  await cleanUp()
  await line.close()
})

describe('a database that cannot be reached', () => {
  let env: Shared
  beforeAll(() => {
    env = { ...newDatabase(line.url), ...SHORT_LEASE }
  })

  test('at the start: the server says so, is up and not ready, and starts when it can', async () => {
    line.cut()
    const port = await freePort()
    const starting = startServer({ env: { ...env, PORT: String(port) } })
    const server = { url: `http://127.0.0.1:${port}` }
    const statusOf = (path: string) =>
      call(server, 'GET', path).then(
        ({ status }) => status,
        () => 'refused',
      )
    await expect.poll(() => statusOf('/readyz'), { timeout: 20_000 }).toBe(503)
    expect(await statusOf('/healthz')).toBe(200)
    const { status, headers } = await call(server, 'POST', '/api/v1/sync', { body: {} })
    expect([status, headers.get('retry-after')]).toEqual([503, '5'])
    line.mend()
    const started = await starting
    expect(started.output()).toMatch(/cannot reach the database; retrying/)
    expect(started.output()).not.toContain(env.ENCRYPTION_KEY)
    await expect.poll(() => statusOf('/readyz')).toBe(200)
    expect((await call(server, 'POST', '/api/v1/sync', { body: {} })).status).toBe(200)
    expect(await started.stop()).toBe(0)
  }, 60_000)

  test('while running: requests get 503, nothing accepted is lost, and it recovers automatically', async () => {
    const server = await startServer({ env })
    const bot = await startReceiver()
    const client = await createClient(server, { webhooks: [{ url: bot.url }] })
    const { conversationId } = await client.converse()
    const accepted: string[] = []
    const statuses = new Map<number, number>()
    const retryAfter = new Set<string | null>()
    let n = 0
    const postFor = async (ms: number): Promise<void> => {
      const end = Date.now() + ms
      while (Date.now() < end) {
        const text = String(n)
        n += 1
        const { status, headers } = await client.say(conversationId, text)
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        if (status === 201) accepted.push(text)
        else {
          retryAfter.add(headers.get('retry-after'))
          await sleep(200)
        }
      }
    }
    await postFor(100)
    line.cut()
    const cutAfter = accepted.length
    await postFor(7_000)
    expect((await call(server, 'GET', '/readyz')).status).toBe(503)
    expect((await call(server, 'GET', '/healthz')).status).toBe(200)
    line.mend()
    await expect
      .poll(async () => (await call(server, 'GET', '/readyz')).status, { timeout: 20_000 })
      .toBe(200)
    await postFor(100)
    expect(cutAfter).toBeGreaterThan(0)
    expect(accepted.length).toBeGreaterThan(cutAfter)
    const unknown = server.output().split('\n')
    expect(
      unknown.filter((text) => text.includes('request failed') && !text.includes('UNAVAILABLE')),
    ).toEqual([])
    expect([...statuses.keys()].sort()).toEqual([201, 503])
    expect([...retryAfter]).toEqual([expect.stringMatching(/^\d+$/)])

    const listed = (await listAll(client, conversationId)).map(({ payload }) => payload.text)
    expect(accepted.filter((text) => !listed.includes(text))).toEqual([])
    expect(listed).toEqual([...listed].sort((a, b) => Number(a) - Number(b)))
    await bot.until(() => firstsOf(bot).length >= listed.length, 30_000)
    expect(firstsOf(bot)).toEqual(listed)
    expect(await server.stop()).toBe(0)
    await bot.close()
  }, 90_000)
})

describe('a primary that steps down', () => {
  let own: MongodbServer
  let server: TestServer
  beforeAll(async () => {
    own = await startMongodb({ isOwn: true })
    // A primary that steps down notifies listeners immediately. A simulated one is polled instead.
    const shared = newDatabase(`${own.url}&serverMonitoringMode=poll`)
    // A mark that fails with the connections costs the time of the lease.
    server = await startServer({ env: { ...shared, ...SHORT_LEASE } })
  }, 60_000)
  afterAll(async () => {
    await server.stop()
    await own.stop()
  })

  test('costs nothing: what is repeated is done once', async () => {
    const bot = await startReceiver()
    const client = await createClient(server, { webhooks: [{ url: bot.url }] })
    const { conversationId } = await client.converse()
    const statuses: number[] = []
    for (const text of numbered(30)) {
      if (Number(text) % 5 === 0) {
        await failNext(own.url, { commands: ['findAndModify', 'insert', 'update'] })
      }
      statuses.push((await client.say(conversationId, text)).status)
    }
    expect(new Set(statuses)).toEqual(new Set([201]))
    expect((await listAll(client, conversationId)).map(({ payload }) => payload.text)).toEqual(numbered(30))
    await bot.until(() => firstsOf(bot).length === 30)
    expect(firstsOf(bot)).toEqual(numbered(30))
    await bot.close()
  }, 60_000)

  test('loses a whole batch, and what comes after it is listed and delivered soon', async () => {
    const bot = await startReceiver()
    const client = await createClient(server, { webhooks: [{ url: bot.url }] })
    const { conversationId } = await client.converse()
    await failNext(own.url, { commands: ['insert'], how: 'hang-up', times: 1000 })
    const lost = await Promise.all(numbered(BATCH).map((text) => client.say(conversationId, text)))
    await failNoMore(own.url)
    expect(new Set(lost.map(({ status }) => status))).toEqual(new Set([503]))
    await expect.poll(async () => (await client.say(conversationId, 'next')).status).toBe(201)
    // At the pace of one number in two seconds this would take minutes.
    await bot.until(() => firstsOf(bot).length > 0, 15_000)
    expect((await listAll(client, conversationId)).map(({ payload }) => payload.text)).toEqual(['next'])
    await bot.close()
  }, 60_000)

  test(
    'loses and doubles nothing of what is sent until it is taken, however often',
    async () => {
      const bot = await startReceiver()
      const client = await createClient(server, { webhooks: [{ url: bot.url }] })
      const conversations = await converseMany(client, isSoak ? 6 : 3)
      const random = seeded(20)
      const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
      let isOver = false
      const fail = async (): Promise<void> => {
        while (!isOver) {
          const commands = pick([['insert'], ['findAndModify'], ['update'], ['find', 'aggregate', 'insert']])
          await failNext(own.url, {
            commands,
            how: pick(['step-down', 'hang-up']),
            times: pick([1, 2, 3, 4]),
          })
          await sleep(random() * 600)
        }
        await failNoMore(own.url)
      }
      const failing = fail()
      const statuses = new Set<number>()
      const sayAll = async (conversationId: string): Promise<void> => {
        for (const text of numbered(10)) {
          const key = { 'idempotency-key': `${conversationId} ${text}` }
          for (let status = 0; status !== 201; statuses.add(status)) {
            ;({ status } = await client.call('POST', '/messages', { conversationId, payload: { text } }, key))
          }
        }
      }
      await Promise.all(conversations.map(sayAll))
      isOver = true
      await failing
      expect([...statuses].filter((status) => ![201, 409, 503].includes(status))).toEqual([])
      expect(statuses).toContain(503)
      for (const id of conversations) {
        const texts = async () => (await listAll(client, id)).map(({ payload }) => payload.text)
        await expect.poll(texts, { timeout: 20_000 }).toEqual(numbered(10))
        await bot.until(() => firstsOf(bot, id).length === 10, 60_000)
        expect(firstsOf(bot, id)).toEqual(numbered(10))
      }
      await bot.close()
    },
    isSoak ? 900_000 : 120_000,
  )
})

describe('a database that wants credentials', () => {
  let guarded: MongodbServer
  beforeAll(async () => {
    guarded = await startMongodb({ isGuarded: true })
  }, 60_000)
  afterAll(() => guarded.stop())

  test('is used with the right ones', async () => {
    const server = await startServer({ env: newDatabase(guarded.url) })
    expect((await createClient(server)).id).toBeDefined()
    expect(server.output()).not.toContain('password')
    expect(await server.stop()).toBe(0)
  })

  test('stops the start immediately if they are wrong, without showing them', async () => {
    const url = guarded.url.replace(/:[^:@]+@/, ':hunter2@')
    const log: string[] = []
    const starting = startServer({ env: newDatabase(url), log })
    await expect(starting).rejects.toThrow(/refuses the user or the password/)
    const error: Error = await starting.then(
      () => expect.unreachable(),
      (error) => error,
    )
    expect(inspect(error) + log.join('')).not.toContain('hunter2')
  })
})
