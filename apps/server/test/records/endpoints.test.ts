import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClient, type TestClient } from '../support/api.js'
import { startReceiver } from '../support/receiver.js'
import { cleanUp, sharedServer } from '../support/server.js'

const server = sharedServer()
let client: TestClient
beforeAll(async () => {
  client = await createClient(server)
})
afterAll(cleanUp)

/** An endpoint that no other test has. */
const newEndpoint = (more: object = {}) => ({
  channel: 'custom',
  identity: '*',
  sender: randomUUID(),
  thread: 't',
  ...more,
})
const map = async (endpoint: object, owner = client): Promise<string> => {
  const { status, json } = await owner.call('POST', '/endpoints/map', endpoint)
  expect(status).toBe(200)
  expect(Object.keys(json)).toEqual(['conversationId'])
  return json.conversationId
}
const userOf = async (conversationId: string): Promise<string> =>
  (await client.call('GET', `/conversations/${conversationId}`)).json.userId

describe('mapping an endpoint', () => {
  test('makes a user and a conversation, once', async () => {
    const endpoint = newEndpoint()
    const conversationId = await map(endpoint)
    const userId = await userOf(conversationId)
    expect((await client.call('GET', `/users/${userId}`)).status).toBe(200)
    expect(await map(endpoint)).toBe(conversationId)
    expect((await client.call('GET', `/conversations/user/${userId}`)).json).toHaveLength(1)
  })

  test('gives one conversation and one user to 100 concurrent requests', async () => {
    const { url, ofType, until, close } = await startReceiver()
    const owner = await createClient(server, { webhooks: [{ url }] })
    const endpoint = newEndpoint()
    const ids = await Promise.all(Array.from({ length: 100 }, () => map(endpoint, owner)))
    expect(new Set(ids).size).toBe(1)
    const last = await map(newEndpoint(), owner)
    await until(() => ofType('conversation.new').some(({ json }) => json.data.conversationId === last))
    await until(() => ofType('user.new').length === 2)
    expect(ofType('conversation.new')).toHaveLength(2)
    await close()
  })

  test('gives the same user another conversation in another thread', async () => {
    const endpoint = newEndpoint()
    const [one, other] = [await map(endpoint), await map({ ...endpoint, thread: 'other' })]
    expect(one).not.toBe(other)
    expect(await userOf(one)).toBe(await userOf(other))
  })

  test('gives one user to threads that are mapped concurrently', async () => {
    const endpoint = newEndpoint()
    const threads = Array.from({ length: 20 }, (_, i) => map({ ...endpoint, thread: `t${i}` }))
    const users = await Promise.all((await Promise.all(threads)).map(userOf))
    expect(new Set(users).size).toBe(1)
  })

  test.each([
    ['sender', { sender: 'another' }],
    ['identity', { identity: 'another' }],
    ['channel', { channel: 'another' }],
  ])('distinguishes users by their %s', async (_, more) => {
    const endpoint = newEndpoint()
    const [one, other] = [await map(endpoint), await map({ ...endpoint, ...more })]
    expect(one).not.toBe(other)
    expect(await userOf(one)).not.toBe(await userOf(other))
  })

  test('distinguishes a custom channel from an installed one of the same name', async () => {
    const custom = newEndpoint({ channel: 'webhook' })
    const installed = { ...custom, channel: { name: 'webhook', version: '1.0.0' } }
    const [one, other] = [await map(custom), await map(installed)]
    expect(one).not.toBe(other)
    expect((await client.call('GET', `/endpoints/conversation/${one}`)).json).toEqual([custom])
    expect((await client.call('GET', `/endpoints/conversation/${other}`)).json).toEqual([installed])
  })

  test('distinguishes clients', async () => {
    const [endpoint, other] = [newEndpoint(), await createClient(server)]
    expect(await map(endpoint)).not.toBe(await map(endpoint, other))
  })

  test('does not mix up values that read the same when put together', async () => {
    const sender = randomUUID()
    const values = [
      { identity: 'a', sender: `b${sender}` },
      { identity: 'ab', sender },
      { identity: `a:b${sender}`, sender: ':' },
      { identity: 'a', sender: `:b${sender}:` },
    ]
    const ids = await Promise.all(values.map((more) => map(newEndpoint(more))))
    expect(new Set(ids).size).toBe(values.length)
  })

  test('takes text in any script and of 1000 characters', async () => {
    const endpoint = newEndpoint({
      channel: 'пряма ☎',
      sender: `👩‍🚀 ${randomUUID()}`,
      thread: 'x'.repeat(1000),
    })
    const conversationId = await map(endpoint)
    expect((await client.call('GET', `/endpoints/conversation/${conversationId}`)).json).toEqual([endpoint])
  })

  test.each([
    ['no channel', { channel: undefined }, '"body.channel" is required'],
    ['an empty channel', { channel: '' }, '"body.channel" is not allowed to be empty'],
    ['no identity', { identity: undefined }, '"body.identity" is required'],
    ['an empty sender', { sender: '' }, '"body.sender" is not allowed to be empty'],
    ['a number for its thread', { thread: 7 }, '"body.thread" must be a string'],
    [
      'a thread that is too long',
      { thread: 'x'.repeat(1001) },
      '"body.thread" length must be less than or equal to 1000 characters long',
    ],
    ['NUL in its sender', { sender: 'a\0b' }, '"body.sender" must not hold NUL or half a surrogate pair'],
    [
      'half a surrogate pair in its identity',
      { identity: '\udc00' },
      '"body.identity" must not hold NUL or half a surrogate pair',
    ],
    ['a key too many', { name: 'x' }, '"body.name" is not allowed'],
  ])('refuses %s', async (_, more, text) => {
    expect(await client.call('POST', '/endpoints/map', newEndpoint(more))).toMatchObject({
      status: 400,
      text,
    })
  })

  test.each([
    ['a number', 5],
    ['null', null],
    ['NUL', 'a\0'],
    ['too long', 'x'.repeat(1001)],
    ['an unknown name', { name: 'pigeon', version: '1.0.0' }],
    ['an unknown version', { name: 'webhook', version: '9.0.0' }],
    ['no version', { name: 'webhook' }],
    ['a key too many', { name: 'webhook', version: '1.0.0', colour: 'red' }],
  ])('refuses a channel that is or has %s', async (_, channel) => {
    const { status, text } = await client.call('POST', '/endpoints/map', newEndpoint({ channel }))
    expect(status).toBe(400)
    expect(text).toMatch(/^"body\.channel(\.\w+)?" (\w+ )?(must|is) /)
  })
})

describe('the endpoints of a conversation', () => {
  test('are none when it was made without', async () => {
    const { conversationId } = await client.converse()
    expect(await client.call('GET', `/endpoints/conversation/${conversationId}`)).toMatchObject({
      status: 200,
      json: [],
    })
  })

  test('are not found for what is no conversation', async () => {
    expect(await client.call('GET', `/endpoints/conversation/${randomUUID()}`)).toMatchObject({
      status: 404,
      text: 'Not Found',
    })
  })
})
