import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { asAdmin, call, callAdmin, clientOf, createClient, type TestClient } from './support/api.js'
import { newSecret, tell, webhookChannel } from './support/person.js'
import { raw } from './support/raw.js'
import { startReceiver } from './support/receiver.js'
import { adminSamples } from './support/routes.js'
import { ADMIN_KEY, cleanUp, startServer, type TestServer } from './support/server.js'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const unauthorized = { status: 401, text: 'Unauthorized' }

/** On loopback. */
let local: TestServer
/** With an external URL. */
let published: TestServer

beforeAll(async () => {
  ;[local, published] = await Promise.all([
    startServer({ env: { RATE_LIMIT: '0' } }),
    startServer({ env: { RATE_LIMIT: '0', EXTERNAL_URL: 'https://bots.example.com' } }),
  ])
})
afterAll(cleanUp)

const admin = (
  server: TestServer,
  route: string,
  clientId: string = randomUUID(),
  headers: Record<string, string> = asAdmin,
) => {
  const { path, body } = (adminSamples[route] as (id: string) => { path: string; body?: object })(clientId)
  return call(server, route.split(' ')[0] ?? '', `/api/v1${path}`, { body, headers })
}
const routes = Object.keys(adminSamples)
const sync = (server: TestServer, headers: Record<string, string> = {}) =>
  call(server, 'POST', '/api/v1/sync', { body: {}, headers })

/** Requests as they come from others than this machine's own programs. */
const FOREIGN: [string, string][] = [
  ['Origin', 'http://localhost:3100'],
  ['Origin', 'null'],
  ['Sec-Fetch-Site', 'cross-site'],
  ['Sec-Fetch-Site', 'same-site'],
  ['Host', 'example.com'],
  ['Host', 'localhost.example.com'],
  ['Host', '127.0.0.1.example.com'],
  ['Host', '10.0.0.1:3100'],
  ['Host', '2130706433'],
  ['Host', ''],
  ['Referer', 'https://example.com/'],
  ['Via', '1.1 proxy'],
  ['Forwarded', 'for=127.0.0.1'],
  ...[
    ...['X-Forwarded', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'X-Forwarded-Port'],
    ...['X-Forwarded-Server', 'X-Forwarded-Prefix', 'X-Forwarded-Client-Cert', 'X-Real-IP', 'X-Client-IP'],
    ...['Client-IP', 'X-Cluster-Client-IP', 'True-Client-IP', 'Fastly-Client-IP', 'Incap-Client-IP'],
    ...[
      'WL-Proxy-Client-IP',
      'CF-Connecting-IP',
      'CF-Ray',
      'CF-Visitor',
      'CDN-Loop',
      'CloudFront-Viewer-Country',
    ],
    ...[
      'X-Amz-Cf-Id',
      'X-Amzn-Trace-Id',
      'X-Azure-ClientIP',
      'X-Azure-FDID',
      'X-FD-HealthProbe',
      'X-ARR-LOG-ID',
    ],
    ...[
      'X-Envoy-External-Address',
      'X-AppEngine-User-IP',
      'X-Cloud-Trace-Context',
      'Fly-Client-IP',
      'Fly-Region',
    ],
    ...[
      'X-Vercel-Id',
      'X-NF-Client-Connection-IP',
      'DO-Connecting-IP',
      'EO-Connecting-IP',
      'Ali-CDN-Real-IP',
    ],
    ...[
      'Akamai-Origin-Hop',
      'X-Varnish',
      'X-Remote-IP',
      'X-Remote-Addr',
      'Remote-Addr',
      'Tailscale-User-Login',
    ],
    ...[
      'X-Original-URL',
      'X-Original-Host',
      'X-Original-Forwarded-For',
      'X-Rewrite-URL',
      'X-Host',
      'X-Scheme',
    ],
    ...[
      'X-HTTP-Forwarded-For',
      'X_Forwarded_For',
      'RS-Forwarded-For',
      'X-Originating-IP',
      'X-Edge-IP',
      'X-Coming-From',
      'Early-Data',
    ],
    ...[
      'X-BlueCoat-Via',
      'X-AppGW-Trace-Id',
      'X-MS-Client-Principal',
      'Ali-Swift-Stat-Host',
      'Ngrok-Trace-Id',
    ],
    ...[
      'Remote-User',
      'X-Remote-User',
      'X-Auth-Request-User',
      'X-Pomerium-Jwt-Assertion',
      'X-Traefik-Router',
    ],
    ...[
      'X-ProxyUser-IP',
      'Proxy-Connection',
      'X-Nginx-Proxy',
      'Front-End-Https',
      'X-Request-Start',
      'Max-Forwards',
    ],
  ].map((name): [string, string] => [name, '127.0.0.1']),
]

