import { randomUUID } from 'node:crypto'
import { afterAll, describe, expect, test } from 'vitest'
import { type Answered, call, callAdmin, createClient, type TestClient } from './support/api.js'
import { channelNames } from './support/channel-names.js'
import { newSecret, tell, webhookChannel } from './support/person.js'
import { startReceiver } from './support/receiver.js'
import { cleanUp, sharedServer, startServer } from './support/server.js'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
/** Nothing listens there, and nothing is sent in these tests that would be missed. */
const nowhere = (path: string) => `http://127.0.0.1:9/${path}`

const server = sharedServer()

afterAll(cleanUp)

/** Sync without headers. */
const seed = (body: unknown): Promise<Answered> => call(server, 'POST', '/api/v1/sync', { body })

const tokensOf = (answer: Answered) => (answer.json.webhooks as { token: string }[]).map(({ token }) => token)
const urlsOf = (answer: Answered) => (answer.json.webhooks as { url: string }[]).map(({ url }) => url)
const hooks = (...paths: string[]) => ({ webhooks: paths.map((path) => ({ url: nowhere(path) })) })

describe('a sync without credentials', () => {
  test('makes a client, and answers its id, its token and its webhooks', async () => {
    const { status, json } = await seed(hooks('a'))
    expect(status).toBe(200)
    expect(json).toEqual({
      id: expect.stringMatching(UUID),
      token: expect.stringMatching(/^[0-9a-f-]{36}\.[\w+/=]{43,88}$/),
      webhooks: [{ url: nowhere('a'), token: expect.stringMatching(/^[\w+/=]{88}$/) }],
    })
    const headers = { 'x-bp-messaging-client-id': json.id, 'x-bp-messaging-client-token': json.token }
    expect(await call(server, 'GET', '/api/v1/clients', { headers })).toMatchObject({
      status: 200,
      text: 'OK',
    })
  })

  test('makes another client each time', async () => {
    expect((await seed({})).json.id).not.toBe((await seed({})).json.id)
  })

  test.each([
    ['an empty object', {}],
    ['nulls', { id: null, token: null, name: null, channels: null, webhooks: null }],
    ['nothing', undefined],
  ])('takes %s for an empty configuration', async (_, body) => {
    expect(await seed(body)).toMatchObject({ status: 200, json: { webhooks: [] } })
  })
})

