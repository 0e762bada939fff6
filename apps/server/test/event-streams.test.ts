import { connect } from 'node:net'
import { fromUuid, type Id, toUuid } from '@plugboard/core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { call, callAdmin, clientOf, createClient, type TestClient } from './support/api.js'
import { type EventReader, readEvents } from './support/event-reader.js'
import { cleanUp, isSoak, startServer, type TestServer } from './support/server.js'
import { basic, newKey } from './support/sunshine.js'

afterAll(cleanUp)

let server: TestServer
beforeAll(async () => {
  server = await startServer({
    env: { RATE_LIMIT: '0', EVENT_STREAMS_PER_USER: '3', EVENT_STREAMS_PER_CLIENT: '5' },
  })
})

describe('a stream of a conversation', () => {
  test('has what happens from then on, as webhooks get it, each event with its position', async () => {
    const { client, conversationId, userId, open } = await talk()
    await client.say(conversationId, 'before')
    const reader = await open()
    const { json: message } = await client.say(conversationId, 'one', userId)
    await until(reader, ['one'])
    expect(reader.events).toEqual([
      { id: '2', type: 'position', data: { type: 'position', data: { position: '2' } } },
      {
        ...{ id: '3', type: 'message.new' },
        data: { type: 'message.new', data: { userId, conversationId, channel: 'messaging', message } },
      },
    ])
  })

  test('has edits, removals, read marks and the end of the conversation', async () => {
    const { client, conversationId, open } = await talk()
    const reader = await open()
    const { json: message } = await client.say(conversationId, 'one')
    await client.call('PATCH', `/messages/${message.id}`, { payload: { type: 'text', text: 'two' } })
    await client.call('DELETE', `/messages/${message.id}`)
    await client.call('DELETE', `/conversations/${conversationId}`)
    await reader.over
    const activities = reader.events.flatMap(({ data }) => data.data.activity ?? [])
    expect(activities).toEqual([
      { type: 'edited', messageId: message.id, payload: { type: 'text', text: 'two' } },
      { type: 'removed', messageId: message.id },
    ])
    expect(reader.types().at(-1)).toBe('conversation.deleted')
    expect((await open().then(({ response }) => response)).status).toBe(404)
  })

  test('continues after `Last-Event-ID`, which takes precedence over `after`', async () => {
    const { client, conversationId, open } = await talk()
    for (const text of ['one', 'two', 'three']) await client.say(conversationId, text)
    const whole = await open('?after=0')
    await until(whole, ['one', 'two', 'three'])
    expect(whole.types()).not.toContain('position')
    const { id } = whole.events.find(({ data }) => data.data.message?.payload.text === 'one') ?? {}
    await until(await open(`?after=${id}`), ['two', 'three'])
    await until(await open('?after=0', id), ['two', 'three'])
  })

  test('can be resumed before its first event', async () => {
    const { client, conversationId, open } = await talk()
    const reader = await open()
    await vi.waitFor(() => expect(reader.lastId).toBe('1'))
    reader.end()
    await client.say(conversationId, 'one')
    await until(await open('', reader.lastId), ['one'])
  })

  test('is told to nobody on the way to keep, collect or compress it', async () => {
    const { open } = await talk()
    const { response, ...reader } = await open()
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
      'access-control-allow-origin': '*',
    })
    expect(response.headers.get('content-encoding')).toBeNull()
    expect(reader.retryMs ?? 1000).toBeGreaterThanOrEqual(1000)
  })

  test('may be opened by pages of any origin, and cannot be asked for without its body', async () => {
    const { client, path } = await talk()
    const url = `/api/v1${path}`
    const headers = {
      origin: 'https://shop.example',
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'authorization,last-event-id',
    }
    const preflight = await call(server, 'OPTIONS', url, { headers })
    expect(preflight.status).toBe(204)
    expect(Object.fromEntries(preflight.headers)).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-headers': 'authorization,last-event-id',
    })
    expect((await call(server, 'HEAD', url, { headers: client.headers })).status).toBe(404)
  })

  test.runIf(isSoak)('outlives all silence of its conversation', { timeout: 200_000 }, async () => {
    const { client, conversationId, open } = await talk()
    const reader = await open()
    await new Promise((resolve) => setTimeout(resolve, 135_000))
    await client.say(conversationId, 'one')
    await until(reader, ['one'])
    expect(reader.comments.length).toBeGreaterThanOrEqual(8)
  })

  test.each(['x', '-1', '01', '1.5', '', '99999999999999999999', `${'1'.repeat(201)}`])(
    'is refused after the position %j',
    async (after) => {
      const { client, conversationId } = await talk()
      const { status, text } = await client.call(
        'GET',
        `/conversations/${conversationId}/events?after=${after}`,
      )
      expect([status, text]).toEqual([400, expect.stringContaining('"query.after"')])
    },
  )

  test('begins anew, and says so, after a position that the log does not reach', async () => {
    const { client, conversationId, open } = await talk()
    await client.say(conversationId, 'one')
    const reader = await open('?after=77')
    await until(reader, ['one'])
    expect(reader.events[0]).toEqual({
      ...{ id: '0', type: 'reset' },
      data: { type: 'reset', data: { oldest: '0' } },
    })
  })
})