describe('admin routes', () => {
  test.each(routes)('%s needs the key, also on this machine', async (route) => {
    const { id } = await createClient(local)
    for (const key of [undefined, '', 'wrong', ADMIN_KEY.slice(1), `${ADMIN_KEY}x`]) {
      const headers: Record<string, string> = key === undefined ? {} : { 'x-bp-messaging-admin-key': key }
      expect(await admin(local, route, id, headers)).toMatchObject(unauthorized)
    }
    // What these would remove is not there.
    const isMissing = /^DELETE \/admin\/keys|^POST \/admin\/owners\/remove/.test(route)
    const good = isMissing ? [404] : [200, 201, 204]
    expect((await admin(local, route, id)).status).toBeOneOf(good)
  })

  test('are closed to what nginx passes on without being set up for it', async () => {
    const answer = await bytes(local, '/api/v1/admin/clients', 'HTTP/1.0', ['connection: close'])
    expect(answer).toMatch(/^HTTP\/1\.\d 401 /)
  })

  test('need nothing but the key, wherever the request comes from', async () => {
    const headers = [
      ['Host', 'bots.example.com'],
      ['X-Forwarded-For', '1.2.3.4'],
      ...Object.entries(asAdmin),
    ] as const
    for (const server of [local, published]) {
      expect((await raw(server, { path: '/api/v1/admin/clients', headers })).status).toBe(200)
      expect((await raw(server, { method: 'POST', path: '/api/v1/sync', headers })).status).toBe(200)
    }
  })

  test('have a key that is no credential of a client', async () => {
    const { id } = await createClient(local)
    const headers = { 'x-bp-messaging-client-id': id, 'x-bp-messaging-client-token': ADMIN_KEY, ...asAdmin }
    expect(await call(local, 'GET', '/api/v1/clients', { headers })).toMatchObject(unauthorized)
  })
})

describe('a sync that makes a client', () => {
  test.each(['localhost', 'localhost:3100', 'LOCALHOST', '127.0.0.1', '127.9.9.9:80', '[::1]:3100'])(
    'needs no credentials on this machine, which it may call %s',
    async (host) => {
      const request = { method: 'POST', path: '/api/v1/sync', headers: [['Host', host]] as const }
      expect((await raw(local, request)).status).toBe(200)
    },
  )

  test.each(['none', 'same-origin'])('needs none either where the browser says %s', async (site) => {
    expect((await sync(local, { 'sec-fetch-site': site })).status).toBe(200)
  })

  test.each(FOREIGN)('needs the key with %s: %s', async (name, value) => {
    const create = { method: 'POST', path: '/api/v1/sync', headers: [[name, value]] as const }
    expect(await raw(local, create)).toMatchObject(unauthorized)
    const withKey = [...create.headers, ...Object.entries(asAdmin)]
    expect((await raw(local, { ...create, headers: withKey })).status).toBe(200)
  })

  test.each(FOREIGN)('of another caller, with %s: %s, may change its own client', async (name, value) => {
    const { id, token, headers } = await createClient(local)
    const all = [...Object.entries(headers), [name, value] as const]
    expect((await raw(local, { path: '/api/v1/clients', headers: all })).status).toBe(200)
    const body = JSON.stringify({ id, token })
    const seed = [
      [name, value],
      ['Content-Type', 'application/json'],
    ] as const
    expect((await raw(local, { method: 'POST', path: '/api/v1/sync', headers: seed, body })).status).toBe(200)
  })

  test('needs the key where the request is in the form that clients send to a proxy', async () => {
    const request = { method: 'POST', path: `${local.url}/api/v1/sync` }
    expect(await raw(local, request)).toMatchObject(unauthorized)
    expect((await raw(local, { ...request, headers: Object.entries(asAdmin) })).status).toBe(200)
  })

  test('needs the key over HTTP/1.0', async () => {
    const head = ['content-type: application/json', 'content-length: 2']
    expect(await bytes(local, '/api/v1/sync', 'HTTP/1.0', head, '{}')).toMatch(/^HTTP\/1\.\d 401 /)
    expect(await bytes(local, '/api/v1/sync', 'HTTP/1.1', head, '{}')).toMatch(/^HTTP\/1\.\d 200 /)
  })

  test('needs the key where the server can be reached from elsewhere', async () => {
    expect(await sync(published)).toMatchObject(unauthorized)
    expect((await sync(published, asAdmin)).status).toBe(200)
    const open = await startServer({ env: { HOST: '0.0.0.0' } })
    const reached = { ...open, url: open.url.replace('0.0.0.0', '127.0.0.1') }
    expect(await sync(reached)).toMatchObject(unauthorized)
    await open.stop()
  })

  test('needs the key where proxies are declared, which may add nothing to a request', async () => {
    const behind = await startServer({ env: { TRUSTED_PROXIES: 'loopback' } })
    expect(await sync(behind)).toMatchObject(unauthorized)
    expect((await sync(behind, asAdmin)).status).toBe(200)
    await behind.stop()
  })

  test('needs none where the external URL is on loopback as well', async () => {
    const tested = await startServer({ env: { EXTERNAL_URL: 'http://localhost:8080' } })
    expect((await sync(tested)).status).toBe(200)
    await tested.stop()
  })
})

