import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { webhookState } from '../test/fake-routes.js'
import { setUp, setUpConversation } from '../test/setup.js'
import { createClient } from './client.js'

const valid = { url: 'http://localhost:3100', clientId: 'c1', clientToken: 'secret-token' }

describe('createClient', () => {
  test.each([
    ['a relative url', { url: '/api' }, 'url'],
    ['another protocol', { url: 'ftp://secret-host' }, 'url'],
    ['a password in the url', { url: 'http://bob:secret-pass@host' }, 'url'],
    ['a query in the url', { url: 'http://host/?secret=1' }, 'url'],
    ['an empty id', { clientId: '' }, 'x-bp-messaging-client-id'],
    ['a token with a line break', { clientToken: 'secret\nline' }, 'x-bp-messaging-client-token'],
    [
      'a token that is missing',
      { clientToken: undefined as unknown as string },
      'x-bp-messaging-client-token',
    ],
    ['a header that no request can have', { headers: { password: 'secret \u2713' } }, 'password'],
    ['no time', { timeoutMs: 0 }, 'timeoutMs'],
    ['more time than a timer knows', { timeoutMs: Number.POSITIVE_INFINITY }, 'timeoutMs'],
    ['half a retry', { retries: 0.5 }, 'retries'],
  ])('refuses %s, and names the option without its value', (_, options, name) => {
    const create = () => createClient({ ...valid, ...options })
    expect(create).toThrow(name)
    expect(create).not.toThrow('secret')
  })

  test.each([undefined, null, 'http://127.0.0.1:3100'])('names what it needs when it gets %j', (options) => {
    expect(() => createClient(options as never)).toThrow('createClient needs { url, clientId, clientToken }')
  })

  test('sends the credentials and the further headers with each request', async () => {
    const { server, client } = await setUp({ headers: { password: 'internal words' } })
    await client.health()
    expect(server.requests[0]?.headers).toMatchObject({
      'x-bp-messaging-client-id': server.world.clientId,
      'x-bp-messaging-client-token': server.world.clientToken,
      password: 'internal words',
    })
  })

  test('keeps the path in front of the API, with or without a slash or the path of the API at its end', async () => {
    const urls: string[] = []
    const fetch = async (url: string) => {
      urls.push(url)
      return Response.json({ channels: {} })
    }
    await createClient({ ...valid, url: 'https://host/plugboard', fetch }).health()
    await createClient({ ...valid, url: 'https://host/plugboard/', fetch }).health()
    await createClient({ ...valid, url: 'https://host/plugboard/api/v1', fetch }).health()
    await createClient({ ...valid, url: 'https://host/plugboard/api/v1/', fetch }).health()
    expect(new Set(urls)).toEqual(new Set(['https://host/plugboard/api/v1/health']))
  })

  test('reads the state of the webhooks, alone and with the channels', async () => {
    const { client } = await setUp()
    const webhooks = [webhookState]
    expect(await client.webhooks.list()).toEqual(webhooks)
    expect(await client.health()).toEqual({ webhooks, channels: { telegram: { events: [] } } })
  })
})

describe('users', () => {
  test('are created and read', async () => {
    const { client } = await setUp()
    const user = await client.users.create()
    expect(await client.users.get(user.id)).toEqual(user)
  })

  test('that are unknown are a 404', async () => {
    const { client } = await setUp()
    await expect(client.users.get(randomUUID())).rejects.toMatchObject({ status: 404, message: 'Not Found' })
  })

  test.each(['', '.', '..'])('are not asked for by the id "%s", which names another route', async (id) => {
    const { server, client } = await setUp()
    await expect(client.users.get(id)).rejects.toThrow(TypeError)
    expect(server.requests).toEqual([])
  })

  test('cannot be named by an id that leaves the path', async () => {
    const { server, client } = await setUp()
    await expect(client.users.get('../messages/1?x=#')).rejects.toMatchObject({ status: 400 })
    expect(server.requests[0]?.path).toBe('/api/v1/users/..%2Fmessages%2F1%3Fx%3D%23')
  })
})

describe('conversations', () => {
  test('are created, read and deleted', async () => {
    const { client, user, conversation } = await setUpConversation()
    expect(conversation).toMatchObject({ userId: user.id, createdOn: expect.any(String) })
    expect(await client.conversations.get(conversation.id)).toEqual(conversation)
    expect(await client.conversations.delete(conversation.id)).toBeUndefined()
    await expect(client.conversations.get(conversation.id)).rejects.toMatchObject({ status: 404 })
    await expect(client.conversations.delete(conversation.id)).rejects.toMatchObject({ status: 404 })
  })

  test('are shown that the bot writes, and that it has read', async () => {
    const { client, conversation } = await setUpConversation()
    expect(await client.conversations.typing(conversation.id)).toBeUndefined()
    expect(await client.conversations.typing(conversation.id, false)).toBeUndefined()
    expect(await client.conversations.read(conversation.id)).toBeUndefined()
    await client.conversations.delete(conversation.id)
    await expect(client.conversations.typing(conversation.id)).rejects.toMatchObject({ status: 404 })
    await expect(client.conversations.read(conversation.id)).rejects.toMatchObject({ status: 404 })
  })

  test('of a user are listed page by page', async () => {
    const { client, user, conversation } = await setUpConversation()
    const second = await client.conversations.create({ userId: user.id })
    expect(await client.conversations.listByUser(user.id)).toEqual([second, conversation])
    expect(await client.conversations.listByUser(user.id, { limit: 1 })).toEqual([second])
    expect(await client.conversations.listByUser(user.id, { limit: 1, before: second.id })).toEqual([
      conversation,
    ])
  })
})

describe('endpoints', () => {
  test('give the same conversation each time, and are listed with it', async () => {
    const { client } = await setUp()
    const endpoint = { channel: 'fax', identity: '*', sender: '7', thread: '9' }
    const { conversationId } = await client.endpoints.map(endpoint)
    expect(await client.endpoints.map(endpoint)).toEqual({ conversationId })
    expect(await client.endpoints.listByConversation(conversationId)).toEqual([endpoint])
  })
})

describe('dead letters', () => {
  test('are listed page by page', async () => {
    const { client } = await setUp()
    const letters = await client.deadLetters.list()
    expect(letters).toMatchObject([{ id: 'x2' }, { id: 'x1', reason: 'target-removed', attempts: 3 }])
    expect(await client.deadLetters.list({ limit: 1, before: 'x2' })).toMatchObject([{ id: 'x1' }])
  })

  test('are replayed, to another target when one is named', async () => {
    const { server, client } = await setUp()
    expect(await client.deadLetters.replay('x1')).toEqual({ id: 'x1' })
    expect(await client.deadLetters.replay('x1', { target: 'w2' })).toEqual({ id: 'x1' })
    expect(server.requests.map((request) => request.body)).toEqual([{}, { target: 'w2' }])
  })
})

describe('tokens', () => {
  test('are created, listed without their secret, and revoked', async () => {
    const { client } = await setUp()
    const { id, token } = await client.tokens.create()
    expect(token).toContain(`${id}.`)
    expect(await client.tokens.list()).toEqual([{ id, createdAt: expect.any(String) }])
    await client.tokens.revoke(id)
    expect(await client.tokens.list()).toEqual([])
  })
})
