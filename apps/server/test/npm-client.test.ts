import { randomUUID } from 'node:crypto'
import { MessagingChannel, MessagingClient } from '@botpress/messaging-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from './support/api.js'
import { type ExpressLike, startExpressLike } from './support/express-like.js'
import { newSecret, tell, webhookChannel } from './support/person.js'
import { cleanUp, startServer, type TestServer } from './support/server.js'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const adminKey = 'the-admin-key'

let server: TestServer
/** The client for many tenants. */
let channel: MessagingChannel

beforeAll(async () => {
  server = await startServer({ env: { ADMIN_KEY: adminKey } })
  channel = new MessagingChannel({ url: server.url, adminKey })
})
afterAll(cleanUp)

/** A new tenant, as a bot's own client. */
async function newClient(webhookToken?: string): Promise<MessagingClient> {
  const { id: clientId, token: clientToken } = await channel.createClient()
  channel.start(clientId, { clientToken })
  return new MessagingClient({
    url: server.url,
    clientId,
    clientToken,
    ...(webhookToken !== undefined && { webhookToken }),
  })
}

/** A tenant with a user and a conversation. */
async function newConversation() {
  const client = await newClient()
  const { id: userId } = await client.createUser()
  const { id: conversationId } = await client.createConversation(userId)
  return { client, userId, conversationId }
}

const statusOf = (error: unknown) => (error as { response?: { status: number } }).response?.status

describe('the npm client as an operator', () => {
  test('makes a client with an id of ours', async () => {
    const { id, token } = await channel.createClient()
    expect(id).toMatch(UUID)
    channel.start(id, { clientToken: token })
    expect(await channel.getClient(id)).toBe(true)
  })

  test('makes a client with a chosen id, once', async () => {
    const id = randomUUID()
    const { id: made, token } = await channel.createClient(id)
    expect(made).toBe(id)
    channel.start(id, { clientToken: token })
    expect(await channel.getClient(id)).toBe(true)
    expect(await channel.createClient(id).catch(statusOf)).toBe(403)
  })

  test('is refused with another admin key', async () => {
    const stranger = new MessagingChannel({ url: server.url, adminKey: 'another' })
    expect(await stranger.createClient().catch(statusOf)).toBe(401)
  })

  test('renames a client, also to the name that it has', async () => {
    const { clientId } = await newClient()
    await channel.renameClient(clientId, `bot-${clientId}`)
    await channel.renameClient(clientId, `bot-${clientId}`)
    expect(await channel.renameClient(randomUUID(), 'nobody').catch(statusOf)).toBe(404)
  })

  test('learns that credentials are wrong', async () => {
    const { clientId } = await newClient()
    channel.start(clientId, { clientToken: 'wrong' })
    expect(await channel.getClient(clientId)).toBe(false)
  })

  test('makes a user of each of its clients', async () => {
    const clients = [await newClient(), await newClient()]
    for (const { clientId } of clients) {
      expect(await channel.createUser(clientId)).toEqual({ id: expect.stringMatching(UUID), clientId })
    }
  })
})

