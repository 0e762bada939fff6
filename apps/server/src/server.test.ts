import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ErrorCode, PlugboardError } from '@plugboard/core'
import { createHub, type Hub, Keyring, type Store } from '@plugboard/hub'
import type { FastifyInstance, FastifySchema } from 'fastify'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { readConfig } from './config/read-config.js'
import { hubSettings } from './configured-hub.js'
import { Connections } from './http/descriptors.js'
import { PublicUrls } from './http/public-urls.js'
import { createLog } from './logging.js'
import { Metrics } from './metrics/metrics.js'
import { timedStore } from './metrics/timed-store.js'
import { buildServer } from './server.js'
import { openBlobs } from './storage/open-blobs.js'
import { openStore } from './storage/open-store.js'

let folder: string
let store: Store
let hub: Hub
let app: FastifyInstance
let logged: string[]
/** Errors of the next loads of the lazy API. */
let loadErrors: Error[]
let loads: number

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plugboard-server-'))
  const config = readConfig({ env: { TRUSTED_PROXIES: '127.0.0.1' }, workingFolder: folder })
  const metrics = new Metrics()
  const urls = new PublicUrls(config)
  logged = []
  loadErrors = []
  loads = 0
  const log = createLog('info', { write: (line) => void logged.push(line) })
  store = timedStore(await openStore(config, metrics), metrics)
  hub = createHub({
    store,
    blobs: await openBlobs(config),
    keyring: new Keyring(Buffer.alloc(32)),
    channels: [],
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
  const connections = new Connections(() => undefined)
  app = buildServer({
    ...{ urls, config, hub, store, metrics, connections, log, register },
    decorations: { eventStreams: { name: 'shared' } },
    lazyApis: [{ prefix: '/lazy/v1', load }],
  })
})
afterEach(async () => {
  await app.close()
  await hub.stop(1_000)
  await store.close()
  await rm(folder, { recursive: true })
})

/** Stands for a dialect. */
function register(server: FastifyInstance): void {
  server.post('/echo', async ({ body }) => body)
  server.get('/fail/:code', async ({ params }) => {
    const { code } = params as { code: ErrorCode | 'BUG' }
    if (code === 'BUG') throw new Error('hunter2')
    throw new PlugboardError(code, `about ${code}`, { retryAfterMs: 1_500 })
  })
  server.get('/caller', async ({ ip, host, hostname, protocol }) => ({ ip, host, hostname, protocol }))
  server.get('/things/:name', async ({ params }) => params)
  server.get(
    '/checked',
    { schema: { querystring: z.object({ limit: z.number() }) } },
    async ({ query }) => query,
  )
}

/** Stands for an API that most servers do not use. */
async function load() {
  loads += 1
  const error = loadErrors.shift()
  if (error) throw error
  return (server: FastifyInstance, prefix: string) =>
    server.register(
      async (scope) => {
        scope.setErrorHandler((error: Error, _, reply) => reply.code(400).send({ fault: error.message }))
        scope.post('/echo', async ({ body, ip }) => ({ body, ip }))
        scope.get('/shared', async () => app.eventStreams === scope.eventStreams)
        scope.get(
          '/documented',
          { schema: { operationId: 'getLazy', summary: 'Late', tags: ['late'] } as FastifySchema },
          async () => 'late',
        )
      },
      { prefix },
    )
}

const get = (url: string, headers: Record<string, string> = {}) => app.inject({ method: 'GET', url, headers })

