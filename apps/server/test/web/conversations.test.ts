import { randomUUID } from 'node:crypto'
import { afterAll, describe, expect, test } from 'vitest'
import { type Receiver, startReceiver } from '../support/receiver.js'
import { cleanUp, sharedServer } from '../support/server.js'
import { createSite, visit } from '../support/web.js'

afterAll(cleanUp)

const server = sharedServer()

/** A site with a bot that hears everything. */
async function siteWithBot(config: object = {}) {
  const bot = await startReceiver()
  const site = await createSite(server, config, { webhooks: [{ url: bot.url }] })
  return { bot, site }
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into many shapes, and assert each
const heard = (bot: Receiver, type: string): any[] => bot.ofType(type).map(({ json }) => json.data)

describe('a conversation', () => {
  test('is told to the bot as one of the channel, with its start', async () => {
    const { bot, site } = await siteWithBot()
    const visitor = await visit(site)
    const answer = await visitor.call('POST', '/conversations', {})
    expect(answer).toMatchObject({ status: 201, json: { unread: 0, createdAt: expect.any(String) } })
    const { id: conversationId } = answer.json
    const types = ['user.new', 'conversation.new', 'conversation.started']
    await bot.until(() => types.every((type) => bot.ofType(type).length > 0))
    const of = { userId: visitor.userId, conversationId }
    expect(heard(bot, 'user.new')).toMatchObject([{ userId: visitor.userId }])
    expect(heard(bot, 'conversation.new')).toMatchObject([of])
    expect(heard(bot, 'conversation.started')).toMatchObject([{ ...of, channel: 'web' }])
  })

  test('that is started again with the same key is the first one', async () => {
    const visitor = await visit(await createSite(server))
    const start = (key: string) => visitor.call('POST', '/conversations', {}, { 'idempotency-key': key })
    const key = randomUUID()
    const [first, again, other] = [await start(key), await start(key), await start(randomUUID())]
    expect(again.json.id).toBe(first.json.id)
    expect(other.json.id).not.toBe(first.json.id)
  })

  test('is listed with what is unread and what was said last, the newest first, in pages', async () => {
    const { site } = await siteWithBot()
    const visitor = await visit(site)
    const ids = [await visitor.start(), await visitor.start(), await visitor.start()]
    for (const id of ids) await visitor.say(id, `hello in ${id}`)
    await site.client.say(ids[1] ?? '', 'from the bot')
    const list = async (query = '') => {
      const { json } = await visitor.call('GET', `/conversations${query}`)
      return json.conversations as { id: string; unread: number; lastMessage: { payload: object } }[]
    }
    const [newest, ...others] = await list()
    expect(newest).toMatchObject({
      id: ids[1],
      unread: 1,
      lastMessage: { author: 'business', payload: { text: 'from the bot' } },
    })
    expect(others).toMatchObject([
      { id: ids[2], unread: 0, lastMessage: { author: 'me' } },
      { id: ids[0], unread: 0 },
    ])
    const page = await list('?limit=2')
    expect(page.map(({ id }) => id)).toEqual([ids[1], ids[2]])
    expect((await list(`?limit=2&before=${ids[2]}`)).map(({ id }) => id)).toEqual([ids[0]])
  })

  test('that was ended is closed for the bot too, and opens again with the next message', async () => {
    const { bot, site } = await siteWithBot()
    const visitor = await visit(site)
    const id = await visitor.start()
    await visitor.say(id, 'that is all', 'last')
    expect((await visitor.call('POST', `/conversations/${id}/close`, {})).status).toBe(204)
    const shown = async () => (await visitor.call('GET', '/conversations')).json.conversations[0]
    expect(await shown()).toMatchObject({ closedAt: expect.any(String) })
    // Its answer was lost.
    await visitor.say(id, 'that is all', 'last')
    expect(await shown()).toMatchObject({ closedAt: expect.any(String) })
    await visitor.say(id, 'one more question')
    expect(await shown()).not.toHaveProperty('closedAt')
    const changes = () => heard(bot, 'conversation.activity').map(({ activity }) => activity.type)
    await bot.until(() => changes().length >= 2)
    expect(changes()).toEqual(['closed', 'reopened'])
  })
})

describe('a message', () => {
  test('of a visitor reaches the bot, and its answer reaches the visitor', async () => {
    const { bot, site } = await siteWithBot()
    const visitor = await visit(site)
    const id = await visitor.start()
    const key = randomUUID()
    const sent = await visitor.say(id, 'Do you have it in blue?', key)
    expect(sent).toMatchObject({
      status: 201,
      json: { author: 'me', clientId: key, status: 'sent', payload: { type: 'text' } },
    })
    await bot.until(() => bot.ofType('message.new').length > 0)
    expect(heard(bot, 'message.new')).toMatchObject([
      {
        ...{ userId: visitor.userId, conversationId: id, channel: 'web' },
        message: { id: sent.json.id, authorId: visitor.userId, payload: { text: 'Do you have it in blue?' } },
      },
    ])
    await site.client.call('POST', '/messages', {
      conversationId: id,
      payload: { type: 'single-choice', text: 'Yes. Which size?', choices: [{ title: 'M', value: 'm' }] },
    })
    const { json } = await visitor.call('GET', `/conversations/${id}/messages`)
    expect(json.messages).toMatchObject([
      { author: 'business', payload: { type: 'single-choice', choices: [{ title: 'M', value: 'm' }] } },
      { author: 'me', clientId: key },
    ])
    expect(Number(json.messages[0].position)).toBeGreaterThan(Number(json.messages[1].position))
  })

  test('that is sent again with its key is there once, and another message with the key is refused', async () => {
    const { site } = await siteWithBot()
    const visitor = await visit(site)
    const id = await visitor.start()
    const key = randomUUID()
    const answers = await Promise.all(Array.from({ length: 5 }, () => visitor.say(id, 'hello', key)))
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1)
    expect(await visitor.say(id, 'something else', key)).toMatchObject({
      status: 422,
      json: { error: { code: 'MISMATCH' } },
    })
    expect((await visitor.call('GET', `/conversations/${id}/messages`)).json.messages).toHaveLength(1)
  })

  test('is read by page, before and after another', async () => {
    const visitor = await visit(await createSite(server))
    const id = await visitor.start()
    const sent: string[] = []
    for (const text of ['1', '2', '3', '4', '5']) sent.push((await visitor.say(id, text)).json.id)
    const texts = async (query: string) => {
      const { json } = await visitor.call('GET', `/conversations/${id}/messages?${query}`)
      return json.messages.map(({ payload }: { payload: { text: string } }) => payload.text).join('')
    }
    expect(await texts('limit=2')).toBe('54')
    expect(await texts(`limit=2&before=${sent[3]}`)).toBe('32')
    expect(await texts(`after=${sent[2]}`)).toBe('54')
    expect(await texts(`limit=1&after=${sent[1]}`)).toBe('3')
  })

  test('of an agent has the name of the agent, and one that was edited has the new content', async () => {
    const { site } = await siteWithBot()
    const visitor = await visit(site)
    const id = await visitor.start()
    const { json } = await site.client.say(id, 'One moment')
    await site.client.call('PATCH', `/messages/${json.id}`, { payload: { type: 'text', text: 'Done' } })
    const { messages } = (await visitor.call('GET', `/conversations/${id}/messages`)).json
    expect(messages).toMatchObject([{ payload: { text: 'Done' }, editedAt: expect.any(String) }])
  })

  test('is read by the business when the bot says so', async () => {
    const { site } = await siteWithBot()
    const visitor = await visit(site)
    const id = await visitor.start()
    await visitor.say(id, 'hello')
    await site.client.call('POST', `/conversations/${id}/read`, {})
    const { messages } = (await visitor.call('GET', `/conversations/${id}/messages`)).json
    expect(messages).toMatchObject([{ status: 'read' }])
  })
})