describe('a stream of many conversations', () => {
  const scopes = {
    'of a client': async ({ client }: Awaited<ReturnType<typeof talk>>) => ({
      ...{ path: '/events', headers: client.headers },
    }),
    'of a user': async ({ tokenOf, userId }: Awaited<ReturnType<typeof talk>>) => ({
      ...{ path: '/users/me/events', headers: { authorization: `Bearer ${await tokenOf(userId)}` } },
    }),
  }
  test.each(Object.entries(scopes))('%s has the events of all, and continues exactly', async (_, open) => {
    const scene = await talk()
    const { client, conversationId, userId } = scene
    const other = (await client.call('POST', '/conversations', { userId })).json.id as string
    const stranger = await client.converse()
    const { path, headers } = await open(scene)
    const url = `${server.url}/api/v1${path}`
    const first = await readEvents(url, headers)
    await vi.waitFor(() => expect(first.types()).toEqual(['position']))
    await client.say(conversationId, 'one')
    await client.say(other, 'two', userId)
    await client.say(stranger.conversationId, 'three')
    const isWhole = path === '/events'
    const own = (texts: readonly string[]) => texts.filter((text) => isWhole || text !== 'three')
    await vi.waitFor(() => expect([...first.texts()].sort()).toEqual(own(['one', 'three', 'two'])), 5_000)
    first.end()
    await client.say(other, 'four')
    const at = first.events.find(({ data }) => data.data.message?.payload.text === 'one')?.id
    const next = await readEvents(url, headers, at)
    const rest = first.texts().slice(first.texts().indexOf('one') + 1)
    await until(next, [...rest, 'four'])
    next.end()
    const { json } = await call(server, 'GET', `/api/v1${path}?wait=25&after=${at}`, { headers })
    expect(json.events.map(({ id }: { id: string }) => id)).toEqual(
      next.events.filter(({ type }) => type !== 'position').map(({ id }) => id),
    )
    for (const after of ['0', 'x', `${at}x`])
      expect((await call(server, 'GET', `/api/v1${path}?wait=0&after=${after}`, { headers })).status).toBe(
        400,
      )
  })
})

describe('a request that waits', () => {
  test('is answered with the next events, and the position for the next request', async () => {
    const { client, conversationId, path } = await talk()
    const waiting = client.call('GET', `${path}?after=1&wait=30`)
    await client.say(conversationId, 'one')
    const { json, headers } = await waiting
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(json).toMatchObject({
      events: [{ id: '2', type: 'message.new', data: { message: { payload: { text: 'one' } } } }],
      position: '2',
    })
    expect((await client.call('GET', `${path}?after=2&wait=0`)).json).toEqual({ events: [], position: '2' })
    expect((await client.call('GET', `${path}?wait=0`)).json).toEqual({ events: [], position: '2' })
    expect((await client.call('GET', `${path}?after=9&wait=0`)).json).toEqual({
      ...{ events: [], position: '0' },
      reset: { oldest: '0' },
    })
  })

  test.each(['-1', '56', 'x', '1.5', '', '1e1'])('may not wait for %j', async (wait) => {
    const { client, path } = await talk()
    expect((await client.call('GET', `${path}?wait=${wait}`)).status).toBe(400)
  })
})

