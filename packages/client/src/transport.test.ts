import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  answer,
  type Fault,
  hangUp,
  neverAnswer,
  proceed,
  stallInBody,
  workThenHangUp,
} from '../test/fake-server.js'
import { setUp, setUpConversation } from '../test/setup.js'
import { createClient } from './client.js'
import { PlugboardApiError } from './errors.js'

const keysOf = (requests: { headers: Record<string, unknown> }[]) =>
  requests.map((request) => request.headers['idempotency-key'])
const credentials = { clientId: 'c1', clientToken: 't1' }
const payload = { type: 'text' as const, text: 'hi' }
/** The server works on, and says that it is not done with this key. */
const workThenConflict: Fault = (response, work) =>
  void work().then(() => response.writeHead(409).end('in progress'))

describe('retries', () => {
  test.each<[string, Fault]>([
    ['the connection breaks before the work', hangUp],
    ['the connection breaks after the work', workThenHangUp],
    ['a gateway says 502', answer(502, '<h1>Bad</h1>', { 'content-type': 'text/html' })],
    ['the server says 503', answer(503)],
    ['a gateway says 504', answer(504)],
    ['the server says 429', answer(429, 'Too Many Requests', { 'retry-after': '0' })],
  ])('post one message with one key when %s', async (_, fault) => {
    const { server, client, conversation } = await setUpConversation()
    server.faults.push(fault, fault)
    const message = await client.messages.post({ conversationId: conversation.id, payload })
    expect(server.world.messages).toEqual([message])
    expect(server.requests).toHaveLength(3)
    expect(new Set(keysOf(server.requests))).toEqual(new Set([expect.stringMatching(/^[0-9a-f-]{36}$/)]))
  })

  test('post one message when the answer takes too long', async () => {
    const { server, client, conversation } = await setUpConversation({ timeoutMs: 500 })
    server.faults.push((response, work) => {
      void work()
      neverAnswer(response, work)
    })
    const message = await client.messages.post({ conversationId: conversation.id, payload })
    expect(server.world.messages).toEqual([message])
  })

  test('ask again while their own earlier attempt is being worked on', async () => {
    const { server, client } = await setUp()
    server.faults.push(workThenHangUp, workThenConflict)
    const user = await client.users.create()
    expect([...server.world.users.keys()]).toEqual([user.id])
  })

  test('leave a conflict on the first attempt to the caller', async () => {
    const { server, client } = await setUp()
    server.faults.push(workThenConflict)
    await expect(client.users.create({ idempotencyKey: 'mine' })).rejects.toMatchObject({ status: 409 })
    expect(keysOf(server.requests)).toEqual(['mine'])
  })

  test('use a fresh key for each call', async () => {
    const { server, client, conversation } = await setUpConversation()
    await client.users.create()
    await client.messages.post({ conversationId: conversation.id, payload })
    await client.messages.post({ conversationId: conversation.id, payload })
    expect(new Set(keysOf(server.requests)).size).toBe(3)
  })

  test('stop after the number that was asked for, with the error of the last attempt', async () => {
    const { server, client } = await setUp({ retries: 1 })
    server.faults.push(hangUp, answer(503, 'Service Unavailable'), answer(504))
    await expect(client.health()).rejects.toMatchObject({ status: 503 })
    expect(server.requests).toHaveLength(2)
  })

  test('do not happen when the server asks for more than half a minute', async () => {
    const { server, client } = await setUp()
    server.faults.push(answer(429, 'Too Many Requests', { 'retry-after': '31' }))
    await expect(client.health()).rejects.toMatchObject({ status: 429, retryAfterMs: 31_000 })
    expect(server.requests).toHaveLength(1)
  })

  test.each([400, 401, 403, 404, 409, 422, 500])('do not happen after a %s', async (status) => {
    const { server, client } = await setUp()
    server.faults.push(answer(status))
    await expect(client.health()).rejects.toMatchObject({ status })
    expect(server.requests).toHaveLength(1)
  })

  test('take a 404 to a repeated deletion as done, but not to the first', async () => {
    const { server, client, conversation } = await setUpConversation()
    server.faults.push(workThenHangUp)
    await client.conversations.delete(conversation.id)
    await expect(client.conversations.delete(conversation.id)).rejects.toMatchObject({ status: 404 })
  })

  test.each(['create', 'replay'])('do not happen where a second arrival would count (%s)', async (name) => {
    const { server, client } = await setUp()
    server.faults.push(workThenHangUp)
    const call = name === 'create' ? client.tokens.create() : client.deadLetters.replay('x1')
    await expect(call).rejects.toMatchObject({ reason: 'network' })
    expect(server.requests).toHaveLength(1)
    expect(keysOf(server.requests)).toEqual([undefined])
  })
})

