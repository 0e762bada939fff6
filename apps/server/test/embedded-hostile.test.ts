import { randomInt, randomUUID } from 'node:crypto'
import { Agent, request } from 'node:http'
import { bodyLimits } from '@plugboard/core'
import { slowness } from '@plugboard/core/testing'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { asAdmin, call, createClient } from './support/api.js'
import {
  hostileForms,
  hostileMultiparts,
  hostileParts,
  hostileTexts,
  hostileWholes,
  type Schema,
} from './support/hostile.js'
import { kinds } from './support/providers/kinds.js'
import { type Provider, startProvider } from './support/providers/provider.js'
import { cleanUp, isSoak, startServer, type TestServer } from './support/server.js'
import { createProject, newRequestId } from './support/smartify.js'
import { basic, newKey } from './support/sunshine.js'

/** Longest that one request may keep all others waiting. */
const MAX_HOLD_MS = 50
/** What else runs on this machine delays a turn now and then, and not each time. */
const TRIES = 8

/** A push sends every thirty-second request, beginning with another one each time. */
const STRIDE = isSoak ? 1 : 32
let turn = randomInt(STRIDE)

type Headers = Readonly<Record<string, string>>

/** A route of the server's document, with the headers of who may call it. */
interface Target {
  name: string
  method: string
  path: string
  schema: Schema | undefined
  query: readonly string[]
  limit: number
  headers: Headers
}

/** In this process, so that its event loop can be watched. */
let server: TestServer
let fakes: Provider[]
let targets: Target[]
/** A provider's webhook, and how it signs. */
let webhooks: { name: string; path: string; sign(body: string, type: string): Headers }[]
const agent = new Agent({ keepAlive: true })

beforeAll(async () => {
  fakes = await Promise.all(kinds.map(startProvider))
  const options = fakes.map(({ channel, url, options }) => [channel, options(url)])
  const env = {
    LOG_LEVEL: 'silent',
    PLUGBOARD_CHANNEL_OPTIONS: JSON.stringify(Object.fromEntries(options)),
    ALLOW_PRIVATE_TARGETS: 'loopback',
    GUEST_RATE_LIMIT: '0',
  }
  server = await startServer({ env })
  targets = await documented()
  webhooks = await providerWebhooks()
}, 60_000)
afterAll(async () => {
  agent.destroy()
  await Promise.all((fakes ?? []).map((fake) => fake.close()))
  await cleanUp()
})

/** By what the path begins with. */
const LIMITS = [
  ['/api/v1/', 153_600],
  ['/v2/', 102_400],
  ['/api/', 512_000],
] as const

/** Every route of the dialects, with one of everything that its path names. */
async function documented(): Promise<Target[]> {
  const client = await createClient(server)
  const { userId, conversationId } = await client.converse()
  const key = await newKey(server, { scope: 'account' })
  const account = { authorization: basic(key) }
  const project = await createProject(server)
  const guest = await project.guest()
  const requestId = newRequestId()
  await project.say(requestId, 'hi', guest)
  const sunshine = async (path: string, body: object) =>
    (await call(server, 'POST', `/v2/apps/${key.appId}${path}`, { body, headers: account })).json
  const user = (await sunshine('/users', { externalId: 'ada' })).user.id
  const integration = await sunshine('/integrations', {
    type: 'custom',
    webhooks: [{ target: 'https://example.org/', triggers: ['conversation:message'] }],
  })
  const conversation = await sunshine('/conversations', {
    type: 'personal',
    participants: [{ userId: user }],
  })
  const named: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    '/api/v1/': { userId, conversationId, id: conversationId },
    '/v2/': {
      appId: key.appId,
      userIdOrExternalId: user,
      conversationId: conversation.conversation.id,
      integrationId: integration.integration.id,
    },
    '/api/': { projectId: project.id, requestId },
  }
  const callers: Readonly<Record<string, Headers>> = {
    '/api/v1/': client.headers,
    '/v2/': account,
    '/api/': project.owner.headers,
  }
  const { json } = await call(server, 'GET', '/openapi.json')
  return Object.entries(json.paths as Record<string, Record<string, never>>).flatMap(([path, methods]) => {
    const [prefix, limit] = LIMITS.find(([start]) => path.startsWith(start)) ?? []
    if (prefix === undefined || limit === undefined) return []
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => named[prefix]?.[name] ?? randomUUID())
    return Object.entries(methods).map(([method, operation]): Target => {
      const { requestBody, parameters = [] } = operation as {
        requestBody?: { content: Record<string, { schema: Schema }> }
        parameters?: { in: string; name: string }[]
      }
      return {
        ...{ name: `${method.toUpperCase()} ${path}`, method: method.toUpperCase(), path: filled, limit },
        schema: requestBody?.content['application/json']?.schema,
        query: parameters.filter((each) => each.in === 'query').map((each) => each.name),
        headers: callers[prefix] ?? {},
      }
    })
  })
}

