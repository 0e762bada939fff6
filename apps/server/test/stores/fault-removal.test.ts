import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClient, type TestClient } from '../support/api.js'
import { firstsOf, numbered, textOf, textsOf } from '../support/fault-load.js'
import { newSecret, webhookChannel } from '../support/person.js'
import { type Answer, type Receiver, startReceiver } from '../support/receiver.js'
import { cleanUp, startServer, type TestServer } from '../support/server.js'

const PATIENT = { timeout: 20_000 }

let server: TestServer

beforeAll(async () => {
  const delays = Array.from({ length: 600 }, () => '50ms').join(',')
  server = await startServer({
    env: {
      WEBHOOK_RETRY_DELAYS: delays,
      CHANNEL_RETRY_DELAYS: delays,
      GATE_PAUSE: '20ms',
      GATE_MAX_PAUSE: '50ms',
      POLL_INTERVAL: '50ms',
    },
  })
})
afterAll(cleanUp)

/** Takes everything except these texts. */
const refuses =
  (...texts: string[]): Answer =>
  (request) =>
    texts.includes(textOf(request) ?? '') ? 500 : 200

async function sayAll(client: TestClient, conversationId: string, texts: readonly string[]) {
  const ids: string[] = []
  for (const text of texts) ids.push((await client.say(conversationId, text)).json.id)
  return ids
}

/** Waits until it is in the middle of its retries. */
const untilRetried = (bot: Receiver, text: string) =>
  bot.until(() => textsOf(bot).filter((each) => each === text).length >= 3)

const statesOf = async (client: TestClient, id: string) => {
  const { json } = await client.call('GET', `/messages/${id}/deliveries`)
  return (json.deliveries as { state: string }[]).map(({ state }) => state)
}

interface Letter {
  id: string
  messageId: string
  reason: string
  target: { type: string }
}

const deadOf = async (client: TestClient) =>
  (await client.call('GET', '/dead-letters')).json.deadLetters as Letter[]

describe('a webhook that a sync removes while it is owed', () => {
  test('leaves dead letters, which can be replayed to another webhook', async () => {
    const gone = await startReceiver(refuses('0'))
    const kept = await startReceiver()
    const client = await createClient(server, { webhooks: [{ url: gone.url }, { url: kept.url }] })
    const { conversationId } = await client.converse()
    const ids = await sayAll(client, conversationId, ['0', '1', '2'])
    await untilRetried(gone, '0')
    await kept.until(() => textsOf(kept).length === 3)
    await client.call('POST', '/sync', { webhooks: [{ url: kept.url }] })
    await expect.poll(async () => (await deadOf(client)).length, PATIENT).toBe(3)
    const letters = (await deadOf(client)).toReversed()
    expect(letters).toMatchObject(
      ids.map((messageId) => ({ messageId, reason: 'target-removed', event: 'message.new' })),
    )
    for (const id of ids) expect(await statesOf(client, id)).toEqual(['dead', 'delivered'])

    // Nothing goes there any more, and what comes later is not owed to it.
    const attempts = gone.requests.length
    await sayAll(client, conversationId, ['3'])
    await kept.until(() => textsOf(kept).length === 4)
    await sleep(300)
    expect(gone.requests.length).toBe(attempts)
    expect(await deadOf(client)).toHaveLength(3)

    const replay = (id: string, target?: string) =>
      client.call('POST', `/dead-letters/${id}/replay`, target === undefined ? {} : { target })
    const [letter, other] = letters as [Letter, Letter]
    expect((await replay(letter.id)).status).toBe(404)
    expect((await replay(letter.id, gone.url)).status).toBe(400)
    expect((await replay(other.id, kept.url)).status).toBe(202)
    await kept.until(() => textsOf(kept).length === 5)
    expect(textsOf(kept)).toEqual(['0', '1', '2', '3', '1'])
    await expect.poll(async () => (await deadOf(client)).map(({ id }) => id), PATIENT).not.toContain(other.id)
    expect(await deadOf(client)).toHaveLength(2)
  })
})

