import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { asAdmin, call, createClient } from './support/api.js'
import { newSecret, webhookChannel } from './support/person.js'
import { startReceiver } from './support/receiver.js'
import { cleanUp, startServer, type TestServer } from './support/server.js'
import { basic, newKey } from './support/sunshine.js'

const SETTING = 'ALLOW_PRIVATE_TARGETS'

/** One address of each kind that is not public, in the ways in which it can be written. */
const forbidden = [
  'http://169.254.169.254/latest/meta-data/',
  'http://2852039166/',
  'http://0xa9.0xfe.0xa9.0xfe/',
  'http://0251.0376.0251.0376/',
  'http://10.0.0.1/',
  'http://[::ffff:10.0.0.1]/',
  'http://[::ffff:a00:1]/',
  'http://[64:ff9b::10.0.0.1]/',
  'http://[2002:a00:1::]/',
  'http://192.168.0.1:8080/hook',
  'http://172.16.0.1/',
  'http://100.64.0.1/',
  'http://0.0.0.0/',
  'http://[::]/',
  'http://[fd00::1]/',
  'http://[fe80::1]/',
  'http://224.0.0.1/',
  'http://255.255.255.255/',
]
const loopback = [
  'http://127.0.0.1:9/',
  'http://127.1:9/',
  'http://[::1]:9/',
  'http://localhost:9/',
  'http://a.localhost:9/',
]

/** A trap answers nobody; it writes down who asked. */
const traps: { close(): void }[] = []

afterEach(async () => {
  for (const trap of traps.splice(0)) trap.close()
})
afterAll(cleanUp)

