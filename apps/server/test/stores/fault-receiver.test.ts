import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClient, type TestClient } from '../support/api.js'
import { firstsOf, messageOf, numbered, textOf, textsOf } from '../support/fault-load.js'
import { type Answer, type Receiver, startReceiver } from '../support/receiver.js'
import { cleanUp, isSoak, startServer, type TestServer, temporaryFolder } from '../support/server.js'

const PATIENT = { timeout: 15_000 }
const COUNT = isSoak ? 10 : 5

/** Leaves a failing webhook alone for moments only, so that it is tried again soon. One that works always answers in time. */
const GATE = { GATE_PAUSE: '50ms', GATE_MAX_PAUSE: '200ms', POLL_INTERVAL: '50ms', WEBHOOK_TIMEOUT: '2s' }

/** Of both servers, one after the other. */
let folder: string
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(cleanUp)

const sayAll = async (client: TestClient, conversationId: string, texts: readonly string[]) => {
  const ids: string[] = []
  for (const text of texts) ids.push((await client.say(conversationId, text)).json.id)
  return ids
}

const deliveriesOf = async (client: TestClient, id: string) =>
  (await client.call('GET', `/messages/${id}/deliveries`)).json.deliveries as Record<string, unknown>[]

const deadOf = async (client: TestClient) =>
  (await client.call('GET', '/dead-letters')).json.deadLetters as Record<string, unknown>[]

const failing: [name: string, answer: Answer][] = [
  ['hangs', () => undefined],
  ['answers 500', () => 500],
  [
    'answers 429 with Retry-After',
    (_request, response) => {
      response.writeHead(429, { 'retry-after': '1' }).end()
      return undefined
    },
  ],
  [
    'resets the connection',
    (_request, response) => {
      response.socket?.resetAndDestroy()
      return undefined
    },
  ],
]

describe('a receiver that fails', () => {
  let patient: TestServer
  beforeAll(async () => {
    const delays = Array.from({ length: 250 }, () => '200ms').join(',')
    patient = await startServer({ folder, env: { ...GATE, WEBHOOK_RETRY_DELAYS: delays } })
  })
  afterAll(() => patient.stop())

  /** While it fails, everybody else is served; when it recovers, it gets its messages in order. */
  async function failAndRecover(
    faulty: Receiver,
    { fail, recover }: { fail(): Promise<void> | void; recover(): Promise<Receiver> | Receiver },
  ): Promise<void> {
    const [beside, stranger] = [await startReceiver(), await startReceiver()]
    const client = await createClient(patient, { webhooks: [{ url: faulty.url }, { url: beside.url }] })
    const other = await createClient(patient, { webhooks: [{ url: stranger.url }] })
    const mine = (await client.converse()).conversationId
    const theirs = (await other.converse()).conversationId
    await faulty.until(() => faulty.ofType('conversation.new').length === 1)
    await fail()
    const [firstId = ''] = await sayAll(client, mine, ['0'])
    const first = async () => (await deliveriesOf(client, firstId))[0]
    await expect.poll(first, PATIENT).toMatchObject({ state: 'retrying', error: expect.any(String) })
    await sayAll(client, mine, numbered(COUNT).slice(1))
    await sayAll(other, theirs, numbered(COUNT))
    await beside.until(() => textsOf(beside).length >= COUNT)
    await stranger.until(() => textsOf(stranger).length >= COUNT)
    expect(textsOf(beside)).toEqual(numbered(COUNT))
    expect(textsOf(stranger)).toEqual(numbered(COUNT))

    // All of that came while it was failing: it has not even its first one.
    expect(await first()).toMatchObject({ state: 'retrying' })
    expect(firstsOf(faulty).slice(1)).toEqual([])
    const bot = await recover()
    await bot.until(() => new Set(textsOf(bot)).size >= COUNT, 20_000)
    await expect.poll(first, PATIENT).toMatchObject({ state: 'delivered' })
    expect(firstsOf(bot, mine)).toEqual(numbered(COUNT))
    const ids = bot.ofType('message.new').map(({ headers }) => headers['webhook-id'])
    expect(new Set(ids).size).toBe(COUNT)
    expect(textsOf(beside)).toEqual(numbered(COUNT))
    expect(textsOf(stranger)).toEqual(numbered(COUNT))
  }

  test.each(failing)(
    'and %s holds up nobody else, and gets its messages in order later',
    async (_, answer) => {
      const bot = await startReceiver()
      await failAndRecover(bot, {
        fail: () => {
          bot.answer = answer
        },
        recover: () => {
          bot.answer = () => 200
          return bot
        },
      })
    },
  )

  test('and is down holds up nobody else, and gets its messages in order later', async () => {
    const bot = await startReceiver()
    await failAndRecover(bot, {
      fail: () => bot.close(),
      recover: () => startReceiver(() => 200, bot),
    })
  })

  test('and asks for time with Retry-After gets no second attempt before it is over', async () => {
    let refusedAt: number | undefined
    const bot = await startReceiver((request, response) => {
      if (textOf(request) === undefined || refusedAt !== undefined) return 200
      refusedAt = performance.now()
      response.writeHead(429, { 'retry-after': '2' }).end()
      return undefined
    })
    let secondAt = 0
    const { answer } = bot
    bot.answer = (...given) => {
      if (refusedAt !== undefined && secondAt === 0) secondAt = performance.now()
      return answer(...given)
    }
    const client = await createClient(patient, { webhooks: [{ url: bot.url }] })
    const { conversationId } = await client.converse()
    await sayAll(client, conversationId, ['0', '1', '2'])
    await bot.until(() => textsOf(bot).length >= 4)
    expect(textsOf(bot)).toEqual(['0', '0', '1', '2'])
    expect(secondAt - (refusedAt ?? 0)).toBeGreaterThanOrEqual(1_990)
  })
})