/** An answer to bytes that no HTTP library would send. */
async function bytes(
  server: TestServer,
  path: string,
  version: string,
  head: string[],
  body = '',
): Promise<string> {
  const { host, hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  const method = body === '' ? 'GET' : 'POST'
  socket.write([`${method} ${path} ${version}`, `host: ${host}`, ...head, '', body].join('\r\n'))
  const [answer] = await once(socket, 'data')
  socket.destroy()
  return String(answer)
}

describe('pages of other origins', () => {
  const origin = { origin: 'https://page.example.com' }
  const preflight = (path: string, method: string) =>
    call(local, 'OPTIONS', `/api/v1${path}`, {
      headers: {
        ...origin,
        'access-control-request-method': method,
        'access-control-request-headers': 'x-bp-messaging-client-id,x-bp-messaging-client-token,content-type',
      },
    })

  test.each([
    ['/messages', 'POST'],
    [`/users/${randomUUID()}`, 'GET'],
    [`/messages/${randomUUID()}`, 'DELETE'],
  ])('may ask whether they may call %s', async (path, method) => {
    const { status, headers } = await preflight(path, method)
    expect(status).toBe(204)
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(headers.get('access-control-allow-methods')?.split(/, ?/)).toEqual(['GET', 'POST', 'DELETE'])
    expect(headers.get('access-control-allow-headers')).toMatch(/^\*$|x-bp-messaging-client-token/)
  })

  test.each(['/v2', '/sc/v2'])('may call the Sunshine API below %s', async (prefix) => {
    const path = `${prefix}/apps/${'0'.repeat(24)}/conversations`
    for (const method of ['GET', 'POST', 'PATCH', 'DELETE']) {
      const asked = await call(local, 'OPTIONS', path, {
        headers: {
          ...origin,
          'access-control-request-method': method,
          'access-control-request-headers': 'authorization,content-type',
        },
      })
      expect(asked.status).toBe(204)
      expect(asked.headers.get('access-control-allow-origin')).toBe('*')
      expect(asked.headers.get('access-control-allow-methods')).toContain(method)
      expect(asked.headers.get('access-control-allow-headers')).toContain('authorization')
    }
    const refused = await call(local, 'GET', path, { headers: origin })
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, '*'])
  })

  test('may read what they are answered, refusals too', async () => {
    const { headers } = await createClient(local)
    for (const sent of [headers, {}]) {
      const answer = await call(local, 'GET', '/api/v1/clients', { headers: { ...sent, ...origin } })
      expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    }
  })

  test.each([
    ['/sync', 'POST'],
    ['/admin/clients', 'GET'],
    ['/admin/clients', 'POST'],
    [`/admin/clients/${randomUUID()}`, 'DELETE'],
    ['/admin/clients/name', 'PUT'],
  ])('may neither call nor read %s', async (path, method) => {
    const { headers } = await preflight(path, method)
    expect(headers.get('access-control-allow-origin')).toBeNull()
    const answer = await call(local, method, `/api/v1${path}`, { headers: origin })
    expect(answer).toMatchObject(unauthorized)
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
  })
})