/** A local port that nobody may be led to. */
async function setTrap(): Promise<{ url: string; visits: string[] }> {
  const visits: string[] = []
  const server = createServer(({ method, url }, response) => {
    visits.push(`${method} ${url}`)
    response.end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  traps.push(server)
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret`, visits }
}

const sync = (server: TestServer, url: string) =>
  call(server, 'POST', '/api/v1/sync', { body: { webhooks: [{ url }] } })

describe('a server on loopback, without the setting', () => {
  let server: TestServer

  beforeAll(async () => {
    server = await startServer({
      env: { WEBHOOK_RETRY_DELAYS: '50ms,50ms', CHANNEL_RETRY_DELAYS: '50ms,50ms' },
    })
  })

  test.each(forbidden)('refuses %s', async (url) => {
    const { status, text } = await sync(server, url)
    expect([status, text]).toEqual([400, expect.stringContaining(SETTING)])
    expect(text).toContain('webhooks')
  })

  test.each(loopback)('allows %s', async (url) => {
    expect((await sync(server, url)).status).toBe(200)
  })

  test.each([
    'ftp://127.0.0.1/',
    'http://user:pass@127.0.0.1/',
    'file:///etc/passwd',
    'javascript:0',
    '/hook',
  ])('refuses %s', async (url) => {
    expect((await sync(server, url)).status).toBe(400)
  })

  test('changes nothing when one of the webhooks is refused', async () => {
    const bot = await startReceiver()
    const client = await createClient(server, { webhooks: [{ url: bot.url }] })
    const webhooks = [{ url: `${bot.url}/other` }, { url: 'http://10.0.0.1/' }]
    expect((await client.call('POST', '/sync', { webhooks })).status).toBe(400)
    const { conversationId } = await client.converse()
    await client.say(conversationId, 'hi')
    await bot.until(() => bot.ofType('message.new').length === 1)
    expect(new Set(bot.requests.map(({ path }) => path))).toEqual(new Set(['']))
  })

  test.each([301, 302, 303, 307, 308])('does not follow a redirect (%i) to another port', async (status) => {
    const trap = await setTrap()
    const bot = await startReceiver((_, response) => {
      response.writeHead(status, { location: trap.url }).end()
      return undefined
    })
    const client = await createClient(server, { webhooks: [{ url: bot.url }] })
    const { conversationId } = await client.converse()
    const { id } = (await client.say(conversationId, 'hi')).json
    const deliveries = async () => (await client.call('GET', `/messages/${id}/deliveries`)).json.deliveries
    await expect.poll(async () => (await deliveries())[0].state, { timeout: 10_000 }).toBe('dead')
    expect((await deliveries())[0].error).toContain(`answered ${status}; redirects are not followed`)
    expect(trap.visits).toEqual([])
  })

  test('does not follow a redirect of a channel either', async () => {
    const trap = await setTrap()
    const person = await startReceiver((_, response) => {
      response.writeHead(307, { location: trap.url }).end()
      return undefined
    })
    const { errorOf, reply } = await personAt(server, person.url)
    const id = await reply('hi')
    await expect.poll(() => errorOf(id), { timeout: 10_000 }).toEqual(expect.any(String))
    expect(person.requests.length).toBeGreaterThan(0)
    expect(trap.visits).toEqual([])
  })

  test.each(forbidden)('lets no channel be configured with %s', async (url) => {
    const client = await createClient(server)
    const body = { channels: webhookChannel(url, newSecret()) }
    for (const { status, text } of [
      await client.call('POST', '/sync', body),
      await call(server, 'POST', '/api/v1/sync', { body }),
    ]) {
      expect(status).toBe(400)
      expect(text).toMatch(/^"body\.channels\.webhook\.url" /)
      expect(text).toContain(SETTING)
    }
  })

  test('lets no integration of another API be configured with a private address either', async () => {
    const key = await newKey(server)
    const config = { url: 'http://169.254.169.254/', secret: newSecret() }
    const { status, json } = await call(server, 'POST', `/v2/apps/${key.appId}/integrations`, {
      body: { type: 'webhook', config },
      headers: { authorization: basic(key) },
    })
    expect([status, json.errors?.[0]?.title]).toEqual([
      400,
      expect.stringMatching(/^config\.url .*ALLOW_PRIVATE/),
    ])
  })
})

/** A conversation with a person whose system is at that address. */
async function personAt(server: TestServer, url: string) {
  const client = await createClient(server)
  const { status } = await client.call('POST', '/sync', { channels: webhookChannel(url, newSecret()) })
  expect(status).toBe(200)
  const channel = { name: 'webhook', version: '1.0.0' }
  const endpoint = { channel, identity: '*', sender: 'ada', thread: '*' }
  const { conversationId } = (await client.call('POST', '/endpoints/map', endpoint)).json
  return {
    reply: async (text: string): Promise<string> => (await client.say(conversationId, text)).json.id,
    errorOf: async (id: string): Promise<string | undefined> =>
      (await client.call('GET', `/messages/${id}/deliveries`)).json.deliveries[0].error,
  }
}

describe('a server on loopback behind a proxy', () => {
  let server: TestServer

  beforeAll(async () => {
    server = await startServer({ env: { EXTERNAL_URL: 'https://bots.example.com' } })
  })
  const seed = (body: object) => call(server, 'POST', '/api/v1/sync', { body, headers: asAdmin })

  test.each([...loopback, ...forbidden])('refuses %s', async (url) => {
    for (const body of [{ webhooks: [{ url }] }, { channels: webhookChannel(url, newSecret()) }]) {
      const { status, text } = await seed(body)
      expect([status, text]).toEqual([400, expect.stringContaining(SETTING)])
    }
  })
})

describe('a server that may call no private address at all', () => {
  test('refuses loopback, also by name', async () => {
    const server = await startServer({ env: { [SETTING]: 'none' } })
    for (const url of [...loopback, ...forbidden]) {
      const { status, text } = await sync(server, url)
      expect([url, status, text]).toEqual([url, 400, expect.stringContaining(SETTING)])
    }
    expect((await sync(server, 'https://bot.example/hook')).status).toBe(200)
  })

  test('does not let a channel call what was allowed before it was started anew', async () => {
    const server = await startServer({ env: { CHANNEL_RETRY_DELAYS: '50ms,50ms' } })
    const person = await startReceiver()
    const { errorOf, reply } = await personAt(server, person.url)
    await server.stop()
    await server.restart({ [SETTING]: 'none' })
    const id = await reply('hi')
    await expect.poll(() => errorOf(id), { timeout: 10_000 }).toContain(SETTING)
    expect(person.requests).toEqual([])
  })

  test('does not call what was allowed before it was started anew', async () => {
    const server = await startServer({ env: { WEBHOOK_RETRY_DELAYS: '50ms,50ms' } })
    const bot = await startReceiver()
    const client = await createClient(server, { webhooks: [{ url: bot.url }] })
    const { conversationId } = await client.converse()
    await bot.until(() => bot.ofType('conversation.new').length === 1)
    await server.stop()
    await server.restart({ [SETTING]: 'none' })
    const before = bot.requests.length
    const { id } = (await client.say(conversationId, 'hi')).json
    const deliveries = async () => (await client.call('GET', `/messages/${id}/deliveries`)).json.deliveries
    await expect.poll(async () => (await deliveries())[0].state, { timeout: 10_000 }).toBe('dead')
    expect((await deliveries())[0].error).toContain('not a public address')
    expect(bot.requests.length).toBe(before)
  })
})
