import { randomUUID } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { asAdmin, call, createClient, type TestClient } from '../support/api.js'
import { readEvents } from '../support/event-reader.js'
import { newSession } from '../support/operators.js'
import { startReceiver } from '../support/receiver.js'
import { cleanUp, isOnMongodb, isSoak, startServer, type TestServer } from '../support/server.js'

/** For polls: what is wrong is stored every five seconds. */
const PATIENT = { timeout: 20_000, interval: 200 }

/** How long a busy tail is watched: longer than it takes until its caller is checked again. */
const SECONDS = isSoak ? 60 : 3

let server: TestServer

beforeAll(async () => {
  server = await startServer({ env: { WEBHOOK_RETRY_DELAYS: '500ms,500ms,1s,1s,1s,1s,1h' } })
})
afterAll(cleanUp)

const overview = async () => (await call(server, 'GET', '/admin/v1/overview', { headers: asAdmin })).json

const troublesOf = async ({ id }: Pick<TestClient, 'id'>) =>
  (await overview()).troubles.filter(({ clientId }: { clientId: string }) => clientId === id)

describe('the overview', () => {
  test('names the process, and counts what it does', async () => {
    const bot = await startReceiver()
    const client = await createClient(server, { webhooks: [{ url: bot.url }] })
    const { userId, conversationId } = await client.converse()
    await client.say(conversationId, 'hello', userId)
    await client.say(conversationId, 'hi')
    await expect
      .poll(async () => (await overview()).rates, PATIENT)
      .toMatchObject({ receivedPerMinute: 1, postedPerMinute: 1, history: [{ received: 1, posted: 1 }] })
    const { replicas, backlog, store, version } = await overview()
    expect(replicas).toMatchObject([
      { state: 'running', role: 'all', delivers: true, version, leases: expect.any(Number) },
    ])
    expect(backlog).toMatchObject({ streams: expect.any(Number), isMore: false })
    expect(store).toEqual(
      isOnMongodb ? { kind: 'mongodb' } : { kind: 'sqlite', sizeBytes: expect.any(Number) },
    )
    if (!isOnMongodb) expect(store.sizeBytes).toBeGreaterThan(0)
  })

  test('says within seconds whose bot does not answer, since when and why, and that it works again', async () => {
    const bot = await startReceiver(() => 503)
    const client = await createClient(server, { webhooks: [{ url: bot.url }] })
    const since = Date.now()
    await client.converse()
    await expect.poll(() => troublesOf(client), PATIENT).toHaveLength(1)
    const [trouble] = await troublesOf(client)
    expect(trouble).toMatchObject({
      ...{
        target: { kind: 'webhook', label: `${new URL(bot.url).origin}/…` },
        state: 'failing',
        reason: 'answered 503',
        fix: 'wait',
      },
      nextAttemptAt: expect.any(String),
    })
    expect(Date.parse(trouble.since)).toBeGreaterThanOrEqual(since)
    expect(Date.parse(trouble.since)).toBeLessThan(since + 5000)
    expect((await overview()).status).toBe('trouble')
    const ofClient = await call(server, 'GET', `/admin/v1/clients/${client.id}`, { headers: asAdmin })
    expect(ofClient.json.troubles).toMatchObject([{ state: 'failing', since: trouble.since }])
    bot.answer = () => 200
    await expect.poll(() => troublesOf(client), PATIENT).toEqual([])
  })
})

