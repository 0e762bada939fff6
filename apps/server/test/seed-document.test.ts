import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newSecret, tell } from './support/person.js'
import { type Receiver, startReceiver } from './support/receiver.js'
import { cleanUp, startServer, type TestServer } from './support/server.js'

/**
 * The calls of the document that the Messaging API began with, as they are written there. The channels that it names
 * are not installed here; the webhook channel stands in for them.
 */
let server: TestServer
let mycallback: Receiver
beforeAll(async () => {
  server = await startServer({ env: { PLUGBOARD_CHANNELS: '@plugboard/channel-webhook' } })
  mycallback = await startReceiver()
})
afterAll(async () => {
  await mycallback.close()
  await cleanUp()
})

/** As `axios.post(url, data)`, and `axios.get(url)` without data. */
async function request(method: string, path: string, headers: Record<string, string>, data?: unknown) {
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: { ...headers, ...(data !== undefined && { 'content-type': 'application/json' }) },
    ...(data !== undefined && { body: JSON.stringify(data) }),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json')
  return { status: response.status, text, data: isJson ? JSON.parse(text) : undefined }
}
const sync = (config: object) => request('POST', '/api/v1/sync', {}, config)

const url = () => mycallback.url
const secret = newSecret()
const webhookChannel = (path: string) => ({
  enabled: true,
  url: `${mycallback.url}/${path}`,
  secret,
})

/** The client of the document's first request. */
async function newClient() {
  const { id, token, webhooks } = (
    await sync({ channels: { webhook: webhookChannel('out') }, webhooks: [{ url: url() }] })
  ).data
  const headers = { 'x-bp-messaging-client-id': id, 'x-bp-messaging-client-token': token }
  const get = (path: string) => request('GET', path, headers)
  const post = (path: string, data?: object) => request('POST', path, headers, data)
  const remove = (path: string) => request('DELETE', path, headers)
  return { id, token, webhooks, get, post, remove }
}

async function newConversation() {
  const client = await newClient()
  const userId = (await client.post('/api/v1/users')).data.id as string
  const conversationId = (await client.post('/api/v1/conversations', { userId })).data.id as string
  return { ...client, userId, conversationId }
}

describe('POST /api/v1/sync', () => {
  test('creates a new client and token because a client id was not supplied', async () => {
    const { id, token, webhooks } = await newClient()
    expect([typeof id, typeof token]).toEqual(['string', 'string'])
    expect(webhooks).toEqual([{ url: url(), token: expect.any(String) }])
  })

  test('updates the existing client when its id and token are given, and diffs the configuration', async () => {
    const { id, token, webhooks, get } = await newClient()
    const again = await sync({ id, token, channels: {}, webhooks: [{ url: url() }] })
    expect(again.data).toEqual({ id, token, webhooks })
    expect((await get('/api/v1/health')).data.channels).toEqual({})
  })

  test('takes null for the id and the token', async () => {
    expect((await sync({ id: null, token: null, channels: {}, webhooks: [] })).status).toBe(200)
  })

  test('answers 403 if a valid client id with an invalid token was provided', async () => {
    const { id } = await newClient()
    expect(await sync({ id, token: 'invalid' })).toMatchObject({ status: 403, text: 'Forbidden' })
  })

  test.each([
    ['telegram', { enabled: true, botToken: 'my-telegram-bot-toke' }],
    ['slack', { enabled: true, signingSecret: 'my-slack-signing-secret', botToken: 'my-slack-bot-token' }],
    ['twilio', { enabled: true, accountSID: 'my-twilio-account-sid', authToken: 'my-twilio-auth-token' }],
  ])('says that %s is not there where it is not installed', async (name, config) => {
    const { status, text } = await sync({ channels: { [name]: config }, webhooks: [{ url: url() }] })
    expect(status).toBe(400)
    expect(text).toMatch(`"body.channels.${name}" is not allowed`)
    expect(text).toContain('(loaded: webhook)')
  })

  test('connects channels to receive messages, and webhooks to send these messages back', async () => {
    const { id, webhooks, post } = await newClient()
    const told = { sender: 'sam', payload: { type: 'text', text: `hello ${id}` } }
    expect((await tell(server, { client: id, secret }, told)).status).toBe(200)
    await mycallback.until((requests) => requests.some(({ text }) => text.includes(`hello ${id}`)))
    const heard = mycallback.requests.find(({ text }) => text.includes(`hello ${id}`))
    expect(heard?.headers['x-bp-messaging-webhook-token']).toBe(webhooks[0].token)
    const conversationId = heard?.json.data.conversationId
    await post('/api/v1/messages', {
      conversationId,
      authorId: null,
      payload: { type: 'text', text: `bye ${id}` },
    })
    await mycallback.until((requests) =>
      requests.some(({ path, text }) => path.endsWith('/out') && text.includes(`bye ${id}`)),
    )
  })
})