describe('readers', () => {
  type Headers = Record<string, string>
  interface Scene {
    client: TestClient
    userId: string
    token: string
    other: { client: TestClient; userId: string; token: string }
    neighbour: { userId: string; token: string }
  }
  const user = (client: TestClient, userId: string, token: string): Headers => ({
    ...{ 'x-bp-messaging-client-id': client.id, 'x-bp-messaging-user-id': userId },
    'x-bp-messaging-user-token': token,
  })
  const changed = (token: string, at: number): string => {
    const other = token[at] === 'A' ? 'B' : 'A'
    return token.slice(0, at) + other + token.slice(at + 1)
  }
  const allowed: Record<string, (scene: Scene) => Headers> = {
    'the client': ({ client }) => client.headers,
    'its user': ({ client, userId, token }) => user(client, userId, token),
    'its user, by the token alone': ({ token }) => ({ authorization: `Bearer ${token}` }),
  }
  const refused: Record<string, readonly [status: number, (scene: Scene) => Headers]> = {
    nobody: [401, () => ({})],
    'another client': [404, ({ other }) => other.client.headers],
    'a user of another client': [404, ({ other }) => ({ authorization: `Bearer ${other.token}` })],
    'another user of the client': [404, ({ neighbour }) => ({ authorization: `Bearer ${neighbour.token}` })],
    'another user who says that it is this one': [
      401,
      ({ client, userId, neighbour }) => user(client, userId, neighbour.token),
    ],
    'a user who says that it is of another client': [
      401,
      ({ other, userId, token }) => user(other.client, userId, token),
    ],
    'the client with the token of another': [
      401,
      ({ client, other }) => ({ ...client.headers, 'x-bp-messaging-client-token': other.client.token }),
    ],
    'a token without its id': [401, ({ token }) => ({ authorization: `Bearer ${token.split('.')[1]}` })],
    'a token with another id': [401, ({ token }) => ({ authorization: `Bearer ${changed(token, 3)}` })],
    'a token that names another client': [
      401,
      ({ token }) => ({ authorization: `Bearer ${changed(token, 45)}` }),
    ],
    'a token that names another user': [
      401,
      ({ token }) => ({ authorization: `Bearer ${changed(token, 60)}` }),
    ],
    'a token with a longer life': [401, ({ token }) => ({ authorization: `Bearer ${changed(token, 80)}` })],
    'a token with another signature': [
      401,
      ({ token }) => ({ authorization: `Bearer ${changed(token, -3 + token.length)}` }),
    ],
    'a token in another scheme': [401, ({ token }) => ({ authorization: `Basic ${token}` })],
    'the token of a client as that of a user': [
      401,
      ({ client }) => ({ authorization: `Bearer ${client.token}` }),
    ],
  }
  let scene: Scene & { path: string }
  beforeAll(async () => {
    const one = await talk()
    const two = await talk()
    const third = (await one.client.call('POST', '/users')).json.id as string
    const [token, otherToken, neighbourToken] = [
      await one.tokenOf(one.userId),
      await two.tokenOf(two.userId),
      await one.tokenOf(third),
    ]
    scene = {
      ...{ client: one.client, userId: one.userId, token, path: one.path },
      other: { client: two.client, userId: two.userId, token: otherToken },
      neighbour: { userId: third, token: neighbourToken },
    }
  })
  const ask = (headers: Headers) => call(server, 'GET', `/api/v1${scene.path}?wait=0`, { headers })

  test.each(Object.entries(allowed))('who may read a conversation: %s', async (_, headersOf) => {
    expect((await ask(headersOf(scene))).status).toBe(200)
  })

  test.each(Object.entries(refused))('who may not: %s', async (_, [status, headersOf]) => {
    expect((await ask(headersOf(scene))).status).toBe(status)
  })

  test('a user may not follow the client, nor a client a user', async () => {
    const { client, token } = scene
    const get = (path: string, headers: Headers) => call(server, 'GET', `/api/v1${path}?wait=0`, { headers })
    expect((await get('/events', { authorization: `Bearer ${token}` })).status).toBe(403)
    expect((await get('/users/me/events', client.headers)).status).toBe(403)
    for (const path of ['/events', '/users/me/events']) expect((await get(path, {})).status).toBe(401)
  })

  test('a token that expires ends its stream, and opens none', async () => {
    const { client, conversationId, userId, open, tokenOf } = await talk()
    const token = await tokenOf(userId, 3)
    const reader = await open('', undefined, { authorization: `Bearer ${token}` })
    await client.say(conversationId, 'one')
    await until(reader, ['one'])
    const isExpired = async () =>
      (await open('', undefined, { authorization: `Bearer ${token}` })).response.status === 401
    await vi.waitFor(async () => expect(await isExpired()).toBe(true), 10_000)
    await client.say(conversationId, 'two')
    await reader.over
    expect(reader.texts()).toEqual(['one'])
  })

  const ends: Record<string, (client: TestClient, userId: string) => Promise<unknown>> = {
    'its tokens are revoked': (client, userId) => client.call('DELETE', `/users/${userId}/tokens`),
  }
  test.each(Object.entries(ends))('a stream of a user ends when %s', async (_, end) => {
    const { client, userId, open, tokenOf } = await talk()
    const headers = { authorization: `Bearer ${await tokenOf(userId)}` }
    const reader = await open('', undefined, headers)
    expect((await end(client, userId)) satisfies unknown).toMatchObject({ status: 204 })
    await reader.over
    expect((await open('', undefined, headers)).response.status).toBe(401)
    const fresh = { authorization: `Bearer ${await tokenOf(userId)}` }
    expect((await open('', undefined, fresh)).response.status).toBe(200)
  })

  test('a stream of a client ends with the token that opened it', async () => {
    const { client, conversationId, open } = await talk()
    const reader = await open()
    const { json } = await client.call('POST', '/clients/tokens')
    const [tokenId] = client.token.split('.')
    const headers = { ...client.headers, 'x-bp-messaging-client-token': json.token }
    await call(server, 'DELETE', `/api/v1/clients/tokens/${tokenId}`, { headers })
    const body = { conversationId, payload: { type: 'text', text: 'one' } }
    expect((await call(server, 'POST', '/api/v1/messages', { headers, body })).status).toBe(201)
    await reader.over
    expect(reader.texts()).toEqual([])
  })

  test('a group is read by those who take part, until they leave', async () => {
    const key = await newKey(server)
    const id = toUuid(key.appId as Id)
    const { token } = (await callAdmin(server, 'POST', `/clients/${id}/tokens`, {})).json
    const client = clientOf(server, { id, token, webhooks: [] })
    const [member, stranger] = [
      (await client.call('POST', '/users')).json.id as string,
      (await client.call('POST', '/users')).json.id as string,
    ]
    const headersOf = async (userId: string) => ({
      authorization: `Bearer ${(await client.call('POST', '/users/tokens', { userId })).json.token}`,
    })
    const ofApp = (path: string, body: object) =>
      call(server, 'POST', `/v2/apps/${key.appId}${path}`, { body, headers: { authorization: basic(key) } })
    const participant = { userId: fromUuid(member) }
    const participants = [{ ...participant, subscribeSDKClient: true }]
    const made = await ofApp('/conversations', { type: 'sdkGroup', participants })
    expect([made.status, made.text]).toEqual([201, expect.any(String)])
    const { conversation } = made.json
    const conversationId = toUuid(conversation.id)
    const url = `${server.url}/api/v1/conversations/${conversationId}/events`
    const reader = await readEvents(url, await headersOf(member))
    await client.say(conversationId, 'one')
    await until(reader, ['one'])
    const refused = await readEvents(url, await headersOf(stranger))
    expect(refused.response.status).toBe(404)
    expect((await ofApp(`/conversations/${conversation.id}/leave`, participant)).status).toBeLessThan(300)
    await client.say(conversationId, 'two')
    await reader.over
    expect(reader.texts()).toEqual(['one'])
  })

  test('a user does not hear how its messages go out', async () => {
    const { client, conversationId, userId, open, tokenOf } = await talk()
    const reader = await open('?after=0', undefined, { authorization: `Bearer ${await tokenOf(userId)}` })
    await client.say(conversationId, 'one')
    await until(reader, ['one'])
    expect(reader.types()).toEqual(['conversation.new', 'message.new'])
  })

  test('of one user or client are limited', async () => {
    const { userId, open, tokenOf } = await talk()
    const headers = { authorization: `Bearer ${await tokenOf(userId)}` }
    const readers = await Promise.all(Array.from({ length: 3 }, () => open('', undefined, headers)))
    expect(readers.map(({ response }) => response.status)).toEqual([200, 200, 200])
    const { response } = await open('', undefined, headers)
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '5'])
    expect([(await open()).response.status, (await open()).response.status]).toEqual([200, 200])
    expect((await open()).response.status).toBe(429)
    readers[0]?.end()
    await vi.waitFor(
      async () => expect((await open('', undefined, headers)).response.status).toBe(200),
      5_000,
    )
  })
})

