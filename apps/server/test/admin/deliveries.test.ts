import { randomUUID } from 'node:crypto'
import { newId, toUuid } from '@plugboard/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call, createClient, type TestClient } from '../support/api.js'
import { textOf, textsOf } from '../support/fault-load.js'
import { callWithKey, newSession, withKey } from '../support/operators.js'
import { type Receiver, startReceiver } from '../support/receiver.js'
import { cleanUp, startServer, type TestServer } from '../support/server.js'

/** What operators see of conversations and deliveries, and what they do about those that were given up. */

const PATIENT = { timeout: 20_000 }

let server: TestServer

beforeAll(async () => {
  server = await startServer({
    env: { WEBHOOK_RETRY_DELAYS: '10ms', GATE_PAUSE: '20ms', GATE_MAX_PAUSE: '20ms' },
  })
})
afterAll(cleanUp)

const admin = (method: string, path: string, body?: unknown) => callWithKey(server, method, path, body)

interface Item {
  entryId: string
  conversationId: string
  type: string
  target: { kind: string; id: string; label: string }
  state: string
  attempts: number
}

/** A client whose webhook refuses messages with a text that begins with "bad". */
async function aClient() {
  const bot = await startReceiver((request) => (textOf(request)?.startsWith('bad') ? 500 : 200))
  const client = await createClient(server, { webhooks: [{ url: bot.url }] })
  return { client, bot, of: `/clients/${client.id}` }
}

const list = async (
  of: string,
  query: Record<string, string> = {},
): Promise<{ items: Item[]; next?: string }> =>
  (await admin('GET', `${of}/deliveries?${new URLSearchParams(query)}`)).json

const messagesOf = async (of: string, query: Record<string, string> = {}) =>
  (await list(of, query)).items.filter(({ type }) => type === 'message.new')

/** Says them, and waits until those that are bad were given up. */
async function sayAll(client: TestClient, of: string, conversationId: string, texts: readonly string[]) {
  const before = (await messagesOf(of)).length
  for (const text of texts) await client.say(conversationId, text)
  const bad = texts.filter((text) => text.startsWith('bad')).length
  await expect.poll(async () => (await messagesOf(of)).length, PATIENT).toBe(before + bad)
}

/** The URL of a webhook as operators see it. */
const masked = (url: string) => `${new URL(url).origin}/…`

const textsSince = (bot: Receiver, start: number) => textsOf(bot).slice(start)

test('conversations are listed by newest activity, with what the newest message says and what failed', async () => {
  const { client, of } = await aClient()
  const [first, second] = [await client.converse(), await client.converse()]
  await sayAll(client, of, first.conversationId, ['bad 1', 'one'])
  await sayAll(client, of, second.conversationId, ['two', 'three'])
  const shown = async () => (await admin('GET', `${of}/conversations`)).json
  const delivered = { pending: 0 }
  await expect.poll(shown, PATIENT).toMatchObject({
    items: [
      {
        ...{ id: second.conversationId, userId: second.userId, preview: 'three' },
        state: { ...delivered, dead: 0 },
      },
      { id: first.conversationId, userId: first.userId, preview: 'one', state: { ...delivered, dead: 1 } },
    ],
  })
  const [newest] = (await shown()).items
  // What is under way may change between two requests.
  const state = { pending: expect.any(Number), dead: 0 }
  expect((await admin('GET', `${of}/conversations/${newest.id}`)).json).toEqual({ ...newest, state })
  const ids = async (query: Record<string, string>) => {
    const { json: page } = await admin('GET', `${of}/conversations?${new URLSearchParams(query)}`)
    return (page.items as { id: string }[]).map(({ id }) => id)
  }
  expect(await ids({ user: first.userId })).toEqual([first.conversationId])
  expect(await ids({ since: new Date(Date.now() + 60_000).toISOString() })).toEqual([])
  expect(await ids({ user: first.userId, until: new Date(0).toISOString() })).toEqual([])
  const pages: string[] = []
  for (let cursor: string | undefined; ; ) {
    const query = new URLSearchParams({ limit: '1', ...(cursor && { cursor }) })
    const { json: page } = await admin('GET', `${of}/conversations?${query}`)
    pages.push(...page.items.map(({ id }: { id: string }) => id))
    cursor = page.next
    if (!cursor) break
  }
  expect(pages.sort()).toEqual([first.conversationId, second.conversationId].sort())
})

