import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClient, type TestClient } from './support/api.js'
import { newSecret, tell, webhookChannel } from './support/person.js'
import { startReceiver } from './support/receiver.js'
import { cleanUp, startServer, type TestServer } from './support/server.js'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/

interface MessageJson {
  id: string
  sentOn: string
  payload: { text: string }
}

/** For polls: a busy machine is slow. */
const PATIENT = { timeout: 10_000 }

let server: TestServer
let client: TestClient

beforeAll(async () => {
  server = await startServer({ env: { WEBHOOK_RETRY_DELAYS: '50ms,50ms', CHANNEL_RETRY_DELAYS: '50ms' } })
  client = await createClient(server)
})
afterAll(cleanUp)

/** Posts this many texts, 0 first, with limited concurrency. */
async function sayMany(conversationId: string, count: number, atOnce = 1): Promise<MessageJson[]> {
  const said: MessageJson[] = []
  for (let i = 0; i < count; i += atOnce) {
    const texts = Array.from({ length: Math.min(atOnce, count - i) }, (_, j) => String(i + j))
    const answers = await Promise.all(texts.map((text) => client.say(conversationId, text)))
    said.push(...answers.map(({ json }) => json as MessageJson))
  }
  return said
}

const list = async (conversationId: string, query = ''): Promise<MessageJson[]> => {
  const { status, json } = await client.call('GET', `/messages/conversation/${conversationId}${query}`)
  expect(status).toBe(200)
  return json
}
const idsOf = (messages: readonly { id: string }[]) => messages.map(({ id }) => id)

describe('posting a message', () => {
  test('answers it, with its author', async () => {
    const { userId, conversationId } = await client.converse()
    const { status, json } = await client.say(conversationId, 'hi', userId)
    expect(status).toBe(201)
    expect(json).toEqual({
      id: expect.stringMatching(UUID),
      conversationId,
      authorId: userId,
      sentOn: expect.stringMatching(ISO),
      payload: { type: 'text', text: 'hi' },
    })
    expect(Math.abs(Date.parse(json.sentOn) - Date.now())).toBeLessThan(5_000)
    expect((await client.call('GET', `/messages/${json.id}`)).json).toEqual(json)
  })

  test.each([
    ['no author', {}],
    ['a null author', { authorId: null }],
  ])('of the bot, with %s: absent in the answer, null where it is read back', async (_, author) => {
    const { conversationId } = await client.converse()
    const payload = { type: 'text', text: 'hi' }
    const { status, json } = await client.call('POST', '/messages', { conversationId, payload, ...author })
    expect(status).toBe(201)
    expect(json).not.toHaveProperty('authorId')
    const readBack = { ...json, authorId: null }
    expect((await client.call('GET', `/messages/${json.id}`)).json).toEqual(readBack)
    expect(await list(conversationId)).toEqual([readBack])
  })

  test('takes any user of the client for its author', async () => {
    const [{ conversationId }, { userId }] = [await client.converse(), await client.converse()]
    expect((await client.say(conversationId, 'hi', userId)).json.authorId).toBe(userId)
  })

  test.each([
    ['empty', {}],
    ['without a type', { text: 'hi' }],
    ['of an unknown type', { type: 'hologram', depth: 3, nested: { list: [1, null, true, 'x'] } }],
    ['of a known type with extra fields', { type: 'text', text: 'hi', mood: 'good', choices: 'none' }],
    ['of a known type and not of its form', { type: 'carousel', items: 'none' }],
    ['with NUL and half a surrogate pair in its text', { text: 'a\0b \ud83d c \udc00' }],
    ['with keys that objects have', { constructor: 1, toString: 2, hasOwnProperty: 3, '': 4 }],
    ['with numbers of all kinds', { a: 0.1, b: -1e-7, c: 9007199254740991, d: 1e300 }],
    ['in many scripts', { text: 'héllo мир 你好 🎈 \u2028\u2029 "\\/' }],
  ])('keeps a payload that is %s as it is', async (_, payload) => {
    const { conversationId } = await client.converse()
    const { status, json } = await client.call('POST', '/messages', { conversationId, payload })
    expect(status).toBe(201)
    expect(json.payload).toEqual(payload)
    expect((await client.call('GET', `/messages/${json.id}`)).json.payload).toEqual(payload)
  })

  test.each([
    ['an array', []],
    ['a text', 'hi'],
    ['null', null],
    ['a number', 5],
  ])('refuses a payload that is %s', async (_, payload) => {
    const { conversationId } = await client.converse()
    const answer = await client.call('POST', '/messages', { conversationId, payload })
    expect(answer).toMatchObject({ status: 400, text: '"body.payload" must be of type object' })
  })

  test('knows no conversation and no author but its own', async () => {
    const { conversationId } = await client.converse()
    const notFound = { status: 404, text: 'Not Found' }
    expect(await client.say(randomUUID(), 'hi')).toMatchObject(notFound)
    expect(await client.say(conversationId, 'hi', randomUUID())).toMatchObject(notFound)
    expect(await list(conversationId)).toEqual([])
  })

  test('takes a message that it replies to, whether or not there is one', async () => {
    const { userId, conversationId } = await client.converse()
    const { id } = (await client.say(conversationId, 'hi', userId)).json
    for (const incomingId of [id, randomUUID(), null]) {
      const body = { conversationId, payload: { text: 'hello' }, incomingId }
      expect((await client.call('POST', '/messages', body)).status).toBe(201)
    }
  })
})