test('requests that wait take no place once their reader is gone, however early it went', async () => {
  const { userId, path, open, tokenOf } = await talk()
  const authorization = `Bearer ${await tokenOf(userId)}`
  const { hostname, port } = new URL(server.url)
  for (const url of [path, '/users/me/events', path])
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), hostname)
      socket.on('error', () => undefined)
      socket.once('close', () => resolve())
      const head = `GET /api/v1${url}?wait=55 HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\n\r\n`
      socket.write(head, () => socket.destroy())
    })
  await vi.waitFor(async () => {
    const readers = await Promise.all(Array.from({ length: 3 }, () => open('', undefined, { authorization })))
    for (const reader of readers) reader.end()
    expect(readers.map(({ response }) => response.status)).toEqual([200, 200, 200])
  }, 10_000)
})

test.runIf(isSoak)(
  'a reader that takes nothing is cut, costs little until then, and resumes',
  {
    timeout: 40_000,
  },
  async () => {
    const { client, conversationId, path, open } = await talk()
    const { hostname, port } = new URL(server.url)
    const socket = connect(Number(port), hostname)
    onTestFinished(() => void socket.destroy())
    const headers = Object.entries(client.headers).map(([name, value]) => `${name}: ${value}\r\n`)
    socket.write(`GET /api/v1${path}?after=0 HTTP/1.1\r\nhost: x\r\n${headers.join('')}\r\n`)
    await new Promise((resolve) => socket.once('data', resolve))
    socket.pause()
    const closed = new Promise((resolve) => socket.once('close', resolve))
    const text = 'x'.repeat(140_000)
    const before = process.memoryUsage().rss
    for (let i = 0; i < 100; i += 1) await client.say(conversationId, `${i} ${text}`)
    expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000)
    await openStreams(server, 0)
    socket.resume()
    await closed
    const reader = await open('?after=0')
    await vi.waitFor(() => expect(reader.texts()).toHaveLength(100), 10_000)
  },
)