describe('a sync with credentials in its body', () => {
  test('answers the same id and token, and changes the configuration', async () => {
    const { id, token, webhooks } = (await seed(hooks('a'))).json
    const again = await seed({ id, token, ...hooks('a', 'b') })
    expect(again.json).toEqual({
      id,
      token,
      webhooks: [webhooks[0], { url: nowhere('b'), token: expect.any(String) }],
    })
  })

  test.each([
    ['a wrong token', 'wrong'],
    ['the form of a token', `${randomUUID()}.${'A'.repeat(88)}`],
    ['no token', undefined],
    ['a null token', null],
    ['an empty token', ''],
  ])('is forbidden with %s, and changes nothing', async (_, token) => {
    const client = await createClient(server, hooks('a'))
    const answer = await seed({ id: client.id, token, webhooks: [] })
    expect(answer).toMatchObject({ status: 403, text: 'Forbidden' })
    expect(tokensOf(await client.call('POST', '/sync', hooks('a')))).toEqual([client.webhooks[0]?.token])
  })

  test("is forbidden with another client's token", async () => {
    const [{ id }, { token }] = [await createClient(server), await createClient(server)]
    expect(await seed({ id, token })).toMatchObject({ status: 403, text: 'Forbidden' })
  })

  test.each([randomUUID(), '0198c0de-0000-7000-8000-000000000000'])(
    'makes a new client with a new id for the unknown id %s',
    async (unknown) => {
      const { status, json } = await seed({ id: unknown, token: 'whatever' })
      expect(status).toBe(200)
      expect(json.id).toMatch(UUID)
      expect(json.id).not.toBe(unknown)
      expect(json.token).not.toBe('whatever')
    },
  )

  test('refuses an id that is no GUID', async () => {
    expect(await seed({ id: 'mine' })).toMatchObject({ status: 400, text: '"body.id" must be a valid GUID' })
    expect(await seed({ id: 5 })).toMatchObject({ status: 400, text: '"body.id" must be a string' })
  })

  test('names the client, and its channels are called by that name', async () => {
    const [secret, name] = [newSecret(), `bot-${randomUUID()}`]
    const { id, token } = (await seed({ name, channels: webhookChannel(nowhere('out'), secret) })).json
    const told = { sender: 'sam', payload: { type: 'text', text: 'hi' } }
    expect((await tell(server, { client: name, secret }, told)).status).toBe(200)
    expect((await tell(server, { client: id, secret }, told)).status).toBe(200)
    expect((await seed({ id, token, name })).status).toBe(200)
  })

  test('does not take the name of another client', async () => {
    const [secret, name] = [newSecret(), `bot-${randomUUID()}`]
    await seed({ name, channels: webhookChannel(nowhere('out'), secret) })
    const thief = (await seed({})).json
    for (const credentials of [{}, { id: thief.id, token: thief.token }]) {
      expect((await seed({ ...credentials, name })).status).toBe(409)
    }
    const told = { sender: 'sam', payload: { type: 'text', text: 'hi' } }
    expect((await tell(server, { client: name, secret }, told)).status).toBe(200)
  })

  test.each([
    ['empty', ''],
    ['too long', 'x'.repeat(201)],
    ['with a NUL', 'a\0b'],
    ['with half a surrogate pair', '\ud800'],
    ['of another type', 5],
  ])('refuses a name that is %s, and makes no client', async (_, name) => {
    expect((await seed({ name })).status).toBe(400)
    expect(await namesOfClients()).not.toContain(String(name))
  })

  test('drops a channel that is not enabled before it is looked at', async () => {
    const channels = {
      webhook: { enabled: false, version: 5, url: 'no URL' },
      'carrier-pigeon': { enabled: false },
    }
    expect((await seed({ channels })).status).toBe(200)
  })

  test('leaves out keys that it does not know', async () => {
    const { status, json } = await seed({
      sandbox: true,
      webhooks: [{ url: nowhere('a'), token: 'mine' }],
    })
    expect(status).toBe(200)
    expect(json.webhooks[0].token).not.toBe('mine')
  })

  test('leaves out unknown keys of the channels that Botpress has, and names those of others', async () => {
    const twilio = { enabled: true, authToken: 'a-token', useRtm: false }
    expect(await seed({ channels: { twilio } })).toMatchObject({
      status: 400,
      text: '"body.channels.twilio.accountSID" is required',
    })
    for (const [name, web] of Object.entries({ web: { nme: 'Shop' }, shop: { channel: 'web', nme: 'Shop' } }))
      expect(await seed({ channels: { [name]: web } })).toMatchObject({
        status: 400,
        text: `"body.channels.${name}.nme" is not allowed`,
      })
  })
})

