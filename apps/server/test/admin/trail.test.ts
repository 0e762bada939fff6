import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answered, asAdmin, call, createClient, type TestClient } from '../support/api.js'
import { type Answer, type Received, type Receiver, startReceiver } from '../support/receiver.js'
import { cleanUp, startServer, type TestServer } from '../support/server.js'

let server: TestServer
beforeAll(async () => {
  server = await startServer({
    env: { WEBHOOK_RETRY_DELAYS: '20ms,20ms,1h', GATE_FAILURES: '3', GATE_PAUSE: '1m', GATE_MAX_PAUSE: '1m' },
  })
})
afterAll(cleanUp)

const admin = (method: string, path: string, body?: unknown): Promise<Answered> =>
  call(server, method, `/admin/v1${path}`, { body, headers: asAdmin })

interface Scene {
  client: TestClient
  bot: Receiver
  conversationId: string
  /** Of the webhook, below `/admin/v1`. */
  webhook: string
  userId: string
}

/** A client with one webhook, and a conversation in which nothing was said. */
async function open(answer?: Answer): Promise<Scene> {
  const bot = await startReceiver(answer)
  const client = await createClient(server, { webhooks: [{ url: bot.url }] })
  const { conversationId, userId } = await client.converse()
  await bot.until((requests) => requests.length >= 2)
  const { items } = (await admin('GET', `/clients/${client.id}/webhooks`)).json
  return { client, bot, conversationId, userId, webhook: `/clients/${client.id}/webhooks/${items[0].id}` }
}

const isMessage = ({ json }: Received): boolean => json.type === 'message.new'
const textsOf = (bot: Receiver): unknown[] =>
  bot.ofType('message.new').map(({ json }) => json.data.message?.payload.text)

const timelineOf = async ({ client, conversationId }: Scene, query = '') =>
  (await admin('GET', `/clients/${client.id}/conversations/${conversationId}/timeline${query}`)).json

/** Deliveries of the messages, the oldest message first, once they are as the test expects. */
async function deliveriesOf(scene: Scene, isThere: (deliveries: Shown[]) => boolean): Promise<Shown[]> {
  let deliveries: Shown[] = []
  await expect
    .poll(
      async () => {
        const { items } = await timelineOf(scene)
        const messages = items.filter(({ entry }: { entry: { type: string } }) => entry.type === 'message')
        deliveries = messages.reverse().flatMap((item: { deliveries: Shown[] }) => item.deliveries)
        return isThere(deliveries)
      },
      { timeout: 10_000, interval: 50 },
    )
    .toBe(true)
  return deliveries
}

interface Shown {
  target: { kind: string; id: string; label: string }
  state: string
  attempts: { outcome: string; status?: number; response?: string; durationMs: number; error?: string }[]
  held?: { by: string; reason: string; since?: string; until?: string; entryId?: string }
  nextAttemptAt?: string
}

test('a timeline shows each attempt, with what the webhook answered', async () => {
  let refused = 0
  const scene = await open((request, response) => {
    if (!isMessage(request) || refused === 2) return 200
    refused += 1
    response.writeHead(503).end(refused === 1 ? 'no worker free' : request.text)
    return undefined
  })
  await scene.client.say(scene.conversationId, 'hello there', scene.userId)
  const [delivery] = await deliveriesOf(scene, ([only]) => only?.attempts.length === 3)
  expect(delivery).toMatchObject({
    target: { kind: 'webhook', label: expect.stringContaining(new URL(scene.bot.url).host) },
    state: 'delivered',
    attempts: [
      { outcome: 'transient', status: 503, error: 'answered 503', response: 'no worker free' },
      { outcome: 'transient', status: 503, response: '(not kept: it repeats what was sent)' },
      { outcome: 'delivered', status: 200 },
    ],
  })
  const { items, next } = await timelineOf(scene, '?limit=1')
  expect(items).toHaveLength(1)
  expect(items[0].entry).toMatchObject({
    ...{ seq: 2, type: 'message', preview: 'hello there', author: { kind: 'user', id: scene.userId } },
    payload: { type: 'text', text: 'hello there' },
  })
  const earlier = await timelineOf(scene, `?limit=5&before=${next}`)
  expect(earlier.items.map(({ entry }: { entry: { seq: number } }) => entry.seq)).toEqual([1])
  expect(Object.keys(earlier)).not.toContain('next')
  const later = await timelineOf(scene, '?after=1')
  expect(later.items.map(({ entry }: { entry: { seq: number } }) => entry.seq)).toEqual([2])
  expect(server.output()).not.toContain('hello there')
})