/** A client with all channels. */
async function providerWebhooks(): Promise<typeof webhooks> {
  const secret = Buffer.alloc(32, 5).toString('base64')
  const enabled = fakes.map((fake) => ({ fake, credentials: fake.credentials() }))
  const { json } = await call(server, 'POST', '/api/v1/sync', {
    headers: asAdmin,
    body: {
      channels: {
        ...Object.fromEntries(enabled.map(({ fake, credentials }) => [fake.channel, credentials])),
        webhook: { url: `${server.url}/nowhere`, secret },
      },
    },
  })
  const pathOf = (channel: string) => `/webhooks/v1/${json.id}/${channel}`
  return [
    ...enabled.map(({ fake, credentials }) => ({
      name: fake.channel,
      path: pathOf(fake.channel),
      sign: (body: string, type: string) =>
        fake.sign({ headers: { 'content-type': type }, body }, credentials, server.url + pathOf(fake.channel))
          .headers,
    })),
    {
      name: 'webhook',
      path: pathOf('webhook'),
      sign(body, type) {
        const [id, at] = [randomUUID(), new Date()]
        return {
          'content-type': type,
          'webhook-id': id,
          'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
          'webhook-signature': new Webhook(secret).sign(id, at, body),
        }
      },
    },
  ]
}

interface Sent {
  method: string
  path: string
  headers?: Headers
  body?: string
}

/** Sends a request and answers its status; a connection that the server cut counts as 0. */
const send = ({ method, path, headers = {}, body = '' }: Sent): Promise<number> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(server.url)
    const bytes = Buffer.from(body)
    const sent = request(
      { hostname, port, method, path, agent, headers: { ...headers, 'content-length': bytes.length } },
      (response) => {
        response.resume()
        response.on('end', () => resolve(response.statusCode ?? 0))
        response.on('error', () => resolve(0))
      },
    )
    sent.on('error', () => resolve(0))
    sent.end(bytes)
  })

/** Takes every turn of the event loop, and measures the longest. */
async function longestTurnDuring(work: Promise<unknown>): Promise<number> {
  let longest = 0
  let isDone = false
  void work.finally(() => {
    isDone = true
  })
  while (!isDone) {
    const [at, used] = [performance.now(), process.cpuUsage()]
    await new Promise(setImmediate)
    const { user, system } = process.cpuUsage(used)
    // What other processes take of the machine is no work of this one.
    longest = Math.max(longest, Math.min(performance.now() - at, (user + system) / 1000))
  }
  return longest
}

/** How long a request keeps the event loop from all else, at least, in several tries. */
async function holdOf(sent: () => Sent): Promise<{ ms: number; status: number }> {
  let least = { ms: Number.POSITIVE_INFINITY, status: 0 }
  for (let i = 0; i < TRIES && least.ms > MAX_HOLD_MS; i += 1) {
    const sending = send(sent())
    const held = await longestTurnDuring(sending)
    const ms = held > MAX_HOLD_MS ? held / slowness() : held
    least = { ms: Math.min(least.ms, ms), status: await sending }
  }
  return least
}

/** What was too slow or went wrong, by what it was. */
class Faults {
  readonly found: Record<string, string> = {}

  async check(name: string, sent: () => Sent): Promise<void> {
    turn += 1
    if (turn % STRIDE !== 0) return
    const { ms, status } = await holdOf(sent)
    if (ms > MAX_HOLD_MS || status >= 500) this.found[name] = `${status} after ${Math.round(ms)} ms`
  }
}

/** Node takes 16 kB of headers, the address among them. */
const MAX_ADDRESS = 12_000
/** Longest value of one parameter of a path. */
const MAX_PARAM = 5_900
const HEADERS = [
  'authorization',
  'cookie',
  'idempotency-key',
  'if-none-match',
  'password',
  'x-bp-messaging-admin-key',
  'x-bp-messaging-client-id',
  'x-bp-messaging-client-token',
  'x-forwarded-for',
  'x-request-id',
]

/** Who gets furthest with a request: where anybody may come, with nothing. */
const callerOf = ({ path, headers }: Target): Headers =>
  /\/admin\b/.test(path) ? asAdmin : /\/(auth|sync)\b/.test(path) ? {} : headers

const json: Headers = { 'content-type': 'application/json' }