describe('a sync with the headers of a client', () => {
  test('answers the webhooks and nothing else', async () => {
    const client = await createClient(server)
    const { status, json } = await client.call('POST', '/sync', hooks('a'))
    expect(status).toBe(200)
    expect(json).toEqual({ webhooks: [{ url: nowhere('a'), token: expect.any(String) }] })
  })

  test.each([
    ['id', { id: randomUUID() }, '"body.id" is not allowed'],
    ['id that is no GUID', { id: 5 }, '"body.id" is not allowed'],
    ['token', { token: 'x' }, '"body.token" is not allowed'],
    ['name', { name: 'bot' }, '"body.name" is not allowed'],
    [
      'token of a webhook',
      { webhooks: [{ url: nowhere('a'), token: 'x' }] },
      '"body.webhooks[0].token" is not allowed',
    ],
    ['webhook without a URL', { webhooks: [{}] }, '"body.webhooks[0].url" is required'],
    [
      'webhook whose URL is none',
      { webhooks: [{ url: 'mine' }] },
      '"body.webhooks[0].url" must be a valid uri',
    ],
    [
      'channel that is null',
      { channels: { webhook: null } },
      '"body.channels.webhook" must be of type object',
    ],
    [
      'channel that is a text',
      { channels: { webhook: 'on' } },
      '"body.channels.webhook" must be of type object',
    ],
    [
      'channel that is not installed',
      { channels: { pigeon: { version: '1.0.0' } } },
      `"body.channels.pigeon" is not allowed: this server does not load that channel (loaded: ${channelNames.join(', ')}); PLUGBOARD_CHANNELS adds it`,
    ],
    [
      'channel without its version',
      { channels: { webhook: { url: nowhere('a'), secret: newSecret() } } },
      '"body.channels.webhook.version" is required',
    ],
    ['channels that are null', { channels: null }, '"body.channels" must be of type object'],
    ['webhooks that are an object', { webhooks: {} }, '"body.webhooks" must be an array'],
  ])('refuses a %s', async (_, body, text) => {
    const client = await createClient(server, hooks('kept'))
    expect(await client.call('POST', '/sync', body)).toMatchObject({ status: 400, text })
    expect(tokensOf(await client.call('POST', '/sync', hooks('kept')))).toEqual([client.webhooks[0]?.token])
  })

  test('lists all faults of a channel', async () => {
    const client = await createClient(server)
    const { status, text } = await client.call('POST', '/sync', {
      channels: { webhook: { version: '1.0.0', colour: 'red' } },
    })
    expect(status).toBe(400)
    expect(text.split('. ')).toEqual([
      '"body.channels.webhook.url" is required',
      '"body.channels.webhook.secret" is required',
      '"body.channels.webhook.colour" is not allowed',
    ])
  })

  test('lists what the mode of a channel needs beside its other faults', async () => {
    const client = await createClient(server)
    const discord = { version: '1.0.0', mode: 'webhook', applicationId: '1198765432109876543' }
    const { status, text } = await client.call('POST', '/sync', { channels: { discord } })
    expect([status, text.split('. ')]).toEqual([
      400,
      [
        '"body.channels.discord.botToken" is required',
        '"body.channels.discord.publicKey" is required in the mode "webhook"',
      ],
    ])
  })

  test('looks at a channel that is not enabled, and then takes it as absent', async () => {
    const client = await createClient(server)
    const config = { version: '1.0.0', enabled: false, url: nowhere('out'), secret: newSecret() }
    const bad = await client.call('POST', '/sync', { channels: { webhook: { ...config, url: 'none' } } })
    expect(bad).toMatchObject({ status: 400, text: expect.stringContaining('"body.channels.webhook.url"') })
    await client.call('POST', '/sync', { channels: { webhook: { ...config, enabled: true } } })
    expect((await client.call('POST', '/sync', { channels: { webhook: config } })).status).toBe(200)
    expect((await client.call('GET', '/health')).json).toEqual({ webhooks: [], channels: {} })
  })

  test('is unauthorized with a wrong token, or with half of the headers', async () => {
    const { id, token } = await createClient(server)
    for (const headers of [
      { 'x-bp-messaging-client-id': id, 'x-bp-messaging-client-token': 'wrong' },
      { 'x-bp-messaging-client-id': id },
      { 'x-bp-messaging-client-token': token },
    ]) {
      const answer = await call(server, 'POST', '/api/v1/sync', { body: {}, headers: headers as never })
      expect(answer).toMatchObject({ status: 401, text: 'Unauthorized' })
    }
  })
})

