import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call, createClient, type TestClient } from './support/api.js'
import { newSecret, tell, webhookChannel } from './support/person.js'
import { type Received, type Receiver, startReceiver } from './support/receiver.js'
import { cleanUp, startServer, type TestServer } from './support/server.js'

const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/

/** For polls: a busy machine is slow. */
const PATIENT = { timeout: 20_000 }

let server: TestServer

beforeAll(async () => {
  server = await startServer({ env: { WEBHOOK_RETRY_DELAYS: '50ms,50ms,50ms,50ms,5s' } })
})
afterAll(cleanUp)

/** A client with one webhook, and what that gets. */
async function newBot(
  answer?: Parameters<typeof startReceiver>[0],
  more: object = {},
): Promise<{ bot: Receiver; client: TestClient; token: string }> {
  const bot = await startReceiver(answer)
  const client = await createClient(server, { webhooks: [{ url: bot.url }], ...more })
  return { bot, client, token: client.webhooks[0]?.token ?? '' }
}

/** The first event of a type, once it is there. */
async function first(bot: Receiver, type: string): Promise<Received> {
  await bot.until(() => bot.ofType(type).length > 0)
  return bot.ofType(type)[0] as Received
}

const textOf = ({ json }: Received) => json.data.message?.payload.text

describe('an event', () => {
  test('report a new user', async () => {
    const { bot, client } = await newBot()
    const { id: userId } = (await client.call('POST', '/users')).json
    expect((await first(bot, 'user.new')).json).toEqual({ type: 'user.new', data: { userId } })
  })

  test('report a new conversation', async () => {
    const { bot, client } = await newBot()
    const { userId, conversationId } = await client.converse()
    const { json } = await first(bot, 'conversation.new')
    expect(json).toEqual({ type: 'conversation.new', data: { userId, conversationId } })
  })

  test('report a message of the user', async () => {
    const { bot, client } = await newBot()
    const { userId, conversationId } = await client.converse()
    const payload = { type: 'custom', 'extra field': [1, { deep: null }], text: 'hi "there" 🎈' }
    const posted = await client.call('POST', '/messages', { conversationId, authorId: userId, payload })
    expect((await first(bot, 'message.new')).json).toEqual({
      type: 'message.new',
      data: {
        userId,
        conversationId,
        channel: 'messaging',
        message: {
          id: posted.json.id,
          conversationId,
          authorId: userId,
          sentOn: expect.stringMatching(ISO),
          payload,
        },
      },
    })
  })

  test('report a message of the bot, which has no author', async () => {
    const { bot, client } = await newBot()
    const { userId, conversationId } = await client.converse()
    const { json: message } = await client.say(conversationId, 'hi')
    const { data } = (await first(bot, 'message.new')).json
    expect(data).toEqual({ userId, conversationId, channel: 'messaging', message })
    expect(data.message).not.toHaveProperty('authorId')
  })

  test('names the owner of the conversation, not the author', async () => {
    const { bot, client } = await newBot()
    const [{ userId, conversationId }, other] = [await client.converse(), await client.converse()]
    await client.say(conversationId, 'hi', other.userId)
    const { data } = (await first(bot, 'message.new')).json
    expect(data).toMatchObject({ userId, message: { authorId: other.userId } })
  })

  test('report users and conversations that a mapping created', async () => {
    const { bot, client } = await newBot()
    const endpoint = { channel: 'custom', identity: '*', sender: 's', thread: 't' }
    const { conversationId } = (await client.call('POST', '/endpoints/map', endpoint)).json
    const { userId } = (await client.call('GET', `/conversations/${conversationId}`)).json
    expect((await first(bot, 'user.new')).json.data).toEqual({ userId })
    expect((await first(bot, 'conversation.new')).json.data).toEqual({ userId, conversationId })
  })

  test('report a started conversation', async () => {
    const secret = newSecret()
    const { bot, client } = await newBot(undefined, {
      channels: webhookChannel('http://127.0.0.1:9/', secret),
    })
    await tell(server, { client: client.id, secret }, { type: 'conversation.started', sender: 'sam' })
    const { data } = (await first(bot, 'conversation.started')).json
    expect(data).toEqual({
      userId: expect.any(String),
      conversationId: expect.any(String),
      channel: 'webhook',
    })
    const conversation = await client.call('GET', `/conversations/${data.conversationId}`)
    expect(conversation.json.userId).toBe(data.userId)
  })

  test('report events of a channel', async () => {
    const { bot } = await newBot(undefined, { channels: webhookChannel('http://127.0.0.1:9/', newSecret()) })
    await bot.until(() => bot.ofType('health.new').length === 3)
    expect(bot.ofType('health.new').map(({ json }) => json.data)).toEqual(
      ['create', 'configure', 'start'].map((type) => ({
        channel: 'webhook',
        event: { type, time: expect.stringMatching(ISO) },
      })),
    )
  })
})

