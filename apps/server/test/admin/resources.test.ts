import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, describe, expect, test } from 'vitest'
import { type Answered, asAdmin, call, createClient } from '../support/api.js'
import { readEvents } from '../support/event-reader.js'
import { openLink } from '../support/operators.js'
import { cleanUp, sharedServer } from '../support/server.js'
import { createProject } from '../support/smartify.js'
import { basic as basicOf, newKey } from '../support/sunshine.js'

const server = sharedServer()
afterAll(cleanUp)

const admin = (method: string, path: string, body?: unknown): Promise<Answered> =>
  call(server, method, `/admin/v1${path}`, { body, headers: asAdmin })

/** A name that no other test uses. */
const newName = () => `shop ${randomBytes(6).toString('hex')}`
const newSecret = () => `whsec_${randomBytes(24).toString('base64')}`

describe('clients', () => {
  test('one is created, read, changed and deleted', async () => {
    const name = newName()
    const made = await admin('POST', '/clients', { name, displayName: 'The Shop' })
    expect(made.status).toBe(201)
    const { client, token } = made.json
    const of = { 'x-bp-messaging-client-id': client.id, 'x-bp-messaging-client-token': token }
    expect((await call(server, 'GET', '/api/v1/health', { headers: of })).status).toBe(200)
    const read = await admin('GET', `/clients/${client.id}`)
    expect(read.json).toMatchObject({
      ...{ id: client.id, name, displayName: 'The Shop', guests: false, maxStoredBytes: null },
      ...{ storedBytes: 0, integrations: [], webhooks: 0, troubles: [], tokens: [{ id: made.json.tokenId }] },
    })
    expect((await admin('GET', `/clients/${client.hexId}`)).json).toEqual(read.json)
    const changed = await admin('PATCH', `/clients/${client.id}`, {
      ...{ name: null, displayName: null, maxStoredBytes: 1000, guests: true },
    })
    expect(changed.json).toMatchObject({ maxStoredBytes: 1000, guests: true })
    expect(Object.keys(changed.json)).not.toContain('name')
    expect(Object.keys(changed.json)).not.toContain('displayName')
    expect((await admin('DELETE', `/clients/${client.id}`)).status).toBe(204)
    expect((await admin('GET', `/clients/${client.id}`)).status).toBe(404)
  })

  test('one keeps the id that it is given, and a second one with it is refused', async () => {
    const [id, name] = [randomUUID(), newName()]
    const { json } = await admin('POST', '/clients', { id, name })
    expect(json.client).toMatchObject({ externalId: id, name })
    expect((await admin('GET', `/clients/${id}`)).json.id).toBe(json.client.id)
    expect((await admin('POST', '/clients', { id })).status).toBe(409)
    const sameName = await admin('POST', '/clients', { name })
    expect([sameName.status, sameName.json.error.message]).toEqual([
      409,
      `another client has the name "${name}"`,
    ])
  })

  test('are found by id in any form, and by the beginning of the name in any case', async () => {
    const word = randomBytes(6).toString('hex')
    const made = []
    for (const name of [`Acme${word} 2`, `Acme${word} 1`, `acme${word} 3`])
      made.push((await admin('POST', '/clients', { name })).json.client)
    const found = async (search: string, more = '') =>
      (await admin('GET', `/clients?search=${encodeURIComponent(search)}${more}`)).json
    const names = async (search: string) =>
      (await found(search)).items.map(({ name }: { name: string }) => name)
    const all = [`Acme${word} 1`, `Acme${word} 2`, `acme${word} 3`]
    for (const search of [`Acme${word}`, `acme${word}`, `ACME${word}`]) {
      if (search.startsWith('ACME')) expect(await names(search)).toEqual(all)
      else expect(await names(search)).toEqual(all)
    }
    const first = await found(`acme${word}`, '&limit=2')
    const second = await found(`acme${word}`, `&limit=2&cursor=${encodeURIComponent(first.next)}`)
    expect([...first.items, ...second.items].map(({ name }) => name)).toEqual(all)
    expect(second.next).toBeUndefined()
    for (const id of [made[0].id, made[0].hexId]) expect(await names(id)).toEqual([made[0].name])
  })

  test('are listed newest first, in pages', async () => {
    const ids: string[] = []
    for (let i = 0; i < 3; i += 1) ids.push((await admin('POST', '/clients', {})).json.client.id)
    const seen: string[] = []
    for (let cursor: string | undefined, pages = 0; seen.length < 3 && pages < 20; pages += 1) {
      const { json } = await admin('GET', `/clients?limit=2${cursor ? `&cursor=${cursor}` : ''}`)
      // Other tests make clients at the same time.
      seen.push(...json.items.map(({ id }: { id: string }) => id).filter((id: string) => ids.includes(id)))
      cursor = json.next
    }
    expect(seen).toEqual(ids.reverse())
  })

  test('have tokens, of which the last one cannot be revoked', async () => {
    const { client, tokenId } = (await admin('POST', '/clients', {})).json
    const more = await admin('POST', `/clients/${client.id}/tokens`)
    expect(more.status).toBe(201)
    const revoke = (id: string) => admin('DELETE', `/clients/${client.id}/tokens/${id}`)
    expect((await revoke(tokenId)).status).toBe(204)
    expect((await revoke(tokenId)).status).toBe(404)
    expect((await revoke(more.json.tokenId)).status).toBe(409)
    expect((await admin('GET', `/clients/${client.id}`)).json.tokens).toMatchObject([
      { id: more.json.tokenId },
    ])
  })

  test.each<[string, string, object, string[]]>([
    ['an empty name', '"name" must have at least 1 characters', { name: ' ' }, ['name']],
    ['a negative limit', '"maxStoredBytes"', { maxStoredBytes: -1 }, ['maxStoredBytes']],
    ['an unknown member', '"quota" is not allowed', { quota: 1 }, ['quota']],
  ])('a change with %s is refused, and names the field', async (_, message, body, path) => {
    const { client } = (await admin('POST', '/clients', {})).json
    const { status, json } = await admin('PATCH', `/clients/${client.id}`, body)
    expect([status, json.error.path]).toEqual([400, path])
    expect(json.error.message).toContain(message.split(' must')[0])
  })
})