describe('the host', () => {
  test('answers what comes while it closes as everything: it is what it says, and no cache keeps it', async () => {
    const closing = new Promise<void>((resolve) => {
      app.addHook('preClose', (done) => {
        resolve()
        done()
      })
    })
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    await new Promise<void>((resolve) => socket.write('GET /status HTTP/1.1\r\n', () => resolve()))
    // By the time of this answer, the server knows of that request.
    await fetch(`${url}/status`)
    const closed = app.close()
    await closing
    socket.end('host: a\r\n\r\n')
    const answer = Buffer.concat(await socket.toArray()).toString()
    expect(answer).toMatch(/^HTTP\/1\.1 503 /)
    expect(answer).toMatch(/^x-content-type-options: nosniff\r$/m)
    expect(answer).toMatch(/^cache-control: no-store\r$/m)
    await closed
  })

  test('answers status and version in plain text', async () => {
    const status = await get('/status')
    expect([status.statusCode, status.body, status.headers['content-type']]).toEqual([
      200,
      'OK',
      'text/plain; charset=utf-8',
    ])
    expect((await get('/version')).body).toMatch(/^\d+\.\d+\.\d+/)
    expect((await get('/healthz')).json()).toEqual({ status: 'ok' })
  })

  test('answers an unknown path and a malformed one in plain text', async () => {
    const unknown = await get('/api/v9/nothing')
    expect([unknown.statusCode, unknown.body]).toEqual([404, 'Not Found'])
    const malformed = await get('/things/%zz')
    expect([malformed.statusCode, malformed.body]).toEqual([400, 'Bad Request'])
    expect(malformed.headers['x-request-id']).toBeTruthy()
  })

  test('takes names as long as they may be, percent-encoded', async () => {
    const name = '語'.repeat(200)
    expect((await get(`/things/${encodeURIComponent(name)}`)).json()).toEqual({ name })
  })

  test('takes a body of 153,600 bytes and refuses one of 153,601', async () => {
    const post = (size: number) =>
      app.inject({
        method: 'POST',
        url: '/echo',
        headers: { 'content-type': 'application/json' },
        payload: `"${'x'.repeat(size - 2)}"`,
      })
    expect((await post(153_600)).statusCode).toBe(200)
    const refused = await post(153_601)
    expect([refused.statusCode, refused.body]).toEqual([413, 'Payload Too Large'])
  })

  test('gives every answer a request id: the caller’s where it is sane', async () => {
    const idOf = async (given?: string) =>
      (await get('/nothing', given === undefined ? {} : { 'x-request-id': given })).headers['x-request-id']
    expect(await idOf('trace-1.a_B')).toBe('trace-1.a_B')
    const [first, second] = [await idOf(), await idOf()]
    expect(first).toMatch(/^[\w.-]{1,64}$/)
    expect(second).not.toBe(first)
    for (const insane of ['', 'a b', 'x'.repeat(65), 'é', '{"a":1}'])
      expect(await idOf(insane)).not.toBe(insane)
  })

  test('knows callers by what a trusted proxy says, in routes and in the log, and believes it nothing else', async () => {
    const forwarded = {
      host: 'hub.internal',
      'x-forwarded-for': '1.1.1.1, 198.51.100.1',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
    }
    expect((await get('/caller', forwarded)).json()).toEqual({
      ...{ ip: '198.51.100.1', host: 'hub.internal', hostname: 'hub.internal', protocol: 'http' },
    })
    await get('/nothing', forwarded)
    await get('/things/%zz', forwarded)
    const addresses = logged.map((line) => JSON.parse(line).req?.ip).filter(Boolean)
    expect(addresses).toEqual(addresses.map(() => '198.51.100.1'))
    expect(addresses.length).toBeGreaterThan(0)
    const stranger = { url: '/caller', headers: forwarded, remoteAddress: '203.0.113.9' }
    expect((await app.inject(stranger)).json().ip).toBe('203.0.113.9')
  })

  test('leaves the check of requests to the routes, whatever their schemas say', async () => {
    expect((await get('/checked?limit=x&other=1')).json()).toEqual({ limit: 'x', other: '1' })
  })
})

/** Status and body of each error code. */
const answers = {
  INVALID: [400, 'about INVALID'],
  UNAUTHORIZED: [401, 'Unauthorized'],
  FORBIDDEN: [403, 'Forbidden'],
  NOT_FOUND: [404, 'Not Found'],
  CONFLICT: [409, 'about CONFLICT'],
  MISMATCH: [422, 'Unprocessable Entity'],
  TOO_LARGE: [413, 'Payload Too Large'],
  RATE_LIMITED: [429, 'Too Many Requests'],
  UNAVAILABLE: [503, 'Service Unavailable'],
  NO_SPACE: [507, 'Insufficient Storage'],
  INTERNAL: [500, 'Internal Server Error'],
} satisfies Record<ErrorCode, [number, string]>

describe('errors outside dialects', () => {
  test.each(Object.entries(answers))('answers %s in plain text', async (code, [status, body]) => {
    const answer = await get(`/fail/${code}`)
    expect([answer.statusCode, answer.body]).toEqual([status, body])
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(answer.headers['retry-after']).toBe(status === 429 || status === 503 ? '2' : undefined)
  })

  test('shows nothing of a fault of ours, and logs it', async () => {
    const answer = await get('/fail/BUG')
    expect([answer.statusCode, answer.body]).toEqual([500, 'Internal Server Error'])
    expect(logged.join('')).toContain('hunter2')
  })
})

describe('readiness', () => {
  test('holds while deliveries are made and the store answers', async () => {
    expect((await get('/readyz')).statusCode).toBe(503)
    expect((await get('/readyz')).json()).toEqual({
      status: 'unavailable',
      problems: ['delivery is stopped'],
    })
    hub.start()
    expect([(await get('/readyz')).statusCode, (await get('/readyz')).json()]).toEqual([
      200,
      { status: 'ok', problems: [] },
    ])
    await store.close()
    expect((await get('/readyz')).json()).toMatchObject({ problems: ['the database does not respond'] })
  })
})

