import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answered, createClient, type TestClient } from './support/api.js'
import { type Receiver, startReceiver } from './support/receiver.js'
import { cleanUp, sharedServer, startServer } from './support/server.js'

/** For polls: a busy machine is slow. */
const PATIENT = { timeout: 20_000 }

const server = sharedServer()
let bot: Receiver
let client: TestClient
beforeAll(async () => {
  bot = await startReceiver()
  client = await createClient(server, { webhooks: [{ url: bot.url }] })
})
afterAll(async () => {
  await bot.close()
  await cleanUp()
})

interface Asked {
  conversationId: string
  userId: string
  /** Of the message that replies are waited for. */
  id: string
  answer: Promise<Answered>
  /** Posts a message of the bot, a reply unless told otherwise. */
  reply(text: string, more?: object): Promise<Answered>
  endTurn(): Promise<Answered>
}

/** Asks in a new conversation, and waits until the bot has received it. */
async function ask(text: string, more: object = {}): Promise<Asked> {
  const { conversationId, userId } = await client.converse()
  return askIn({ conversationId, userId }, text, more)
}

async function askIn(
  { conversationId, userId }: { conversationId: string; userId: string },
  text: string,
  more: object = {},
): Promise<Asked> {
  const body = { conversationId, authorId: userId, payload: { type: 'text', text }, ...more }
  const heard = () =>
    bot
      .ofType('message.new')
      .find(
        ({ json }) => json.data.conversationId === conversationId && json.data.message?.payload.text === text,
      )
  const answer = client.call('POST', '/messages/collect', body)
  await bot.until(() => heard() !== undefined)
  const id = heard()?.json.data.message?.id ?? ''
  return {
    conversationId,
    userId,
    id,
    answer,
    reply: (text, more = {}) =>
      client.call('POST', '/messages', {
        conversationId,
        payload: { type: 'text', text },
        incomingId: id,
        ...more,
      }),
    endTurn: () => client.call('POST', `/messages/turn/${id}`),
  }
}

const textsOf = ({ json }: Answered) =>
  (json.responses as { payload: { text: string } }[]).map(({ payload }) => payload.text)

describe('a collect', () => {
  test('answers the message and what the bot replied, in order, when the turn is ended', async () => {
    const { conversationId, userId, id, answer, reply, endTurn } = await ask('hello')
    const replies = [await reply('one'), await reply('two')]
    expect(await endTurn()).toMatchObject({ status: 200, text: 'OK' })
    const { status, json } = await answer
    expect(status).toBe(201)
    expect(json.message).toEqual({
      id,
      conversationId,
      authorId: userId,
      sentOn: expect.any(String),
      payload: { type: 'text', text: 'hello' },
    })
    expect(json.responses).toMatchObject(replies.map((made) => made.json))
  })

  test('gathers only messages of the bot that reply to its message', async () => {
    const { userId, answer, reply, endTurn } = await ask('hello')
    await reply('no reply', { incomingId: undefined })
    await reply('to something else', { incomingId: randomUUID() })
    await reply('of the user', { authorId: userId })
    await reply('a reply')
    await endTurn()
    expect(textsOf(await answer)).toEqual(['a reply'])
  })

  test('stores what it does not gather', async () => {
    const { conversationId, answer, reply, endTurn } = await ask('hello')
    await reply('no reply', { incomingId: undefined })
    await reply('a reply')
    await endTurn()
    await answer
    const { json } = await client.call('GET', `/messages/conversation/${conversationId}`)
    expect(json.map(({ payload }: { payload: { text: string } }) => payload.text)).toEqual([
      'a reply',
      'no reply',
      'hello',
    ])
  })

  test('may end without a reply', async () => {
    const { answer, endTurn } = await ask('hello')
    await endTurn()
    expect((await answer).json.responses).toEqual([])
  })

  test('ends when its time is over, with what is there; a reply does not prolong it', async () => {
    const started = Date.now()
    const { answer, reply } = await ask('hello', { timeout: 2_000 })
    await reply('in time')
    expect(textsOf(await answer)).toEqual(['in time'])
    expect(Date.now() - started).toBeGreaterThanOrEqual(1_990)
    expect(Date.now() - started).toBeLessThan(10_000)
  })

  test('waits with a timeout of 0, as long as it may', async () => {
    const { answer, reply, endTurn } = await ask('hello', { timeout: 0 })
    const early = await Promise.race([answer, sleep(300, 'waiting')])
    expect(early).toBe('waiting')
    await reply('late')
    await endTurn()
    expect(textsOf(await answer)).toEqual(['late'])
  })

  test('is apart from others, of the same conversation too', async () => {
    const one = await ask('one')
    const others = [await askIn(one, 'two'), await ask('three')]
    const all = [one, ...others]
    for (const { id, reply } of all) await reply(`to ${id}`)
    for (const { endTurn } of [...all].reverse()) await endTurn()
    for (const { id, answer } of all) expect(textsOf(await answer)).toEqual([`to ${id}`])
  })

  test('goes on for the others when one ends', async () => {
    const [one, other] = [await ask('one'), await ask('other')]
    await one.endTurn()
    await one.answer
    expect(await Promise.race([other.answer, sleep(100, 'waiting')])).toBe('waiting')
    await other.endTurn()
    await other.answer
  })

  test('is over for a caller that hangs up, and the message stays', async () => {
    const { conversationId, userId } = await client.converse()
    const gone = new AbortController()
    const body = JSON.stringify({ conversationId, authorId: userId, payload: { text: 'hello?' } })
    const headers = { ...client.headers, 'content-type': 'application/json' }
    const url = `${server.url}/api/v1/messages/collect`
    const answer = fetch(url, { method: 'POST', headers, body, signal: gone.signal }).catch(() => 'hung up')
    await bot.until(() =>
      bot.requests.some(({ text }) => text.includes(conversationId) && text.includes('hello?')),
    )
    gone.abort()
    expect(await answer).toBe('hung up')
    const { json } = await client.call('GET', `/messages/conversation/${conversationId}`)
    expect(json).toHaveLength(1)
    expect((await client.call('POST', `/messages/turn/${json[0].id}`)).status).toBe(200)
  })

  test.each([
    ['no author', { authorId: undefined }, '"body.authorId" is required'],
    ['a null author', { authorId: null }, '"body.authorId" must be a string'],
    ['no payload', { payload: undefined }, '"body.payload" is required'],
    ['a text for its timeout', { timeout: '5s' }, '"body.timeout" must be a number'],
    ['too long a timeout', { timeout: 50_001 }, '"body.timeout" must be less than or equal to 50000'],
    ['a negative timeout', { timeout: -1 }, '"body.timeout" must be greater than or equal to 0'],
    ['a key too many', { incomingId: randomUUID() }, '"body.incomingId" is not allowed'],
  ])('refuses %s, and stores nothing', async (_, more, text) => {
    const { conversationId, userId } = await client.converse()
    const body = { conversationId, authorId: userId, payload: { text: 'hi' }, timeout: 100, ...more }
    expect(await client.call('POST', '/messages/collect', body)).toMatchObject({ status: 400, text })
    expect((await client.call('GET', `/messages/conversation/${conversationId}`)).json).toEqual([])
  })

  test('is not found where there is no such conversation or author', async () => {
    const { conversationId, userId } = await client.converse()
    const collect = (more: object) =>
      client.call('POST', '/messages/collect', {
        conversationId,
        authorId: userId,
        payload: { text: 'hi' },
        ...more,
      })
    const notFound = { status: 404, text: 'Not Found' }
    expect(await collect({ conversationId: randomUUID() })).toMatchObject(notFound)
    expect(await collect({ authorId: randomUUID() })).toMatchObject(notFound)
  })
})

