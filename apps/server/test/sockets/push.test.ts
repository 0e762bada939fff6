import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClient, type TestClient } from '../support/api.js'
import { newSecret, tell, webhookChannel } from '../support/person.js'
import { startReceiver } from '../support/receiver.js'
import { cleanUp, sharedServer } from '../support/server.js'
import { closeSockets, dial, guestWithConversation } from '../support/sockets.js'

const server = sharedServer()
let client: TestClient
beforeAll(async () => {
  client = await createClient(server)
})
afterAll(closeSockets)
afterAll(cleanUp)

const typesOf = ({ pushes }: { pushes: { type?: string }[] }) => pushes.map(({ type }) => type)

/** Two sockets of one user, with a conversation that both know. */
async function twoSockets() {
  const { page: one, creds, conversationId } = await guestWithConversation(server, client.id)
  const two = await dial(server, { auth: { clientId: client.id, creds } })
  await expect.poll(() => typesOf(one)).toEqual(['conversation.new'])
  one.pushes.length = 0
  return { one, two, creds, conversationId }
}

describe('what is pushed', () => {
  test('of a message of the bot comes to every socket of the user, without an author', async () => {
    const { one, two, creds, conversationId } = await twoSockets()
    const message = (await client.say(conversationId, 'hi')).json
    const data = { userId: creds.userId, conversationId, channel: 'messaging', message }
    for (const each of [one, two])
      await expect.poll(() => each.pushes).toEqual([{ type: 'message.new', data }])
    expect(message).not.toHaveProperty('authorId')
  })

  test('of a message of the user comes to its other sockets, but not to the one that sent it', async () => {
    const { one, two, creds, conversationId } = await twoSockets()
    const message = await one.ask('messages.create', { conversationId, payload: { type: 'text', text: 'a' } })
    await expect.poll(() => two.pushes).toHaveLength(1)
    expect(two.pushes[0]?.data.message).toEqual({ ...message, authorId: creds.userId })
    // Later events come after it.
    await client.say(conversationId, 'b')
    await expect.poll(() => one.texts()).toEqual(['b'])
    await expect.poll(() => two.texts()).toEqual(['a', 'b'])
  })

  test('of a message that the client posts in the name of the user comes to all its sockets', async () => {
    const { one, two, creds, conversationId } = await twoSockets()
    await client.say(conversationId, 'for you', creds.userId)
    for (const each of [one, two]) await expect.poll(() => each.texts()).toEqual(['for you'])
  })

  test('of a new conversation comes to all, also to the one that made it', async () => {
    const { one, two, creds } = await twoSockets()
    const { id: conversationId } = await one.ask('conversations.create')
    const pushed = { type: 'conversation.new', data: { userId: creds.userId, conversationId } }
    for (const each of [one, two]) await expect.poll(() => each.pushes).toEqual([pushed])
  })

  test('of new data of the user comes to the others', async () => {
    const { one, two, creds } = await twoSockets()
    const userData = { lang: 'fr' }
    const query = { userData: JSON.stringify(userData) }
    const three = await dial(server, { auth: { clientId: client.id, creds }, query })
    const pushed = { type: 'user.updated', data: { userId: creds.userId, userData } }
    for (const each of [one, two]) await expect.poll(() => each.pushes).toEqual([pushed])
    expect((await three.ask('users.get')).data).toEqual(userData)
    expect(three.pushes).toEqual([])
  })

  test('is nothing else, and nothing of other users', async () => {
    const { one, conversationId } = await twoSockets()
    const { page: other } = await guestWithConversation(server, client.id)
    await one.ask('conversations.start', { id: conversationId })
    const { id: messageId } = (await client.say(conversationId, 'rate me')).json
    await one.ask('messages.feedback', { messageId, feedback: 1 })
    await client.call('PATCH', `/messages/${messageId}`, { payload: { type: 'text', text: 'better' } })
    await client.say(conversationId, 'last')
    await expect.poll(() => one.texts()).toEqual(['rate me', 'last'])
    expect(typesOf(one)).toEqual(['message.new', 'message.new'])
    expect(typesOf(other)).toEqual(['conversation.new'])
  })

  test('says that a collect request waits, and names the only channel of the conversation', async () => {
    const [person, secret] = [await startReceiver(), newSecret()]
    const { id, token, webhooks } = await createClient(server, {
      channels: webhookChannel(person.url, secret),
    })
    const on = { id, client: { id, token, webhooks } }
    await tell(
      server,
      { client: id, secret, id: 'one' },
      { sender: 'ada', payload: { type: 'text', text: 'hi' } },
    )
    const asOperator = (path: string, body?: unknown, method = 'POST') =>
      client.call(method, path, body, {
        'x-bp-messaging-client-id': on.client.id,
        'x-bp-messaging-client-token': on.client.token,
      })
    const place = { identity: '*', sender: 'ada', thread: '*' }
    const channel = { name: 'webhook', version: '1.0.0' }
    const { conversationId } = (await asOperator('/endpoints/map', { channel, ...place })).json
    const { userId } = (await asOperator(`/conversations/${conversationId}`, undefined, 'GET')).json
    const userToken = (await asOperator('/users/tokens', { userId })).json.token
    const page = await dial(server, { auth: { clientId: id, creds: { userId, userToken } } })
    const payload = { type: 'text', text: 'question' }
    void asOperator('/messages/collect', { conversationId, authorId: userId, payload, timeout: 2_000 })
    await expect.poll(() => page.pushes).toHaveLength(1)
    expect(page.pushes[0]?.data).toMatchObject({ channel: 'webhook', collect: true, message: { payload } })
  })
})