test('conversations are found by the address of a person, by channel, and by an id of another system', async () => {
  const { client, of } = await aClient()
  const sender = `+1 555 ${randomUUID()}`
  const endpoint = { channel: 'shop-chat', identity: '*', sender, thread: 't' }
  const { conversationId } = (await client.call('POST', '/endpoints/map', endpoint)).json
  await client.converse()
  const found = async (query: Record<string, string>) => {
    const { json } = await admin('GET', `${of}/conversations?${new URLSearchParams(query)}`)
    return json.items
  }
  const channels = [{ channel: 'shop-chat', identity: '*', sender }]
  for (const query of [
    { identity: sender },
    { channel: 'shop-chat' },
    { identity: sender, channel: 'shop-chat' },
  ])
    expect(await found(query as Record<string, string>)).toMatchObject([{ id: conversationId, channels }])
  expect(await found({ identity: sender.slice(1) })).toEqual([])
  expect(await found({ identity: sender, channel: 'web' })).toEqual([])
  expect(await found({ externalId: randomUUID() })).toEqual([])
})

test('an operator sends a message as the business, and the log has who did, without the words', async () => {
  const { client, bot, of } = await aClient()
  const { conversationId } = await client.converse()
  const path = `${of}/conversations/${conversationId}/messages`
  const sent = await admin('POST', path, { text: 'hello from the team' })
  expect(sent).toMatchObject({ status: 201, json: { id: expect.any(String), at: expect.any(String) } })
  await bot.until(() => textsOf(bot).includes('hello from the team'))
  const { json } = await admin('GET', `/audit?action=message.send&clientId=${client.id}`)
  expect(json.items).toMatchObject([
    { outcome: 'done', details: { messageId: sent.json.id }, fields: ['text'] },
  ])
  expect(JSON.stringify(json)).not.toContain('hello from')
  const wrong = [
    {},
    { text: 'a', payload: { type: 'text', text: 'b' } },
    { payload: 'x' },
    { text: 'a', to: 'x' },
  ]
  for (const body of wrong) expect((await admin('POST', path, body)).status).toBe(400)
  const nowhere = `${of}/conversations/${toUuid(newId())}/messages`
  expect((await admin('POST', nowhere, { text: 'a' })).status).toBe(404)
})

test('a message that is sent again with its key is there once, and the key is good for one conversation', async () => {
  const { client, bot, of } = await aClient()
  const [one, other] = [await client.converse(), await client.converse()]
  const headers = { ...withKey, 'idempotency-key': randomUUID() }
  const send = ({ conversationId }: typeof one) =>
    call(server, 'POST', `/admin/v1${of}/conversations/${conversationId}/messages`, {
      ...{ body: { text: 'once' }, headers },
    })
  const sent = await send(one)
  expect(await send(one)).toMatchObject({ status: 201, json: sent.json })
  expect(await send(other)).toMatchObject({ status: 422, json: { error: { code: 'MISMATCH' } } })
  await client.say(one.conversationId, 'last')
  await bot.until(() => textsOf(bot).includes('last'))
  expect(textsOf(bot)).toEqual(['once', 'last'])
})