describe('the npm client as a bot', () => {
  test('syncs webhooks and a channel, and reads its health', async () => {
    const client = await newClient()
    const url = 'http://127.0.0.1:9/hook'
    const { webhooks } = await client.sync({
      webhooks: [{ url }],
      channels: webhookChannel('http://127.0.0.1:9/out', newSecret()),
    })
    expect(webhooks).toEqual([{ url, token: expect.stringMatching(/^[\w+/=]{88}$/) }])
    const { channels } = await client.getHealth()
    expect(channels.webhook?.events.map(({ type }) => type)).toEqual(['start', 'configure', 'create'])
    expect(channels.webhook?.events[0]?.time).toBeInstanceOf(Date)
  })

  test('makes and gets a user', async () => {
    const client = await newClient()
    const user = await client.createUser()
    expect(await client.getUser(user.id)).toMatchObject(user)
    expect(await client.getUser(randomUUID())).toBeUndefined()
  })

  test('makes a token for a user', async () => {
    const client = await newClient()
    const { id: userId } = await client.createUser()
    const { id, token } = await client.createUserToken(userId)
    expect(id).toMatch(UUID)
    expect(token).toMatch(new RegExp(`^${id}\\.[\\w+/=]{43,}$`))
  })

  test('makes, gets and lists conversations', async () => {
    const { client, userId, conversationId } = await newConversation()
    const conversation = await client.getConversation(conversationId)
    expect(conversation).toEqual({
      id: conversationId,
      clientId: client.clientId,
      userId,
      createdOn: expect.any(Date),
    })
    const { id: second } = await client.createConversation(userId)
    const listed = await client.listConversations(userId)
    expect(listed.map(({ id }) => id)).toEqual([second, conversationId])
    expect(await client.listConversations(userId, 1)).toHaveLength(1)
    expect(await client.getConversation(randomUUID())).toBeUndefined()
  })

  test('makes and gets messages of a user and of the bot', async () => {
    const { client, userId, conversationId } = await newConversation()
    const payload = { type: 'text', text: 'hi' }
    const fromUser = await client.createMessage(conversationId, userId, payload)
    expect(fromUser).toEqual({
      id: expect.stringMatching(UUID),
      conversationId,
      authorId: userId,
      sentOn: expect.any(Date),
      payload,
    })
    const fromBot = await client.createMessage(conversationId, undefined, payload)
    expect(fromBot.authorId).toBeUndefined()
    expect(await client.getMessage(fromUser.id)).toEqual(fromUser)
    expect(await client.getMessage(randomUUID())).toBeUndefined()
  })

  test('lists messages newest first, with a limit and from a time on', async () => {
    const { client, conversationId } = await newConversation()
    for (const text of ['a', 'b', 'c']) await client.createMessage(conversationId, undefined, { text })
    const texts = async (limit?: number, from?: Date) =>
      (await client.listMessages(conversationId, limit, from)).map(({ payload }) => payload.text)
    expect(await texts()).toEqual(['c', 'b', 'a'])
    expect(await texts(2)).toEqual(['c', 'b'])
    expect(await texts(undefined, new Date(Date.now() - 60_000))).toEqual([])
    expect(await texts(undefined, new Date())).toEqual(['c', 'b', 'a'])
  })

  test('deletes one message, and all of a conversation', async () => {
    const { client, conversationId } = await newConversation()
    const [first] = await Promise.all(
      ['a', 'b', 'c'].map((text) => client.createMessage(conversationId, undefined, { text })),
    )
    expect(await client.deleteMessage(first?.id ?? '')).toBe(true)
    expect(await client.deleteMessage(first?.id ?? '')).toBe(false)
    expect(await client.deleteMessagesByConversation(conversationId)).toBe(2)
    expect(await client.listMessages(conversationId)).toEqual([])
    expect(await client.deleteMessagesByConversation(randomUUID())).toBe(0)
  })

  test('maps an endpoint and lists it', async () => {
    const client = await newClient()
    const endpoint = { channel: 'my-channel', identity: '*', sender: 'sam', thread: 't1' }
    const conversationId = await client.mapEndpoint(endpoint)
    expect(await client.mapEndpoint(endpoint)).toBe(conversationId)
    expect(await client.listEndpoints(conversationId)).toEqual([endpoint])
    const builtIn = { ...endpoint, channel: { name: 'webhook', version: '1.0.0' } }
    expect(await client.listEndpoints(await client.mapEndpoint(builtIn))).toEqual([builtIn])
  })

  test('ends a turn', async () => {
    const { client, userId, conversationId } = await newConversation()
    const { id } = await client.createMessage(conversationId, userId, { text: 'hi' })
    await client.endTurn(id)
    expect(await client.endTurn(randomUUID()).catch(statusOf)).toBe(404)
  })
})