test('a disabled client answers 403 with the reason in the format of each API, and goes on once it is enabled', async () => {
  const project = await createProject(server)
  const guest = await project.guest()
  const key = await newKey(server, { app: project.id })
  const client = await project.client()
  const authorization = basicOf(key)
  const answers = () =>
    Promise.all([
      client.call('GET', '/health'),
      call(server, 'GET', `/v2/apps/${project.id}`, { headers: { authorization } }),
      project.call('GET', '/requests/me', guest),
      project.call('GET', '/requests', project.owner),
      call(server, 'POST', '/api/auth/signinAnonymously', { body: { id_project: project.id } }),
    ])
  const statuses = async () => (await answers()).map(({ status }) => status)
  expect(await statuses()).toEqual([200, 200, 200, 200, 200])
  await admin('PATCH', `/clients/${client.id}`, { disabled: true, disabledReason: 'invoice 12 is open' })
  const why = 'the operator of this server disabled the client: invoice 12 is open'
  const refused = await answers()
  expect(refused.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403])
  const [, sunshine, ...smartify] = refused.map(({ json }) => json)
  expect(refused[0]?.text).toContain(why)
  expect(sunshine).toEqual({ errors: [{ code: 'forbidden', title: expect.stringContaining(why) }] })
  for (const json of smartify) expect(json).toEqual({ success: false, msg: expect.stringContaining(why) })
  await admin('PATCH', `/clients/${client.id}`, { disabled: false })
  expect(await statuses()).toEqual([200, 200, 200, 200, 200])
})