describe('with an internal password', () => {
  let internal: TestServer
  let client: TestClient
  beforeAll(async () => {
    internal = await startServer({ env: { INTERNAL_PASSWORD: 'between us', RATE_LIMIT: '0' } })
    const { json } = await sync(internal, { password: 'between us' })
    client = clientOf(internal, json)
  })

  test.each([
    ['none', {}],
    ['a wrong one', { password: 'wrong' }],
    ['an empty one', { password: '' }],
  ])('a request with %s is forbidden, before anything else is looked at', async (_, password) => {
    const forbidden = { status: 403, text: 'Forbidden' }
    expect(await client.call('GET', '/clients', undefined, password)).toMatchObject(forbidden)
    expect(await client.call('POST', '/messages', '{', password)).toMatchObject(forbidden)
    expect(await call(internal, 'GET', '/api/v1/users/x', { headers: password })).toMatchObject(forbidden)
    expect(await admin(internal, 'GET /admin/clients', '', password)).toMatchObject(forbidden)
    expect(await sync(internal, password)).toMatchObject(forbidden)
  })

  test('a request with it is served, and needs its credentials all the same', async () => {
    const password = { password: 'between us' }
    expect((await client.call('GET', '/clients', undefined, password)).status).toBe(200)
    expect(await call(internal, 'GET', '/api/v1/clients', { headers: password })).toMatchObject(unauthorized)
  })

  test.each([
    ['GET', '/v2/apps', { errors: [{ code: 'forbidden', title: 'Forbidden' }] }],
    ['GET', '/sc/v2/apps/x/users/y', { errors: [{ code: 'forbidden', title: 'Forbidden' }] }],
    ['GET', '/v2/nothing', { errors: [{ code: 'forbidden', title: 'Forbidden' }] }],
    ['POST', '/oauth/token', { errors: [{ code: 'forbidden', title: 'Forbidden' }] }],
    ['GET', '/api/projects', { success: false, msg: 'Forbidden' }],
    ['POST', '/api/auth/signin', { success: false, msg: 'Forbidden' }],
    ['GET', '/api/nothing/at/all', { success: false, msg: 'Forbidden' }],
  ])('%s %s of another dialect needs it as well', async (method, path, json) => {
    expect(await call(internal, method, path)).toMatchObject({ status: 403, json })
    const answer = await call(internal, method, path, { headers: { password: 'between us' } })
    expect(answer.status).not.toBe(403)
  })

  test('cannot be guessed, in whichever dialect: it does not pass where too many were wrong', async () => {
    const env = { INTERNAL_PASSWORD: 'between us', RATE_LIMIT: '4', TRUSTED_PROXIES: 'loopback' }
    const strict = await startServer({ env })
    const ask = async (path: string, password: string, address: string) =>
      (await call(strict, 'GET', path, { headers: { password, 'x-forwarded-for': address } })).status
    const paths = ['/api/v1/nothing', '/v2/nothing', '/api/projects', '/sc/v2/apps']
    expect(await ask('/v2/nothing', 'between us', '198.51.100.9')).toBe(404)
    for (const address of ['198.51.100.1', '198.51.100.9']) {
      for (const path of paths) expect(await ask(path, 'wrong', address)).toBe(403)
      for (const path of paths) expect(await ask(path, 'wrong', address)).toBe(429)
    }
    for (const path of paths) expect(await ask(path, 'between us', '198.51.100.1')).toBe(429)
    expect(await ask('/v2/nothing', 'between us', '198.51.100.9')).toBe(404)
    await strict.stop()
  })

  test('the server itself, readers of files and providers need none', async () => {
    for (const path of ['/status', '/version', '/healthz', '/readyz', '/metrics', '/openapi.json'])
      expect((await call(internal, 'GET', path)).status).toBe(200)
    for (const path of ['/media/v1/x', '/attachments/v1/x/y'])
      expect((await call(internal, 'GET', path)).status).toBe(404)
    expect((await call(internal, 'OPTIONS', '/api/projects')).status).toBe(204)
    expect((await call(internal, 'POST', `/webhooks/v1/${client.id}/webhook`, { body: {} })).status).toBe(404)
  })
})