type Body = readonly [what: string, body: string, type: string]
const bodies = new Map<number, readonly Body[]>()
/** Bodies of this many bytes, and of which type they are said to be. */
function bodiesOf(limit: number): readonly Body[] {
  const made = bodies.get(limit) ?? [
    ...Object.entries(hostileWholes(limit)).map((each) => [...each, 'application/json'] as const),
    ...Object.entries(hostileForms(limit)).map(
      (each) => [...each, 'application/x-www-form-urlencoded'] as const,
    ),
  ]
  bodies.set(limit, made)
  return made
}

describe('no request holds up the others', () => {
  test('whatever a body is', async () => {
    const faults = new Faults()
    for (const target of targets) {
      const { name, method, path, limit } = target
      if (method === 'GET' || method === 'DELETE') continue
      for (const [what, body, type] of bodiesOf(limit)) {
        const headers = { ...callerOf(target), 'content-type': type }
        await faults.check(`${name}: ${what}`, () => ({ method, path, body, headers }))
      }
    }
    expect(faults.found).toEqual({})
  }, 300_000)

  test('whatever stands in a place of a body', async () => {
    const faults = new Faults()
    for (const target of targets) {
      const { name, method, path, schema, limit } = target
      if (!schema) continue
      const headers = { ...callerOf(target), ...json }
      for (const [what, make] of hostileParts(schema, { bytes: limit, values: bodyLimits.jsonValues }))
        await faults.check(`${name}: ${what}`, () => ({ method, path, body: make(), headers }))
    }
    expect(faults.found).toEqual({})
  }, 300_000)

  test('whatever a form with files holds', async () => {
    const faults = new Faults()
    const upload = targets.find(({ name }) => /^POST .*\/attachments$/.test(name))
    if (!upload) throw new Error('no route takes files')
    const headers = { ...upload.headers, 'content-type': 'multipart/form-data; boundary=x' }
    for (const [what, body] of Object.entries(hostileMultiparts(2_000_000)))
      await faults.check(what, () => ({
        method: 'POST',
        path: `${upload.path}?access=public`,
        headers,
        body,
      }))
    expect(faults.found).toEqual({})
  }, 60_000)

  test('whatever a provider sends, or who says to be one', async () => {
    const faults = new Faults()
    for (const { name, path, sign } of webhooks) {
      for (const [what, body, type] of bodiesOf(1_048_576)) {
        const forged = () =>
          Object.fromEntries(
            Object.entries(sign(body, type)).map(([key, value]) => [
              key,
              key === 'content-type' ? value : value.replace(/\w(=*)$/, 'x$1'),
            ]),
          )
        for (const [who, headersOf] of Object.entries({
          provider: () => sign(body, type),
          forger: forged,
          stranger: () => ({ 'content-type': type }),
        }))
          await faults.check(`${name}, ${who}: ${what}`, () => ({
            ...{ method: 'POST', path, body },
            headers: headersOf(),
          }))
      }
    }
    expect(faults.found).toEqual({})
  }, 300_000)

  test('whatever stands in an address', async () => {
    const faults = new Faults()
    for (const target of targets) {
      const { name, method, path, query } = target
      const headers = callerOf(target)
      const check = (what: string, hostile: string) =>
        faults.check(`${name}: ${what}`, () => ({ method, path: hostile, headers }))
      for (const [what, text] of Object.entries(hostileTexts(MAX_ADDRESS))) {
        // Percent-encoding makes some of them three times as long.
        const encoded = encodeURIComponent(text).slice(0, MAX_ADDRESS).replace(/%.?$/, '')
        for (const each of query)
          await check(`${each}: ${what}`, `${path}?${encodeURIComponent(each)}=${encoded}`)
        await check(`path: ${what}`, path.replace(/[^/]+$/, encoded.slice(0, MAX_PARAM).replace(/%.?$/, '')))
      }
      await check('many parameters', `${path}?${'a=&'.repeat(MAX_ADDRESS / 3)}`)
    }
    expect(faults.found).toEqual({})
  }, 300_000)

  test('whatever stands in a header', async () => {
    const faults = new Faults()
    const gets = targets.filter(({ method }) => method === 'GET')
    for (const [prefix] of LIMITS) {
      const target = gets.find(({ path }) => path.startsWith(prefix))
      if (!target) throw new Error(`no route below ${prefix}`)
      const { method, path } = target
      for (const name of HEADERS) {
        for (const [what, text] of Object.entries(hostileTexts(MAX_ADDRESS))) {
          for (const value of [text, `JWT ${text}`, `Bearer ${text}`, `Basic ${text}`]) {
            const headers = { ...callerOf(target), [name]: value }
            await faults.check(`${path} ${name}: ${what}`, () => ({ method, path, headers }))
          }
        }
      }
    }
    expect(faults.found).toEqual({})
  }, 300_000)
})