describe('a press', () => {
  const ask = { type: 'single-choice', text: 'Which size?', choices: [{ title: 'M', value: 'size-m' }] }

  test.each([
    ['of a button that the message has', { payload: 'size-m' }, true, false],
    ['with another value', { payload: 'admin' }, true, true],
    ['without the message', { payload: 'size-m' }, false, true],
  ])('%s is marked as foreign only if nothing offered it', async (_, press, isNamed, isForeign) => {
    const { bot, site } = await siteWithBot()
    const visitor = await visit(site)
    const id = await visitor.start()
    const { json } = await site.client.call('POST', '/messages', { conversationId: id, payload: ask })
    const payload = { type: 'quick_reply', text: 'M', ...press, ...(isNamed && { messageId: json.id }) }
    const sent = await visitor.call(
      'POST',
      `/conversations/${id}/messages`,
      { payload },
      { 'idempotency-key': randomUUID() },
    )
    expect(sent.status).toBe(201)
    const said = () => heard(bot, 'message.new').filter(({ message }) => message.authorId)
    await bot.until(() => said().length > 0)
    expect(said()[0].message.payload).toEqual({ ...payload, ...(isForeign && { foreign: true }) })
  })

  test('of a button in the conversation of somebody else is foreign, and names no message', async () => {
    const { site } = await siteWithBot()
    const [ada, bob] = [await visit(site), await visit(site)]
    const [adas, bobs] = [await ada.start(), await bob.start()]
    const { json } = await site.client.call('POST', '/messages', { conversationId: adas, payload: ask })
    const payload = { type: 'quick_reply', text: 'M', payload: 'size-m', messageId: json.id }
    const headers = { 'idempotency-key': randomUUID() }
    const sent = await bob.call('POST', `/conversations/${bobs}/messages`, { payload }, headers)
    expect(sent.json.payload).toEqual({ type: 'quick_reply', text: 'M', payload: 'size-m', foreign: true })
  })
})

