import { randomUUID } from 'node:crypto'
import { characters } from '@plugboard/core/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call, createClient, type TestClient } from './support/api.js'
import { countEntries } from './support/entries.js'
import { raw } from './support/raw.js'
import { type Receiver, startReceiver } from './support/receiver.js'
import { adminSamples, documentedRoutes, type Named, samples } from './support/routes.js'
import { cleanUp, startServer, type TestServer } from './support/server.js'

const character = fc.nat(characters.max).map(characters.at, characters.indexOf)

const JSON_TYPE = ['Content-Type', 'application/json'] as const
/** 150 kB. */
const LIMIT = 153_600

/** Of this file alone, since it counts all entries. */
let server: TestServer
let bot: Receiver
let client: TestClient
let ids: { userId: string; conversationId: string }
/** The client's headers, for raw requests. */
let credentials: [string, string][]

beforeAll(async () => {
  server = await startServer({ env: { RATE_LIMIT: '0' } })
  bot = await startReceiver()
  client = await createClient(server, { webhooks: [{ url: bot.url }] })
  ids = await client.converse()
  credentials = Object.entries(client.headers)
})
afterAll(async () => {
  await bot.close()
  await cleanUp()
})

/** A post of JSON text or bytes as they are, with the client's credentials. */
const post = (
  path: string,
  body: string | Uint8Array,
  headers: readonly (readonly [string, string])[] = [],
) =>
  raw(server, {
    method: 'POST',
    path: `/api/v1${path}`,
    headers: [...credentials, JSON_TYPE, ...headers],
    body,
  })

const messages = async (): Promise<object[]> =>
  (await client.call('GET', `/messages/conversation/${ids.conversationId}?limit=0`)).json

/** A valid message of this many bytes. */
function messageOf(bytes: number): string {
  const frame = JSON.stringify({ conversationId: ids.conversationId, payload: { text: '' } })
  return frame.replace('""', `"${'x'.repeat(bytes - frame.length)}"`)
}

describe('a base URL that ends in the prefix of its API', () => {
  test.each([
    ['/api/v1', '/api/v1/api/v1/users', 404],
    ['/api/v1', '/api/v1/api/v1?x=1', 404],
    ['/v2', '/v2/v2/apps/0/users', 404],
    ['/v2', '/sc/v2/v2/apps', 404],
    ['/api', '/api/api/auth/signin', 404],
    ['/api', '/api/api/requests', 400],
  ])('is named in the error: %s in %s', async (prefix, path, status) => {
    const answer = await call(server, 'GET', path)
    expect(answer.status).toBe(status)
    expect(answer.text).toContain(`Remove ${prefix} from the end of the base URL`)
  })

  test.each(['/api/v1/api/v12/users', '/v2/v2x', '/api/v1/users/api/v1'])('is not %s', async (path) => {
    expect((await call(server, 'GET', path, { headers: client.headers })).text).not.toContain('base URL')
  })
})