describe('wrong credentials', () => {
  test('are answered 429 once an address has sent too many, and right ones still pass', async () => {
    const strict = await startServer({ env: { RATE_LIMIT: '3' } })
    const client = await createClient(strict)
    const wrong = () => client.call('GET', '/users/x', undefined, { 'x-bp-messaging-client-token': 'wrong' })
    for (let i = 0; i < 3; i += 1) expect(await wrong()).toMatchObject(unauthorized)
    const { status, headers } = await wrong()
    expect(status).toBe(429)
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(60)
    expect((await client.call('GET', '/clients')).status).toBe(200)
    await strict.stop()
  })
})

describe('the admin key', () => {
  test('cannot be guessed: it does not pass from where too many were wrong, unless it was right there before', async () => {
    const env = { RATE_LIMIT: '3', TRUSTED_PROXIES: 'loopback' }
    const strict = await startServer({ env })
    const list = (key: string, address: string) =>
      admin(strict, 'GET /admin/clients', '', {
        'x-bp-messaging-admin-key': key,
        'x-forwarded-for': address,
      })
    expect((await list(ADMIN_KEY, '198.51.100.1')).status).toBe(200)
    for (const address of ['198.51.100.1', '198.51.100.2']) {
      for (let i = 0; i < 3; i += 1) expect(await list(`wrong ${i}`, address)).toMatchObject(unauthorized)
      expect((await list('wrong', address)).status).toBe(429)
    }
    expect((await list(ADMIN_KEY, '198.51.100.2')).status).toBe(429)
    expect((await list(ADMIN_KEY, '198.51.100.1')).status).toBe(200)
    expect((await list(ADMIN_KEY, '198.51.100.3')).status).toBe(200)
    const create = await call(strict, 'POST', '/api/v1/sync', {
      body: {},
      headers: { ...asAdmin, 'x-forwarded-for': '198.51.100.2' },
    })
    expect(create.status).toBe(429)
    await strict.stop()
  })
})

describe('wrong credentials of any API', () => {
  test('count together for an address, and for the whole network of an IPv6 address', async () => {
    const env = { RATE_LIMIT: '3', TRUSTED_PROXIES: 'loopback' }
    const strict = await startServer({ env })
    const tries = [
      ['/api/v1/users/x', { 'x-bp-messaging-client-id': randomUUID(), 'x-bp-messaging-client-token': 'x' }],
      ['/v2/apps/x', { authorization: 'Bearer x' }],
      ['/api/projects', { authorization: 'JWT x' }],
      ['/api/projects', { authorization: 'JWT y' }],
      ['/api/v1/users/x', { 'x-bp-messaging-client-id': randomUUID(), 'x-bp-messaging-client-token': 'x' }],
      ['/v2/apps/x', { authorization: 'Bearer x' }],
    ] as const
    const statuses: number[] = []
    for (const [i, [path, headers]] of tries.entries()) {
      const from = { 'x-forwarded-for': `2001:db8::${i + 1}` }
      statuses.push((await call(strict, 'GET', path, { headers: { ...headers, ...from } })).status)
    }
    expect(statuses).toEqual([401, 401, 401, 429, 429, 429])
    await strict.stop()
  })
})