describe('a delivery whose schedule is over', () => {
  let hasty: TestServer
  beforeAll(async () => {
    hasty = await startServer({ folder, env: { ...GATE, WEBHOOK_RETRY_DELAYS: '50ms,100ms' } })
  })

  test.each(failing.filter(([name]) => name !== 'answers 429 with Retry-After'))(
    'is dead when the receiver %s, and a later one is delivered',
    async (_, answer) => {
      const bot = await startReceiver((request, ...rest) =>
        textOf(request) === 'doomed' ? answer(request, ...rest) : 200,
      )
      const client = await createClient(hasty, { webhooks: [{ url: bot.url }] })
      const { conversationId } = await client.converse()
      const [doomed = '', later = ''] = await sayAll(client, conversationId, ['doomed', 'later'])
      await bot.until(() => textsOf(bot).includes('later'), 20_000)
      await expect
        .poll(async () => (await deliveriesOf(client, later))[0], PATIENT)
        .toMatchObject({ state: 'delivered' })
      const [delivery] = await deliveriesOf(client, doomed)
      expect(delivery).toMatchObject({ state: 'dead', error: expect.any(String) })
      const [letter, ...more] = await deadOf(client)
      expect(more).toEqual([])
      const [webhook] = client.webhooks
      expect(letter).toMatchObject({
        id: delivery?.id,
        messageId: doomed,
        conversationId,
        event: 'message.new',
        target: { type: 'webhook', url: webhook?.url },
        reason: 'exhausted',
      })
      expect(firstsOf(bot)).toEqual(['doomed', 'later'])
      const attempts = textsOf(bot).filter((text) => text === 'doomed').length
      expect(letter?.attempts).toBe(attempts)
      expect(attempts).toBeLessThanOrEqual(3)
    },
  )

  test('is delivered by a replay with the same id, once, and leaves the list', async () => {
    const bot = await startReceiver((request) => (textOf(request) === undefined ? 200 : 500))
    const client = await createClient(hasty, { webhooks: [{ url: bot.url }] })
    const { conversationId } = await client.converse()
    const [id = ''] = await sayAll(client, conversationId, ['again'])
    await expect.poll(async () => (await deadOf(client)).length, PATIENT).toBe(1)
    const [letter] = await deadOf(client)
    bot.answer = () => 200
    const before = bot.requests.length
    const replay = () => client.call('POST', `/dead-letters/${letter?.id}/replay`)
    expect((await replay()).status).toBe(202)
    await bot.until((requests) => requests.length > before)
    await expect.poll(async () => (await deliveriesOf(client, id))[0]?.state, PATIENT).toBe('delivered')
    expect(bot.requests).toHaveLength(before + 1)
    const attempts = bot.requests.filter((request) => messageOf(request)?.id === id)
    expect(new Set(attempts.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    expect(await deadOf(client)).toEqual([])
    expect((await replay()).status).toBe(404)
  })

  test('lets all that waited behind it go with one attempt each, when the receiver stays down', async () => {
    const bot = await startReceiver((request) => (textOf(request) === undefined ? 200 : 500))
    const client = await createClient(hasty, { webhooks: [{ url: bot.url }] })
    const { conversationId } = await client.converse()
    await sayAll(client, conversationId, numbered(COUNT))
    await expect.poll(async () => (await deadOf(client)).length, PATIENT).toBe(COUNT)
    expect(firstsOf(bot)).toEqual(numbered(COUNT))
    expect((await deadOf(client)).every(({ reason }) => reason === 'exhausted')).toBe(true)
    bot.answer = () => 200
    await sayAll(client, conversationId, ['later'])
    await bot.until(() => textsOf(bot).includes('later'))
  })
})