describe('a body', () => {
  test('may have 153,600 bytes and no more', async () => {
    const [fits, exceeds] = [messageOf(LIMIT), messageOf(LIMIT + 1)]
    expect((await post('/messages', fits)).status).toBe(201)
    const before = await messages()
    expect(await post('/messages', exceeds)).toMatchObject({
      ...{ status: 413, text: 'the body is larger than 153600 bytes' },
    })
    expect(await messages()).toEqual(before)
  })

  test('is counted in bytes, not in characters', async () => {
    const body = { conversationId: ids.conversationId, payload: { text: 'ä'.repeat(LIMIT / 2) } }
    expect((await post('/messages', JSON.stringify(body))).status).toBe(413)
  })

  test('is refused by its announced length, before it is sent', async () => {
    const answer = await post('/messages', '', [['Content-Length', String(LIMIT * 1_000)]])
    expect(answer.status).toBe(413)
  })

  test.each([
    ['broken', '{"conversationId": '],
    ['two values', '{}{}'],
    ['no JSON at all', 'hello'],
    ['JSON with a comment', '{} // hi'],
    ['with a byte order mark in the middle', '{\ufeff}'],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
    ['gzip that says it is JSON', Buffer.from('1f8b0800000000000003abae0500', 'hex')],
  ])('that is %s is a 400', async (_, body) => {
    const { status, text, headers } = await post('/messages', body)
    expect(status).toBe(400)
    expect(headers['content-type']).toMatch(/^text\/plain/)
    expect(text).not.toContain('hello')
  })

  test.each(['"text"', '5', 'true', '[]', '[{}]'])('that is %s is no object', async (body) => {
    expect(await post('/messages', body)).toMatchObject({
      status: 400,
      text: '"body" must be of type object',
    })
  })

  test.each([
    ['objects', '{"a":', '}'],
    ['arrays', '[', ']'],
  ])('may nest 100 levels of %s and no more', async (_, open, close) => {
    const message = (levels: number) =>
      `{"conversationId":"${ids.conversationId}","payload":{"a":${open.repeat(levels - 2)}1${close.repeat(levels - 2)}}}`
    expect((await post('/messages', message(100))).status).toBe(201)
    expect((await post('/messages', message(101))).status).toBe(400)
    expect((await post('/messages', message(20_000))).status).toBe(400)
  })

  test('may hold 10,000 values and no more', async () => {
    const message = (values: number) =>
      `{"conversationId":"${ids.conversationId}","payload":{"list":[${Array(values).fill(1).join(',')}]}}`
    expect((await post('/messages', message(9_990))).status).toBe(201)
    expect(await post('/messages', message(10_001))).toMatchObject({
      status: 400,
      text: 'the body may hold 10000 values at most',
    })
  })

  test('may hold brackets in its texts', async () => {
    const body = { conversationId: ids.conversationId, payload: { text: `\\"${'[{'.repeat(200)}` } }
    expect((await post('/messages', JSON.stringify(body))).status).toBe(201)
  })

  test.each(['text/plain', 'application/xml', 'application/octet-stream', 'multipart/form-data; boundary=x'])(
    'of the type %s counts as an empty object',
    async (type) => {
      const headers = [...credentials, ['Content-Type', type] as const]
      const body = messageOf(500)
      const answer = await raw(server, { method: 'POST', path: '/api/v1/messages', headers, body })
      expect(answer).toMatchObject({ status: 400, text: '"body.conversationId" is required' })
    },
  )

  test('without a type counts as an empty object', async () => {
    const request = { method: 'POST', path: '/api/v1/users', headers: credentials, body: 'hello' }
    expect((await raw(server, request)).status).toBe(201)
  })

  test('may be a form', async () => {
    const endpoint = { channel: 'c', identity: 'i', sender: randomUUID(), thread: 't' }
    const answer = await raw(server, {
      method: 'POST',
      path: '/api/v1/endpoints/map',
      headers: [...credentials, ['Content-Type', 'application/x-www-form-urlencoded']],
      body: new URLSearchParams(endpoint).toString(),
    })
    expect(answer.status).toBe(200)
  })

  test('may be a form of 1,000 fields and no more', async () => {
    const headers = [...credentials, ['Content-Type', 'application/x-www-form-urlencoded'] as const]
    const body = Array(1_001).fill('a=1').join('&')
    const answer = await raw(server, { method: 'POST', path: '/api/v1/users', headers, body })
    expect(answer).toMatchObject({ status: 400, text: 'the body may have 1000 fields at most' })
  })

  test('with a charset is JSON all the same', async () => {
    const headers = [...credentials, ['Content-Type', 'application/json; charset=utf-8'] as const]
    const request = { method: 'POST', path: '/api/v1/messages', headers, body: messageOf(200) }
    expect((await raw(server, request)).status).toBe(201)
  })

  test.each(['{"__proto__":{"x":1}}', '{"payload":{"__proto__":{"x":1}}}'])(
    'cannot reach what all objects have: %s',
    async (text) => {
      const { conversationId } = ids
      const { status } = await post('/messages', text.replace('{', `{"conversationId":"${conversationId}",`))
      expect(status).toBe(400)
    },
  )
})