describe('channels', () => {
  test('say how the form of their configuration looks', async () => {
    const { json } = await admin('GET', '/channels')
    const channels = new Map<string, Record<string, unknown>>(
      json.items.map((item: { name: string }) => [item.name, item]),
    )
    expect(channels.get('telegram')).toMatchObject({
      ...{ title: 'Telegram', secrets: ['botToken'] },
      config: {
        type: 'object',
        required: ['botToken'],
        properties: {
          botToken: { type: 'string', minLength: 1, title: 'Bot token', writeOnly: true },
        },
        additionalProperties: false,
      },
      modes: [
        { mode: 'listen', needs: [] },
        { mode: 'webhook', needs: [] },
      ],
    })
    expect(channels.get('slack')).toMatchObject({
      modes: [
        { mode: 'listen', needs: [['appToken']], setup: expect.any(String) },
        { mode: 'webhook', needs: [['signingSecret', 'teamId']] },
      ],
    })
    expect(channels.get('whatsapp')).toMatchObject({ capabilities: { replyWindowHours: 24 } })
  })

  test('describe each field of their configuration', async () => {
    const { json } = await admin('GET', '/channels')
    const missing = json.items.flatMap(
      ({ name, config }: { name: string; config: { properties: Record<string, Record<string, unknown>> } }) =>
        Object.entries(config.properties)
          .filter(([, { title, description }]) => !title || !description)
          .map(([field]) => `${name}.${field}`),
    )
    expect(json.items.length).toBeGreaterThan(10)
    expect(missing).toEqual([])
  })

  test('have the address of a client in what is to be done at the provider', async () => {
    const { id } = (await admin('POST', '/clients', {})).json.client
    const setupsOf = async (query: string) =>
      (await admin('GET', `/channels${query}`)).json.items.flatMap(
        ({ modes }: { modes: { mode: string; setup?: string }[] }) =>
          modes.flatMap(({ mode, setup }) => (mode === 'webhook' && setup ? [setup] : [])),
      )
    const [ofClient, ofNobody] = [await setupsOf(`?clientId=${id}`), await setupsOf('')]
    expect(ofClient.some((setup: string) => setup.includes(`/webhooks/v1/${id}/`))).toBe(true)
    expect(ofNobody.some((setup: string) => setup.includes('/webhooks/v1/CLIENT_ID/'))).toBe(true)
  })
})