describe('deliveries', () => {
  test('that were given up are listed by filter, newest first, in pages', async () => {
    const { client, bot, of } = await aClient()
    const { conversationId } = await client.converse()
    await sayAll(client, of, conversationId, ['bad 1', 'bad 2', 'good', 'bad 3'])
    const target = (await messagesOf(of))[0]?.target.id ?? ''
    expect(await messagesOf(of)).toMatchObject(
      Array.from({ length: 3 }, () => ({
        ...{ conversationId, state: 'dead', reason: 'exhausted', attempts: expect.any(Number) },
        target: { kind: 'webhook', id: target, label: masked(bot.url) },
      })),
    )
    expect(await messagesOf(of, { target, reason: 'exhausted' })).toHaveLength(3)
    for (const none of [{ reason: 'gone' }, { target: toUuid(newId()) }, { channel: 'web' }])
      expect((await list(of, none as Record<string, string>)).items).toEqual([])
    const all: string[] = []
    for (let cursor: string | undefined; ; ) {
      const page = await list(of, { limit: '2', ...(cursor && { cursor }) })
      all.push(...page.items.map(({ entryId }) => entryId))
      cursor = page.next
      if (!cursor) break
    }
    expect(all).toEqual((await list(of)).items.map(({ entryId }) => entryId))
    expect((await admin('GET', `${of}/deliveries?cursor=nonsense`)).json.error.path).toEqual(['cursor'])
    const earlier = Buffer.from(JSON.stringify({ at: new Date(), count: 1 })).toString('base64url')
    const refused = await admin('GET', `${of}/deliveries?state=pending&cursor=${earlier}`)
    expect([refused.status, refused.json.error.path]).toEqual([400, ['cursor']])
    expect((await admin('GET', `${of}/deliveries?target=nonsense`)).json.error.path).toEqual(['target'])
  })

  test('that are retried are listed with their error, and those of a healthy client not at all', async () => {
    const slow = await startServer({ env: { WEBHOOK_RETRY_DELAYS: '1h', GATE_PAUSE: '20ms' } })
    const bot = await startReceiver((request) => (textOf(request) === 'bad' ? 500 : 200))
    const client = await createClient(slow, { webhooks: [{ url: bot.url }] })
    const { conversationId } = await client.converse()
    const ask = (state: string, query: Record<string, string> = {}) =>
      callWithKey(slow, 'GET', `/clients/${client.id}/deliveries?${new URLSearchParams({ state, ...query })}`)
    const read = async (state: string, query?: Record<string, string>) => (await ask(state, query)).json.items
    await expect.poll(() => read('pending'), PATIENT).toEqual([])
    await client.say(conversationId, 'bad')
    await client.say(conversationId, 'after it')
    await expect.poll(async () => (await read('retrying')).length, PATIENT).toBe(1)
    expect(await read('retrying')).toMatchObject([
      {
        ...{ conversationId, type: 'message.new', attempts: 1, error: expect.stringContaining('500') },
        ...{ target: { kind: 'webhook', label: masked(bot.url) }, nextAttemptAt: expect.any(String) },
      },
    ])
    expect(await read('dead')).toEqual([])
    const since = new Date(0).toISOString()
    const others = [
      { event: 'user.new' },
      { until: since },
      { since: new Date(Date.now() + 60_000).toISOString() },
    ]
    expect(await read('retrying', { event: 'message.new', since })).toHaveLength(1)
    for (const other of others) expect(await read('retrying', other as Record<string, string>)).toEqual([])
    const refused = await ask('retrying', { reason: 'exhausted' })
    expect([refused.status, refused.json.error.path]).toEqual([400, ['reason']])
    const second = await client.converse()
    await client.say(second.conversationId, 'bad')
    await expect.poll(async () => (await read('retrying')).length, PATIENT).toBe(2)
    const { items, next } = (await ask('retrying', { limit: '1' })).json
    const last = (await ask('retrying', { limit: '1', cursor: next })).json
    const walked: Item[] = [...items, ...last.items]
    expect(walked.map((item) => item.conversationId).sort()).toEqual(
      [conversationId, second.conversationId].sort(),
    )
    expect(await read('retrying', { limit: '1', cursor: last.next })).toEqual([])
  })

  test('are replayed or discarded one by one, and what is no dead letter is refused alone', async () => {
    const { client, bot, of } = await aClient()
    const { conversationId } = await client.converse()
    await sayAll(client, of, conversationId, ['bad 1', 'bad 2'])
    const [second, first] = await messagesOf(of)
    const idOf = (item: Item | undefined) => ({ entryId: item?.entryId, targetId: item?.target.id })
    const start = textsOf(bot).length
    bot.answer = () => 200
    const unknown = { entryId: toUuid(newId()), targetId: toUuid(newId()) }
    const replayed = await admin('POST', `${of}/deliveries/replay`, { items: [idOf(first), unknown] })
    expect(replayed.json).toMatchObject({ done: 1, refused: [{ ...unknown, code: 'NOT_FOUND' }] })
    await bot.until(() => textsSince(bot, start).includes('bad 1'))
    expect(await messagesOf(of)).toMatchObject([{ entryId: second?.entryId }])
    const discarded = await admin('POST', `${of}/deliveries/discard`, { items: [idOf(second)] })
    expect(discarded.json).toEqual({ done: 1, refused: [] })
    expect(await messagesOf(of)).toEqual([])
    const { deliveries } = (await client.call('GET', `/messages/${second?.entryId}/deliveries`)).json
    expect(deliveries).toMatchObject([{ state: 'dead' }])
    bot.answer = () => 500
    await sayAll(client, of, conversationId, ['bad 3'])
    const malformed = { items: [idOf((await messagesOf(of))[0]), { ...unknown, targetId: 'x' }] }
    expect((await admin('POST', `${of}/deliveries/discard`, malformed)).json.error.path).toEqual([
      ...['items', '1', 'targetId'],
    ])
    expect(await messagesOf(of)).toHaveLength(1)
    const tooMany = Array.from({ length: 101 }, () => unknown)
    expect((await admin('POST', `${of}/deliveries/replay`, { items: tooMany })).status).toBe(400)
  })
})