describe('a value', () => {
  test.each([
    ['missing', {}, '"body.conversationId" is required'],
    ['undefined to JSON', { conversationId: undefined }, '"body.conversationId" is required'],
    ['null', { conversationId: null }, '"body.conversationId" must be a string'],
    ['a number', { conversationId: 5 }, '"body.conversationId" must be a string'],
    ['an array', { conversationId: [] }, '"body.conversationId" must be a string'],
    ['empty', { conversationId: '' }, '"body.conversationId" is not allowed to be empty'],
    ['no GUID', { conversationId: 'x' }, '"body.conversationId" must be a valid GUID'],
    ['over-long', { conversationId: 'x'.repeat(100_000) }, '"body.conversationId" must be a valid GUID'],
    ['NUL', { conversationId: '\0' }, '"body.conversationId" must be a valid GUID'],
    ['half a surrogate pair', { conversationId: '\ud800' }, '"body.conversationId" must be a valid GUID'],
  ])('that is %s is named', async (_, body, text) => {
    expect(await client.call('POST', '/messages', { payload: {}, ...body })).toMatchObject({
      status: 400,
      text,
    })
  })

  test('that is not known is named after those that are wrong', async () => {
    const body = { conversationId: ids.conversationId, payload: {}, mood: 'good' }
    expect((await client.call('POST', '/messages', body)).text).toBe('"body.mood" is not allowed')
    expect((await client.call('POST', '/messages', { ...body, payload: 5 })).text).toBe(
      '"body.payload" must be of type object',
    )
  })
})

describe('a path', () => {
  test.each<[string, number]>([
    ['/users/%', 400],
    ['/users/%zz', 400],
    ['/users/%E0%A4%A', 400],
    ['/users/%00', 400],
    ['/users/%ED%A0%80', 400],
    [`/users/${'x'.repeat(6_001)}`, 414],
    ['/users/..%2f..%2fetc%2fpasswd', 400],
    ['/nothing', 404],
    ['/users/x/y', 404],
  ])('%s is a %i', async (path, status) => {
    const answer = await raw(server, { path: `/api/v1${path}`, headers: credentials })
    expect(answer.status).toBe(status)
    expect(answer.headers['content-type']).toMatch(/^text\/plain/)
  })

  test.each(['/index.html', '/api/v1', '/api/v1/', '/webhooks/v1/x', '/admin'])(
    '%s has nothing',
    async (path) => {
      expect(await raw(server, { path })).toMatchObject({ status: 404, text: 'Not Found' })
    },
  )

  test('has nothing for another method', async () => {
    expect((await client.call('PUT', '/users')).status).toBe(404)
    expect((await client.call('DELETE', '/users')).status).toBe(404)
    expect((await client.call('PUT', `/messages/${randomUUID()}`)).status).toBe(404)
  })

  test('whose parameter is no GUID is named', async () => {
    for (const [path, name] of [
      ['/users/x', 'id'],
      ['/conversations/user/x', 'userId'],
      ['/messages/conversation/x', 'conversationId'],
    ])
      expect(await client.call('GET', `${path}`)).toMatchObject({
        status: 400,
        text: `"params.${name}" must be a valid GUID`,
      })
  })
})

describe('a query', () => {
  test('that is not known is named', async () => {
    for (const path of ['/users', '/clients', `/conversations/${ids.conversationId}`]) {
      const method = path === '/users' ? 'POST' : 'GET'
      expect(await client.call(method, `${path}?page=2`)).toMatchObject({
        status: 400,
        text: '"query.page" is not allowed',
      })
    }
  })

  test.each(['limit=%', 'limit=%zz', 'limit[]=1', '%00=1', '&&&=', `limit=${'9'.repeat(5_000)}`])(
    'such as ?%s is no fault of ours',
    async (query) => {
      const path = `/api/v1/messages/conversation/${ids.conversationId}?${query}`
      expect((await raw(server, { path, headers: credentials })).status).toBeOneOf([200, 400])
    },
  )
})

describe('headers', () => {
  test.each(['x-bp-messaging-client-id', 'x-bp-messaging-client-token'])(
    'are no credentials when %s comes twice',
    async (name) => {
      const twice = [...credentials, ...credentials.filter(([given]) => given === name)]
      expect(await raw(server, { path: '/api/v1/clients', headers: twice })).toMatchObject({
        status: 401,
        text: 'Unauthorized',
      })
    },
  )

  test('that are too many or too long are refused', async () => {
    const long = [...credentials, ['x-long', 'x'.repeat(100_000)] as const]
    expect((await raw(server, { path: '/api/v1/clients', headers: long })).status).toBe(431)
  })
})

