import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { asAdmin, call, createClient, type TestClient } from '../support/api.js'
import { type Receiver, startReceiver } from '../support/receiver.js'
import { cleanUp, sharedServer } from '../support/server.js'

const server = sharedServer()
let bot: Receiver
let client: TestClient
let ids: { userId: string; conversationId: string }

beforeAll(async () => {
  bot = await startReceiver()
  client = await createClient(server, { webhooks: [{ url: bot.url }] })
  ids = await client.converse()
})
afterAll(async () => {
  await bot.close()
  await cleanUp()
})

/** Much longer than any answer takes on a slow machine: one that waits again would take as long. */
const COLLECT_MS = 6_000

const withKey = (key: string = randomUUID()) => ({ 'idempotency-key': key })
const message = (text: string = randomUUID()) => ({
  conversationId: ids.conversationId,
  payload: { text },
})
const texts = async (conversationId = ids.conversationId): Promise<string[]> => {
  const { json } = await client.call('GET', `/messages/conversation/${conversationId}?limit=0`)
  return json.map(({ payload }: { payload: { text: string } }) => payload.text)
}

describe('a request that is sent again with its key', () => {
  test.each([
    ['/users', () => ({})],
    ['/conversations', () => ({ userId: ids.userId })],
    ['/messages', () => message()],
    ['/messages/collect', () => ({ ...message(), authorId: ids.userId, timeout: 50 })],
  ])('has the same answer: POST %s', async (path, bodyOf) => {
    const [headers, body] = [withKey(), bodyOf()]
    const answers = [
      await client.call('POST', path, body, headers),
      await client.call('POST', path, body, headers),
    ]
    expect(answers.map(({ status }) => status)).toEqual([201, 201])
    expect(answers[0]?.json.id ?? answers[0]?.json.message.id).toBeDefined()
    expect(answers[1]?.json).toEqual(answers[0]?.json)
  })

  test('makes one message, and is delivered once', async () => {
    const [headers, body] = [withKey(), message()]
    for (let i = 0; i < 3; i += 1) await client.call('POST', '/messages', body, headers)
    expect((await texts()).filter((text) => text === body.payload.text)).toHaveLength(1)
    const last = message()
    await client.call('POST', '/messages', last)
    const heard = (text: string) => bot.requests.filter((request) => request.text.includes(text))
    await bot.until(() => heard(last.payload.text).length === 1)
    expect(heard(body.payload.text)).toHaveLength(1)
  })

  test('creates one object for many concurrent requests; early repetitions get a conflict', async () => {
    const [headers, body] = [withKey(), message()]
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => client.call('POST', '/messages', body, headers)),
    )
    const statuses = new Set(answers.map(({ status }) => status))
    expect([...statuses].filter((status) => status !== 201 && status !== 409)).toEqual([])
    const made = answers.filter(({ status }) => status === 201).map(({ json }) => json.id)
    expect(new Set(made).size).toBe(1)
    expect((await texts()).filter((text) => text === body.payload.text)).toHaveLength(1)
  })

  test('is a conflict while the first one is under way', async () => {
    const [headers, body] = [withKey(), { ...message(), authorId: ids.userId, timeout: 0 }]
    const collecting = client.call('POST', '/messages/collect', body, headers)
    const heard = () => bot.requests.find((request) => request.text.includes(body.payload.text))
    await bot.until(() => heard() !== undefined)
    expect((await client.call('POST', '/messages/collect', body, headers)).status).toBe(409)
    await client.call('POST', `/messages/turn/${heard()?.json.data.message?.id}`)
    const { status, json } = await collecting
    expect(status).toBe(201)
    expect((await client.call('POST', '/messages/collect', body, headers)).json).toEqual(json)
  })

  test('is answered immediately after the time of its collect', async () => {
    const [headers, body] = [withKey(), { ...message(), authorId: ids.userId, timeout: COLLECT_MS }]
    const first = await client.call('POST', '/messages/collect', body, headers)
    const since = Date.now()
    const second = await client.call('POST', '/messages/collect', body, headers)
    expect(second.json).toEqual(first.json)
    expect(Date.now() - since).toBeLessThan(COLLECT_MS - 100)
  })

  test('with another body is refused', async () => {
    const headers = withKey()
    expect((await client.call('POST', '/messages', message('one'), headers)).status).toBe(201)
    const { status, text } = await client.call('POST', '/messages', message('other'), headers)
    expect(status).toBe(422)
    expect(text).toContain('idempotency key')
    expect(await texts()).not.toContain('other')
  })

  test('may be written in another way', async () => {
    const [headers, body] = [withKey(), message()]
    const first = await client.call('POST', '/messages', body, headers)
    const spaced = await client.call('POST', '/messages', JSON.stringify(body, null, 2), headers)
    expect(spaced.json).toEqual(first.json)
  })

  test('that failed is tried again', async () => {
    const [headers, body] = [withKey(), { ...message(), authorId: randomUUID() }]
    for (let i = 0; i < 2; i += 1)
      expect((await client.call('POST', '/messages', body, headers)).status).toBe(404)
  })

  test('is not found when what it made was deleted', async () => {
    const [headers, body] = [withKey(), message()]
    const { id } = (await client.call('POST', '/messages', body, headers)).json
    await client.call('DELETE', `/messages/${id}`)
    expect(await client.call('POST', '/messages', body, headers)).toMatchObject({
      status: 404,
      text: 'Not Found',
    })
    expect(await texts()).not.toContain(body.payload.text)
  })

  test('is not found when the conversation that it made was deleted', async () => {
    const [headers, body] = [withKey(), { userId: ids.userId }]
    const { id } = (await client.call('POST', '/conversations', body, headers)).json
    await client.call('DELETE', `/conversations/${id}`)
    expect((await client.call('POST', '/conversations', body, headers)).status).toBe(404)
  })
})