describe('the other calls of the document', () => {
  test('GET /api/v1/clients checks if the client exists', async () => {
    const { get } = await newClient()
    expect(await get('/api/v1/clients')).toMatchObject({ status: 200, text: 'OK' })
  })

  test('GET /api/v1/health provides information on configured channels', async () => {
    const { get } = await newClient()
    const { data } = await get('/api/v1/health')
    expect(Object.keys(data.channels)).toEqual(['webhook'])
    expect(data.channels.webhook.events.length).toBeGreaterThan(0)
  })

  test('POST /api/v1/users and GET /api/v1/users/:id', async () => {
    const { id: clientId, get, post } = await newClient()
    const user = await post('/api/v1/users')
    expect(user).toMatchObject({ status: 201, data: { clientId } })
    expect(await get(`/api/v1/users/${user.data.id}`)).toMatchObject({ status: 200, data: user.data })
  })

  test('POST and GET /api/v1/conversations, and the list of a user', async () => {
    const { userId, conversationId, get } = await newConversation()
    const { data } = await get(`/api/v1/conversations/${conversationId}`)
    expect(data).toMatchObject({ id: conversationId, userId })
    expect((await get(`/api/v1/conversations/user/${userId}?limit=1`)).data).toEqual([data])
  })

  test('POST, GET, list and DELETE /api/v1/messages, the author null for the bot', async () => {
    const { userId, conversationId, get, post, remove } = await newConversation()
    for (const authorId of [userId, null]) {
      const payload = { type: 'text', text: 'hello' }
      const { status, data } = await post('/api/v1/messages', { conversationId, authorId, payload })
      expect(status).toBe(201)
      expect((await get(`/api/v1/messages/${data.id}`)).data).toMatchObject({ authorId, payload })
    }
    const list = `/api/v1/messages/conversation/${conversationId}`
    const messages = (await get(`${list}?limit=10`)).data
    expect(messages).toHaveLength(2)
    expect((await remove(`/api/v1/messages/${messages[0].id}`)).status).toBe(204)
    expect((await remove(list)).data).toEqual({ count: 1 })
    expect((await get(list)).data).toEqual([])
  })

  test('POST /api/v1/messages/collect creates a message and collects responses', async () => {
    const { userId: authorId, conversationId, post } = await newConversation()
    const payload = { type: 'text', text: 'hello' }
    const { status, data } = await post('/api/v1/messages/collect', {
      conversationId,
      authorId,
      payload,
      timeout: 50,
    })
    expect(status).toBe(201)
    expect(data).toEqual({ message: expect.objectContaining({ authorId, payload }), responses: [] })
  })

  test('POST /api/v1/endpoints/map maps an endpoint, and the conversation lists it', async () => {
    const { get, post } = await newClient()
    const endpoint = { channel: 'telegram', identity: '*', sender: '7', thread: '9' }
    const { status, data } = await post('/api/v1/endpoints/map', endpoint)
    expect(status).toBe(200)
    const list = await get(`/api/v1/endpoints/conversation/${data.conversationId}`)
    expect(list.data).toEqual([endpoint])
  })
})