describe('the order of checks', () => {
  const wrong = { 'x-bp-messaging-client-id': randomUUID(), 'x-bp-messaging-client-token': 'wrong' }
  const unauthorized = { status: 401, text: 'Unauthorized' }

  test('has the credentials before the body', async () => {
    for (const body of ['{', '{}', messageOf(LIMIT + 1)])
      expect(await call(server, 'POST', '/api/v1/messages', { body, headers: wrong })).toMatchObject(
        unauthorized,
      )
    expect(await call(server, 'POST', '/api/v1/messages', { body: {} })).toMatchObject(unauthorized)
  })

  test('has the credentials before the parameters', async () => {
    expect(await call(server, 'GET', '/api/v1/users/x?y=z')).toMatchObject(unauthorized)
  })

  test('has the form before what there is', async () => {
    const body = { conversationId: randomUUID(), payload: {}, mood: 'good' }
    expect((await client.call('POST', '/messages', body)).status).toBe(400)
  })

  test.each([
    ['no id', { 'x-bp-messaging-client-token': 'x' }],
    ['an id that is no GUID', { ...wrong, 'x-bp-messaging-client-id': 'x' }],
    ['an empty id', { ...wrong, 'x-bp-messaging-client-id': '' }],
    ['a token with two dots', { ...wrong, 'x-bp-messaging-client-token': 'a.b.c' }],
    ['an empty token', { ...wrong, 'x-bp-messaging-client-token': '' }],
  ])('has 401 for %s', async (_, headers) => {
    expect(await call(server, 'GET', '/api/v1/clients', { headers })).toMatchObject(unauthorized)
  })

  test('has 401 for a right token with something added, left out or changed', async () => {
    const { token } = client
    const [id = '', secret = ''] = token.split('.')
    const last = secret.at(-3) === 'A' ? 'B' : 'A'
    const others = [
      `${token}A`,
      token.slice(0, -1),
      `${id}.`,
      `${id}.${secret.slice(0, -3)}${last}${secret.slice(-2)}`,
      `${randomUUID()}.${secret}`,
      `${id}.${secret}.`,
      id,
    ]
    for (const other of others) {
      const headers = { ...client.headers, 'x-bp-messaging-client-token': other }
      expect((await call(server, 'GET', '/api/v1/clients', { headers })).status).toBe(401)
    }
  })
})