test('the first success is shown too, though it costs no row of its own', async () => {
  const scene = await open()
  await scene.client.say(scene.conversationId, 'one')
  await scene.client.say(scene.conversationId, 'two')
  const deliveries = await deliveriesOf(
    scene,
    (all) => all.length === 2 && all.every(({ attempts }) => attempts.length === 1),
  )
  for (const { state, attempts, held } of deliveries)
    expect([state, attempts[0]?.outcome, attempts[0]?.status, held]).toEqual([
      'delivered',
      'delivered',
      200,
      undefined,
    ])
})

test('an outage is explained: what fails, what waits for it, and until when', async () => {
  const scene = await open((request) => (isMessage(request) ? 500 : 200))
  const { json } = await scene.client.say(scene.conversationId, 'first')
  await scene.client.say(scene.conversationId, 'second')
  const [first, second] = await deliveriesOf(
    scene,
    ([head, next]) => head?.attempts.length === 3 && next?.held?.by === 'lane',
  )
  expect(first).toMatchObject({
    ...{ state: 'retrying', nextAttemptAt: expect.any(String) },
    held: { by: 'circuit', since: expect.any(String), until: expect.any(String) },
  })
  expect(second).toMatchObject({
    ...{ state: 'retrying', attempts: [] },
    held: { entryId: json.id, until: first?.nextAttemptAt, reason: expect.stringContaining('500') },
  })
  const { items } = (await admin('GET', `/clients/${scene.client.id}/webhooks`)).json
  expect(items[0]).toMatchObject({ circuit: 'open', circuitUntil: first?.held?.until, state: 'retrying' })
  expect(items[0].successRate).toBeGreaterThan(0)
  expect(items[0].successRate).toBeLessThan(1)
  const { latencyMs, latencyP50Ms, latencyP95Ms } = items[0]
  for (const latency of [latencyMs, latencyP50Ms]) expect(latency).toBeGreaterThanOrEqual(0)
  expect(latencyP95Ms).toBeGreaterThanOrEqual(latencyP50Ms)
})

test('what an operator pauses is held, and delivered in order once it continues', async () => {
  const scene = await open()
  expect((await admin('PATCH', scene.webhook, { paused: true })).json).toMatchObject({ paused: true })
  for (const text of ['a', 'b']) await scene.client.say(scene.conversationId, text)
  const held = await deliveriesOf(
    scene,
    (all) => all.length === 2 && all.every((each) => each.held?.by === 'pause'),
  )
  expect(held[0]).toMatchObject({ state: 'pending', held: { since: expect.any(String) } })
  // A bot that starts again does not end it.
  await scene.client.call('POST', '/sync', { webhooks: [{ url: scene.bot.url }] })
  expect(textsOf(scene.bot)).toEqual([])
  expect((await admin('PATCH', scene.webhook, { paused: false })).json).toMatchObject({ paused: false })
  await scene.bot.until((requests) => requests.filter(isMessage).length === 2)
  expect(textsOf(scene.bot)).toEqual(['a', 'b'])
})