describe('listing messages', () => {
  test('answers 20 at most, newest first', async () => {
    const { conversationId } = await client.converse()
    const said = await sayMany(conversationId, 23)
    expect(idsOf(await list(conversationId))).toEqual(idsOf(said).reverse().slice(0, 20))
  })

  test('has one order, also within one millisecond, and the times never run against it', async () => {
    const { conversationId } = await client.converse()
    await sayMany(conversationId, 120, 40)
    const all = await list(conversationId, '?limit=0')
    expect(all).toHaveLength(120)
    expect(new Set(all.map(({ sentOn }) => sentOn)).size).toBeLessThan(120)
    expect(all.map(({ sentOn }) => sentOn)).toEqual(
      all
        .map(({ sentOn }) => sentOn)
        .sort()
        .reverse(),
    )
    expect(await list(conversationId, '?limit=120')).toEqual(all)
  })

  test('goes on before a message, page by page, with nothing twice and nothing left out', async () => {
    const { conversationId } = await client.converse()
    await sayMany(conversationId, 40, 20)
    const pages: MessageJson[] = []
    for (let page = await list(conversationId, '?limit=7'); page.length > 0; ) {
      pages.push(...page)
      page = await list(conversationId, `?limit=7&before=${page.at(-1)?.id}`)
    }
    expect(idsOf(pages)).toEqual(idsOf(await list(conversationId, '?limit=0')))
  })

  test('goes on before a message that was deleted', async () => {
    const { conversationId } = await client.converse()
    const [first, second, third] = await sayMany(conversationId, 3)
    await client.call('DELETE', `/messages/${second?.id}`)
    expect(idsOf(await list(conversationId, `?before=${second?.id}`))).toEqual([first?.id])
    expect(idsOf(await list(conversationId))).toEqual([third?.id, first?.id])
  })

  test('keeps those of a time or older', async () => {
    const { conversationId } = await client.converse()
    const said: MessageJson[] = []
    for (let i = 0; i < 3; i += 1) {
      said.push(...(await sayMany(conversationId, 1)))
      await sleep(5)
    }
    const [first, second] = said
    const from = (time: string | undefined) => list(conversationId, `?from=${encodeURIComponent(time ?? '')}`)
    expect(idsOf(await from(second?.sentOn))).toEqual([second?.id, first?.id])
    expect(await from('2000-01-01')).toEqual([])
    expect(await from('2100-01-01T00:00:00+02:00')).toHaveLength(3)
    expect(idsOf(await list(conversationId, `?from=${second?.sentOn}&before=${second?.id}`))).toEqual([
      first?.id,
    ])
  })

  test('answers all with a limit of 0, however many there are', async () => {
    const { conversationId } = await client.converse()
    const said = await sayMany(conversationId, 1_600, 100)
    const all = await list(conversationId, '?limit=0')
    expect(all).toHaveLength(1_600)
    expect(new Set(idsOf(all))).toEqual(new Set(idsOf(said)))
    expect(idsOf(await list(conversationId, '?limit=1501'))).toEqual(idsOf(all).slice(0, 1_501))
  })

  test.each([
    ['limit=-1', '"query.limit" must be greater than or equal to 0'],
    ['limit=ten', '"query.limit" must be a number'],
    ['limit=', '"query.limit" must be a number'],
    ['limit=1&limit=2', '"query.limit" must be a number'],
    ['limit=9007199254740992', '"query.limit" must be a safe number'],
    ['from=yesterday', '"query.from" must be in iso format'],
    ['from=2026-13-45', '"query.from" must be in iso format'],
    ['before=last', '"query.before" must be a valid GUID'],
    ['limit=1.5', '"query.limit" must be an integer'],
    ['limit=1e-3', '"query.limit" must be an integer'],
    ['page=2', '"query.page" is not allowed'],
  ])('refuses ?%s', async (query, text) => {
    const { conversationId } = await client.converse()
    const answer = await client.call('GET', `/messages/conversation/${conversationId}?${query}`)
    expect(answer).toMatchObject({ status: 400, text })
  })

  test('takes a limit in any notation, up to the greatest safe number', async () => {
    const { conversationId } = await client.converse()
    await sayMany(conversationId, 3)
    expect(await list(conversationId, '?limit=2.0')).toHaveLength(2)
    expect(await list(conversationId, '?limit=2e0')).toHaveLength(2)
    expect(await list(conversationId, '?limit=9007199254740991')).toHaveLength(3)
  })

  test('of a conversation that is not there is not found', async () => {
    const answer = await client.call('GET', `/messages/conversation/${randomUUID()}`)
    expect(answer).toMatchObject({ status: 404, text: 'Not Found' })
  })
})