describe('integrations', () => {
  test('one is enabled, changed without its secrets, and disabled; nothing else of the client changes', async () => {
    const client = await createClient(server, { webhooks: [{ url: 'http://127.0.0.1:9/hook' }] })
    const of = `/clients/${client.id}/integrations`
    const config = { url: 'http://127.0.0.1:9/people', secret: newSecret() }
    const made = await admin('POST', of, { channel: 'webhook', name: 'crm', displayName: 'CRM', config })
    expect(made.status).toBe(201)
    expect(made.json).toMatchObject({
      ...{ name: 'crm', displayName: 'CRM', channel: 'webhook', status: 'active', mode: 'webhook' },
      ...{ config: { url: config.url }, secrets: ['secret'], consecutiveFailures: 0 },
      webhookUrl: expect.stringMatching(/\/webhooks\/v1\/[\w-]+\/crm$/),
    })
    expect(made.text).not.toContain(config.secret)
    const one = `${of}/${made.json.id}`
    const changed = await admin('PATCH', one, { config: { url: 'http://127.0.0.1:9/others' } })
    expect(changed.json).toMatchObject({
      ...{ config: { url: 'http://127.0.0.1:9/others' }, secrets: ['secret'], displayName: 'CRM' },
    })
    expect((await admin('GET', one)).json).toEqual(changed.json)
    expect((await admin('GET', of)).json.items).toEqual([changed.json])
    expect((await admin('DELETE', one)).status).toBe(204)
    expect((await admin('GET', one)).status).toBe(404)
    expect((await client.call('GET', '/webhooks')).json.webhooks).toHaveLength(1)
  })

  test.each<[string, object, string[], string]>([
    [
      'a channel that is not there',
      { channel: 'pigeon', config: {} },
      ['channel'],
      '"channel" must be one of ',
    ],
    [
      'a configuration that is not complete',
      { channel: 'webhook', config: { url: 'http://127.0.0.1:9/' } },
      ['config', 'secret'],
      '"config.secret" is required',
    ],
    [
      'an unknown member',
      { channel: 'webhook', config: { url: 'http://127.0.0.1:9/', secret: newSecret(), more: 1 } },
      ['config', 'more'],
      '"config.more" is not allowed',
    ],
    [
      'a mode that the channel cannot',
      {
        channel: 'webhook',
        mode: 'listen',
        config: { url: 'http://127.0.0.1:9/', secret: newSecret() },
      },
      ['mode'],
      '"mode" must be webhook',
    ],
    [
      'a field that its mode needs',
      { channel: 'slack', mode: 'listen', config: { botToken: 'xoxb-1', signingSecret: 'x' } },
      ['config', 'appToken'],
      '"config.appToken" is required in the mode "listen"',
    ],
    ['a bad name', { channel: 'webhook', name: 'A B', config: {} }, ['name'], '"name" '],
  ])('%s is refused, and the answer names the field', async (_, body, path, message) => {
    const { id } = (await admin('POST', '/clients', {})).json.client
    const { status, json } = await admin('POST', `/clients/${id}/integrations`, body)
    expect([status, json.error.path]).toEqual([400, path])
    expect(json.error.message).toContain(message)
  })

  test('is refused with each field that is wrong', async () => {
    const { id } = (await admin('POST', '/clients', {})).json.client
    const { json } = await admin('POST', `/clients/${id}/integrations`, { channel: 'webhook', config: {} })
    expect(json.error.issues).toEqual([
      { path: ['config', 'url'], message: 'is required' },
      { path: ['config', 'secret'], message: 'is required' },
    ])
  })

  test('a check of one without a provider succeeds, and one of another client is not found', async () => {
    const { id } = (await admin('POST', '/clients', {})).json.client
    const other = (await admin('POST', '/clients', {})).json.client
    const config = { url: 'http://127.0.0.1:9/people', secret: newSecret() }
    const made = await admin('POST', `/clients/${id}/integrations`, { channel: 'webhook', config })
    const checked = await admin('POST', `/clients/${id}/integrations/${made.json.id}/check`)
    expect(checked.json).toEqual({ ok: true, durationMs: expect.any(Number) })
    expect((await admin('POST', `/clients/${other.id}/integrations/${made.json.id}/check`)).status).toBe(404)
    const again = await admin('POST', `/clients/${id}/integrations/${made.json.id}/provision`)
    expect([again.status, again.json.status]).toEqual([202, 'pending'])
    const status = async () => (await admin('GET', `/clients/${id}/integrations/webhook`)).json.status
    await expect.poll(status).toBe('active')
  })
})

describe('a link to one client', () => {
  test('shows nothing of others: not in the overview, the list of clients, and the live tail', async () => {
    const [mine, other] = [await createClient(server), await createClient(server)]
    const { json } = await admin('POST', `/clients/${mine.id}/link`, { role: 'viewer' })
    const { headers } = await openLink(server, json.url)
    const read = (path: string) => call(server, 'GET', `/admin/v1${path}`, { headers })
    const overview = (await read('/overview')).json
    expect(overview).toEqual({
      ...{ status: 'ok', at: expect.any(String), version: expect.any(String) },
      ...{ troubles: [], hasMoreTroubles: false },
    })
    expect((await read('/clients')).json.items).toMatchObject([{ id: mine.id }])
    expect((await read(`/clients?search=${other.id}`)).json.items).toMatchObject([{ id: mine.id }])
    expect((await read(`/events?client=${other.id}`)).status).toBe(404)
    expect((await read(`/channels?clientId=${other.id}`)).text).not.toContain(other.id)
    const reader = await readEvents(`${server.url}/admin/v1/events`, headers)
    const [there, here] = [await other.converse(), await mine.converse()]
    await other.say(there.conversationId, 'theirs')
    await mine.say(here.conversationId, 'mine')
    const previews = () =>
      reader.events.flatMap(({ data }) => (data.type === 'message' ? [data.preview] : []))
    await expect.poll(previews).toEqual(['mine'])
    reader.end()
  })
})