describe('a message that is deleted while it is owed', () => {
  test('is not delivered after the answer, and the next one is', async () => {
    const bot = await startReceiver(refuses('0'))
    const client = await createClient(server, { webhooks: [{ url: bot.url }] })
    const { conversationId } = await client.converse()
    const [id] = await sayAll(client, conversationId, ['0', '1', '2'])
    await untilRetried(bot, '0')
    expect((await client.call('DELETE', `/messages/${id}`)).status).toBe(204)
    const attempts = textsOf(bot).filter((text) => text === '0').length
    bot.answer = () => 200
    await bot.until(() => textsOf(bot).includes('2'))
    await sleep(300)
    expect(firstsOf(bot)).toEqual(['0', '1', '2'])
    expect(textsOf(bot).filter((text) => text === '0').length).toBeLessThanOrEqual(attempts + 1)
    expect(await deadOf(client)).toEqual([])
  })

  test('and waits behind another is never delivered', async () => {
    const bot = await startReceiver(refuses('0'))
    const client = await createClient(server, { webhooks: [{ url: bot.url }] })
    const { conversationId } = await client.converse()
    const ids = await sayAll(client, conversationId, ['0', '1', '2'])
    await untilRetried(bot, '0')
    await client.call('DELETE', `/messages/${ids[1]}`)
    bot.answer = () => 200
    await bot.until(() => textsOf(bot).includes('2'))
    expect(firstsOf(bot)).toEqual(['0', '2'])
    const { json } = await client.call('GET', `/messages/conversation/${conversationId}?before=${ids[1]}`)
    expect(json.map(({ id }: { id: string }) => id)).toEqual([ids[0]])
  })
})

describe('a conversation that is deleted while it owes', () => {
  test('is not found, its messages are not delivered, and its deletion is reported', async () => {
    const texts = numbered(5)
    const bot = await startReceiver(refuses(...texts))
    const client = await createClient(server, { webhooks: [{ url: bot.url }] })
    const { conversationId, userId } = await client.converse()
    const other = await client.converse()
    const ids = await sayAll(client, conversationId, texts)
    await untilRetried(bot, '0')
    expect((await client.call('DELETE', `/conversations/${conversationId}`)).status).toBe(204)
    const attempts = textsOf(bot).length
    bot.answer = () => 200
    await bot.until(() => bot.ofType('conversation.deleted').length > 0)
    expect(bot.ofType('conversation.deleted').map(({ json }) => json.data)).toMatchObject([
      { conversationId },
    ])
    await client.say(other.conversationId, 'elsewhere')
    await bot.until(() => textsOf(bot).includes('elsewhere'))
    await sleep(300)
    expect(textsOf(bot, conversationId).every((text) => text === '0')).toBe(true)
    expect(textsOf(bot, conversationId).length).toBeLessThanOrEqual(attempts + 1)
    expect(bot.ofType('conversation.deleted')).toHaveLength(1)

    const notFound = { status: 404 }
    const say = { conversationId, authorId: userId, payload: { type: 'text', text: 'late' } }
    expect(await client.call('GET', `/conversations/${conversationId}`)).toMatchObject(notFound)
    expect(await client.call('DELETE', `/conversations/${conversationId}`)).toMatchObject(notFound)
    expect(await client.call('GET', `/messages/conversation/${conversationId}`)).toMatchObject(notFound)
    expect(await client.call('GET', `/messages/${ids[0]}`)).toMatchObject(notFound)
    expect(await client.call('POST', '/messages', say)).toMatchObject(notFound)
    expect(await deadOf(client)).toEqual([])
  })
})

describe('a channel that a sync removes while endpoints are owed', () => {
  test('leaves dead letters, and what the webhooks get is not touched', async () => {
    const person = await startReceiver(() => 503)
    const bot = await startReceiver()
    const webhooks = [{ url: bot.url }]
    const channels = webhookChannel(person.url, newSecret())
    const client = await createClient(server, { webhooks, channels })
    const channel = { name: 'webhook', version: '1.0.0' }
    const endpoint = { channel, identity: '*', sender: 'sam', thread: '*' }
    const { conversationId } = (await client.call('POST', '/endpoints/map', endpoint)).json
    const ids = await sayAll(client, conversationId, ['0', '1'])
    await person.until((requests) => requests.length >= 3)
    await client.call('POST', '/sync', { webhooks })
    await expect.poll(async () => (await deadOf(client)).length, PATIENT).toBe(2)
    expect((await deadOf(client)).toReversed()).toMatchObject(
      ids.map((messageId) => ({ messageId, reason: 'target-removed', target: { type: 'endpoint' } })),
    )
    await bot.until(() => textsOf(bot).length === 2)
    for (const id of ids) expect((await statesOf(client, id)).toSorted()).toEqual(['dead', 'delivered'])
    const attempts = person.requests.length
    await sayAll(client, conversationId, ['2'])
    await bot.until(() => textsOf(bot).length === 3)
    await sleep(300)
    expect(person.requests.length).toBe(attempts)
  })
})