describe('the channel of a message event', () => {
  const channelOf = async (bot: Receiver) => (await first(bot, 'message.new')).json.data.channel
  const say = async (client: TestClient, channel: unknown): Promise<void> => {
    const endpoint = { channel, identity: '*', sender: 's', thread: 't' }
    const { conversationId } = (await client.call('POST', '/endpoints/map', endpoint)).json
    await client.say(conversationId, 'hi')
  }

  test('is the custom one that its endpoint has', async () => {
    const { bot, client } = await newBot()
    await say(client, 'carrier pigeon')
    expect(await channelOf(bot)).toBe('carrier pigeon')
  })

  test('is the installed one that its endpoint has, configured or not', async () => {
    const { bot, client } = await newBot()
    await say(client, { name: 'webhook', version: '1.0.0' })
    expect(await channelOf(bot)).toBe('webhook')
  })

  test('is the one that the message came from', async () => {
    const secret = newSecret()
    const { bot, client } = await newBot(undefined, {
      channels: webhookChannel('http://127.0.0.1:9/', secret),
    })
    await tell(
      server,
      { client: client.id, secret },
      { sender: 'sam', payload: { type: 'text', text: 'hi' } },
    )
    expect(await channelOf(bot)).toBe('webhook')
  })
})

describe('the request of an event', () => {
  test('has the headers of the wire contract', async () => {
    const { bot, client, token } = await newBot()
    await client.call('POST', '/users')
    const { headers } = await first(bot, 'user.new')
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'x-bp-messaging-client-id': client.id,
      'x-bp-messaging-webhook-token': token,
    })
    expect(headers).not.toHaveProperty('password')
  })

  test('is signed after Standard Webhooks with the token of the webhook', async () => {
    const { bot, client, token } = await newBot()
    await client.call('POST', '/users')
    const { headers, text } = await first(bot, 'user.new')
    const signed = headers as Record<string, string>
    expect(new Webhook(token).verify(text, signed)).toEqual(JSON.parse(text))
    expect(() => new Webhook(token).verify(text.replace('user.new', 'user.old'), signed)).toThrow()
    expect(() => new Webhook(newSecret()).verify(text, signed)).toThrow()
  })

  test('has another id for each event, and the same one at a retry', async () => {
    const { bot, client, token } = await newBot((_request, _response, index) => (index < 2 ? 503 : 200))
    await client.call('POST', '/users')
    await bot.until((requests) => requests.length === 3)
    await client.call('POST', '/users')
    await bot.until((requests) => requests.length === 4)
    const ids = bot.requests.map(({ headers }) => headers['webhook-id'])
    expect(new Set(ids.slice(0, 3)).size).toBe(1)
    expect(new Set(ids).size).toBe(2)
    for (const { headers, text } of bot.requests)
      expect(() => new Webhook(token).verify(text, headers as Record<string, string>)).not.toThrow()
  })

  test('has another id and its own token at each webhook', async () => {
    const { bot: one } = await newBot()
    const { bot: other } = await newBot()
    const client = await createClient(server, { webhooks: [{ url: one.url }, { url: other.url }] })
    await client.call('POST', '/users')
    const events = [await first(one, 'user.new'), await first(other, 'user.new')]
    const tokens = events.map(({ headers }) => headers['x-bp-messaging-webhook-token'])
    expect(tokens).toEqual(client.webhooks.map(({ token }) => token))
    expect(new Set(events.map(({ headers }) => headers['webhook-id'])).size).toBe(2)
    expect(events[0]?.text).toBe(events[1]?.text)
  })

  test('goes to the path and query of the URL', async () => {
    const bot = await startReceiver()
    const url = `${bot.url}/a%20b/c?d=e&f=%2F`
    const client = await createClient(server, { webhooks: [{ url }] })
    await client.call('POST', '/users')
    expect((await first(bot, 'user.new')).path).toBe('/a%20b/c?d=e&f=%2F')
  })
})