describe('a key', () => {
  test('is another one on another route', async () => {
    const headers = withKey()
    const user = await client.call('POST', '/users', {}, headers)
    const said = await client.call('POST', '/messages', message(), headers)
    expect([user.status, said.status]).toEqual([201, 201])
  })

  test('is another one of another client', async () => {
    const headers = withKey()
    const other = await createClient(server)
    const made = [client, other].map(async (each) => (await each.call('POST', '/users', {}, headers)).json)
    const [one, two] = await Promise.all(made)
    expect([one.clientId, two.clientId]).toEqual([client.id, other.id])
    expect(one.id).not.toBe(two.id)
  })

  test('may have 255 characters, and not be empty or longer', async () => {
    const statusOf = async (key: string) => (await client.call('POST', '/users', {}, withKey(key))).status
    expect(await statusOf('x'.repeat(255))).toBe(201)
    expect(await statusOf('x'.repeat(256))).toBe(400)
    expect(await statusOf('')).toBe(400)
  })

  test('without which everything is made anew', async () => {
    const body = message()
    const answers = [
      await client.call('POST', '/messages', body),
      await client.call('POST', '/messages', body),
    ]
    expect(answers[0]?.json.id).not.toBe(answers[1]?.json.id)
  })

  test.each([
    ['/sync', () => ({})],
    ['/clients/tokens', () => ({})],
    ['/users/tokens', () => ({ userId: ids.userId })],
    ['/admin/clients', () => ({})],
    [`/admin/clients/${randomUUID()}/tokens`, () => ({})],
  ])('is refused where a secret is answered: POST %s', async (path, bodyOf) => {
    const headers = path.startsWith('/admin')
      ? { ...asAdmin, ...withKey() }
      : { ...client.headers, ...withKey() }
    const { status, text } = await call(server, 'POST', `/api/v1${path}`, { body: bodyOf(), headers })
    expect(status).toBe(400)
    expect(text).toMatch(/^"headers\.idempotency-key" is not allowed/)
  })

  test('is refused by a sync that makes a client', async () => {
    const answer = await call(server, 'POST', '/api/v1/sync', { body: {}, headers: withKey() })
    expect(answer.status).toBe(400)
  })
})