describe('a job', () => {
  test('counts, then replays all that match in the order of each conversation, and says who started it', async () => {
    const { client, bot, of } = await aClient()
    const talks = [await client.converse(), await client.converse()]
    const texts = ['bad 1', 'bad 2', 'bad 3', 'bad 4']
    for (const { conversationId } of talks) await sayAll(client, of, conversationId, texts)
    const ada = await newSession(server, 'operator')
    const filter = { reason: 'exhausted' }
    const dry = await ada.call('POST', `${of}/jobs`, { action: 'replay', filter, dryRun: true })
    expect([dry.status, dry.json]).toEqual([200, { count: 8, isMore: false }])
    expect(await messagesOf(of)).toHaveLength(8)
    const start = bot.requests.length
    bot.answer = () => 200
    const made = await ada.call('POST', `${of}/jobs`, { action: 'replay', filter, perSecond: 1000 })
    expect(made.status).toBe(202)
    const by = { kind: 'operator', id: ada.answer.json.actor.id, name: ada.answer.json.actor.name }
    expect(made.json).toMatchObject({ state: 'running', total: 8, by, action: 'replay' })
    const read = async () => (await admin('GET', `${of}/jobs/${made.json.id}`)).json
    await expect.poll(async () => (await read()).state, PATIENT).toBe('done')
    expect(await read()).toMatchObject({ done: 8, failed: 0, waiting: 0, endedAt: expect.any(String) })
    await bot.until(() => bot.requests.length >= start + 8)
    for (const { conversationId } of talks) {
      const received = bot.requests
        .slice(start)
        .filter((request) => JSON.stringify(request.json).includes(conversationId))
      expect(received.map((request) => textOf(request))).toEqual(texts)
    }
    expect((await admin('GET', `${of}/jobs`)).json.items).toMatchObject([{ id: made.json.id }])
    const { json } = await admin('GET', `/audit?action=job.start&clientId=${client.id}`)
    expect(json.items).toMatchObject([
      { actor: { id: by.id }, details: { action: 'replay', dryRun: false, total: 8 } },
      { actor: { id: by.id }, details: { dryRun: true } },
    ])
    const nothing = await ada.call('POST', `${of}/jobs`, { action: 'discard' })
    await expect
      .poll(async () => (await admin('GET', `${of}/jobs/${nothing.json.id}`)).json.state, PATIENT)
      .toBe('done')
    expect((await admin('POST', `${of}/jobs/${nothing.json.id}/resume`)).status).toBe(409)
  })

  test('is stopped, and goes on when it is resumed', async () => {
    const { client, of } = await aClient()
    const { conversationId } = await client.converse()
    const texts = Array.from({ length: 12 }, (_, i) => `bad ${i}`)
    await sayAll(client, of, conversationId, texts)
    const { json: job } = await admin('POST', `${of}/jobs`, { action: 'discard', perSecond: 20 })
    const path = `${of}/jobs/${job.id}`
    await expect.poll(async () => (await admin('GET', path)).json.done, PATIENT).toBeGreaterThan(0)
    const stopped = await admin('POST', `${path}/stop`)
    expect(stopped.json).toMatchObject({ state: 'stopped' })
    const left = (await messagesOf(of)).length
    expect(left).toBeGreaterThan(0)
    expect((await admin('POST', `${path}/resume`)).json.state).toBe('running')
    await expect.poll(async () => (await admin('GET', path)).json.state, PATIENT).toBe('done')
    expect((await list(of)).items).toEqual([])
    expect((await admin('GET', path)).json).toMatchObject({ done: job.total, failed: 0 })
  })

  test('with a filter or a target that makes no sense is refused, and so is one of another client', async () => {
    const { of } = await aClient()
    const { of: others } = await aClient()
    const wrong = [
      { action: 'burn' },
      { action: 'replay', perSecond: 0 },
      { action: 'replay', filter: { reason: 'boredom' } },
      { action: 'replay', filter: { since: 'yesterday' } },
      { action: 'replay', to: toUuid(newId()) },
      { action: 'discard', to: toUuid(newId()) },
      { action: 'replay', more: 1 },
    ]
    for (const body of wrong) expect((await admin('POST', `${of}/jobs`, body)).status).toBe(400)
    const { json: job } = await admin('POST', `${of}/jobs`, { action: 'discard' })
    for (const path of ['', '/stop', '/resume']) {
      const method = path === '' ? 'GET' : 'POST'
      expect((await admin(method, `${others}/jobs/${job.id}${path}`)).status).toBe(404)
    }
  })
})