describe('the events of a conversation', () => {
  test('arrive in order, even if posted concurrently', async () => {
    const { bot, client } = await newBot()
    const { conversationId } = await client.converse()
    await Promise.all(Array.from({ length: 100 }, (_, i) => client.say(conversationId, String(i))))
    await bot.until(() => bot.ofType('message.new').length === 100)
    const { json } = await client.call('GET', `/messages/conversation/${conversationId}?limit=0`)
    const stored = (json as { payload: { text: string } }[]).map(({ payload }) => payload.text).reverse()
    expect(bot.ofType('message.new').map(textOf)).toEqual(stored)
  })

  test('come in order across a retry', async () => {
    const { bot, client } = await newBot((request) =>
      textOf(request) === '1' && bot.ofType('message.new').filter((each) => textOf(each) === '1').length < 3
        ? 500
        : 200,
    )
    const { conversationId } = await client.converse()
    for (const text of ['0', '1', '2', '3']) await client.say(conversationId, text)
    await bot.until(() => bot.ofType('message.new').some((request) => textOf(request) === '3'))
    expect(bot.ofType('message.new').map(textOf)).toEqual(['0', '1', '1', '1', '2', '3'])
  })

  test('begin with that it is new', async () => {
    const { bot, client } = await newBot()
    const { conversationId } = await client.converse()
    await client.say(conversationId, 'hi')
    await first(bot, 'message.new')
    const types = bot.requests
      .filter(({ json }) => json.data.conversationId === conversationId)
      .map(({ json }) => json.type)
    expect(types).toEqual(['conversation.new', 'message.new'])
  })
})

describe('redirects', () => {
  test('are not followed, and count as a failure', async () => {
    const { bot: elsewhere } = await newBot()
    const { client } = await newBot((_request, response) => {
      response.writeHead(307, { location: elsewhere.url }).end()
      return undefined
    })
    const { conversationId } = await client.converse()
    const { id } = (await client.say(conversationId, 'hi')).json
    const state = async () => (await client.call('GET', `/messages/${id}/deliveries`)).json.deliveries[0]
    await expect.poll(async () => (await state()).state, PATIENT).toBe('dead')
    expect((await state()).error).toContain('redirects are not followed')
    expect(elsewhere.requests).toEqual([])
  })
})

describe('a server with an internal password', () => {
  test('sends it to the webhooks that the operator lists, and to no other', async () => {
    const [listed, other] = [await startReceiver(), await startReceiver()]
    const env = { INTERNAL_PASSWORD: 'between us', INTERNAL_WEBHOOKS: `${listed.url}/hooks` }
    const internal = await startServer({ env })
    const password = { password: 'between us' }
    const body = {
      webhooks: [`${listed.url}/hooks/1`, `${listed.url}/hooks2`, other.url].map((url) => ({ url })),
    }
    const { json } = await call(internal, 'POST', '/api/v1/sync', { body, headers: password })
    const headers = { 'x-bp-messaging-client-id': json.id, 'x-bp-messaging-client-token': json.token }
    await call(internal, 'POST', '/api/v1/users', { headers: { ...headers, ...password } })
    await listed.until((requests) => requests.length === 2)
    const sent = Object.fromEntries(listed.requests.map(({ path, headers }) => [path, headers.password]))
    expect(sent).toEqual({ '/hooks/1': 'between us', '/hooks2': undefined })
    expect((await first(other, 'user.new')).headers.password).toBeUndefined()
    await internal.stop()
  })
})
