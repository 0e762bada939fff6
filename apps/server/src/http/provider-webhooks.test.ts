import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type InboundRequest, PlugboardError, toUuid } from '@plugboard/core'
import { type ClientView, createHub, type Hub, Keyring, type Store } from '@plugboard/hub'
import { type FastifyInstance, fastify, type InjectOptions } from 'fastify'
import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readConfig } from '../config/read-config.js'
import { hubSettings } from '../configured-hub.js'
import { loadChannels } from '../load-channels.js'
import { createLog } from '../logging.js'
import { Metrics } from '../metrics/metrics.js'
import { buildServer } from '../server.js'
import { openBlobs } from '../storage/open-blobs.js'
import { openStore } from '../storage/open-store.js'
import { schemasForDocumentOnly } from './api-document/openapi.js'
import { Connections } from './descriptors.js'
import { providerWebhooks } from './provider-webhooks.js'
import { PublicUrls } from './public-urls.js'

const secret = Buffer.alloc(32, 5).toString('base64')
const CHOSEN_ID = '0b9ee8a4-5a5b-4f6e-9d2f-0e4f0b1d2c3a'

let folder: string
let store: Store
let hub: Hub
let app: FastifyInstance
let client: ClientView

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plugboard-providers-'))
  const config = readConfig({ env: {}, workingFolder: folder })
  const { channels: packages, channelOptions: options, workingFolder } = config
  const metrics = new Metrics()
  const log = createLog('silent')
  const urls = new PublicUrls(config)
  store = await openStore(config)
  hub = createHub({
    store,
    blobs: await openBlobs(config),
    keyring: new Keyring(Buffer.alloc(32)),
    channels: await loadChannels({ packages, options, workingFolder }),
    formats: [],
    sender: {
      start() {},
      push() {},
      renew() {},
      cancel() {},
      close: async () => undefined,
      request: () => expect.unreachable(),
    },
    fetch,
    network: { fetch, webSocket: () => expect.unreachable() },
    urls,
    refuseTarget: () => undefined,
    settings: hubSettings(config),
    observer: metrics,
    log,
  })
  const created = await hub.clients.create({ externalId: CHOSEN_ID, name: 'büro/eins' })
  const channel = { name: 'webhook', isEnabled: true, config: { url: 'http://127.0.0.1:1/', secret } }
  client = await hub.sync.run(created.client.id, 'test', { channels: [channel], webhooks: [] })
  const connections = new Connections(() => undefined)
  app = buildServer({ urls, config, hub, store, metrics, connections, log, register: () => undefined })
})
afterEach(async () => {
  await app.close()
  await hub.stop(1_000)
  await store.close()
  await rm(folder, { recursive: true })
})

const path = (name = toUuid(client.id), channel = 'webhook'): string => `/webhooks/v1/${name}/${channel}`
const event = (text = 'hi'): string => JSON.stringify({ sender: 'ann', payload: { type: 'text', text } })

function signed(id: string, body: string): Record<string, string> {
  const at = new Date()
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign(id, at, body),
  }
}

const post = (body: string, headers = signed('evt_1', body), url = path()) =>
  app.inject({ method: 'POST', url, headers, payload: body })

async function texts(): Promise<unknown[]> {
  const { conversationId } = await store.mapEndpoint({
    clientId: client.id,
    channel: { name: 'webhook', custom: false },
    endpoint: { identity: '*', sender: 'ann', thread: '*' },
    at: new Date(),
    ids: { user: client.id, conversation: client.id, endpoint: client.id },
    events: {
      user: () => {
        throw new Error('endpoint not found')
      },
      conversation: () => {
        throw new Error('endpoint not found')
      },
    },
  })
  const entries = await store.listMessages(client.id, conversationId, { limit: 10 })
  return (entries ?? []).map(({ payload }) => (JSON.parse(payload) as { text: unknown }).text)
}