describe('people', () => {
  test('are found by their address at any channel, by an id of the client, and by the id of the user', async () => {
    const client = await createClient(server)
    const number = `+49${Date.now()}`
    const map = async (channel: string, thread: string) =>
      (await client.call('POST', '/endpoints/map', { channel, identity: 'us', sender: number, thread })).json
        .conversationId
    const conversations = [await map('fax', 'one'), await map('fax', 'two')]
    const { json: conversation } = await client.call('GET', `/conversations/${conversations[0]}`)
    const find = async (query: string) =>
      (await admin('GET', `/clients/${client.id}/people?${query}`)).json.items.map(
        ({ id }: { id: string }) => id,
      )
    const { userId } = conversation
    for (const query of [
      `identity=${encodeURIComponent(number)}`,
      `identity=${number.slice(1)}`,
      `user=${userId}`,
    ])
      expect(await find(query), query).toEqual([userId])
    expect(await find('identity=nobody')).toEqual([])
    const person = await admin('GET', `/clients/${client.id}/people/${userId}`)
    expect(person.json).toMatchObject({
      id: userId,
      identities: [{ channel: 'fax', identity: 'us', sender: number, aliases: [] }],
      conversations: [{ id: conversations[1] }, { id: conversations[0], channels: ['fax'] }],
      hasMoreConversations: false,
    })
    const other = await createClient(server)
    expect((await admin('GET', `/clients/${other.id}/people/${userId}`)).status).toBe(404)
    expect((await admin('DELETE', `/clients/${other.id}/people/${userId}`)).status).toBe(404)
    expect((await admin('GET', `/clients/${other.id}/people?user=${userId}`)).json.items).toEqual([])
  })

  test('of the Sunshine API are found by their external id and e-mail address', async () => {
    const made = (await admin('POST', '/keys', { client: 'new', scope: 'app' })).json
    const authorization = `Basic ${Buffer.from(`${made.keyId}:${made.secret}`).toString('base64')}`
    const profile = { givenName: 'Ada', surname: 'Lovelace', email: 'ada@example.org' }
    const { json } = await call(server, 'POST', `/v2/apps/${made.appId}/users`, {
      body: { externalId: 'customer 7', profile },
      headers: { authorization },
    })
    const expected = [{ name: 'Ada Lovelace', email: 'ada@example.org', externalId: 'customer 7' }]
    for (const query of ['externalId=customer%207', 'identity=ADA@example.org', `user=${json.user.id}`]) {
      const found = await admin('GET', `/clients/${made.appId}/people?${query}`)
      expect(found.json.items, query).toMatchObject(expected)
    }
  })

  test('are deleted with the conversations that they are alone in, and the log has it', async () => {
    const client = await createClient(server)
    const { userId, conversationId } = await client.converse()
    const path = `/clients/${client.id}/people/${userId}`
    expect((await admin('DELETE', path)).status).toBe(204)
    expect((await admin('GET', path)).status).toBe(404)
    expect((await admin('DELETE', path)).status).toBe(404)
    expect((await admin('GET', `/clients/${client.id}/conversations/${conversationId}`)).status).toBe(404)
    const { json } = await admin('GET', `/audit?action=person.delete&clientId=${client.id}`)
    expect(json.items).toMatchObject([{ outcome: 'refused' }, { outcome: 'done', target: { userId } }])
  })

  test('are asked for in one way', async () => {
    const client = await createClient(server)
    for (const query of ['', '?identity=a&user=b']) {
      const { status, json } = await admin('GET', `/clients/${client.id}/people${query}`)
      expect([status, json.error.path]).toEqual([400, ['identity']])
    }
  })
})