describe('the npm client behind a webhook', () => {
  let router: ExpressLike
  beforeAll(async () => {
    router = await startExpressLike()
  })
  afterAll(() => router.close())

  /** A bot whose client receives events below a separate path. */
  async function newBot(configuration: { secret?: string } = {}) {
    const { clientId, clientToken } = await newClient()
    const route = `/${clientId}`
    const { secret } = configuration
    const { webhooks } = await channel.sync(clientId, {
      webhooks: [{ url: router.url + route }],
      ...(secret && { channels: webhookChannel('http://127.0.0.1:9/out', secret) }),
    })
    const webhookToken = webhooks[0]?.token ?? ''
    const bot = new MessagingClient({
      url: server.url,
      clientId,
      clientToken: clientToken ?? '',
      webhookToken,
    })
    // It wants a whole Express, of which it uses this.
    bot.setup(router as unknown as Parameters<typeof bot.setup>[0], route)
    return bot
  }

  test('hears of a new user', async () => {
    const bot = await newBot()
    const heard = new Promise((resolve) => bot.on('user', async (event) => resolve(event)))
    const { id: userId } = await bot.createUser()
    expect(await heard).toEqual({ userId })
  })

  test('hears of messages of the user and of the bot, whose author is then absent', async () => {
    const bot = await newBot()
    const { id: userId } = await bot.createUser()
    const { id: conversationId } = await bot.createConversation(userId)
    const said = Promise.all(
      [userId, undefined].map((authorId) => bot.createMessage(conversationId, authorId, { text: 'hi' })),
    )
    const heard = await new Promise<unknown[]>((resolve) => {
      const events: unknown[] = []
      bot.on('message', async (event) => {
        if (events.push(event) === 2) resolve(events)
      })
    })
    const expected = (await said).map((message) => ({
      userId,
      conversationId,
      channel: 'messaging',
      message,
    }))
    expect(heard).toEqual(expect.arrayContaining(expected))
    expect(heard.filter((event) => 'authorId' in (event as { message: object }).message)).toHaveLength(1)
  })

  test('hears that a conversation was started on a channel', async () => {
    const secret = newSecret()
    const bot = await newBot({ secret })
    const heard = new Promise((resolve) => bot.on('started', async (event) => resolve(event)))
    const told = { type: 'conversation.started', sender: 'sam' }
    expect((await tell(server, { client: bot.clientId, secret }, told)).status).toBe(200)
    expect(await heard).toEqual({
      userId: expect.stringMatching(UUID),
      conversationId: expect.stringMatching(UUID),
      channel: 'webhook',
    })
  })

  test('answers a message that is being collected, and ends the turn', async () => {
    const bot = await newBot()
    bot.on('message', async ({ collect, conversationId, message }) => {
      if (!collect || !message.authorId) return
      const answer = { type: 'text', text: `you said ${message.payload.text}` }
      await bot.createMessage(conversationId, undefined, answer, { incomingId: message.id })
      await bot.endTurn(message.id)
    })
    const { id: authorId } = await bot.createUser()
    const { id: conversationId } = await bot.createConversation(authorId)
    const { status, json } = await call(server, 'POST', '/api/v1/messages/collect', {
      headers: {
        'x-bp-messaging-client-id': bot.clientId,
        'x-bp-messaging-client-token': bot.clientToken ?? '',
      },
      body: { conversationId, authorId, payload: { type: 'text', text: 'hello' } },
    })
    expect(status).toBe(201)
    expect(json.responses.map(({ payload }: { payload: object }) => payload)).toEqual([
      { type: 'text', text: 'you said hello' },
    ])
  })

  test('takes every event that the server sends: its schemas fit', () => {
    expect(router.statuses.length).toBeGreaterThan(8)
    expect(new Set(router.statuses)).toEqual(new Set([200]))
  })
})