describe('whatever is sent', () => {
  const odd = fc.oneof(
    { weight: 3, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
    fc.constantFrom('', '\0', '\ud800', 'a\udfff', 'x'.repeat(2_000), randomUUID(), '__proto__'),
    fc.constantFrom(-1, 0.5, 1e308, -0, 2 ** 53, null, true, [], {}, [[]], { length: 1 }),
    fc.string({ unit: character }),
  )
  /** How a good request is spoiled: a member replaced, left out or added. */
  const spoiling = fc.record({
    at: fc.nat(),
    how: fc.constantFrom('replace' as const, 'remove' as const, 'add' as const, 'all' as const),
    value: odd,
    name: fc.string({ unit: character, maxLength: 20 }),
  })
  /** Not `String`, which fails for an object whose `toString` is none. */
  const asText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
  type Spoiling = typeof spoiling extends fc.Arbitrary<infer T> ? T : never

  function spoil(body: object, { at, how, value, name }: Spoiling): unknown {
    const keys = Object.keys(body)
    const key = keys[at % keys.length] ?? name
    if (how === 'all') return value
    if (how === 'remove') return Object.fromEntries(Object.entries(body).filter(([each]) => each !== key))
    return Object.fromEntries([...Object.entries(body), [how === 'add' ? name : key, value]])
  }

  /** Only what a route of the API may answer, in its form. */
  function expectProper({ status, text, headers }: Awaited<ReturnType<typeof call>>): void {
    expect(status).toBeLessThan(500)
    if (status < 400) return
    expect(headers.get('content-type')).toMatch(/^text\/plain/)
    expect(text.length).toBeGreaterThan(0)
    expect(text).not.toMatch(/undefined|\[object|SQLITE|node_modules/)
  }

  test('in a body, is answered by what the contract has, and a refusal writes nothing', async () => {
    const own: Named = { ...nothing(), ...(await client.converse()) }
    // A spoiled collect may be a good one that waits for long; a good mapping may write one thing, two or nothing, and a signal what nobody counts.
    const isLeftOut = /sync|collect|map|typing|read/
    const cases = Object.entries(samples).flatMap(([route, makers]) =>
      route.startsWith('POST') && !isLeftOut.test(route) ? makers.map((make) => make(own, own)) : [],
    )
    const before = await countEntries(server)
    let created = 0
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...cases), spoiling, async ({ path, body = {} }, how) => {
        const answer = await client.call('POST', path, spoil(body, how))
        expectProper(answer)
        expect(answer.text).not.toContain('Invalid input')
        if (answer.status === 201 && /^.(users|conversations|messages)$/.test(path)) created += 1
      }),
      // With fewer, it may be that every body is refused.
      { numRuns: Math.max(400, fc.readConfigureGlobal()?.numRuns ?? 0) },
    )
    expect(created).toBeGreaterThan(0)
    expect(await countEntries(server)).toBe(before + created)
  })

  test('in a mapping, is answered by what the contract has', async () => {
    const endpoint = { channel: 'c', identity: 'i', sender: 's', thread: 't' }
    await fc.assert(
      fc.asyncProperty(spoiling, async (how) => {
        const before = await countEntries(server)
        const answer = await client.call('POST', '/endpoints/map', spoil(endpoint, how))
        expectProper(answer)
        if (answer.status >= 400) expect(await countEntries(server)).toBe(before)
      }),
    )
  })

  test('in a sync, is answered by what the contract has, and a refusal changes nothing', async () => {
    const tenant = await createClient(server)
    const seed = { id: tenant.id, token: tenant.token }
    const configuration = {
      webhooks: [{ url: bot.url }],
      channels: { webhook: { version: '1.0.0', url: bot.url, secret: `whsec_${'A'.repeat(32)}` } },
    }
    const places = fc.constantFrom('sync' as const, 'webhook' as const, 'channel' as const)
    await fc.assert(
      fc.asyncProperty(fc.boolean(), places, spoiling, async (isSeed, place, how) => {
        const { webhooks, channels } = structuredClone(configuration)
        const [webhook, channel] = [spoil(webhooks[0] ?? {}, how), spoil(channels.webhook, how)]
        const spoiled =
          place === 'sync'
            ? spoil(configuration, how)
            : place === 'webhook'
              ? { ...configuration, webhooks: [webhook] }
              : { ...configuration, channels: { webhook: channel } }
        const before = await tenant.call('POST', '/sync', configuration)
        const answer = isSeed
          ? await call(server, 'POST', '/api/v1/sync', { body: Object.assign({}, spoiled, seed) })
          : await tenant.call('POST', '/sync', spoiled)
        expectProper(answer)
        if (answer.status >= 400)
          expect((await tenant.call('POST', '/sync', configuration)).json).toEqual(before.json)
      }),
    )
  })

  test('in a path or a query, is answered by what the contract has', async () => {
    const routes = await documentedRoutes(server)
    const part = fc.oneof(odd.map(asText), fc.webFragments(), fc.uuid(), fc.string({ unit: 'grapheme' }))
    const queries = fc.dictionary(fc.constantFrom('limit', 'before', 'from', 'x', ''), part, { maxKeys: 2 })
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...routes), part, queries, async ({ method, path }, value, query) => {
        const filled = path.replace(/\{\w+\}/, () => encodeURIComponent(value.toWellFormed()))
        // Otherwise a stream that does not end.
        const search = new URLSearchParams({ ...query, ...(path.endsWith('/events') && { wait: '0' }) })
        const answer = await client.call(method, `${filled}?${search}`, method === 'GET' ? undefined : {})
        expectProper(answer)
      }),
    )
  })

  test('to the operator’s routes, is answered by what the contract has', async () => {
    const { id } = await createClient(server)
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.entries(adminSamples)),
        spoiling,
        odd,
        async ([route, make], how, value) => {
          const { path, body } = make(
            route.includes('{id}') ? encodeURIComponent(asText(value).toWellFormed()) : id,
          )
          const answer = await call(server, route.split(' ')[0] ?? '', `/api/v1${path}`, {
            ...(body && { body: spoil(body, how) }),
          })
          expectProper(answer)
        },
      ),
    )
  })
})

/** Ids that name nothing. */
function nothing(): Named {
  return {
    userId: randomUUID(),
    conversationId: randomUUID(),
    messageId: randomUUID(),
    tokenId: randomUUID(),
    deadLetterId: randomUUID(),
    webhook: 'http://127.0.0.1:9/none',
  }
}