describe('metrics', () => {
  test('counts requests by route, entries by type, and calls and transactions of the store', async () => {
    const { client } = await hub.clients.create()
    await hub.users.create(client)
    await get('/things/a')
    await get('/things/b')
    await get('/nothing')
    const { body, headers } = await get('/metrics')
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    for (const line of [
      'plugboard_http_request_duration_seconds_count{route="/things/:name",method="GET",status="2xx"} 2',
      'plugboard_http_request_duration_seconds_count{route="none",method="GET",status="4xx"} 1',
      'plugboard_store_call_duration_seconds_count{method="createUser"} 1',
      'plugboard_store_commit_duration_seconds_count',
      'plugboard_entries_total{type="user.new"} 1',
      '# HELP plugboard_backlog_streams Streams with pending deliveries, counted up to 100000.',
      'plugboard_backlog_streams 0',
      'plugboard_backlog_age_seconds 0',
      'process_cpu_seconds_total',
    ])
      expect(body).toContain(line)
  })

  test('leaves the backlog out when the store does not answer, and counts the failure', async () => {
    await store.close()
    const { body } = await get('/metrics')
    expect(body).not.toContain('plugboard_backlog_streams')
    expect(body).toContain('plugboard_store_failures_total{method="backlog"} 1')
  })
})

describe('an API that is loaded by its first request', () => {
  const post = () =>
    app.inject({
      ...{ method: 'POST', url: '/lazy/v1/echo', body: { a: 1 } },
      headers: { 'x-forwarded-for': '192.0.2.7' },
    })

  test('is loaded once, by a request below its prefix only', async () => {
    await get('/status')
    expect((await get('/lazy/v10')).statusCode).toBe(404)
    expect(loads).toBe(0)
    await Promise.all([post(), post()])
    expect((await get('/lazy/v1?a')).statusCode).toBe(404)
    expect(loads).toBe(1)
  })

  test('answers, counts and logs as the others do, and once', async () => {
    const answer = await post()
    expect(answer.json()).toEqual({ body: { a: 1 }, ip: '192.0.2.7' })
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'x-request-id': expect.any(String) })
    expect((await get('/lazy/v1/nothing')).statusCode).toBe(404)
    expect(logged.map((line) => JSON.parse(line))).toMatchObject([{ req: { path: '/lazy/v1/nothing' } }])
    const requests = (await get('/metrics')).body
      .split('\n')
      .filter((line) => line.startsWith('plugboard_http_request_duration_seconds_count'))
    expect(requests).toEqual([
      'plugboard_http_request_duration_seconds_count{route="/lazy/v1/echo",method="POST",status="2xx"} 1',
      'plugboard_http_request_duration_seconds_count{route="none",method="GET",status="4xx"} 1',
    ])
  })

  test('is found by all that the router reads as its path', async () => {
    const { hostname, port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))
    const statusOf = async (target: string) => {
      const socket = connect(Number(port), hostname)
      socket.end(`GET ${target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`)
      return Buffer.concat(await socket.toArray())
        .toString()
        .split(' ', 2)[1]
    }
    for (const target of ['/%6cazy/v1/shared', 'http://a.example/lazy/v1/shared', '/lazy/v1/shared?a=%zz'])
      expect([target, await statusOf(target)]).toEqual([target, '200'])
    for (const target of ['/lazy/%zz', '/lazy/v1/%zz']) expect(await statusOf(target)).toBe('400')
  })

  test('finds at its app what the others find', async () => {
    expect((await get('/lazy/v1/shared')).json()).toBe(true)
  })

  test('answers faults of the host in its own form', async () => {
    const url = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))
    const socket = connect(Number(url.port), url.hostname)
    socket.end('GET /lazy/v1/shared HTTP/1.1\r\nconnection: close\r\n\r\n')
    expect(Buffer.concat(await socket.toArray()).toString()).toMatch(
      /{"fault":"the request has no Host header"}$/,
    )
  })

  test('is loaded again by the next request if it could not be loaded', async () => {
    loadErrors = [new Error('too many open files')]
    expect((await post()).statusCode).toBe(500)
    expect((await post()).statusCode).toBe(200)
  })

  test('is in the document of the API, loaded or not', async () => {
    const { paths } = (await get('/openapi.json')).json()
    expect(paths['/lazy/v1/documented'].get.operationId).toBe('getLazy')
  })
})