describe('deleting', () => {
  test('removes a message, once', async () => {
    const { conversationId } = await client.converse()
    const [first, second] = await sayMany(conversationId, 2)
    const remove = () => client.call('DELETE', `/messages/${first?.id}`)
    expect(await remove()).toMatchObject({ status: 204, text: '' })
    expect(await remove()).toMatchObject({ status: 404, text: 'Not Found' })
    expect((await client.call('GET', `/messages/${first?.id}`)).status).toBe(404)
    expect(idsOf(await list(conversationId))).toEqual([second?.id])
  })

  test('removes all messages of a conversation, which stays', async () => {
    const { conversationId } = await client.converse()
    await sayMany(conversationId, 3)
    const remove = () => client.call('DELETE', `/messages/conversation/${conversationId}`)
    expect(await remove()).toMatchObject({ status: 200, json: { count: 3 } })
    expect((await remove()).json).toEqual({ count: 0 })
    expect((await client.call('GET', `/conversations/${conversationId}`)).status).toBe(200)
    expect((await client.say(conversationId, 'again')).status).toBe(201)
    expect(await list(conversationId)).toHaveLength(1)
  })

  test('of what is not there is not found', async () => {
    for (const path of [`/messages/${randomUUID()}`, `/messages/conversation/${randomUUID()}`]) {
      expect(await client.call('DELETE', path)).toMatchObject({ status: 404, text: 'Not Found' })
    }
  })
})

describe('the deliveries of a message', () => {
  const deliveriesOf = async (owner: TestClient, id: string) =>
    (await owner.call('GET', `/messages/${id}/deliveries`)).json.deliveries as Record<string, unknown>[]

  test('are none without a target', async () => {
    const { conversationId } = await client.converse()
    expect(await deliveriesOf(client, (await client.say(conversationId, 'hi')).json.id)).toEqual([])
  })

  test('report the state of the delivery to each webhook and endpoint', async () => {
    const [good, bad] = [await startReceiver(), await startReceiver(() => 500)]
    const owner = await createClient(server, {
      webhooks: [{ url: good.url }, { url: bad.url }],
      channels: webhookChannel(`${good.url}/out`, newSecret()),
    })
    const endpoint = {
      channel: { name: 'webhook', version: '1.0.0' },
      identity: '*',
      sender: 's',
      thread: 't',
    }
    const { conversationId } = (await owner.call('POST', '/endpoints/map', endpoint)).json
    const { id } = (await owner.say(conversationId, 'hi')).json
    await expect
      .poll(async () => (await deliveriesOf(owner, id)).map(({ state }) => state), PATIENT)
      .toEqual(['delivered', 'dead', 'delivered'])
    const { id: guid } = { id: expect.stringMatching(UUID) }
    expect(await deliveriesOf(owner, id)).toEqual([
      { id: expect.any(String), state: 'delivered', target: { type: 'webhook', id: guid, url: good.url } },
      {
        id: expect.any(String),
        state: 'dead',
        target: { type: 'webhook', id: guid, url: bad.url },
        attempts: expect.any(Number),
        error: 'answered 500',
      },
      { id: expect.any(String), state: 'delivered', target: { type: 'endpoint', id: guid, ...endpoint } },
    ])
  })

  test('can be read after it was deleted, and are not found with its conversation, or if it never was', async () => {
    const { conversationId } = await client.converse()
    const [alone, together] = await Promise.all(
      ['hi', 'ho'].map(async (text) => (await client.say(conversationId, text)).json.id),
    )
    await client.call('DELETE', `/messages/${alone}`)
    expect(await client.call('GET', `/messages/${alone}/deliveries`)).toMatchObject({ status: 200 })
    expect(await client.call('DELETE', `/messages/${alone}`)).toMatchObject({ status: 404 })
    await client.call('DELETE', `/messages/conversation/${conversationId}`)
    for (const gone of [together, randomUUID()])
      expect(await client.call('GET', `/messages/${gone}/deliveries`)).toMatchObject({ status: 404 })
  })
})

