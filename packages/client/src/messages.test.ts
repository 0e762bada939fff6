import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { setUp, setUpConversation } from '../test/setup.js'
import type { Message } from './messages.js'

const text = (words: string) => ({ type: 'text' as const, text: words })

async function setUpMessages(count: number) {
  const context = await setUpConversation()
  const posted: Message[] = []
  for (let number = 1; number <= count; number++) {
    posted.push(
      await context.client.messages.post({
        conversationId: context.conversation.id,
        payload: text(`${number}`),
      }),
    )
  }
  context.server.requests.length = 0
  return { ...context, newestFirst: posted.reverse() }
}

describe('messages', () => {
  test('are posted by a user, read and deleted', async () => {
    const { client, conversation, user } = await setUpConversation()
    const message = await client.messages.post({
      conversationId: conversation.id,
      authorId: user.id,
      payload: text('hi'),
    })
    expect(message).toMatchObject({ authorId: user.id, payload: { type: 'text', text: 'hi' } })
    expect(await client.messages.get(message.id)).toEqual(message)
    await client.messages.delete(message.id)
    await expect(client.messages.delete(message.id)).rejects.toMatchObject({ status: 404 })
  })

  test.each([null, undefined])(
    'of the bot leave the author out, also when it is given as %s',
    async (authorId) => {
      const { server, client, conversation } = await setUpConversation()
      await client.messages.post({ conversationId: conversation.id, authorId, payload: text('hi') })
      expect(server.requests[0]?.body).toEqual({ conversationId: conversation.id, payload: text('hi') })
    },
  )

  test('of a conversation are listed newest first, page by page, up to a date', async () => {
    const { server, client, conversation, newestFirst } = await setUpMessages(3)
    const { listByConversation } = client.messages
    expect(await listByConversation(conversation.id)).toEqual(newestFirst)
    expect(await listByConversation(conversation.id, { limit: 2 })).toEqual(newestFirst.slice(0, 2))
    const before = newestFirst[1]?.id
    expect(await listByConversation(conversation.id, { limit: 2, before })).toEqual(newestFirst.slice(2))
    expect(await listByConversation(conversation.id, { from: new Date(0) })).toEqual([])
    await expect(listByConversation(conversation.id, { from: new Date(Number.NaN) })).rejects.toThrow(
      RangeError,
    )
    expect(server.requests.at(-1)?.query).toBe('?from=1970-01-01T00%3A00%3A00.000Z')
  })

  test('of a conversation are deleted together, and counted', async () => {
    const { client, conversation } = await setUpMessages(2)
    expect(await client.messages.deleteByConversation(conversation.id)).toEqual({ count: 2 })
    expect(await client.messages.listByConversation(conversation.id)).toEqual([])
  })

  test('tell where they are owed to', async () => {
    const { client, newestFirst } = await setUpMessages(1)
    const deliveries = await client.messages.deliveries(newestFirst[0]?.id ?? '')
    expect(deliveries).toMatchObject([{ id: 'd1', state: 'retrying', target: { type: 'webhook', id: 'w1' } }])
  })
})

describe('messages.iterate', () => {
  test.each([
    ['in pages', 2],
    ['in pages larger than the server allows', 1000],
  ])('walks a whole conversation %s', async (_, pageSize) => {
    const { client, conversation, newestFirst } = await setUpMessages(53)
    const walked: Message[] = []
    for await (const message of client.messages.iterate(conversation.id, { pageSize })) walked.push(message)
    expect(walked).toEqual(newestFirst)
  })

  test('starts after a given message and asks for no page that nobody wants', async () => {
    const { server, client, conversation, newestFirst } = await setUpMessages(4)
    const before = newestFirst[0]?.id
    for await (const message of client.messages.iterate(conversation.id, { pageSize: 2, before })) {
      expect(message).toEqual(newestFirst[1])
      break
    }
    expect(server.requests).toHaveLength(1)
  })

  test('fails instead of turning for ever when the server ignores the cursor', async () => {
    const answers = Array.from({ length: 5 }, () => Response.json([{ id: 'm2' }, { id: 'm1' }]))
    const { client } = await setUp({ fetch: async () => answers.pop() ?? Response.error() })
    const walk = async () => {
      for await (const _ of client.messages.iterate('k1'));
    }
    await expect(walk()).rejects.toMatchObject({ reason: 'answer', path: '/api/v1/messages/conversation/k1' })
  })

  test('refuses a page size that would never end', async () => {
    const { client } = await setUp()
    await expect(client.messages.iterate('k1', { pageSize: 0 }).next()).rejects.toThrow('pageSize')
  })
})

describe('messages.collect', () => {
  test('answers with what the bot replied when it ends its turn', async () => {
    const { server, client, conversation, user } = await setUpConversation()
    const question = { conversationId: conversation.id, authorId: user.id, payload: text('hi') }
    const collecting = client.messages.collect(question)
    const incomingId = await vi.waitUntil(() => server.world.messages[0]?.id)
    const reply = await client.messages.post({
      conversationId: conversation.id,
      payload: text('yes?'),
      incomingId,
    })
    await client.messages.post({ conversationId: conversation.id, payload: text('not an answer') })
    await client.messages.endTurn(incomingId)
    const { message, responses } = await collecting
    expect(message).toMatchObject({ id: incomingId, authorId: user.id })
    expect(responses).toEqual([reply])
  })

  test.each([
    [undefined, 10_000],
    [0, 50_000],
    [3_000, 3_000],
  ])('with timeout %s gives the call %s ms on top of its own limit', async (timeout, gatherMs) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const fetch = (_: string, { signal }: RequestInit) =>
      new Promise<Response>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
    const { client } = await setUp({ fetch, timeoutMs: 500, retries: 0 })
    const collecting = client.messages.collect({
      conversationId: 'k1',
      authorId: 'u1',
      payload: text('hi'),
      timeout,
    })
    const outcome = expect(collecting).rejects.toThrow(`no answer within ${gatherMs + 500} ms`)
    await vi.advanceTimersByTimeAsync(gatherMs + 500)
    await outcome
  })
})
