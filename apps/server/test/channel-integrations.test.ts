import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { call, callAdmin, createClient, type TestClient } from './support/api.js'
import {
  type CourierProvider,
  startCourierProvider,
  startProcessWithCouriers,
  startWithCouriers,
  tellEvents,
} from './support/courier-channel.js'
import { type Receiver, startReceiver } from './support/receiver.js'
import { cleanUp, type TestServer } from './support/server.js'

const PATIENT = { timeout: 20_000 }

let server: TestServer
let provider: CourierProvider
let bot: Receiver
beforeAll(async () => {
  provider = await startCourierProvider()
  server = await startWithCouriers(provider.url)
  bot = await startReceiver()
})
afterAll(async () => {
  await Promise.all([bot.close(), provider.close()])
  await cleanUp()
})
beforeEach(() => {
  provider.answer = () => 200
  provider.calls.length = 0
  bot.requests.length = 0
})

const courier = (token: string = randomUUID(), account: string = randomUUID()) => ({
  version: '1.0.0',
  token,
  account,
})
const sync = (client: TestClient, channels: object) =>
  client.call('POST', '/sync', { channels, webhooks: [{ url: bot.url }] })
const healthOf = async (client: TestClient, channel = 'courier') =>
  (await client.call('GET', '/health')).json.channels[channel]
const statusOf = async (client: TestClient) => (await healthOf(client)).status
/** Calls with this token to this path. */
const toldBy = (token: string, path: string) => provider.to(path).filter((each) => each.token === token)
const answering = (paths: Record<string, number>) => {
  provider.answer = ({ path }) => paths[path] ?? 200
}

describe('the provider of a new integration', () => {
  test('gets the webhook URL, and the bot is notified', async () => {
    const { token, ...rest } = courier()
    const client = await createClient(server, {
      channels: { courier: { ...rest, token } },
      webhooks: [{ url: bot.url }],
    })
    await expect.poll(() => statusOf(client), PATIENT).toBe('active')
    const webhookUrl = `${server.url}/webhooks/v1/${client.id}/courier`
    expect(toldBy(token, '/provision').map(({ body }) => body)).toEqual([{ webhookUrl }])
    const typesOf = ({ events }: { events: { type: string }[] }) => events.map(({ type }) => type)
    const types = ['initialize', 'start', 'configure', 'create']
    await expect.poll(async () => typesOf(await healthOf(client)), PATIENT).toEqual(types)
    expect(await healthOf(client)).toMatchObject({
      ...{ configured: true, webhookUrl, setup: `Tell the courier to call ${webhookUrl}` },
      consecutiveFailures: 0,
    })
    await bot.until(() => bot.ofType('health.new').length === 4)
  })

  test('that refuses the credentials makes the sync fail with the field, and nothing is left', async () => {
    answering({ '/check': 401 })
    const known = await createClient(server, {})
    const config = courier()
    const refused = await sync(known, { courier: config })
    expect([refused.status, refused.text]).toEqual([400, expect.stringContaining('channels.courier.token')])
    expect((await known.call('GET', '/health')).json.channels).toEqual({})
    const count = async () => (await callAdmin(server, 'GET', '/clients')).json?.clients?.length
    const before = await count()
    const seed = await call(server, 'POST', '/api/v1/sync', { body: { channels: { courier: config } } })
    expect(seed.status).toBe(400)
    expect(await count()).toBe(before)
    answering({})
    expect((await sync(known, { courier: config })).status).toBe(200)
  })

  test('that cannot be reached does not hold the sync up: pending with the reason, until it can be, also after a crash', async () => {
    answering({ '/check': 503, '/provision': 503 })
    const own = await startProcessWithCouriers(provider.url)
    const config = courier()
    const client = await createClient(own, { channels: { courier: config } })
    expect(await healthOf(client)).toMatchObject({
      ...{ status: 'pending', configured: false, reason: 'the provider answered 503' },
    })
    await expect.poll(() => toldBy(config.token, '/provision').length, PATIENT).toBeGreaterThan(2)
    await own.kill()
    answering({})
    await own.restart()
    await expect.poll(() => statusOf(client), PATIENT).toBe('active')
    expect((await healthOf(client)).reason).toBe(undefined)
  })

  test('that does not answer at all delays the sync by seconds at most', async () => {
    provider.answer = () => undefined
    const start = Date.now()
    const client = await createClient(server, { channels: { courier: courier(), telegraph: courier() } })
    expect(Date.now() - start).toBeLessThan(15_000)
    expect((await healthOf(client)).reason).toContain('in time')
  })

  test('is notified when the integration is deleted', async () => {
    const config = courier()
    const client = await createClient(server, { channels: { courier: config } })
    await expect.poll(() => statusOf(client), PATIENT).toBe('active')
    await sync(client, { courier: { ...config, enabled: false } })
    await expect.poll(() => toldBy(config.token, '/unprovision').length, PATIENT).toBe(1)
  })
})

describe('an account that one client alone may use', () => {
  test('is refused to another, until the first one gives it up or is gone', async () => {
    const [one, two] = [await createClient(server), await createClient(server)]
    const account = randomUUID()
    const wish = { courier: courier('token-1', account) }
    expect((await sync(one, wish)).status).toBe(200)
    const refused = await sync(two, wish)
    expect([refused.status, refused.text]).toEqual([409, expect.stringContaining('channels.courier')])
    expect(refused.text).not.toContain(account)
    expect((await sync(one, { courier: courier('token-2', account) })).status).toBe(200)
    expect((await sync(one, {})).status).toBe(200)
    expect((await sync(two, wish)).status).toBe(200)
    expect((await sync(one, wish)).status).toBe(409)
  })
})