describe('the end of a turn', () => {
  test('is OK for a message that is not collected, and said again', async () => {
    const { userId, conversationId } = await client.converse()
    const { id } = (await client.say(conversationId, 'hi', userId)).json
    for (let i = 0; i < 2; i += 1)
      expect(await client.call('POST', `/messages/turn/${id}`)).toMatchObject({ status: 200, text: 'OK' })
  })

  test('is not found for no message', async () => {
    expect(await client.call('POST', `/messages/turn/${randomUUID()}`)).toMatchObject({ status: 404 })
  })
})

describe('the webhook of a collected message', () => {
  test('says so while somebody waits, and only for that message', async () => {
    const { conversationId, id, answer, reply, endTurn } = await ask('hello')
    await reply('a reply')
    await endTurn()
    await answer
    await client.say(conversationId, 'afterwards')
    const ours = () =>
      bot.ofType('message.new').filter(({ json }) => json.data.conversationId === conversationId)
    await bot.until(() => ours().length === 3)
    expect(ours().map(({ json }) => [json.data.message?.id === id, json.data.collect])).toEqual([
      [true, true],
      [false, undefined],
      [false, undefined],
    ])
  })

  test.each([
    ['the turn was ended', (owner: TestClient, id: string) => owner.call('POST', `/messages/turn/${id}`)],
    ['the time is over', () => sleep(3_000)],
  ])('says nothing of it when it arrives after %s', async (_, end) => {
    const late = await startReceiver((request) => (request.json.type === 'message.new' ? 500 : 200))
    const owner = await createClient(server, { webhooks: [{ url: late.url }] })
    const { conversationId, userId } = await owner.converse()
    const body = { conversationId, authorId: userId, payload: { text: 'hi' }, timeout: 3_000 }
    const answer = owner.call('POST', '/messages/collect', body)
    await late.until(() => late.ofType('message.new').length > 0)
    const [first] = late.ofType('message.new')
    expect(first?.json.data.collect).toBe(true)
    await end(owner, first?.json.data.message?.id ?? '')
    await answer
    late.answer = () => 200
    const seen = late.requests.length
    await late.until((requests) => requests.length > seen)
    expect(late.requests.at(-1)?.json.data).not.toHaveProperty('collect')
    await late.close()
  })
})

describe('a server that stops', () => {
  test('answers those who wait, with what is there, and waits for nobody else', async () => {
    const stopping = await startServer()
    const owner = await createClient(stopping)
    const { conversationId, userId } = await owner.converse()
    const body = { conversationId, authorId: userId, payload: { text: 'hi' }, timeout: 0 }
    const answer = owner.call('POST', '/messages/collect', body)
    const messages = async () => (await owner.call('GET', `/messages/conversation/${conversationId}`)).json
    await expect.poll(async () => (await messages()).length, PATIENT).toBe(1)
    const [{ id: incomingId }] = await messages()
    await owner.call('POST', '/messages', { conversationId, payload: { text: 'a reply' }, incomingId })
    const since = Date.now()
    const stopped = stopping.stop()
    expect(textsOf(await answer)).toEqual(['a reply'])
    expect(await stopped).toBe(0)
    expect(Date.now() - since).toBeLessThan(5_000)
  })
})
