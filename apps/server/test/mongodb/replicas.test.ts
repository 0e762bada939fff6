import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { call, clientOf, createClient, type TestClient } from '../support/api.js'
import { firstsOf, forAll, listAll, numbered, textOf } from '../support/fault-load.js'
import { type Receiver, startReceiver } from '../support/receiver.js'
import { NOTIFIED, newDatabase, type Shared, startReplicas, topologies } from '../support/replicas.js'
import {
  cleanUp,
  isSoak,
  SHORT_LEASE,
  startProcess,
  startServer,
  type TestServer,
} from '../support/server.js'

afterAll(cleanUp)

const MESSAGES = isSoak ? 240 : 15

/** The same client at another process. */
const at = (server: TestServer, client: TestClient): TestClient => clientOf(server, client)

describe.each(topologies())('three replicas on one database, %s', (topology, mongodbUrl) => {
  let env: Shared
  let servers: [TestServer, TestServer, TestServer]
  beforeAll(async () => {
    env = { ...newDatabase(mongodbUrl()), ...SHORT_LEASE }
    servers = await startReplicas(3, env)
  }, 60_000)
  // Replicas at rest take processor time too.
  afterAll(() => Promise.all(servers.map((server) => server.stop())))

  test('give each message of a conversation a unique number, in the same order on all', async () => {
    const client = await createClient(servers[0])
    const { conversationId } = await client.converse()
    const posted = new Set<string>()
    await forAll(numbered(MESSAGES), async (text, i) => {
      const { status, json } = await at(servers[i % 3] as TestServer, client).say(conversationId, text)
      expect(status).toBe(201)
      posted.add(json.id)
    })
    const lists = await Promise.all(servers.map((server) => listAll(at(server, client), conversationId)))
    expect(lists[0]).toHaveLength(MESSAGES)
    expect(new Set(lists[0]?.map(({ id }) => id))).toEqual(posted)
    expect(lists[1]).toEqual(lists[0])
    expect(lists[2]).toEqual(lists[0])
    const times = (lists[0] as unknown as { sentOn: string }[]).map(({ sentOn }) => sentOn)
    expect(times).toEqual([...times].sort())
  })

  test('have a configuration in force on all within two seconds, and credentials revoked', async () => {
    const [one, other] = servers
    const bots = [await startReceiver(), await startReceiver()] as [Receiver, Receiver]
    const client = await createClient(one, { webhooks: [{ url: bots[0].url }] })
    const elsewhere = at(other, client)
    const { conversationId } = await elsewhere.converse()
    await elsewhere.say(conversationId, 'before')
    await bots[0].until(() => textsOf(bots[0]).includes('before'))

    const body = { id: client.id, token: client.token, webhooks: [{ url: bots[1].url }] }
    expect((await call(one, 'POST', '/api/v1/sync', { body })).status).toBe(200)
    await sleep(2_000)
    await elsewhere.say(conversationId, 'after')
    await bots[1].until(() => textsOf(bots[1]).includes('after'))
    expect(firstsOf(bots[0])).toEqual(['before'])
    await Promise.all(bots.map((bot) => bot.close()))
  })

  test('answer a collect at one with what the bot says at another', async () => {
    const [one, other] = servers
    const bot = await startReceiver()
    const client = await createClient(one, { webhooks: [{ url: bot.url }] })
    const { userId: authorId, conversationId } = await client.converse()
    const collected = client.call('POST', '/messages/collect', {
      conversationId,
      authorId,
      payload: { type: 'text', text: 'question' },
      timeout: 20_000,
    })
    await bot.until(() => textsOf(bot).includes('question'))
    const incomingId = bot.ofType('message.new')[0]?.json.data.message?.id
    const elsewhere = at(other, client)
    const payload = { type: 'text', text: 'answer' }
    await elsewhere.call('POST', '/messages', { conversationId, payload, incomingId })
    const endedAt = Date.now()
    await elsewhere.call('POST', `/messages/turn/${incomingId}`)
    const { json } = await collected
    expect(json.responses.map((message: { payload: unknown }) => message.payload)).toEqual([payload])
    expect(Date.now() - endedAt).toBeLessThan(5_000)
    await bot.close()
  })

  // As long as a lease takes, each of them; how a lease ends has nothing to do with notifications.
  if (topology === NOTIFIED)
    describe('with short leases', () => {
      test('leave a lane that is busy for longer than a lease to the process that delivers it', async () => {
        const bot = await startReceiver(async () => {
          await sleep(700)
          return 200
        })
        const client = await createClient(servers[0])
        const { conversationId } = await client.converse()
        const body = { id: client.id, token: client.token, webhooks: [{ url: bot.url }] }
        await call(servers[0], 'POST', '/api/v1/sync', { body })
        for (const text of numbered(8)) await client.say(conversationId, text)
        await bot.until(() => bot.requests.length === 8, 20_000)
        const last = (await listAll(client, conversationId)).at(-1)
        const deliveries = async () =>
          (await client.call('GET', `/messages/${last?.id}/deliveries`)).json.deliveries
        await expect.poll(async () => (await deliveries())[0].state).toBe('delivered')
        expect(textsOf(bot)).toEqual(numbered(8))
        await bot.close()
      }, 60_000)

      test('take over from one that was frozen for longer, which marks nothing when it goes on: the order holds, and what comes late has its old id', async () => {
        const [other] = servers
        const frozen = await startProcess({ env })
        const bot = await startReceiver()
        const client = await createClient(frozen, { webhooks: [{ url: bot.url }] })
        const { conversationId } = await client.converse()
        let isHolding = true
        const held: (() => void)[] = []
        // The first delivery hangs at the bot while its sender is frozen.
        bot.answer = (request) => {
          if (!isHolding || textOf(request) !== '0') return 200
          return new Promise((resolve) => held.push(() => resolve(200)))
        }
        await client.say(conversationId, '0')
        await expect.poll(() => held.length).toBe(1)
        frozen.signal('SIGSTOP')
        isHolding = false
        for (const text of ['1', '2', '3']) await at(other, client).say(conversationId, text)
        await bot.until(() => firstsOf(bot).length === 4, 20_000)
        expect(firstsOf(bot)).toEqual(['0', '1', '2', '3'])
        frozen.signal('SIGCONT')
        for (const answer of held) answer()
        for (const text of ['4', '5']) await at(frozen, client).say(conversationId, text)
        await bot.until(() => firstsOf(bot).length === 6, 20_000)
        expect(firstsOf(bot)).toEqual(numbered(6))
        const zeros = bot.ofType('message.new').filter((request) => textOf(request) === '0')
        expect(zeros.length).toBeGreaterThanOrEqual(2)
        expect(new Set(zeros.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
        const last = (await listAll(client, conversationId)).at(-1)
        const stateOf = async () =>
          (await client.call('GET', `/messages/${last?.id}/deliveries`)).json.deliveries[0].state
        await expect.poll(stateOf).toBe('delivered')
        await frozen.kill()
        await bot.close()
      }, 60_000)
    })
})

describe('servers with roles', () => {
  const env: Shared = {}
  beforeAll(() => Object.assign(env, newDatabase(inject('mongodbUrl') ?? '')))

  test('take in at one, and deliver at the other', async () => {
    const api = await startServer({ env: { ...env, ROLE: 'api' } })
    const bot = await startReceiver()
    const client = await createClient(api, { webhooks: [{ url: bot.url }] })
    const { conversationId } = await client.converse()
    await client.say(conversationId, 'hi')
    await sleep(500)
    expect(bot.requests).toEqual([])
    const worker = await startServer({ env: { ...env, ROLE: 'worker' } })
    await bot.until(() => textsOf(bot).includes('hi'))
    await client.say(conversationId, 'again')
    await bot.until(() => textsOf(bot).includes('again'))
    expect((await call(worker, 'POST', '/api/v1/sync', { body: {} })).status).toBe(404)
    for (const server of [api, worker]) expect((await call(server, 'GET', '/readyz')).status).toBe(200)
    await bot.close()
  })

  test('do not start with another key', async () => {
    const other = startServer({ env: { ...env, ENCRYPTION_KEY: randomBytes(32).toString('base64') } })
    await expect(other).rejects.toThrow(/another encryption key/)
  })
})

const textsOf = (bot: Receiver) => bot.ofType('message.new').map(textOf)