test('a paused integration sends nothing until it continues', async () => {
  const scene = await open()
  const people = await startReceiver()
  const of = `/clients/${scene.client.id}/integrations`
  const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`
  const made = await admin('POST', of, { channel: 'webhook', config: { url: people.url, secret } })
  expect(made.json).toMatchObject({ channel: 'webhook', paused: false })
  const address = {
    channel: { name: 'webhook', version: '1.0.0' },
    identity: '*',
    sender: 'ann',
    thread: '*',
  }
  const { conversationId } = (await scene.client.call('POST', '/endpoints/map', address)).json
  expect((await admin('PATCH', `${of}/${made.json.id}`, { paused: true })).json.paused).toBe(true)
  await scene.client.say(conversationId, 'to Ann')
  const there = { ...scene, conversationId }
  const isOfEndpoint = ({ target }: Shown) => target.kind === 'endpoint'
  await deliveriesOf(there, (all) => all.find(isOfEndpoint)?.held?.by === 'pause')
  expect(people.requests).toEqual([])
  await admin('PATCH', `${of}/${made.json.id}`, { paused: false })
  await people.until((requests) => requests.length === 1)
  const [sent] = (await deliveriesOf(there, (all) => all.find(isOfEndpoint)?.attempts.length === 1)).filter(
    isOfEndpoint,
  )
  expect(sent).toMatchObject({
    state: 'delivered',
    target: { label: 'webhook' },
    attempts: [{ outcome: 'delivered' }],
  })
})

test('a disabled client has no API, its provider repeats its requests, and its deliveries wait', async () => {
  const scene = await open()
  const one = `/clients/${scene.client.id}`
  const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`
  const config = { url: 'http://127.0.0.1:9/people', secret }
  expect((await admin('POST', `${one}/integrations`, { channel: 'webhook', config })).status).toBe(201)
  const body = { disabled: true, disabledReason: 'invoice 12 is open' }
  expect((await admin('PATCH', one, body)).json).toMatchObject({
    disabled: true,
    disabledReason: 'invoice 12 is open',
  })
  const said = await scene.client.say(scene.conversationId, 'unheard')
  expect([said.status, said.text]).toEqual([403, expect.stringContaining('invoice 12 is open')])
  const again = await scene.client.call('POST', '/sync', { id: scene.client.id, token: scene.client.token })
  expect(again.status).toBe(403)
  const headers = { 'webhook-id': 'a', 'webhook-timestamp': '1', 'webhook-signature': 'v1,a' }
  const event = () => call(server, 'POST', `/webhooks/v1/${scene.client.id}/webhook`, { body: {}, headers })
  expect((await event()).status).toBe(503)
  expect((await admin('PATCH', one, { disabled: false })).json).toMatchObject({ disabled: false })
  expect((await event()).status).toBe(401)
  await scene.client.say(scene.conversationId, 'heard')
  await scene.bot.until((requests) => requests.some(isMessage))
  expect(textsOf(scene.bot)).toEqual(['heard'])
})

describe('a webhook', () => {
  test('is tried with an event that tells of nothing', async () => {
    let status = 200
    const scene = await open(() => status)
    const test = () => admin('POST', `${scene.webhook}/test`, {})
    expect((await test()).json).toMatchObject({
      outcome: 'delivered',
      status: 200,
      durationMs: expect.any(Number),
    })
    const [event] = scene.bot.ofType('test')
    const [{ token } = { token: '' }] = scene.client.webhooks
    expect(() => verify(token, event)).not.toThrow()
    status = 418
    expect((await test()).json).toMatchObject({ outcome: 'transient', status: 418, error: 'answered 418' })
    expect(scene.bot.ofType('test')).toHaveLength(2)
    // It is no way to flood somebody.
    const rest = await Promise.all(Array.from({ length: 12 }, test))
    expect(rest.map((answer) => answer.status).sort()).toEqual([...Array(8).fill(200), ...Array(4).fill(429)])
    const limited = await test()
    expect([limited.status, limited.json.error.code]).toEqual([429, 'RATE_LIMITED'])
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(scene.bot.ofType('test')).toHaveLength(10)
  })

  test('gets another secret, and both sign for a while', async () => {
    const scene = await open()
    const [{ token: before } = { token: '' }] = scene.client.webhooks
    const rotated = (await admin('POST', `${scene.webhook}/rotate-secret`, { overlapHours: 1 })).json
    expect(rotated.secret).not.toBe(before)
    await scene.client.say(scene.conversationId, 'signed twice')
    await scene.bot.until((requests) => requests.some(isMessage))
    const [event] = scene.bot.ofType('message.new')
    for (const secret of [before, rotated.secret]) expect(() => verify(secret, event)).not.toThrow()
    await admin('POST', `${scene.webhook}/rotate-secret`, { overlapHours: 0 })
    await scene.client.say(scene.conversationId, 'signed once')
    await scene.bot.until((requests) => requests.filter(isMessage).length === 2)
    const [, last] = scene.bot.ofType('message.new')
    for (const secret of [before, rotated.secret])
      expect(() => verify(secret, last)).toThrow('No matching signature')
  })

  test('of another client is not found', async () => {
    const [mine, yours] = [await open(), await open()]
    const path = mine.webhook.replace(mine.client.id, yours.client.id)
    for (const [method, more, body] of [
      ['PATCH', '', { paused: true }],
      ['POST', '/test', {}],
      ['POST', '/rotate-secret', {}],
    ] as const)
      expect((await admin(method, path + more, body)).status).toBe(404)
    const foreign = `/clients/${yours.client.id}/conversations/${mine.conversationId}/timeline`
    expect((await admin('GET', foreign)).status).toBe(404)
  })
})

function verify(secret: string, event: Received | undefined): void {
  new Webhook(secret).verify(event?.text ?? '', event?.headers as Record<string, string>)
}