describe('webhooks of a sync', () => {
  test('are answered in the order of the request', async () => {
    const { call } = await createClient(server, hooks('a', 'b', 'c'))
    const paths = ['c', 'x', 'a', 'b']
    expect(urlsOf(await call('POST', '/sync', hooks(...paths)))).toEqual(paths.map(nowhere))
  })

  test('keep their token while they stay, and have a new one when they come again', async () => {
    const { call } = await createClient(server)
    const [a1, b1] = tokensOf(await call('POST', '/sync', hooks('a', 'b')))
    const [a2] = tokensOf(await call('POST', '/sync', hooks('a')))
    const [b3, a3] = tokensOf(await call('POST', '/sync', hooks('b', 'a')))
    expect([a2, a3]).toEqual([a1, a1])
    expect(b3).not.toBe(b1)
  })

  test('have a token of their own in each client', async () => {
    const clients = [await createClient(server, hooks('a')), await createClient(server, hooks('a'))]
    expect(new Set(clients.map(({ webhooks }) => webhooks[0]?.token)).size).toBe(2)
  })

  test('are answered once each when they are pulled, however often they are named', async () => {
    const pull = { mode: 'pull' }
    const { json } = await seed({
      webhooks: [pull, { ...pull, name: 'audit' }, { ...pull, name: 'default' }],
    })
    expect(json.webhooks.map(({ name }: { name: string }) => name)).toEqual(['default', 'audit'])
  })

  test('get an event once when a URL is named twice', async () => {
    const { url, requests, until } = await startReceiver()
    const client = await createClient(server, { webhooks: [{ url }, { url }] })
    expect(new Set(client.webhooks.map(({ token }) => token)).size).toBe(1)
    const { conversationId } = await client.converse()
    for (const text of ['one', 'two']) await client.say(conversationId, text)
    await until(() => requests.filter(({ text }) => text.includes('"two"')).length > 0)
    expect(requests.filter(({ json }) => json.type === 'message.new')).toHaveLength(2)
  })

  test('get nothing more once they are not named', async () => {
    const [gone, kept] = [await startReceiver(), await startReceiver()]
    const client = await createClient(server, { webhooks: [{ url: gone.url }, { url: kept.url }] })
    const { conversationId } = await client.converse()
    await client.say(conversationId, 'before')
    await gone.until(() => gone.ofType('message.new').length === 1)
    await client.call('POST', '/sync', { webhooks: [{ url: kept.url }] })
    await client.say(conversationId, 'after')
    await kept.until(() => kept.ofType('message.new').length === 2)
    expect(gone.ofType('message.new')).toHaveLength(1)
  })

  test('are all removed by an empty sync, and the channels with them', async () => {
    const secret = newSecret()
    const client = await createClient(server, {
      ...hooks('a'),
      channels: webhookChannel(nowhere('out'), secret),
    })
    expect((await client.call('POST', '/sync', {})).json).toEqual({ webhooks: [] })
    expect((await client.call('GET', '/health')).json).toEqual({ webhooks: [], channels: {} })
    const told = { sender: 'sam', payload: { type: 'text', text: 'hi' } }
    expect((await tell(server, { client: client.id, secret }, told)).status).toBe(404)
  })
})

describe('channels of a sync', () => {
  test('show in their health what happened to them', async () => {
    const client = await createClient(server)
    const sync = (url: string) =>
      client.call('POST', '/sync', { channels: webhookChannel(nowhere(url), secret) })
    const types = async () =>
      (await client.call('GET', '/health')).json.channels.webhook.events.map(
        ({ type }: { type: string }) => type,
      )
    const secret = newSecret()
    await sync('a')
    expect(await types()).toEqual(['start', 'configure', 'create'])
    await sync('a')
    expect(await types()).toEqual(['start', 'configure', 'create'])
    await sync('b')
    expect(await types()).toEqual(['start', 'configure', 'start', 'configure', 'create'])
  })

  test('verify with the new secret after a change, and with the old one no more', async () => {
    const client = await createClient(server)
    const secrets = [newSecret(), newSecret()] as const
    const told = { sender: 'sam', payload: { type: 'text', text: 'hi' } }
    for (const secret of secrets)
      await client.call('POST', '/sync', { channels: webhookChannel(nowhere('out'), secret) })
    const statuses = secrets.map(
      async (secret) => (await tell(server, { client: client.id, secret }, told)).status,
    )
    expect(await Promise.all(statuses)).toEqual([401, 200])
  })
})

