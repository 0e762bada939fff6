import {
  createClient,
  PlugboardApiError,
  type PlugboardClient,
  receiveWebhook,
  sync,
  type WebhookEvent,
} from '@plugboard/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startReceiver } from './support/receiver.js'
import { cleanUp, startServer, type TestServer } from './support/server.js'

/** For polls: a busy machine is slow. */
const PATIENT = { timeout: 20_000 }

let server: TestServer
beforeAll(async () => {
  server = await startServer({ env: { WEBHOOK_RETRY_DELAYS: '10ms' } })
})
afterAll(cleanUp)

/** A bot with our own client: it keeps the events that `receiveWebhook` takes, and answers 401 to others. */
async function newBot(
  status = 200,
): Promise<{ plugboard: PlugboardClient; events: WebhookEvent[]; url: string }> {
  const events: WebhookEvent[] = []
  const receiver = await startReceiver(async ({ headers, text }) => {
    try {
      events.push(await receiveWebhook({ headers, body: text }, { token }))
      return status
    } catch {
      return 401
    }
  })
  const made = await sync(server.url, { webhooks: [{ url: receiver.url }] })
  const token = made.webhooks[0]?.token ?? ''
  const plugboard = createClient({ url: server.url, clientId: made.id, clientToken: made.token })
  return { plugboard, events, url: receiver.url }
}

async function newConversation(plugboard: PlugboardClient) {
  const user = await plugboard.users.create()
  const conversation = await plugboard.conversations.create({ userId: user.id })
  return { userId: user.id, conversationId: conversation.id }
}

const text = (words: string) => ({ type: 'text' as const, text: words })

describe('our own client', () => {
  test('makes and reads users, conversations and messages', async () => {
    const { plugboard } = await newBot()
    const { userId, conversationId } = await newConversation(plugboard)
    expect((await plugboard.users.get(userId)).id).toBe(userId)
    expect(await plugboard.conversations.listByUser(userId)).toEqual([
      await plugboard.conversations.get(conversationId),
    ])
    const posted = await plugboard.messages.post({ conversationId, authorId: userId, payload: text('hi') })
    expect(await plugboard.messages.get(posted.id)).toEqual(posted)
    await plugboard.messages.post({ conversationId, payload: text('hello') })
    const listed = await plugboard.messages.listByConversation(conversationId, { limit: 1 })
    expect(listed).toMatchObject([{ payload: text('hello') }])
  })

  test('iterates over all messages, and deletes them', async () => {
    const { plugboard } = await newBot()
    const { conversationId } = await newConversation(plugboard)
    for (const words of ['a', 'b', 'c', 'd', 'e'])
      await plugboard.messages.post({ conversationId, payload: text(words) })
    const seen: unknown[] = []
    for await (const { payload } of plugboard.messages.iterate(conversationId, { pageSize: 2 }))
      seen.push(payload)
    expect(seen).toEqual(['e', 'd', 'c', 'b', 'a'].map(text))
    expect(await plugboard.messages.deleteByConversation(conversationId)).toEqual({ count: 5 })
  })

  test('hears events, and answers who waits for it', async () => {
    const { plugboard, events } = await newBot()
    const { userId, conversationId } = await newConversation(plugboard)
    const collecting = plugboard.messages.collect({ conversationId, authorId: userId, payload: text('hi') })
    const asked = () => events.find((event) => event.type === 'message.new')
    await expect.poll(asked, PATIENT).toBeDefined()
    const { message, collect } = asked()?.data ?? {}
    expect([collect, message?.authorId]).toEqual([true, userId])
    const incomingId = message?.id ?? ''
    await plugboard.messages.post({ conversationId, payload: text('hello'), incomingId })
    await plugboard.messages.endTurn(incomingId)
    expect(await collecting).toMatchObject({ message, responses: [{ payload: text('hello') }] })
    const types = ['user.new', 'conversation.new', 'message.new', 'message.new']
    await expect.poll(() => events.map(({ type }) => type).sort(), PATIENT).toEqual(types.sort())
  })

  test('maps endpoints, and lists them', async () => {
    const { plugboard } = await newBot()
    const endpoint = { channel: 'custom', identity: '*', sender: 'sam', thread: 't' }
    const { conversationId } = await plugboard.endpoints.map(endpoint)
    expect(await plugboard.endpoints.listByConversation(conversationId)).toEqual([endpoint])
  })

  test('sees what became of a message, and takes it up again', async () => {
    const { plugboard } = await newBot(500)
    const { conversationId } = await newConversation(plugboard)
    const { id } = await plugboard.messages.post({ conversationId, payload: text('hi') })
    const state = async () => (await plugboard.messages.deliveries(id))[0]?.state
    await expect.poll(state, PATIENT).toBe('dead')
    const [letter] = await plugboard.deadLetters.list({ limit: 1 })
    expect(letter).toMatchObject({ messageId: id, conversationId, event: 'message.new' })
    expect(await plugboard.deadLetters.replay(letter?.id ?? '')).toEqual({ id: letter?.id })
  })

  test('rotates its tokens, and reads its health', async () => {
    const { plugboard } = await newBot()
    const [first] = await plugboard.tokens.list()
    const second = await plugboard.tokens.create()
    expect((await plugboard.tokens.list()).map(({ id }) => id)).toEqual([first?.id, second.id])
    expect(await plugboard.health()).toMatchObject({ webhooks: [{ state: 'active' }], channels: {} })
    await plugboard.tokens.revoke(first?.id ?? '')
    await expect(plugboard.health()).rejects.toMatchObject({ status: 401, message: 'Unauthorized' })
  })

  test('says what the server said when a call fails', async () => {
    const { plugboard } = await newBot()
    const failure = await plugboard.users.get('sam').catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(PlugboardApiError)
    expect(failure).toMatchObject({
      reason: 'status',
      status: 400,
      message: '"params.id" must be a valid GUID',
      requestId: expect.any(String),
    })
  })
})