describe('a call of a provider', () => {
  test('is answered as the channel says once its event is stored, and stored once', async () => {
    const answer = await post(event())
    expect([answer.statusCode, answer.body]).toEqual([200, '{}'])
    expect((await post(event())).statusCode).toBe(200)
    expect(await texts()).toEqual(['hi'])
  })

  test.each([
    ['its id', () => toUuid(client.id)],
    ['its id in capitals', () => toUuid(client.id).toUpperCase()],
    ['an id that was chosen for it', () => CHOSEN_ID],
    ['its name', () => encodeURIComponent('büro/eins')],
  ])('finds the client by %s', async (_, name) => {
    const body = event()
    expect((await post(body, signed('evt_1', body), path(name()))).statusCode).toBe(200)
  })

  test.each([
    ['client', () => path('nobody')],
    ['client’s id', () => path('018f0000-0000-7000-8000-000000000000')],
    ['client’s name that no store can hold', () => path('%00')],
    ['channel', () => path(undefined, 'telegram')],
    ['channel of an unknown client', () => path('nobody', '__proto__')],
  ])('gets the same 404 for an unknown %s, before its body is looked at', async (_, url) => {
    const answer = await post('x'.repeat(2_000_000), { 'content-type': 'text/plain' }, url())
    expect([answer.statusCode, answer.body]).toEqual([404, 'Not Found'])
  })

  test('is refused when its signature is missing or forged', async () => {
    expect((await post(event(), { 'content-type': 'application/json' })).statusCode).toBe(401)
    const forged = await post(event('forged'), signed('evt_1', event()))
    expect([forged.statusCode, forged.body]).toEqual([401, 'Unauthorized'])
    await expect(texts()).rejects.toThrow('endpoint not found')
  })

  test('gets an error about its body that does not quote it', async () => {
    const body = '{"sender": "hunter2"}'
    const answer = await post(body, signed('evt_1', body))
    expect([answer.statusCode, answer.body]).toEqual([400, '"payload" is required'])
  })

  test('may have a body of 1 MiB and no more, of any type', async () => {
    const headers = { ...signed('evt_1', event()), 'content-type': 'a/b' }
    expect((await post('x'.repeat(1_048_576), headers)).statusCode).toBe(401)
    expect((await post('x'.repeat(1_048_577), headers)).statusCode).toBe(413)
  })

  test.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'])(
    'is refused before its body is looked at when it has no %s',
    async (name) => {
      const { [name]: _, ...headers } = signed('evt_1', event())
      const answer = await post('x'.repeat(2_000_000), headers)
      expect([answer.statusCode, answer.body]).toEqual([401, 'Unauthorized'])
    },
  )

  test.each([
    ['JSON that nests deep', 'application/json', '['.repeat(101), '"body" may nest 100 levels at most'],
    [
      'JSON of many values',
      'application/json',
      `[${'0,'.repeat(10_000)}0]`,
      '"body" may hold 10000 values at most',
    ],
    [
      'a form of many fields',
      'application/x-www-form-urlencoded',
      'a=&'.repeat(1_000),
      '"body" may have 1000 fields at most',
    ],
  ])('is refused before its signature is looked at when it is %s', async (_, type, body, text) => {
    const answer = await post(body, { ...signed('evt_1', event()), 'content-type': type })
    expect([answer.statusCode, answer.body]).toEqual([400, text])
  })

  test('must be a GET or a POST', async () => {
    for (const method of ['PUT', 'HEAD', 'DELETE'] as const)
      expect((await app.inject({ method, url: path() })).statusCode).toBe(404)
  })
})

/** What the channel is given, and how its failures are answered: with a hub that only listens. */
describe('the request that a channel gets', () => {
  async function receive(request: InjectOptions, externalUrl?: string, fail?: Error) {
    const seen: InboundRequest[] = []
    const ingest = {
      receive: async (_client: ClientView, _channel: string, inbound: InboundRequest) => {
        if (fail) throw fail
        seen.push(inbound)
        return { status: 202, headers: { 'x-answer': 'yes' }, body: 'done' }
      },
    } as unknown as Hub['ingest']
    const listening = fastify({ schemaController: schemasForDocumentOnly })
    const urls = new PublicUrls({ host: '::1', port: 3100, externalUrl })
    listening.register(providerWebhooks, {
      hub: { channels: hub.channels, clients: hub.clients, ingest },
      urls,
      prefix: '/webhooks/v1',
    })
    // What requests of the channel have, or they are refused before they get here.
    const headers = {
      'webhook-id': 'a',
      'webhook-timestamp': '1',
      'webhook-signature': 'v1,a',
      ...request.headers,
    }
    const answer = await listening.inject({ ...request, headers })
    await listening.close()
    return { answer, seen: seen[0] }
  }

  test('has the bytes as they came', async () => {
    const payload = Buffer.from([0xff, 0x00, 0x7b, 0xe2])
    for (const type of ['application/json', 'application/x-www-form-urlencoded', 'image/png', '']) {
      const { seen } = await receive({
        method: 'POST',
        url: path(),
        headers: type ? { 'content-type': type } : {},
        payload,
      })
      expect(Buffer.from(seen?.body ?? [])).toEqual(payload)
    }
  })

  test('has an empty body for a GET, and headers in lower case', async () => {
    const { seen, answer } = await receive({ method: 'GET', url: path(), headers: { 'X-Sign': 'a' } })
    expect(seen).toMatchObject({ method: 'GET', headers: { 'x-sign': 'a' }, body: new Uint8Array() })
    expect([answer.statusCode, answer.headers['x-answer'], answer.body]).toEqual([202, 'yes', 'done'])
  })

  test('has the public address byte for byte, whatever the caller says about hosts', async () => {
    const url = `/webhooks/v1/${encodeURIComponent('büro/eins')}/webhook?b=%20+&&a=%c3%bc&a=`
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example' }
    const external = await receive({ method: 'GET', url, headers }, 'https://x.example:443/hub')
    expect(external.seen?.publicUrl).toBe(`https://x.example:443/hub${url}`)
    expect((await receive({ method: 'GET', url, headers })).seen?.publicUrl).toBe(`http://[::1]:3100${url}`)
  })

  test('is asked for again when it cannot be stored now', async () => {
    const fail = new PlugboardError('UNAVAILABLE', 'the disk is full')
    const { answer } = await receive({ method: 'POST', url: path() }, undefined, fail)
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '5'])
  })

  test('is refused with the error of a channel that has another copy of core', async () => {
    const fail = Object.assign(new Error('"x" is required'), { name: 'PlugboardError', code: 'INVALID' })
    const { answer } = await receive({ method: 'POST', url: path() }, undefined, fail)
    expect([answer.statusCode, answer.body]).toEqual([400, '"x" is required'])
  })

  test('shows nothing of a channel that fails', async () => {
    const { answer } = await receive({ method: 'POST', url: path() }, undefined, new TypeError('hunter2'))
    expect([answer.statusCode, answer.body]).toEqual([500, 'Internal Server Error'])
  })
})