describe('a sync that fails', () => {
  test('changes nothing of a client, whatever else it names', async () => {
    const { url, ofType, until } = await startReceiver()
    const secret = newSecret()
    const client = await createClient(server, {
      webhooks: [{ url }],
      channels: webhookChannel(nowhere('out'), secret),
    })
    const failing = [
      { webhooks: [{ url: nowhere('new') }, { url: 'http://10.0.0.1/' }] },
      { webhooks: [], channels: { ...webhookChannel(nowhere('other'), newSecret()), pigeon: {} } },
      { webhooks: [], channels: { webhook: { version: '1.0.0' } } },
    ]
    for (const body of failing) expect((await client.call('POST', '/sync', body)).status).toBe(400)
    const told = { sender: 'sam', payload: { type: 'text', text: 'still there' } }
    expect((await tell(server, { client: client.id, secret }, told)).status).toBe(200)
    await until(() => ofType('message.new').length === 1)
  })

  test('makes no client', async () => {
    const name = `bot-${randomUUID()}`
    expect((await seed({ name, webhooks: [{ url: 'http://10.0.0.1/' }] })).status).toBe(400)
    expect((await seed({ name, channels: { pigeon: {} } })).status).toBe(400)
    expect(await namesOfClients()).not.toContain(name)
    expect((await seed({ name })).status).toBe(200)
    expect(await namesOfClients()).toContain(name)
  })
})

describe('two concurrent syncs', () => {
  test('end in one of the two, whole', async () => {
    const client = await createClient(server)
    const secrets = { left: newSecret(), right: newSecret() }
    const configurationOf = (side: 'left' | 'right') => ({
      ...hooks(`${side}-1`, `${side}-2`),
      channels: webhookChannel(nowhere(side), secrets[side]),
    })
    for (let round = 0; round < 10; round += 1) {
      const answers = await Promise.all([
        client.call('POST', '/sync', configurationOf('left')),
        client.call('POST', '/sync', configurationOf('right')),
      ])
      expect(answers.map(({ status }) => status)).toEqual([200, 200])
      const side = (await accepts(client, secrets.left)) ? 'left' : 'right'
      expect(await accepts(client, secrets[side])).toBe(true)
      const urls = await webhooksOf(client)
      expect(urls).toEqual(configurationOf(side).webhooks.map(({ url }) => url))
      const { json } = await client.call('POST', '/sync', configurationOf(side))
      expect(json).toEqual(answers[side === 'left' ? 0 : 1].json)
    }
  })

  const accepts = async (client: TestClient, secret: string): Promise<boolean> => {
    const told = { sender: 'sam', payload: { type: 'text', text: 'hi' } }
    return (await tell(server, { client: client.id, secret }, told)).status === 200
  }

  /** Those that a message is owed to. */
  async function webhooksOf(client: TestClient): Promise<string[]> {
    const { conversationId } = await client.converse()
    const { id } = (await client.say(conversationId, 'who hears this?')).json
    const { deliveries } = (await client.call('GET', `/messages/${id}/deliveries`)).json
    return (deliveries as { target: { url: string } }[]).map(({ target }) => target.url)
  }
})