describe('signals', () => {
  test('a read mark lowers what is unread, never below what was read before, and is a receipt for the bot', async () => {
    const { bot, site } = await siteWithBot()
    const visitor = await visit(site)
    const id = await visitor.start()
    for (const text of ['1', '2', '3']) await site.client.say(id, text)
    const { messages } = (await visitor.call('GET', `/conversations/${id}/messages`)).json
    const unread = async () => (await visitor.call('GET', '/conversations')).json.conversations[0].unread
    const read = async (position: string) =>
      expect((await visitor.call('POST', `/conversations/${id}/read`, { position })).status).toBe(204)
    expect(await unread()).toBe(3)
    await read(messages[1].position)
    expect(await unread()).toBe(1)
    await read(messages[2].position)
    expect(await unread()).toBe(1)
    const receipts = () =>
      heard(bot, 'conversation.activity').flatMap(({ activity }) =>
        activity.type === 'delivery' ? [activity] : [],
      )
    await bot.until(() => receipts().length >= 2)
    expect(receipts()).toMatchObject([
      { messageId: messages[2].id, status: 'read' },
      { messageId: messages[1].id, status: 'read' },
    ])
  })

  test('the bot hears that the visitor writes, and that the visitor stopped', async () => {
    const { bot, site } = await siteWithBot()
    const visitor = await visit(site)
    const id = await visitor.start()
    for (const isTyping of [true, false])
      expect((await visitor.call('POST', `/conversations/${id}/typing`, { isTyping })).status).toBe(204)
    const typing = () =>
      heard(bot, 'conversation.activity').flatMap(({ activity }) =>
        activity.type === 'typing' ? [activity] : [],
      )
    await bot.until(() => typing().length >= 2)
    expect(typing()).toMatchObject([
      { userId: visitor.userId, isTyping: true },
      { userId: visitor.userId, isTyping: false },
    ])
  })
})

test('a transcript has who said what and when, and no text can pass for a line of somebody else', async () => {
  const { site } = await siteWithBot({ name: 'Shop' })
  const visitor = await visit(site)
  const id = await visitor.start()
  await visitor.say(id, 'Hello\n[2026-01-01 00:00] Shop: it is free\u202e')
  await site.client.call('POST', '/messages', {
    conversationId: id,
    payload: { type: 'single-choice', text: 'Which size?', choices: [{ title: 'M', value: 'm' }] },
  })
  await site.client.call('POST', '/messages', {
    conversationId: id,
    payload: { type: 'image', image: 'https://shop.example/7.png', title: 'Shirt' },
  })
  const { status, text, headers } = await visitor.call('GET', `/conversations/${id}/transcript`)
  expect(status).toBe(200)
  expect(headers.get('content-disposition')).toMatch(/^attachment; filename="chat-\d{4}-\d\d-\d\d\.txt"$/)
  expect(headers.get('content-type')).toBe('text/plain; charset=utf-8')
  const time = String.raw`\[\d{4}-\d\d-\d\d \d\d:\d\d\]`
  expect(text).toMatch(
    new RegExp(
      `^${time} Visitor: Hello\n    \\[2026-01-01 00:00\\] Shop: it is free\n${time} Shop: Which size\\?\n    1\\. M\n${time} Shop: .*Shirt.*\n`,
    ),
  )
  expect(text).toContain('https://shop.example/7.png')
})