test('wrong signatures at a channel and a full client are troubles, until one is right and there is room', async () => {
  const client = await createClient(server)
  const { conversationId } = await client.converse()
  const of = `/admin/v1/clients/${client.id}`
  const change = (body: object) => call(server, 'PATCH', of, { body, headers: asAdmin })
  const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`
  const config = { url: 'http://127.0.0.1:9/people', secret }
  await call(server, 'POST', `${of}/integrations`, { body: { channel: 'webhook', config }, headers: asAdmin })
  const body = JSON.stringify({ sender: 'ada', payload: { type: 'text', text: 'hello' } })
  const send = async (key: string) => {
    const [id, at] = [randomUUID(), new Date()]
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': `${Math.floor(at.getTime() / 1000)}`,
      'webhook-signature': new Webhook(key).sign(id, at, body),
    }
    return (await call(server, 'POST', `/webhooks/v1/${client.id}/webhook`, { body, headers })).status
  }
  const old = `whsec_${Buffer.alloc(24, 8).toString('base64')}`
  for (let i = 0; i < 5; i += 1) expect(await send(old)).toBe(401)
  expect((await client.say(conversationId, 'room')).status).toBe(201)
  await change({ maxStoredBytes: 1 })
  expect((await client.say(conversationId, 'no room')).status).toBe(507)
  const states = async () => (await troublesOf(client)).map(({ state }: { state: string }) => state).sort()
  await expect.poll(states, PATIENT).toEqual(['full', 'unverified'])
  expect(await troublesOf(client)).toContainEqual(
    expect.objectContaining({
      ...{ state: 'unverified', failures: 5, fix: 'credentials' },
      target: expect.objectContaining({ kind: 'integration', channel: 'webhook' }),
    }),
  )
  await change({ maxStoredBytes: null })
  expect(await send(secret)).toBe(200)
  await expect.poll(states, PATIENT).toEqual([])
})

describe('the live tail', () => {
  const tail = (query = '', headers: Record<string, string> = asAdmin) =>
    readEvents(`${server.url}/admin/v1/events${query}`, headers)

  test('shows what happens at all clients, or at one, without the content', async () => {
    const [one, other] = [await createClient(server), await createClient(server)]
    const [all, ofOne] = [await tail(), await tail(`?client=${one.id}`)]
    const { userId, conversationId } = await one.converse()
    const said = await one.say(conversationId, `hello\n${'x'.repeat(1000)}`, userId)
    const there = await other.converse()
    await other.say(there.conversationId, 'elsewhere')
    const previews = (reader: typeof all) =>
      reader.events.flatMap(({ data }) => (data.type === 'message' ? [data.preview] : []))
    const hello = `hello ${'x'.repeat(250)}`
    await expect.poll(() => previews(all)).toEqual([hello, 'elsewhere'])
    expect(previews(ofOne)).toEqual([hello])
    expect(ofOne.events[0]).toMatchObject({ type: 'begin', data: { isWhole: true } })
    expect(ofOne.events.find(({ data }) => data.type === 'message')?.data).toMatchObject({
      ...{ clientId: one.id, conversationId, userId, id: said.json.id, seq: expect.any(Number) },
      ...{ author: { kind: 'user', id: userId }, channels: [] },
    })
    for (const reader of [all, ofOne]) reader.end()
  })

  test('follows a conversation, and an integration of a client', async () => {
    const client = await createClient(server)
    const [first, second] = [await client.converse(), await client.converse()]
    const reader = await tail(`?client=${client.id}&conversation=${second.conversationId}`)
    await client.say(first.conversationId, 'not here')
    await client.say(second.conversationId, 'here')
    await expect.poll(() => reader.events.map(({ data }) => data.preview)).toEqual([undefined, 'here'])
    reader.end()
    const missing = await call(server, 'GET', `/admin/v1/events?client=${client.id}&integration=slack`, {
      headers: asAdmin,
    })
    expect(missing.status).toBe(404)
    const alone = await call(server, 'GET', '/admin/v1/events?integration=slack', { headers: asAdmin })
    expect([alone.status, alone.json.error.path]).toEqual([400, ['client']])
  })

  test('writes nothing to the client that it shows', async () => {
    const client = await createClient(server)
    const reader = await tail(`?client=${client.id}`)
    const { conversationId } = await client.converse()
    await client.say(conversationId, 'hello')
    await expect.poll(() => reader.events.length).toBeGreaterThan(1)
    reader.end()
    const feed = await call(server, 'GET', `/admin/v1/clients/${client.id}`, { headers: asAdmin })
    expect(feed.json.webhooks).toBe(0)
  })

  test('shows 200 messages a second, each once and in order', async () => {
    const client = await createClient(server)
    const { conversationId } = await client.converse()
    const reader = await tail(`?client=${client.id}`)
    const texts = Array.from({ length: SECONDS * 200 }, (_, i) => `message ${i}`)
    const startedAt = performance.now()
    for (const [i, text] of texts.entries()) {
      const waitMs = startedAt + i * 5 - performance.now()
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
      await client.say(conversationId, text)
    }
    await expect.poll(() => reader.events.length, PATIENT).toBe(texts.length + 1)
    expect(reader.events.slice(1).map(({ data }) => data.preview)).toEqual(texts)
    reader.end()
  })

  test('ends when the caller signs out, and not before', async () => {
    const session = await newSession(server, 'viewer')
    const client = await createClient(server)
    const { conversationId } = await client.converse()
    const reader = await tail(`?client=${client.id}`, session.headers)
    await session.call('DELETE', '/session')
    await reader.over
    await client.say(conversationId, 'too late')
    expect(reader.events.map(({ type }) => type)).toEqual(['begin'])
  })

  test('one caller opens ten at most', async () => {
    const readers = await Promise.all(Array.from({ length: 10 }, () => tail()))
    const refused = await call(server, 'GET', '/admin/v1/events', { headers: asAdmin })
    expect([refused.status, refused.json.error.code]).toEqual([429, 'RATE_LIMITED'])
    for (const reader of readers) reader.end()
    await Promise.all(readers.map(({ over }) => over))
    await expect
      .poll(async () => {
        const again = await tail()
        again.end()
        return again.response.status
      })
      .toBe(200)
  })
})