describe('the tokens of a client', () => {
  const works = async (client: TestClient, token: string) => {
    const { status } = await client.call('GET', '/clients', undefined, {
      'x-bp-messaging-client-token': token,
    })
    return status === 200
  }

  test('are rotated: a second one is made, then the first is revoked', async () => {
    const client = await createClient(local)
    const made = await client.call('POST', '/clients/tokens')
    expect(made.status).toBe(201)
    expect(made.json).toEqual({ id: expect.stringMatching(UUID), token: expect.any(String) })
    const second = made.json.token as string
    expect([await works(client, client.token), await works(client, second)]).toEqual([true, true])

    const [firstId] = client.token.split('.')
    const revoke = (id: string | undefined) =>
      client.call('DELETE', `/clients/tokens/${id}`, undefined, { 'x-bp-messaging-client-token': second })
    expect((await revoke(firstId)).status).toBe(204)
    expect([await works(client, client.token), await works(client, second)]).toEqual([false, true])
    expect((await revoke(firstId)).status).toBe(404)
    expect((await revoke(made.json.id)).status).toBe(409)
    expect(await works(client, second)).toBe(true)
  })

  test('are listed without their secrets', async () => {
    const client = await createClient(local)
    const { token } = (await client.call('POST', '/clients/tokens')).json
    const { json, text } = await client.call('GET', '/clients/tokens')
    const ids = [client.token, token].map((each) => each.split('.')[0])
    expect(json.tokens).toEqual(ids.map((id) => ({ id, createdAt: expect.stringMatching(/^\d{4}-.*Z$/) })))
    for (const each of [client.token, token]) expect(text).not.toContain(each.split('.')[1])
  })

  test('are good without their id part', async () => {
    const client = await createClient(local)
    const [, secret = ''] = client.token.split('.')
    expect(await works(client, secret)).toBe(true)
    expect(await works(client, secret.slice(1))).toBe(false)
    expect(await works(await createClient(local), secret)).toBe(false)
  })

  test('are good in a sync that has them in its body, whichever it is', async () => {
    const client = await createClient(local)
    const { token } = (await client.call('POST', '/clients/tokens')).json
    const { status, json } = await call(local, 'POST', '/api/v1/sync', { body: { id: client.id, token } })
    expect([status, json.token]).toEqual([200, token])
  })

  test('are twenty at most, whoever makes them; one that is revoked makes room', async () => {
    const client = await createClient(local)
    for (let i = 2; i <= 20; i += 1) expect((await client.call('POST', '/clients/tokens')).status).toBe(201)
    const full = { status: 409, text: 'a client can have at most 20 tokens; revoke an unused one' }
    expect(await client.call('POST', '/clients/tokens')).toMatchObject(full)
    expect(await admin(local, 'POST /admin/clients/{id}/tokens', client.id)).toMatchObject(full)
    const [, spare] = (await client.call('GET', '/clients/tokens')).json.tokens
    expect((await client.call('DELETE', `/clients/tokens/${spare.id}`)).status).toBe(204)
    expect((await client.call('POST', '/clients/tokens')).status).toBe(201)
  })

  test('are made by the operator for a client that lost its own', async () => {
    const client = await createClient(local)
    const { status, json } = await admin(local, 'POST /admin/clients/{id}/tokens', client.id)
    expect(status).toBe(201)
    expect(await works(client, json.token)).toBe(true)
    expect((await admin(local, 'POST /admin/clients/{id}/tokens')).status).toBe(404)
  })
})