test('a server that stops ends its streams at once, and a reader goes on at the next one', async () => {
  const own = await startServer({ env: { RATE_LIMIT: '0' } })
  const client = await createClient(own)
  const { conversationId } = await client.converse()
  const url = `${own.url}/api/v1/conversations/${conversationId}/events`
  const reader = await readEvents(url, client.headers)
  await client.say(conversationId, 'one')
  await until(reader, ['one'])
  const waiting = client.call('GET', `/conversations/${conversationId}/events?wait=50`)
  await openStreams(own, 2)
  const stoppedAt = Date.now()
  await own.stop()
  expect(Date.now() - stoppedAt).toBeLessThan(5_000)
  await reader.over
  expect((await waiting).json).toEqual({ events: [], position: reader.lastId })
  await own.restart()
  await client.say(conversationId, 'two')
  const next = await readEvents(url, client.headers, reader.lastId)
  await until(next, ['two'])
  next.end()
})

/** Waits until so many streams are open, and requests wait. */
const openStreams = (at: TestServer, count: number): Promise<void> =>
  vi.waitFor(
    async () => {
      const { text } = await call(at, 'GET', '/metrics')
      expect(/^plugboard_event_streams (\d+)$/m.exec(text)?.[1]).toBe(String(count))
    },
    { timeout: 25_000, interval: 100 },
  )

const until = (reader: EventReader, texts: readonly string[]): Promise<void> =>
  vi.waitFor(() => expect(reader.texts()).toEqual(texts), 5_000)

/** A conversation, and how to open streams of it. */
async function talk() {
  const client = await createClient(server)
  const { conversationId, userId } = await client.converse()
  const path = `/conversations/${conversationId}/events`
  return {
    ...{ client, conversationId, userId, path },
    async open(query = '', position?: string, headers: Record<string, string> = client.headers) {
      const reader = await readEvents(`${server.url}/api/v1${path}${query}`, headers, position)
      onTestFinished(() => reader.end())
      return reader
    },
    async tokenOf(id: string, expiresIn?: number): Promise<string> {
      const body = { userId: id, ...(expiresIn !== undefined && { expiresIn }) }
      return (await client.call('POST', '/users/tokens', body)).json.token
    },
  }
}