describe('the URL of a webhook', () => {
  const PRIVATE = {
    'an address': 'http://10.0.0.1/',
    'a decimal number': 'http://167772161/',
    'a hexadecimal number': 'http://0x0a000001/',
    'an octal address': 'http://012.0.0.1/',
    'a short address': 'http://10.1/',
    'an IPv4-mapped address': 'http://[::ffff:10.0.0.1]/',
    'a NAT64 address': 'http://[64:ff9b::10.0.0.1]/',
    'a 6to4 address': 'http://[2002:a00:1::]/',
    'the address of the metadata of clouds': 'http://169.254.169.254/latest/',
    'a link-local address': 'http://[fe80::1]/',
    'a unique local address': 'http://[fd00::1]/',
    'the unspecified address': 'http://0.0.0.0/',
    'an address with full-width digits': 'http://１０.0.0.1/',
  }
  const LOOPBACK = {
    'an address': 'http://127.0.0.1:9/',
    'a decimal number': 'http://2130706433/',
    'a hexadecimal number': 'http://0x7f.1/',
    'an octal number': 'http://017700000001/',
    'a name': 'http://localhost/',
    'a name with a dot': 'http://bot.localhost./',
    'an IPv6 address': 'http://[::1]/',
    'an IPv4-mapped address': 'http://[::ffff:7f00:1]/',
    'a NAT64 address': 'http://[64:ff9b::7f00:1]/',
  }

  test.each(Object.entries(PRIVATE))('may not be private: %s', async (_, url) => {
    const { status, text } = await seed({ webhooks: [{ url: nowhere('ok') }, { url }] })
    expect(status).toBe(400)
    expect(text).toMatch(/^"body\.webhooks\[1\]\.url" .*ALLOW_PRIVATE_TARGETS/)
  })

  test.each([
    ['ftp', 'ftp://example.com/', 'http'],
    ['file', 'file:///etc/passwd', 'http'],
    ['javascript', 'javascript:alert(1)', 'http'],
    ['a user name', 'http://me@example.com/', 'user name'],
    ['a password', 'http://me:secret@example.com/', 'password'],
  ])('may not have %s', async (_, url, word) => {
    const { status, text } = await seed({ webhooks: [{ url }] })
    expect(status).toBe(400)
    expect(text).toMatch(/^"body\.webhooks\[0\]\.url" /)
    expect(text).toContain(word)
    expect(text).not.toContain('secret')
  })

  test('may be loopback while the server listens there', async () => {
    const webhooks = Object.values(LOOPBACK).map((url) => ({ url }))
    expect((await seed({ webhooks })).status).toBe(200)
  })

  test('may not be loopback when that is not allowed', async () => {
    const strict = await startServer({ env: { ALLOW_PRIVATE_TARGETS: 'none' } })
    for (const [what, url] of Object.entries(LOOPBACK)) {
      const { status, text } = await call(strict, 'POST', '/api/v1/sync', { body: { webhooks: [{ url }] } })
      expect([what, status]).toEqual([what, 400])
      expect(text).toContain('ALLOW_PRIVATE_TARGETS')
    }
    await strict.stop()
  })

  test('may be of a range that is allowed, and of that range only', async () => {
    const lenient = await startServer({ env: { ALLOW_PRIVATE_TARGETS: '10.0.0.0/8' } })
    const statuses = ['http://10.1.2.3/', 'http://[::ffff:10.1.2.3]/', 'http://192.168.0.1/'].map(
      async (url) => (await call(lenient, 'POST', '/api/v1/sync', { body: { webhooks: [{ url }] } })).status,
    )
    expect(await Promise.all(statuses)).toEqual([200, 200, 400])
    await lenient.stop()
  })
})

async function namesOfClients(): Promise<string[]> {
  const { json } = await callAdmin(server, 'GET', '/clients?limit=0')
  return (json.clients as { name?: unknown }[]).map(({ name }) => String(name))
}

describe('whether a client is there', () => {
  test('is refused without its credentials or those of the operator', async () => {
    const own = await startServer({ env: { ADMIN_KEY: 'k'.repeat(32), RATE_LIMIT: '0' } })
    const post = (body: object, headers: Record<string, string> = {}) =>
      call(own, 'POST', '/api/v1/sync', { body, headers })
    const made = await post({}, { 'x-bp-messaging-admin-key': 'k'.repeat(32) })
    const { id } = made.json as { id: string }
    for (const token of [undefined, null, '', 'wrong', `${randomUUID()}.${'A'.repeat(88)}`]) {
      // As from elsewhere, since who is on this machine may make clients.
      const ask = (of: string) => post({ id: of, token }, { forwarded: 'for=192.0.2.1' })
      const [known, unknown] = [await ask(id), await ask(randomUUID())]
      expect([known.status, known.text]).toEqual([403, 'Forbidden'])
      expect([unknown.status, unknown.text]).toEqual([known.status, known.text])
    }
    const headersOf = (of: string) => ({
      'x-bp-messaging-client-id': of,
      'x-bp-messaging-client-token': 'wrong',
    })
    const [known, unknown] = [await post({}, headersOf(id)), await post({}, headersOf(randomUUID()))]
    expect([unknown.status, unknown.text]).toEqual([known.status, known.text])
  })
})
