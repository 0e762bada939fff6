import { randomBytes, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { operations } from './sunshine/operations.js'
import { call, createClient, type TestClient } from './support/api.js'
import { newSecret, tell, webhookChannel } from './support/person.js'
import { raw } from './support/raw.js'
import { type Received, type Receiver, startReceiver } from './support/receiver.js'
import { adminSamples, samples } from './support/routes.js'
import { cleanUp, startServer, type TestServer } from './support/server.js'

/** For polls: a busy machine is slow. */
const PATIENT = { timeout: 10_000 }

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(cleanUp)

describe('the server', () => {
  test('says that it is there, in which version, and that it works', async () => {
    const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'))
    expect(await call(server, 'GET', '/status')).toMatchObject({ status: 200, text: 'OK' })
    expect(await call(server, 'GET', '/version')).toMatchObject({ status: 200, text: version })
    expect(await call(server, 'GET', '/healthz')).toMatchObject({ status: 200, json: { status: 'ok' } })
    expect(await call(server, 'GET', '/readyz')).toMatchObject({ status: 200, json: { status: 'ok' } })
  })

  test('counts requests, entries and deliveries', async () => {
    const bot = await startReceiver()
    const client = await createClient(server, { webhooks: [{ url: bot.url }] })
    await client.call('POST', '/users')
    await bot.until(() => bot.ofType('user.new').length === 1)
    const metrics = async () => (await call(server, 'GET', '/metrics')).text
    const delivered = /^plugboard_deliveries_total\{kind="webhook",outcome="delivered"\} [1-9]/m
    await expect.poll(metrics, PATIENT).toMatch(delivered)
    await expect.poll(metrics, PATIENT).toMatch(/^plugboard_backlog_streams 0$/m)
    const { text, headers } = await call(server, 'GET', '/metrics')
    expect(headers.get('content-type')).toMatch(/^text\/plain/)
    expect(text).toMatch(/^plugboard_entries_total\{type="user.new"\} [1-9]/m)
    expect(text).toMatch(
      /^plugboard_http_request_duration_seconds_count\{.*route="\/api\/v1\/users".*\} [1-9]/m,
    )
    expect(text).toMatch(/^plugboard_store_call_duration_seconds_count/m)
    expect(text).not.toContain(client.id)
  })

  test('has an API document with every route', async () => {
    const { status, json } = await call(server, 'GET', '/openapi.json')
    expect(status).toBe(200)
    const documented = Object.entries(json.paths as Record<string, object>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    const api = [...Object.keys(samples), ...Object.keys(adminSamples)].map((route) =>
      route.replace(' ', ' /api/v1'),
    )
    const own = ['', 'status', 'version', 'healthz', 'readyz', 'metrics'].map((name) => `GET /${name}`)
    const providers = ['GET', 'POST'].flatMap((method) => [
      `${method} /webhooks/v1/{channel}`,
      `${method} /webhooks/v1/{clientIdOrName}/{integrationName}`,
    ])
    expect(Object.keys(json.webhooks)).toEqual(
      expect.arrayContaining(['message.new', 'conversation.activity']),
    )
    const attachment = '/attachments/v1/{clientId}/{id}/{mac}'
    const media = ['/media/v1/{token}', attachment, `${attachment}/{name}`].flatMap((path) => [`GET ${path}`])
    const isOfOtherDialect = /^\w+ \/(v2\/|web\/|admin\/|api\/(auth|projects|\{projectId\}))/
    expect(documented.filter((route) => !isOfOtherDialect.test(route)).sort()).toEqual(
      [...api, ...own, ...providers, ...media].sort(),
    )
    const operationIds = Object.values(json.paths as Record<string, Record<string, { operationId: string }>>)
      .flatMap((methods) => Object.values(methods))
      .map(({ operationId }) => operationId)
    expect(operationIds).toEqual(
      expect.arrayContaining(operations.flatMap(({ id, isHere }) => (isHere ? id : []))),
    )
    expect(documented).toEqual(
      expect.arrayContaining([
        'POST /api/auth/signinAnonymously',
        'POST /api/{projectId}/requests/{requestId}/messages',
        'POST /api/{projectId}/subscriptions',
      ]),
    )
  })

  test('gives each answer an id, the caller’s where it has one', async () => {
    const idOf = async (path: string, headers = {}) =>
      (await call(server, 'GET', path, { headers })).headers.get('x-request-id')
    const ids = [await idOf('/status'), await idOf('/api/v1/clients'), await idOf('/nothing')]
    expect(ids.every((id) => /^[\w.-]{1,64}$/.test(id ?? ''))).toBe(true)
    expect(new Set(ids).size).toBe(3)
    expect(await idOf('/status', { 'x-request-id': 'mine-1' })).toBe('mine-1')
    expect(await idOf('/status', { 'x-request-id': 'not "sane"' })).not.toContain('sane')
  })

  const everywhere = [
    '/status',
    '/openapi.json',
    '/api/v1/clients',
    '/v2/apps',
    '/api/projects',
    '/media/v1/x',
    '/nothing',
  ]

  test.each([...everywhere, '/webhooks/v1/x/y', '/attachments/v1/a/b/c', '/api/v1/%zz', '/v2/%zz'])(
    'says of each answer that it is what it says, and that no cache may keep it: %s',
    async (path) => {
      const { headers } = await raw(server, { path })
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' })
    },
  )

  test.each([
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['HTTP with too long a header', `GET / HTTP/1.1\r\nhost: a\r\na: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
    ['a request without a Host header', 'GET /status HTTP/1.1\r\nconnection: close\r\n\r\n', 400],
    ['a request that expects what there is not', 'GET /status HTTP/1.1\r\nhost: a\r\nexpect: b\r\n\r\n', 417],
  ])('says so of what is %s, too', async (_, text, status) => {
    const { hostname, port } = new URL(server.url)
    const socket = connect(Number(port), hostname)
    socket.end(text)
    const answer = Buffer.concat(await socket.toArray()).toString()
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(answer).toMatch(/^x-content-type-options: nosniff\r$/m)
    expect(answer).toMatch(/^cache-control: no-store\r$/m)
  })

  test('needs no Host header of HTTP/1.0, which has none', async () => {
    const { hostname, port } = new URL(server.url)
    const socket = connect(Number(port), hostname)
    socket.end('GET /status HTTP/1.0\r\n\r\n')
    expect(Buffer.concat(await socket.toArray()).toString()).toMatch(/^HTTP\/1\.1 200 /)
  })

  test('has tokens kept by no cache', async () => {
    const { headers, json } = await call(server, 'POST', '/api/v1/sync', { body: {} })
    expect([json.token, headers.get('cache-control')]).toEqual([expect.any(String), 'no-store'])
  })

  test.each(everywhere)(
    'refuses a request with two Host headers in the form of its API: %s',
    async (path) => {
      const { status, text } = await raw(server, {
        path,
        headers: [
          ['Host', '127.0.0.1'],
          ['host', 'hub.example'],
        ],
      })
      expect([status, text]).toEqual([400, expect.stringContaining('more than one Host header')])
      expect(text.startsWith('{')).toBe(path.startsWith('/v2') || path === '/api/projects')
    },
  )

  test('has nothing at an unknown path', async () => {
    expect(await call(server, 'GET', '/nothing')).toMatchObject({ status: 404, text: 'Not Found' })
  })

  test('keeps everything over a restart', async () => {
    const first = await startServer()
    const client = await createClient(first)
    const { conversationId } = await client.converse()
    await client.say(conversationId, 'hi')
    expect(await first.stop()).toBe(0)
    const second = await first.restart()
    expect(second.url).toBe(first.url)
    expect((await client.call('GET', `/messages/conversation/${conversationId}`)).json).toHaveLength(1)
    await second.stop()
  })
})

describe('the output of the server', () => {
  test('never holds a secret or the text of a message, whatever goes wrong', async () => {
    const secrets = {
      admin: `admin-${randomUUID()}`,
      internal: `internal-${randomUUID()}`,
      encryption: randomBytes(32).toString('base64'),
      channel: newSecret(),
      text: `text-${randomUUID()}`,
      wrong: `wrong-${randomUUID()}`,
      header: `header-${randomUUID()}`,
      query: `query-${randomUUID()}`,
      path: `path-${randomUUID()}`,
      link: `link-${randomUUID()}`,
    }
    const talkative = await startServer({
      env: {
        LOG_LEVEL: 'trace',
        ADMIN_KEY: secrets.admin,
        INTERNAL_PASSWORD: secrets.internal,
        ENCRYPTION_KEY: secrets.encryption,
        WEBHOOK_RETRY_DELAYS: '10ms',
        CHANNEL_RETRY_DELAYS: '10ms',
        GATE_FAILURES: '1000',
        RATE_LIMIT: '2',
      },
    })
    const bot = await startReceiver(() => 500)
    const password = { password: secrets.internal, authorization: `Bearer ${secrets.header}` }
    const sync = (body: object) => call(talkative, 'POST', '/api/v1/sync', { body, headers: password })
    const { json } = await sync({
      webhooks: [{ url: `${bot.url}/${secrets.path}?key=${secrets.query}` }],
      channels: webhookChannel(`${bot.url}/${secrets.path}?key=${secrets.query}`, secrets.channel),
    })
    const headers = {
      ...password,
      'x-bp-messaging-client-id': json.id,
      'x-bp-messaging-client-token': json.token,
    }
    const send = (method: string, path: string, body?: unknown, more = {}) =>
      call(talkative, method, `/api/v1${path}`, { body, headers: { ...headers, ...more } })

    const userId = (await send('POST', '/users')).json.id
    const userToken = (await send('POST', '/users/tokens', { userId })).json.token
    const token = (await send('POST', '/clients/tokens')).json.token
    const payload = { type: 'text', text: secrets.text }
    await tell(talkative, { client: json.id, secret: secrets.channel }, { sender: 's', payload })
    await tell(talkative, { client: json.id, secret: newSecret() }, { sender: 's', payload })
    await bot.until(() => bot.ofType('message.new').length > 0)
    const conversationId = bot.ofType('message.new')[0]?.json.data.conversationId
    await send('POST', '/messages', { conversationId, payload })
    const image = `https://files.example/${secrets.path}?sig=${secrets.link}`
    await send('POST', '/messages', { conversationId, payload: { type: 'image', image } })
    await send('POST', '/messages', { conversationId, payload: secrets.text })
    await send('POST', '/messages', `{"${secrets.text}`)
    await send('GET', `/users/x?limit=${secrets.text}`)
    await send('GET', '/clients', undefined, { 'x-bp-messaging-client-token': secrets.wrong })
    await send('GET', '/admin/clients', undefined, { 'x-bp-messaging-admin-key': secrets.admin })
    await send('GET', '/admin/clients', undefined, { 'x-bp-messaging-admin-key': secrets.wrong })
    await sync({ id: json.id, token: secrets.wrong })
    await sync({ channels: { webhook: { url: 'wrong', secret: secrets.wrong } } })
    // What was posted to the conversation is given up at both of its targets.
    await expect
      .poll(() => talkative.output().match(/delivery given up/g)?.length, PATIENT)
      .toBeGreaterThan(10)
    const health = (await send('GET', '/health')).text
    const metrics = (await call(talkative, 'GET', '/metrics')).text
    await talkative.stop()

    const output = talkative.output()
    expect(output).toContain('request completed')
    const tokens = [json.token, token, userToken, json.webhooks[0].token].flatMap((each) => each.split('.'))
    // The first part of a token is its id, which is no secret.
    const parts = tokens.filter((part) => part.length > 40)
    expect(parts.length).toBe(4)
    for (const secret of [...Object.values(secrets), ...parts]) expect(output).not.toContain(secret)
    for (const secret of Object.values(secrets)) expect(health + metrics).not.toContain(secret)
  })
})

describe('a conversation over the webhook channel', () => {
  const secret = newSecret()
  let bot: Receiver
  let person: Receiver
  let client: TestClient

  const begin = async (): Promise<void> => {
    bot = await startReceiver()
    person = await startReceiver()
    client = await createClient(server, {
      webhooks: [{ url: bot.url }],
      channels: webhookChannel(person.url, secret),
    })
  }
  const say = (text: string, id?: string) =>
    tell(
      server,
      { client: client.id, secret, ...(id !== undefined && { id }) },
      { sender: 'sam', thread: 'room 1', payload: { type: 'text', text, mood: 'good' } },
    )
  const heard = (): Received[] => bot.ofType('message.new')

  test('reaches the bot, and the bot’s reply the person, signed', async () => {
    await begin()
    expect(await say('hello')).toMatchObject({ status: 200, json: {} })
    await bot.until(() => heard().length === 1)
    const { data } = heard()[0]?.json ?? {}
    expect(data).toMatchObject({
      channel: 'webhook',
      message: { authorId: data?.userId, payload: { type: 'text', text: 'hello', mood: 'good' } },
    })
    const payload = { type: 'hologram', text: 'hi sam', depth: 3 }
    await client.call('POST', '/messages', { conversationId: data?.conversationId, payload })
    await person.until((requests) => requests.length === 1)
    const { headers, text } = person.requests[0] as Received
    expect(new Webhook(secret).verify(text, headers as Record<string, string>)).toEqual({
      type: 'message',
      id: headers['webhook-id'],
      identity: '*',
      sender: 'sam',
      thread: 'room 1',
      payload,
    })
  })

  test('has each message once, however often it is delivered', async () => {
    await begin()
    const id = randomUUID()
    const answers = [await say('hello', id), await say('hello', id)]
    answers.push(...(await Promise.all([say('hello', id), say('hello', id)])))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    await say('the next', randomUUID())
    await bot.until(() => heard().length >= 2)
    expect(heard().map(({ json }) => json.data.message?.payload.text)).toEqual(['hello', 'the next'])
  })

  test('is in order, both ways', async () => {
    await begin()
    bot.answer = async ({ json }) => {
      const { conversationId, message } = json.data
      if (json.type !== 'message.new' || !('authorId' in (message ?? {}))) return 200
      await client.say(String(conversationId), `re: ${message?.payload.text}`)
      return 200
    }
    const texts = Array.from({ length: 20 }, (_, i) => `message ${i}`)
    for (const text of texts) await say(text)
    await person.until((requests) => requests.length === 20)
    const got = person.requests.map(({ text }) => JSON.parse(text).payload.text)
    expect(got).toEqual(texts.map((text) => `re: ${text}`))
  })

  test('is not entered by a forged request', async () => {
    await begin()
    const told = { sender: 'sam', payload: { type: 'text', text: 'forged' } }
    expect((await tell(server, { client: client.id, secret: newSecret() }, told)).status).toBe(401)
    const unsigned = await call(server, 'POST', `/webhooks/v1/${client.id}/webhook`, { body: told })
    expect(unsigned.status).toBe(401)
    await say('real')
    await bot.until(() => heard().length === 1)
    expect(heard()[0]?.json.data.message?.payload.text).toBe('real')
  })

  test('refuses what the person’s system may not send, and says why', async () => {
    await begin()
    const wrong = { sender: 'sam', payload: { text: 'no type' } }
    expect(await tell(server, { client: client.id, secret }, wrong)).toMatchObject({
      status: 400,
      text: expect.stringContaining('payload.type'),
    })
  })

  test('is not found for an unknown client or channel, whoever asks', async () => {
    await begin()
    const told = { sender: 'sam', payload: { type: 'text', text: 'hi' } }
    const notFound = { status: 404, text: 'Not Found' }
    for (const unknown of [randomUUID(), 'nobody', '%00', '..%2fapi'])
      expect(await tell(server, { client: unknown, secret }, told)).toMatchObject(notFound)
    expect(await call(server, 'POST', `/webhooks/v1/${client.id}/pigeon`, { body: told })).toMatchObject(
      notFound,
    )
  })
})