describe('dead letters', () => {
  /** A client whose webhook refuses messages, with one dead. */
  async function withDeadLetter() {
    const receiver = await startReceiver((request) => (request.json.type === 'message.new' ? 500 : 200))
    const owner = await createClient(server, { webhooks: [{ url: receiver.url }] })
    const { conversationId } = await owner.converse()
    const { id: messageId } = (await owner.say(conversationId, 'hi')).json
    const letters = async () =>
      (await owner.call('GET', '/dead-letters')).json.deadLetters as Record<string, unknown>[]
    await expect.poll(async () => (await letters()).length, PATIENT).toBe(1)
    return { receiver, owner, conversationId, messageId, letters }
  }

  test('are listed with what was lost, to whom, and why', async () => {
    const { receiver, conversationId, messageId, letters } = await withDeadLetter()
    expect(await letters()).toEqual([
      {
        id: expect.any(String),
        messageId,
        conversationId,
        event: 'message.new',
        target: { type: 'webhook', id: expect.stringMatching(UUID), url: receiver.url },
        reason: 'exhausted',
        error: 'answered 500',
        attempts: expect.any(Number),
        diedAt: expect.stringMatching(ISO),
      },
    ])
  })

  test('are delivered by a replay, under their old id', async () => {
    const { receiver, owner, letters } = await withDeadLetter()
    const failed = receiver.ofType('message.new')
    receiver.answer = () => 200
    const [letter] = await letters()
    const { status, json } = await owner.call('POST', `/dead-letters/${letter?.id}/replay`)
    expect([status, json]).toEqual([202, { id: letter?.id }])
    await receiver.until(() => receiver.ofType('message.new').length > failed.length)
    const ids = receiver.ofType('message.new').map(({ headers }) => headers['webhook-id'])
    expect(new Set(ids).size).toBe(1)
    expect(await letters()).toEqual([])
  })

  test('are delivered to another webhook, named by its URL', async () => {
    const { receiver, owner, letters } = await withDeadLetter()
    const other = await startReceiver()
    await owner.call('POST', '/sync', { webhooks: [{ url: receiver.url }, { url: other.url }] })
    const [letter] = await letters()
    const replay = (target: string) => owner.call('POST', `/dead-letters/${letter?.id}/replay`, { target })
    expect(await replay('http://127.0.0.1:9/unknown')).toMatchObject({
      status: 400,
      text: expect.stringMatching(/^"body\.target" /),
    })
    expect((await replay(other.url)).status).toBe(202)
    await other.until(() => other.ofType('message.new').length === 1)
  })

  test('are replayed once, and only those that there are', async () => {
    const { receiver, owner, letters } = await withDeadLetter()
    receiver.answer = () => 200
    const [letter] = await letters()
    const replay = (id: unknown) => owner.call('POST', `/dead-letters/${id}/replay`)
    expect((await replay(letter?.id)).status).toBe(202)
    expect(await replay(letter?.id)).toMatchObject({ status: 404, text: 'Not Found' })
    for (const id of ['x', randomUUID(), `${randomUUID()}.webhook.${randomUUID()}`])
      expect(await replay(id)).toMatchObject({ status: 404, text: 'Not Found' })
  })

  test('are listed page by page', async () => {
    const { owner, conversationId, letters } = await withDeadLetter()
    for (const text of ['two', 'three']) await owner.say(conversationId, text)
    await expect.poll(async () => (await letters()).length, PATIENT).toBe(3)
    const all = await letters()
    const page = async (query: string) =>
      (await owner.call('GET', `/dead-letters?limit=2${query}`)).json.deadLetters
    expect(await page('')).toEqual(all.slice(0, 2))
    expect(await page(`&before=${all[1]?.id}`)).toEqual(all.slice(2))
  })
})

describe('a message of a conversation on a channel', () => {
  test('goes to the person, whoever wrote it, but not back to where it came from', async () => {
    const [person, bot] = [await startReceiver(), await startReceiver()]
    const secret = newSecret()
    const owner = await createClient(server, {
      webhooks: [{ url: bot.url }],
      channels: webhookChannel(person.url, secret),
    })
    await tell(server, { client: owner.id, secret }, { sender: 'sam', payload: { type: 'text', text: 'hi' } })
    await bot.until(() => bot.ofType('message.new').length === 1)
    const { conversationId = '', userId = '' } = (bot.ofType('message.new')[0]?.json.data ?? {}) as Record<
      string,
      string
    >
    await owner.say(conversationId, 'from the bot')
    await owner.say(conversationId, 'from the user', userId)
    await person.until((requests) => requests.length === 2)
    const texts = person.requests.map(
      ({ json }) => (json as unknown as { payload: { text: string } }).payload.text,
    )
    expect(texts).toEqual(['from the bot', 'from the user'])
  })
})