describe('clients, for the operator', () => {
  test('are made with an id that is chosen, once', async () => {
    const id = randomUUID()
    const create = (chosen: string) => callAdmin(local, 'POST', '/clients', { id: chosen })
    const { status, json } = await create(id)
    expect([status, json.id]).toEqual([201, id])
    expect(json.token).toMatch(/^[0-9a-f-]{36}\.[\w+/=]{43,88}$/)
    const taken = (name: string) => ({ status: 403, text: `client with id "${name}" already exists` })
    expect(await create(id)).toMatchObject(taken(id))
    expect(await create(id.toUpperCase())).toMatchObject(taken(id.toUpperCase()))
    const client = clientOf(local, { ...json, webhooks: [] })
    expect((await client.call('POST', '/users')).json.clientId).toBe(id)
    const seed = await call(local, 'POST', '/api/v1/sync', { body: { id, token: json.token } })
    expect([seed.status, seed.json.id]).toEqual([200, id])
  })

  test('are listed in the order of their making, page by page', async () => {
    const ids: string[] = []
    for (let i = 0; i < 5; i += 1) ids.push((await createClient(local)).id)
    const [first = '', second, third, , last] = ids
    const name = `bot-${second}`
    await callAdmin(local, 'PUT', '/clients/name', { id: second, name })
    const page = async (query: string) =>
      (await callAdmin(local, 'GET', `/clients?${query}`)).json.clients as { id: string }[]
    expect(await page(`after=${first}`)).toEqual(
      ids.slice(1).map((id) => ({
        id,
        createdOn: expect.stringMatching(/Z$/),
        ...(id === second && { name }),
      })),
    )
    expect((await page(`limit=2&after=${first}`)).map(({ id }) => id)).toEqual([second, third])
    expect(await page(`after=${last}`)).toEqual([])
    expect((await page('limit=1')).length).toBe(1)
  })

  test('are named, and a name goes to the one that got it last', async () => {
    const rename = (id: string, name: string) => callAdmin(local, 'PUT', '/clients/name', { id, name })
    const [name, secret] = [`bot-${randomUUID()}`, newSecret()]
    const channels = webhookChannel('http://127.0.0.1:9/', secret)
    const [one, other] = [await createClient(local, { channels }), await createClient(local)]
    expect(await rename(one.id, name)).toMatchObject({ status: 200, text: 'OK' })
    expect(await rename(one.id, name)).toMatchObject({ status: 204, text: '' })
    expect(await rename(other.id, name)).toMatchObject({ status: 200, text: 'OK' })
    const told = { sender: 'sam', payload: { type: 'text', text: 'hi' } }
    expect((await tell(local, { client: name, secret }, told)).status).toBe(404)
    expect((await tell(local, { client: one.id, secret }, told)).status).toBe(200)
    expect(await rename(randomUUID(), 'nobody')).toMatchObject({ status: 404, text: 'Not Found' })
  })

  test('keep their own address, whatever another is named', async () => {
    const secret = newSecret()
    const channels = webhookChannel('http://127.0.0.1:9/', secret)
    const [one, other] = [await createClient(local, { channels }), await createClient(local)]
    await callAdmin(local, 'PUT', '/clients/name', { id: other.id, name: one.id })
    const told = { sender: 'sam', payload: { type: 'text', text: 'hi' } }
    expect((await tell(local, { client: one.id, secret }, told)).status).toBe(200)
  })

  test.each([
    ['no name', {}, '"body.name" is required'],
    ['an empty name', { name: '' }, '"body.name" is not allowed to be empty'],
    [
      'too long a name',
      { name: 'x'.repeat(201) },
      '"body.name" length must be less than or equal to 200 characters long',
    ],
  ])('are not renamed with %s', async (_, more, text) => {
    const { id } = await createClient(local)
    const answer = await callAdmin(local, 'PUT', '/clients/name', { id, ...more })
    expect(answer).toMatchObject({ status: 400, text })
  })

  test('are deleted with all that they have', async () => {
    const bot = await startReceiver()
    const secret = newSecret()
    const client = await createClient(local, {
      webhooks: [{ url: bot.url }],
      channels: webhookChannel('http://127.0.0.1:9/', secret),
    })
    const { conversationId } = await client.converse()
    await client.say(conversationId, 'hi')
    await bot.until(() => bot.ofType('message.new').length === 1)

    expect(await admin(local, 'DELETE /admin/clients/{id}', client.id)).toMatchObject({
      status: 204,
      text: '',
    })
    for (const path of ['/clients', `/conversations/${conversationId}`])
      expect(await client.call('GET', path)).toMatchObject(unauthorized)
    const told = { sender: 'sam', payload: { type: 'text', text: 'hi' } }
    expect((await tell(local, { client: client.id, secret }, told)).status).toBe(404)
    expect((await admin(local, 'DELETE /admin/clients/{id}', client.id)).status).toBe(404)
    expect((await admin(local, 'POST /admin/clients/{id}/tokens', client.id)).status).toBe(404)
    const { json } = await callAdmin(local, 'GET', '/clients?limit=0')
    expect(json.clients.map(({ id }: { id: string }) => id)).not.toContain(client.id)
    await bot.close()
  })

  test('that are deleted are not found by a sync with their id, which makes another', async () => {
    const { id, token } = await createClient(local)
    await admin(local, 'DELETE /admin/clients/{id}', id)
    const { status, json } = await call(local, 'POST', '/api/v1/sync', { body: { id, token } })
    expect(status).toBe(200)
    expect(json.id).not.toBe(id)
  })
})
