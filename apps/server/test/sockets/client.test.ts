import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClient, type TestClient } from '../support/api.js'
import { type Receiver, startReceiver } from '../support/receiver.js'
import { cleanUp, sharedServer } from '../support/server.js'
import { closeSockets, openPage, type Page } from '../support/sockets.js'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const server = sharedServer()
let bot: Receiver
let client: TestClient

beforeAll(async () => {
  bot = await startReceiver()
  client = await createClient(server, { webhooks: [{ url: bot.url }] })
})
afterAll(closeSockets)
afterAll(cleanUp)

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** The events of a user that its bot got, in order. */
const eventsOf = (userId: string | undefined) =>
  bot.requests.filter(({ json }) => json.data.userId === userId).map(({ json }) => json)

describe('the npm client, as it is published', () => {
  test('makes a user of who has no credentials, who is known with them later', async () => {
    const { socket, creds } = await openPage(server, client.id)
    expect(creds).toEqual({
      userId: expect.stringMatching(UUID),
      userToken: expect.stringMatching(/^[0-9a-f-]{36}\.[\w+/]{88}$/),
    })
    expect(await socket.getUser()).toEqual({ id: creds.userId, clientId: client.id })
    const again = await openPage(server, client.id, { creds })
    expect(again.creds).toEqual(creds)
    expect(again.socket.userId).toBe(creds.userId)
  })

  test('takes the token that the client made for a user', async () => {
    const { userId } = await client.converse()
    const { token: userToken } = (await client.call('POST', '/users/tokens', { userId })).json
    const { creds } = await openPage(server, client.id, { creds: { userId, userToken } })
    expect(creds).toEqual({ userId, userToken })
  })

  test('silently makes another user of whose credentials are wrong', async () => {
    const { creds } = await openPage(server, client.id)
    const others = [
      { userId: randomUUID(), userToken: creds.userToken },
      { userId: creds.userId, userToken: `${creds.userToken.slice(0, -4)}AAAA` },
      { userId: creds.userId, userToken: 'none' },
    ]
    for (const wrong of others) {
      const { userId } = (await openPage(server, client.id, { creds: wrong })).creds
      expect([creds.userId, wrong.userId]).not.toContain(userId)
    }
  })

  test('is told that its client is not found, or that its credentials are no credentials', async () => {
    const stranger = openPage(server, randomUUID())
    expect(await stranger.catch(reasonOf)).toBe('Client not found')
    const malformed = openPage(server, client.id, { creds: { userId: '1', userToken: 'a' } })
    expect(await malformed.catch(reasonOf)).toBe('an error occurred authenticating socket')
    expect(await openPage(server, 'no-uuid').catch(reasonOf)).toBe('an error occurred authenticating socket')
  })

  test('makes, starts, gets, lists and deletes conversations', async () => {
    const { socket, creds } = await openPage(server, client.id)
    const { id } = await socket.createConversation()
    expect(socket.conversationId).toBe(id)
    const conversation = { id, clientId: client.id, userId: creds.userId, createdOn: expect.any(String) }
    expect(await socket.getConversation()).toEqual(conversation)
    await socket.startConversation()
    await bot.until(() => eventsOf(creds.userId).some(({ type }) => type === 'conversation.started'))
    const later = await socket.createConversation({ switch: false })
    await socket.sendText('newest')
    expect((await socket.listConversations()).map((each) => each.id)).toEqual([later.id, id])
    expect((await socket.listConversations(1)).map((each) => each.id)).toEqual([later.id])
    expect(await socket.deleteConversation(id)).toBe(true)
    expect(await socket.getConversation(id).catch(reasonOf)).toBe('Conversation does not exist')
    expect(await socket.listConversations()).toHaveLength(1)
    const started = eventsOf(creds.userId).find(({ type }) => type === 'conversation.started')
    expect(started?.data).toEqual({ userId: creds.userId, conversationId: id, channel: 'messaging' })
  })

  test('sends texts and other payloads, which the bot gets, and lists them newest first', async () => {
    const { socket, creds } = await openPage(server, client.id)
    const { id: conversationId } = await socket.createConversation()
    const text = await socket.sendText('hello')
    expect(text).toEqual({
      ...{ id: expect.stringMatching(UUID), conversationId, authorId: creds.userId },
      ...{ sentOn: expect.any(String), payload: { type: 'text', text: 'hello' } },
    })
    const payload = { type: 'postback', payload: 'buy', nested: { deep: [1, null, { a: 'b' }] } }
    const posted = await socket.sendPayload(payload)
    await client.say(conversationId, 'what?')
    const [reply, ...own] = await socket.listMessages()
    expect(reply).toMatchObject({ authorId: null, payload: { type: 'text', text: 'what?' } })
    expect(own).toEqual([posted, text])
    expect(await socket.listMessages(1)).toEqual([reply])
    await bot.until(() => eventsOf(creds.userId).filter(({ type }) => type === 'message.new').length === 3)
    const [, second] = eventsOf(creds.userId).filter(({ type }) => type === 'message.new')
    expect(second?.data).toMatchObject({
      conversationId,
      channel: 'messaging',
      message: { authorId: creds.userId, payload },
    })
  })

  test('gets the messages of the bot, without an author', async () => {
    const { socket, messages } = await openPage(server, client.id)
    const { id } = await socket.createConversation()
    const said = (await client.say(id, 'hi')).json
    await expect.poll(() => messages).toHaveLength(1)
    expect(messages).toEqual([said])
    expect(messages[0]).not.toHaveProperty('authorId')
  })

  test('rates a message of its own conversations, which the bot gets', async () => {
    const { socket, creds } = await openPage(server, client.id)
    const { id: conversationId } = await socket.createConversation()
    const { id: messageId } = (await client.say(conversationId, 'good?')).json
    await socket.sendFeedback(messageId, 1)
    await socket.sendFeedback(messageId, -1)
    await bot.until(
      () => eventsOf(creds.userId).filter(({ type }) => type === 'message.feedback').length === 2,
    )
    const rated = { userId: creds.userId, conversationId, channel: 'messaging', messageId }
    expect(eventsOf(creds.userId).slice(-2)).toEqual([
      { type: 'message.feedback', data: { ...rated, feedback: 1 } },
      { type: 'message.feedback', data: { ...rated, feedback: -1 } },
    ])
    expect(await socket.sendFeedback(messageId, 0).catch(reasonOf)).toBe('"feedback" must be one of [-1, 1]')
    expect(await socket.sendFeedback(randomUUID(), 1).catch(reasonOf)).toBe('Message does not exist')
  })

  test('gives the data of its user, which replaces what was there', async () => {
    const { socket, creds } = await openPage(server, client.id, { userData: { name: 'Ada', lang: 'en' } })
    expect(await socket.getUser()).toMatchObject({ data: { name: 'Ada', lang: 'en' } })
    await openPage(server, client.id, { creds, userData: { lang: 'en', name: 'Ada' } })
    await openPage(server, client.id, { creds })
    await openPage(server, client.id, { creds, userData: { lang: 'fr' } })
    expect(await socket.getUser()).toMatchObject({ data: { lang: 'fr' } })
    expect((await client.call('GET', `/users/${creds.userId}`)).json.data).toEqual({ lang: 'fr' })
    await bot.until(() => eventsOf(creds.userId).length === 2)
    expect(eventsOf(creds.userId)).toEqual([
      { type: 'user.new', data: { userId: creds.userId, userData: { name: 'Ada', lang: 'en' } } },
      { type: 'user.updated', data: { userId: creds.userId, userData: { lang: 'fr' } } },
    ])
  })

  test('is told what is wrong with a request, in the words of the Messaging API', async () => {
    const { socket } = await openPage(server, client.id)
    const wrong: readonly [string, object, string][] = [
      ['users.create', {}, 'route users.create does not exist'],
      ['messages.get', { id: randomUUID() }, 'route messages.get does not exist'],
      ['constructor', {}, 'route constructor does not exist'],
      ['conversations.get', {}, '"id" is required'],
      ['conversations.get', { id: 'a' }, '"id" must be a valid GUID'],
      ['conversations.get', { id: randomUUID(), more: 1 }, '"more" is not allowed'],
      ['conversations.list', { limit: -1 }, '"limit" must be greater than or equal to 0'],
      ['messages.create', { conversationId: randomUUID() }, '"payload" is required'],
      ['messages.create', { conversationId: randomUUID(), payload: {} }, 'Conversation does not exist'],
    ]
    for (const [type, data, message] of wrong) {
      const request = (socket as unknown as { request(type: string, data: object): Promise<unknown> }).request
      expect(await request.call(socket, type, data).catch(reasonOf)).toBe(message)
    }
  })

  test('can be two pages of one user, which hear what the other one says', async () => {
    const one: Page = await openPage(server, client.id)
    const two = await openPage(server, client.id, { creds: one.creds })
    const { id } = await one.socket.createConversation()
    await two.socket.switchConversation(id)
    const [first, second] = [await one.socket.sendText('from one'), await two.socket.sendText('from two')]
    await expect.poll(() => [one.messages, two.messages]).toEqual([[second], [first]])
  })
})