describe('keys and owners', () => {
  test('a key of the Sunshine API is created, listed and revoked', async () => {
    const { client } = (await admin('POST', '/clients', {})).json
    const made = await admin('POST', '/keys', { client: client.id, scope: 'app', displayName: 'a bot' })
    expect(made.json).toMatchObject({ appId: client.hexId, secret: expect.any(String) })
    const list = async () => (await admin('GET', `/keys?client=${client.id}`)).json.items
    expect(await list()).toMatchObject([{ keyId: made.json.keyId, scope: 'app', displayName: 'a bot' }])
    expect((await admin('DELETE', `/keys/${made.json.keyId}`)).status).toBe(204)
    expect([await list(), (await admin('DELETE', `/keys/${made.json.keyId}`)).status]).toEqual([[], 404])
    const audited = await admin('GET', `/audit?clientId=${client.id}&action=key.create`)
    expect(audited.json.items).toMatchObject([{ outcome: 'done', details: { keyId: made.json.keyId } }])
    expect(audited.text).not.toContain(made.json.secret)
  })

  test('a key of the whole server needs no client', async () => {
    const displayName = newName()
    const made = await admin('POST', '/keys', { scope: 'account', displayName })
    expect([made.status, made.json]).toEqual([201, { keyId: expect.any(String), secret: expect.any(String) }])
    const authorization = `Basic ${Buffer.from(`${made.json.keyId}:${made.json.secret}`).toString('base64')}`
    expect((await call(server, 'GET', '/v2/apps', { headers: { authorization } })).status).toBe(200)
    expect((await admin('DELETE', `/keys/${made.json.keyId}`)).status).toBe(204)
    expect((await call(server, 'GET', '/v2/apps', { headers: { authorization } })).status).toBe(401)
    for (const scope of ['app', 'integration'])
      expect((await admin('POST', '/keys', { scope, displayName })).json.error.path).toEqual(['client'])
  })

  test('an owner of a project is created, listed and removed', async () => {
    const { client } = (await admin('POST', '/clients', {})).json
    const email = `${randomBytes(6).toString('hex')}@example.com`
    const owner = { client: client.id, email, password: 'correct horse battery', firstName: 'Ada' }
    const made = await admin('POST', '/owners', owner)
    expect(made.json).toEqual({ projectId: client.hexId, userId: expect.any(String) })
    const list = async () => (await admin('GET', `/owners?client=${client.id}`)).json.items
    expect(await list()).toMatchObject([{ userId: made.json.userId, email, projects: [client.hexId] }])
    const removed = await admin('DELETE', `/owners/${made.json.userId}?client=${client.id}`)
    expect(removed.json).toEqual({ projects: [client.hexId], isDeleted: true })
    expect(await list()).toEqual([])
  })
})

test('the settings in effect have no secrets', async () => {
  const { json, text } = await admin('GET', '/settings')
  const settings = new Map(json.settings.map((setting: { key: string }) => [setting.key, setting]))
  expect(settings.get('ADMIN_KEY')).toMatchObject({ value: '***', isDefault: false })
  expect(settings.get('RATE_LIMIT')).toMatchObject({
    value: '0',
    isDefault: false,
    default: expect.any(String),
  })
  expect(settings.get('WEBHOOK_TIMEOUT')).toMatchObject({ isDefault: true, meaning: expect.any(String) })
  expect(text).not.toContain(asAdmin['x-bp-messaging-admin-key'])
})