describe('time limits', () => {
  test.each([
    ['before the answer', neverAnswer],
    ['in the middle of the body', stallInBody],
  ])('end an attempt that stalls %s', async (_, fault) => {
    const { server, client } = await setUp({ timeoutMs: 100, retries: 0 })
    server.faults.push(fault)
    await expect(client.health()).rejects.toMatchObject({
      reason: 'timeout',
      status: 0,
      message: 'no answer within 100 ms',
    })
  })

  test('can be set for one call', async () => {
    const { server, client } = await setUp({ retries: 0 })
    server.faults.push(neverAnswer)
    await expect(client.users.create({ timeoutMs: 50 })).rejects.toThrow('no answer within 50 ms')
    await expect(client.users.create({ timeoutMs: Number.NaN })).rejects.toThrow(RangeError)
  })

  test.each<[string, number, Fault]>([
    ['an attempt', 0, neverAnswer],
    ['the pause between two', 1, answer(429, '', { 'retry-after': '20' })],
  ])(
    "leave %s immediately when the caller's signal is aborted",
    { timeout: 5_000 },
    async (_, retries, fault) => {
      const { server, client } = await setUp({ retries })
      const stop = new AbortController()
      server.faults.push((response, work) => {
        fault(response, work)
        setTimeout(() => stop.abort(new Error('changed my mind')), 50)
      })
      await expect(client.health({ signal: stop.signal })).rejects.toThrow('changed my mind')
      await expect(client.health({ signal: stop.signal })).rejects.toThrow('changed my mind')
      expect(server.requests).toHaveLength(1)
    },
  )

  test('leave no timer behind that would keep a process alive', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const client = createClient({ ...credentials, url: 'http://host', fetch: async () => Response.json({}) })
    await client.health()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('errors', () => {
  test("hold the server's words, status, method, path without query, and request id", async () => {
    const { client } = await setUp()
    const error = await client.messages
      .listByConversation('not-a-guid', { limit: 5 })
      .catch((thrown) => thrown)
    expect(error).toBeInstanceOf(PlugboardApiError)
    expect(error).toMatchObject({
      name: 'PlugboardApiError',
      reason: 'status',
      status: 400,
      message: '"params.id" must be a valid GUID',
      method: 'GET',
      path: '/api/v1/messages/conversation/not-a-guid',
      requestId: 'req-1',
    })
  })

  test('hold no token, even when the server repeats it', async () => {
    const { server, client } = await setUp({ retries: 0 })
    const { clientToken } = server.world
    server.faults.push(answer(401, `no client has ${clientToken}`), hangUp)
    for (let call = 0; call < 2; call++) {
      const error = await client.health().catch((thrown) => thrown)
      expect(error).toBeInstanceOf(PlugboardApiError)
      expect(inspect(error, { depth: 10 })).not.toContain(clientToken)
    }
  })

  test.each([
    ['an empty body', answer(500), 'HTTP 500'],
    ["a proxy's page", answer(500, '<html>', { 'content-type': 'text/html' }), 'HTTP 500'],
    [
      'a path that the server does not have',
      answer(404, '{"message":"Route GET:/x/api/v1/health not found","error":"Not Found"}'),
      'Route GET:/x/api/v1/health not found',
    ],
    [
      'a base URL that ends in /api',
      answer(404, '{"success":false,"msg":"Not Found: the path has /api twice"}'),
      'Not Found: the path has /api twice',
    ],
    ['JSON without a message', answer(400, '{"errors":[]}'), '{"errors":[]}'],
    ['what only looks like JSON', answer(400, '{no'), '{no'],
    ['a very long body', answer(400, 'x'.repeat(5_000)), 'x'.repeat(1_000)],
  ])('make a short message of %s', async (_, fault, message) => {
    const { server, client } = await setUp()
    server.faults.push(fault)
    await expect(client.health()).rejects.toMatchObject({ message })
  })

  test.each(['OK', '{"token":"half', ''])(
    'tell a success that is no JSON (%j), without quoting it',
    async (body) => {
      const { server, client } = await setUp()
      server.faults.push(answer(200, body))
      const error = await client.health().catch((thrown) => thrown)
      expect(error).toMatchObject({ reason: 'answer', status: 200, message: 'the answer is not JSON' })
      expect(error).not.toHaveProperty('cause')
    },
  )

  test('name what is wrong with the network', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    const url = `http://127.0.0.1:${port}`
    const client = createClient({ ...credentials, url, retries: 0 })
    await expect(client.health()).rejects.toMatchObject({
      reason: 'network',
      status: 0,
      message: expect.stringContaining('ECONNREFUSED'),
      requestId: undefined,
    })
  })

  test('stand for a redirect, since following it would hand the token to another host', async () => {
    const { server, client } = await setUp()
    server.faults.push(answer(307, '', { location: `${server.url}/elsewhere` }), proceed)
    await expect(client.health()).rejects.toMatchObject({
      status: 307,
      message: expect.stringContaining('redirected'),
    })
    expect(server.requests).toHaveLength(1)
  })

  test('of the arguments are thrown immediately and unchanged', async () => {
    const { server, client } = await setUp()
    const payload = { type: 'text' as const, text: 'hi', delay: 1n as unknown as number }
    await expect(client.messages.post({ conversationId: 'k1', payload })).rejects.toThrow(TypeError)
    await expect(client.users.create({ idempotencyKey: 'two\nlines' })).rejects.toThrow(TypeError)
    expect(server.requests).toEqual([])
  })
})