describe('what goes to a provider', () => {
  const talk = async (channel = 'courier', config = courier()) => {
    const client = await createClient(server, { channels: { [channel]: config } })
    const converse = async (sender: string): Promise<string> => {
      const endpoint = { channel: { name: channel, version: '1.0.0' }, identity: '*', sender, thread: '*' }
      return (await client.call('POST', '/endpoints/map', endpoint)).json.conversationId
    }
    const say = async (conversationId: string, payload: object) =>
      (await client.call('POST', '/messages', { conversationId, payload })).json.id as string
    const sent = () => toldBy(config.token, '/send').map(({ body, at }) => ({ ...body, at }))
    return { client, config, converse, say, sent }
  }
  const text = (text: string, more: object = {}) => ({ type: 'text', text, ...more })

  test('keeps to its rate for each endpoint, and other endpoints do not wait', async () => {
    const { converse, say, sent } = await talk('telegraph')
    const [ada, eve] = [await converse('ada'), await converse('eve')]
    await Promise.all(Array.from({ length: 20 }, (_, i) => say(ada, text(`${i}`))))
    await say(eve, text('to eve'))
    await expect.poll(() => sent().length, PATIENT).toBe(21)
    const to = (sender: string) => sent().filter(({ endpoint }) => endpoint.sender === sender)
    const [first, last] = [to('ada')[0]?.at ?? 0, to('ada').at(-1)?.at ?? 0]
    expect(last - first).toBeGreaterThan(1800)
    expect(to('eve')[0]?.at).toBeLessThan(last - 300)
  })

  test('that asks for a pause of one endpoint gets it, and no other endpoint waits, nor is an attempt spent', async () => {
    const { client, converse, say, sent } = await talk()
    const [ada, eve] = [await converse('ada'), await converse('eve')]
    let limited = 6
    provider.answer = ({ path, body }, response) => {
      if (path !== '/send' || body.endpoint.sender !== 'ada' || limited-- <= 0) return 200
      response.writeHead(429, { 'retry-after': '0.3' }).end()
      return undefined
    }
    const id = await say(ada, text('to ada'))
    await expect.poll(() => limited < 6).toBe(true)
    await say(eve, text('to eve'))
    await expect
      .poll(() => sent().filter(({ endpoint }) => endpoint.sender === 'eve').length, PATIENT)
      .toBe(1)
    expect(limited).toBeGreaterThan(0)
    await expect
      .poll(async () => {
        const { deliveries } = (await client.call('GET', `/messages/${id}/deliveries`)).json
        return deliveries[0].state
      }, PATIENT)
      .toMatch(/delivered|dead/)
  })

  test('shows typing before a message that wants it', async () => {
    const { client, converse, say, sent, config } = await talk()
    // Otherwise it may be reverted in between, and shown again.
    await expect.poll(() => statusOf(client), PATIENT).toBe('active')
    const ada = await converse('ada')
    await say(ada, text('after a while', { typing: true, delay: 400 }))
    await expect.poll(() => sent().length, PATIENT).toBe(1)
    const [typing] = toldBy(config.token, '/typing')
    expect((sent()[0]?.at ?? 0) - (typing?.at ?? 0)).toBeGreaterThan(350)
    expect(toldBy(config.token, '/typing')).toHaveLength(1)
  })

  test('and its messages show in health, also after a restart', async () => {
    // The sum of the delays is a deadline, which leaves a slow machine time for a second attempt.
    const own = await startWithCouriers(provider.url, { CHANNEL_RETRY_DELAYS: '50ms,50ms,2s' })
    const config = courier()
    const client = await createClient(own, { channels: { courier: config } })
    await tellEvents(
      own,
      { client: client.id, token: config.token },
      { type: 'message', dedupeKey: '1', content: { type: 'text', text: 'hi' } },
    )
    const endpoint = {
      channel: { name: 'courier', version: '1.0.0' },
      identity: '*',
      sender: 'ada',
      thread: '*',
    }
    const { conversationId } = (await client.call('POST', '/endpoints/map', endpoint)).json
    answering({ '/send': 503 })
    await client.say(conversationId, 'fails')
    await expect.poll(async () => (await healthOf(client)).consecutiveFailures, PATIENT).toBeGreaterThan(1)
    expect((await healthOf(client)).lastFailure).toMatchObject({
      ...{ kind: 'transient', message: 'the provider answered 503' },
    })
    answering({})
    const { json: last } = await client.say(conversationId, 'arrives')
    const states = async () => {
      const { json } = await client.call('GET', `/messages/${last.id}/deliveries`)
      return json.deliveries.map(({ state }: { state: string }) => state)
    }
    await expect.poll(states, PATIENT).toEqual(['delivered'])
    expect((await healthOf(client)).consecutiveFailures).toBe(0)
    const before = await healthOf(client)
    for (const time of ['lastInboundAt', 'lastOutboundAt']) expect(before[time]).toMatch(/^\d{4}-.*Z$/)
    await own.stop()
    await own.restart()
    expect(await healthOf(client)).toEqual(before)
  })
})
