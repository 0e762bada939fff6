import { randomUUID } from 'node:crypto'
import { request } from 'node:http'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call, createClient } from '../support/api.js'
import { startReceiver } from '../support/receiver.js'
import { cleanUp, startServer, type TestServer } from '../support/server.js'
import {
  createSite,
  customerToken,
  SHOP,
  siteOf,
  type TestSite,
  type TestVisitor,
  visit,
} from '../support/web.js'

let server: TestServer
let site: TestSite
beforeAll(async () => {
  server = await startServer({
    env: {
      RATE_LIMIT: '5',
      WEB_GUEST_LIMIT: '40',
      GUEST_MESSAGE_LIMIT: '30',
      GUEST_DAILY_SIZE: '64KiB',
      ATTACHMENT_MAX_SIZE: '256KiB',
      WEB_CUSTOMER_TOKEN_TTL: '2s',
    },
  })
  site = await createSite(server, {
    name: 'Shop <b>',
    greeting: { en: 'Hello', de: 'Hallo' },
    form: {
      fields: [
        { name: 'name', label: { en: 'Your name', de: 'Ihr Name' }, isRequired: true },
        { name: 'email', label: 'E-mail', type: 'email' },
        { name: 'phone', label: 'Phone', type: 'tel' },
      ],
    },
    uploads: { maxBytes: 100_000, types: ['image/*', 'text/plain'] },
  })
})
afterAll(cleanUp)

describe('the configuration', () => {
  const config = async (query = '') => (await site.call('GET', `/config${query}`)).json

  test('has what the chat shows, and nothing that is secret', async () => {
    expect(await config()).toEqual({
      name: 'Shop <b>',
      greeting: 'Hello',
      languages: ['en', 'de', 'fr', 'es', 'pt', 'hi', 'ar'],
      defaultLanguage: 'en',
      position: 'right',
      colors: { accent: '#2563eb', accentText: '#ffffff' },
      form: {
        fields: [
          { name: 'name', label: 'Your name', type: 'text', isRequired: true },
          { name: 'email', label: 'E-mail', type: 'email', isRequired: false },
          { name: 'phone', label: 'Phone', type: 'tel', isRequired: false },
        ],
      },
      uploads: { maxBytes: 100_000, types: ['image/*', 'text/plain'] },
      hasSignIn: true,
    })
  })

  test('comes in the language of the visitor', async () => {
    const { greeting, form } = await config('?language=de-AT')
    expect([greeting, form.fields[0].label, form.fields[1].label]).toEqual(['Hallo', 'Ihr Name', 'E-mail'])
  })

  test('is used from the next request on when it changes', async () => {
    const client = await createClient(server, {
      channels: { web: { version: '1.0.0', allowedOrigins: [SHOP] } },
    })
    const changing = siteOf(server, client, client.id)
    expect((await changing.call('GET', '/config')).json.name).toBe('Chat')
    const web = { version: '1.0.0', enabled: true, allowedOrigins: [], name: 'Other' }
    await client.call('POST', '/sync', { channels: { web } })
    expect((await changing.call('GET', '/config')).status).toBe(403)
    expect((await changing.call('GET', '/config', { origin: null })).json.name).toBe('Other')
    await client.call('POST', '/sync', { channels: {} })
    expect((await changing.call('GET', '/config', { origin: null })).status).toBe(404)
  })

  test.each([
    [{ allowedOrigins: ['https://shop.example/chat'] }, 'allowedOrigins'],
    [{ colors: { accent: '#ffffff', accentText: '#eeeeee' } }, 'accentText'],
    [{ jwtSecret: 'short' }, 'jwtSecret'],
  ])('%j is refused by a sync that names the field', async (wrong, field) => {
    const channels = { web: { version: '1.0.0', ...wrong } }
    const { status, text } = await call(server, 'POST', '/api/v1/sync', { body: { channels } })
    expect([status, text]).toEqual([400, expect.stringContaining(field)])
  })

  test('says in the health of the client which line a page needs', async () => {
    const { json } = await site.client.call('GET', '/health')
    expect(JSON.stringify(json)).toContain(
      `<script src=\\"${server.url}/web/v1/${site.client.id}.js\\" defer></script>`,
    )
  })
})

test('a client is found by its name too, and another integration behind it', async () => {
  const name = `shop-${randomUUID()}`
  const channels = {
    web: { version: '1.0.0', name: 'First' },
    support: { version: '1.0.0', channel: 'web', name: 'Second' },
  }
  const { json } = await call(server, 'POST', '/api/v1/sync', { body: { name, channels } })
  const nameAt = async (path: string) => (await call(server, 'GET', `/web/v1/${path}/config`)).json.name
  expect(await nameAt(name)).toBe('First')
  expect(await nameAt(`${name}~support`)).toBe('Second')
  expect(await nameAt(`${json.id}~support`)).toBe('Second')
})

test.each([randomUUID(), 'nobody', 'a~b', '~', '%00', '..%2f', 'x'.repeat(300), '%F0%9F'])(
  'nothing is found for the client %s',
  async (name) => {
    for (const path of ['/config', '/conversations'])
      expect((await call(server, 'GET', `/web/v1/${name}${path}`)).status).toBeOneOf([400, 404])
    expect((await call(server, 'GET', `/web/v1/${name}.js`)).status).toBeOneOf([400, 404])
    expect((await call(server, 'GET', `/chat/${name}`)).status).toBeOneOf([400, 404])
  },
)

test('a customer who comes back after the session has expired is signed in', async () => {
  const sub = randomUUID()
  const before = await visit(site, { token: await customerToken({ sub }) })
  const id = await before.start()
  await expect
    .poll(async () => (await before.call('GET', '/conversations')).status, { timeout: 5_000 })
    .toBe(401)
  const customer = await visit(site, { token: await customerToken({ sub }), guest: before.token })
  expect((await customer.call('GET', '/conversations')).json.conversations).toMatchObject([{ id }])
  const other = { token: await customerToken({ sub: randomUUID() }), guest: before.token }
  const { userId, call } = await visit(site, other)
  expect(userId).not.toBe(before.userId)
  expect((await call('GET', '/conversations')).json.conversations).toEqual([])
})

describe('the form before a chat', () => {
  const send = async (form: unknown, visitor?: TestVisitor) => {
    const { call } = visitor ?? (await visit(site))
    return call('PATCH', '/me', { form })
  }

  test('tells the bot who writes', async () => {
    const bot = await startReceiver()
    const named = await createSite(
      server,
      {
        form: {
          fields: [
            { name: 'name', label: 'Name' },
            { name: 'size', label: 'Size' },
          ],
        },
      },
      { webhooks: [{ url: bot.url }] },
    )
    const visitor = await visit(named)
    expect((await send({ name: ' Ada ', size: 'M' }, visitor)).status).toBe(204)
    await bot.until(() => bot.ofType('user.updated').length > 0)
    expect(bot.ofType('user.updated')[0]?.json.data).toEqual({
      userId: visitor.userId,
      userData: { name: 'Ada', size: 'M' },
    })
    const { json } = await named.client.call('GET', `/users/${visitor.userId}`)
    expect(json.data).toEqual({ name: 'Ada', size: 'M' })
  })

  test('never replaces what the site vouches for', async () => {
    const token = await customerToken({ sub: randomUUID(), name: 'Ada', email: 'ada@shop.example' })
    const customer = await visit(site, { token })
    await send({ name: 'Eve', email: 'eve@evil.example', phone: '+41 79 123 45 67' }, customer)
    const { json } = await site.client.call('GET', `/users/${customer.userId}`)
    expect(json.data).toEqual({
      ...{ name: 'Ada', email: 'ada@shop.example', verified: 'email', phone: '+41 79 123 45 67' },
    })
  })

  test.each<[unknown, string, string]>([
    [{ email: 'ada@shop.example' }, 'form.name', 'is required'],
    [{ name: 'Ada', email: 'ada' }, 'form.email', 'must be an e-mail address'],
    [{ name: 'Ada', phone: 'call me' }, 'form.phone', 'must be a telephone number'],
    [{ name: 'Ada', verified: 'email' }, 'form.verified', 'is not a field of the form'],
    [{ name: 'x'.repeat(201) }, 'form.name', 'must have at most 200 characters'],
    [{ name: 7 }, 'form.name', 'must be a string'],
    [{ name: 'a\u0000' }, 'form.name', 'must not contain NUL or half of a surrogate pair'],
    ['Ada', 'form', 'must be of type object'],
    [undefined, 'form', 'is required'],
  ])('%j is refused by field', async (form, field, message) => {
    expect((await send(form)).json).toEqual({
      error: { code: 'INVALID', message: `"${field}" ${message}`, field },
    })
  })
})

describe('hostile input', () => {
  let ada: TestVisitor
  let id: string
  beforeAll(async () => {
    ada = await visit(site)
    id = await ada.start()
  })
  const post = (payload: unknown, headers: Record<string, string> = { 'idempotency-key': randomUUID() }) =>
    ada.call('POST', `/conversations/${id}/messages`, { payload }, headers)

  test.each<[unknown, string]>([
    [undefined, 'payload'],
    ['hello', 'payload'],
    [{ type: 'text' }, 'payload.text'],
    [{ type: 'text', text: '' }, 'payload.text'],
    [{ type: 'text', text: '   ' }, 'payload.text'],
    [{ type: 'text', text: 7 }, 'payload.text'],
    [{ type: 'text', text: 'x'.repeat(10_001) }, 'payload.text'],
    [{ type: 'text', text: '\ud800' }, 'payload.text'],
    [{ type: 'text', text: 'a', markdown: true }, 'payload.markdown'],
    [{ type: 'text', text: 'a', choices: [] }, 'payload.choices'],
    [{ type: 'carousel', items: [] }, 'payload.type'],
    [{ type: 'template', name: 'x' }, 'payload.type'],
    [{ type: 'image', image: 'https://evil.example/x.png' }, 'payload.upload'],
    [{ type: 'image', upload: 'nonsense' }, 'payload.upload'],
    [{ type: 'location', latitude: 91, longitude: 0 }, 'payload.latitude'],
    [{ type: 'quick_reply', text: 'a' }, 'payload.payload'],
    [{ type: 'quick_reply', text: 'a', payload: 'b', foreign: false }, 'payload.foreign'],
  ])('%j names the field', async (payload, field) => {
    expect(await post(payload)).toMatchObject({ status: 400, json: { error: { code: 'INVALID', field } } })
  })

  test.each([undefined, '', 'a b', 'x'.repeat(65), 'ü', 'conversation started'])(
    'the key %j is refused',
    async (key) => {
      const headers = key === undefined ? {} : { 'idempotency-key': encodeURI(key).replaceAll('%20', ' ') }
      expect(await post({ type: 'text', text: 'hello' }, headers)).toMatchObject({
        status: 400,
        json: { error: { field: 'idempotency-key' } },
      })
    },
  )

  test.each([
    ['GET', '/conversations?limit=0', 'limit'],
    ['GET', '/conversations?limit=51', 'limit'],
    ['GET', '/conversations?limit=x', 'limit'],
    ['GET', '/conversations?before=x', 'before'],
    ['GET', '/conversations?page=2', 'page'],
    ['GET', '/conversations/ID/messages?before=x', 'before'],
    ['GET', `/conversations/ID/messages?before=${randomUUID()}`, 'before'],
    ['POST', '/conversations/ID/read', 'position'],
    ['POST', '/conversations/ID/typing', 'isTyping'],
  ])('%s %s names the field %s', async (method, path, field) => {
    const answer = await ada.call(method, path.replace('ID', id), method === 'POST' ? {} : undefined)
    expect(answer).toMatchObject({ status: 400, json: { error: { code: 'INVALID', field } } })
  })

  test.each(['{', '[', '"', `${'['.repeat(5000)}`, `{"a":${'[0,'.repeat(20_000)}0${']'.repeat(20_000)}}`])(
    'a body that is no JSON within limits is refused',
    async (body) => {
      const { status, json } = await site.call('POST', '/sessions', { body })
      expect([status, json.error.code]).toEqual([400, 'INVALID'])
    },
  )

  test('a body that is too large is refused', async () => {
    const body = JSON.stringify({ language: 'x'.repeat(160_000) })
    expect(await site.call('POST', '/sessions', { body })).toMatchObject({
      status: 413,
      json: { error: { code: 'TOO_LARGE' } },
    })
  })
})

describe('an upload', () => {
  const png = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  )
  const upload = (
    visitor: TestVisitor,
    id: string,
    body: string | Uint8Array<ArrayBuffer> | FormData,
    headers: Record<string, string> = {},
  ) =>
    fetch(`${server.url}/web/v1/${site.client.id}/conversations/${id}/uploads`, {
      method: 'POST',
      headers: { origin: SHOP, authorization: `Bearer ${visitor.token}`, ...headers },
      body,
    })
  const sendFile = (visitor: TestVisitor, id: string, uploadId: string) =>
    visitor.call(
      'POST',
      `/conversations/${id}/messages`,
      { payload: { type: 'image', upload: uploadId, title: 'My shirt' } },
      { 'idempotency-key': randomUUID() },
    )

  let ada: TestVisitor
  let id: string
  beforeAll(async () => {
    ada = await visit(site)
    id = await ada.start()
  })

  test('is sent by its id, and is a file with safe headers', async () => {
    const answer = await upload(ada, id, png, {
      'content-type': 'image/png',
      'x-file-name': 'sh%C3%ADrt.png',
    })
    expect(answer.status).toBe(201)
    const file = (await answer.json()) as { id: string; url: string }
    expect(file).toMatchObject({ name: 'shírt.png', type: 'image/png', size: png.length })
    const sent = await sendFile(ada, id, file.id)
    expect(sent.json.payload).toEqual({
      ...{ type: 'image', url: file.url, mime: 'image/png', size: png.length },
      ...{ name: 'shírt.png', title: 'My shirt' },
    })
    const shown = await fetch(file.url)
    expect(Buffer.from(await shown.arrayBuffer())).toEqual(png)
    expect(shown.headers.get('content-security-policy')).toBe("default-src 'none'; sandbox")
    expect(shown.headers.get('x-content-type-options')).toBe('nosniff')
  })

  test.each([
    ['..%2F..%2Fetc%2Fpasswd', 'passwd'],
    ['a%00%0D%0Ab.txt', 'ab.txt'],
    ['%E2%80%AEgpj.exe', 'gpj.exe'],
    ['%20', undefined],
  ])('with the name %s has no path and no controls in its name', async (given, name) => {
    const answer = await upload(ada, id, png, { 'content-type': 'image/png', 'x-file-name': given })
    const file = (await answer.json()) as { id: string; name?: string }
    expect(file.name).toBe(name)
    expect((await sendFile(ada, id, file.id)).json.payload.name).toBe(name)
  })

  test('may be a form', async () => {
    const form = new FormData()
    form.set('file', new Blob(['hello'], { type: 'text/plain' }), 'note.txt')
    const answer = await upload(ada, id, form)
    expect([answer.status, await answer.json()]).toMatchObject([201, { name: 'note.txt', size: 5 }])
  })

  test('is sent by nobody else, nowhere else', async () => {
    const answer = await upload(ada, id, png, { 'content-type': 'image/png' })
    const file = (await answer.json()) as { id: string }
    const bob = await visit(site)
    const bobs = await bob.start()
    const another = await ada.start()
    for (const [visitor, place] of [
      [bob, bobs],
      [ada, another],
    ] as const)
      expect(await sendFile(visitor, place, file.id)).toMatchObject({
        status: 400,
        json: { error: { field: 'payload.upload' } },
      })
  })

  test.each<[string, string | Uint8Array<ArrayBuffer> | FormData, Record<string, string>, number, string]>([
    ['a type that the site does not take', '<p>', { 'content-type': 'text/html' }, 415, 'TYPE_FORBIDDEN'],
    ['no type', new Uint8Array([1]), {}, 415, 'TYPE_FORBIDDEN'],
    [
      'another type than it claims',
      '%PDF-1.7\n1 0 obj <<>> endobj trailer <<>> %%EOF',
      { 'content-type': 'image/png' },
      415,
      'TYPE_FORBIDDEN',
    ],
    ['no picture, which it claims', '<html>', { 'content-type': 'image/png' }, 415, 'TYPE_FORBIDDEN'],
    ['no bytes', '', { 'content-type': 'text/plain' }, 400, 'INVALID'],
    ['too many bytes', 'x'.repeat(100_001), { 'content-type': 'text/plain' }, 413, 'TOO_LARGE'],
    ['far too many bytes', 'x'.repeat(400_000), { 'content-type': 'text/plain' }, 413, 'TOO_LARGE'],
    ['a name that is none', 'x', { 'content-type': 'text/plain', 'x-file-name': '%' }, 400, 'INVALID'],
    ['a form that is none', 'x', { 'content-type': 'multipart/form-data; boundary=x' }, 400, 'INVALID'],
  ])('with %s is refused', async (_, body, headers, status, code) => {
    const answer = await upload(ada, id, body, headers)
    expect([answer.status, ((await answer.json()) as { error: { code: string } }).error.code]).toEqual([
      status,
      code,
    ])
  })

  test('that turns out to be too large is refused, and the refusal is read', async () => {
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new Uint8Array(60_000).fill(120))
        sent += 1
        if (sent === 10) controller.close()
      },
    })
    let sent = 0
    const url = `${server.url}/web/v1/${site.client.id}/conversations/${id}/uploads`
    const headers = { origin: SHOP, authorization: `Bearer ${ada.token}`, 'content-type': 'text/plain' }
    const answer = await fetch(url, { method: 'POST', headers, body, duplex: 'half' })
    expect([answer.status, await answer.json()]).toMatchObject([413, { error: { code: 'TOO_LARGE' } }])
  })

  test('of a deleted conversation is gone', async () => {
    const gone = await ada.start()
    const answer = await upload(ada, gone, png, { 'content-type': 'image/png' })
    const { url } = (await answer.json()) as { url: string }
    await site.client.call('DELETE', `/conversations/${gone}`)
    expect((await fetch(url)).status).toBe(404)
  })
})

describe('limits', () => {
  const codesOf = async (count: number, act: () => Promise<{ status: number; headers: Headers }>) => {
    const answers = []
    for (let i = 0; i < count; i += 1) answers.push(await act())
    return answers
  }

  test('of new guests of one address are kept per client', async () => {
    const crowded = await createSite(server)
    const start = (of: TestSite) => () => of.call('POST', '/sessions', { body: {} })
    const answers = await Promise.all(Array.from({ length: 60 }, start(crowded)))
    const refused = answers.filter(({ status }) => status === 429)
    // One is forgiven in one and a half seconds.
    expect(refused.length).toBeGreaterThan(10)
    expect(answers.length - refused.length).toBeGreaterThanOrEqual(40)
    for (const { headers } of refused) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await start(await createSite(server))()).status).toBe(200)
  })

  test('of the messages of one visitor are kept, and of no other', async () => {
    const calm = await createSite(server)
    const [ada, bob] = [await visit(calm), await visit(calm)]
    const [adas, bobs] = [await ada.start(), await bob.start()]
    const answers = await codesOf(30, () => ada.say(adas, 'hello'))
    // To start the conversation was the first of thirty.
    expect(answers.map(({ status }) => status)).toEqual([...Array(29).fill(201), 429])
    expect((await bob.say(bobs, 'hello')).status).toBe(201)
  })

  test('of read marks are their own: who reads much may still type and write', async () => {
    const calm = await createSite(server)
    const ada = await visit(calm)
    const id = await ada.start()
    const { json } = await ada.say(id, 'hello')
    const read = () => ada.call('POST', `/conversations/${id}/read`, { position: json.position })
    const answers = await codesOf(60, read)
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([204]))
    expect(await read()).toMatchObject({
      status: 429,
      json: {
        error: { message: 'A guest may post at most 60 read marks in a minute. Try again later.' },
      },
    })
    expect((await ada.call('POST', `/conversations/${id}/typing`, { isTyping: true })).status).toBe(204)
    expect((await ada.say(id, 'still here')).status).toBe(201)
  })

  test('of the bytes of one visitor are kept', async () => {
    const calm = await createSite(server)
    const ada = await visit(calm)
    const id = await ada.start()
    const answers = await codesOf(7, () => ada.say(id, 'x'.repeat(9_900)))
    expect(answers.map(({ status }) => status)).toEqual([...Array(6).fill(201), 429])
  })

  test('of forged tokens of one address are kept', async () => {
    const answers = await codesOf(8, () => site.call('GET', '/conversations', { token: 'forged' }))
    expect(answers.map(({ status }) => status)).toEqual([...Array(5).fill(401), 429, 429, 429])
    // A right one is right all the same.
    const { json } = await site.call('POST', '/sessions', { body: {} })
    expect((await site.call('GET', '/conversations', { token: json.token })).status).toBe(200)
  })
})

describe('the files of the chat', () => {
  const script = async (headers: Record<string, string> = {}) =>
    call(server, 'GET', `/web/v1/${site.client.id}.js`, { headers })

  test('begin with a script that knows the server and the client', async () => {
    const { status, headers, text } = await script()
    expect([status, headers.get('content-type')]).toEqual([200, 'text/javascript; charset=utf-8'])
    expect([headers.get('content-encoding'), headers.get('vary')]).toEqual(['gzip', 'Accept-Encoding'])
    expect(text.slice(0, 20)).toBe('(function(PLUGBOARD)')
    const [, settings = '{}'] = /\((\{[^{}]*\})\);\s*$/.exec(text) ?? []
    expect(JSON.parse(settings)).toEqual({
      server: server.url,
      client: site.client.id,
      chat: expect.stringMatching(`^${server.url}/web/v1/assets/chat-[\\w-]+\\.js$`),
      page: `${server.url}/chat/${site.client.id}`,
    })
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect((await script({ 'if-none-match': headers.get('etag') ?? '' })).status).toBe(304)
  })

  test.each<[string, string | null, (bytes: Buffer) => Buffer]>([
    ['br, gzip', 'br', brotliDecompressSync],
    ['gzip', 'gzip', gunzipSync],
    ['br;q=0, gzip', 'gzip', gunzipSync],
    ['identity', null, (bytes) => bytes],
  ])('are sent as %s asks, and kept forever', async (accepted, encoding, decode) => {
    const [, chat = ''] = /"chat":"[^"]*(\/web\/v1\/assets\/[^"]+)"/.exec((await script()).text) ?? []
    const { headers, bytes } = await new Promise<{ headers: Record<string, unknown>; bytes: Buffer }>(
      (resolve, reject) => {
        request(`${server.url}${chat}`, { headers: { 'accept-encoding': accepted } }, async (response) => {
          resolve({ headers: response.headers, bytes: Buffer.concat(await response.toArray()) })
        })
          .on('error', reject)
          .end()
      },
    )
    expect(headers['content-encoding'] ?? null).toBe(encoding)
    expect(headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
      vary: 'Accept-Encoding',
    })
    expect(decode(bytes).toString()).toContain('export')
  })

  test.each(['nonsense.js', '..%2fassets.js', '..%2f..%2fpackage.json', 'chat-.js', '%2e%2e'])(
    'are no others: %s',
    async (name) => {
      expect((await call(server, 'GET', `/web/v1/assets/${name}`)).status).toBeOneOf([400, 404])
    },
  )

  test('are shown by a page without anything inline, in frames of the site alone', async () => {
    const { status, headers, text } = await call(server, 'GET', `/chat/${site.client.id}`)
    expect(status).toBe(200)
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain(`frame-ancestors ${SHOP}`)
    expect(policy).not.toContain('unsafe')
    expect(text).toContain('<title>Shop &lt;b&gt;</title>')
    expect(text).toContain(`data-client="${site.client.id}"`)
    expect(text).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\son\w+=|javascript:/i)
    const [, src = ''] = /src="([^"]+)"/.exec(text) ?? []
    const file = await fetch(new URL(src, `${server.url}/chat/${site.client.id}`))
    expect(file.status).toBe(200)
  })

  test.each([
    ['ar-EG,ar;q=0.9,en;q=0.8', 'lang="ar" dir="rtl"'],
    ['it, en;q=0.2, DE-ch;q=0.7', 'lang="de" dir="ltr"'],
    ['de;q=0, *;q=0.1', 'lang="en" dir="ltr"'],
    [`${',;q=x,'.repeat(100)}fr`, 'lang="en" dir="ltr"'],
  ])('are shown in the language of who asks: %s', async (language, attributes) => {
    const { text } = await call(server, 'GET', `/chat/${site.client.id}`, {
      headers: { 'accept-language': language },
    })
    expect(text).toContain(`<html ${attributes} `)
    const chosen = await call(server, 'GET', `/chat/${site.client.id}?language=fr`, {
      headers: { 'accept-language': language },
    })
    expect(chosen.text).toContain('<html lang="fr" ')
  })

  test('name the server as the browser calls it, where no address is configured', async () => {
    const host = `localhost:${new URL(server.url).port}`
    const textAt = (path: string) =>
      new Promise<string>((resolve, reject) => {
        request(`${server.url}${path}`, { headers: { host } }, async (response) => {
          resolve(Buffer.concat(await response.toArray()).toString())
        })
          .on('error', reject)
          .end()
      })
    expect(await textAt(`/chat/${site.client.id}`)).toContain(`data-server="http://${host}"`)
    expect(await textAt(`/web/v1/${site.client.id}.js`)).toContain(`"server":"http://${host}"`)
  })

  test('are in no frame of a site without origins', async () => {
    const closed = await createSite(server, { allowedOrigins: [] })
    const { headers } = await call(server, 'GET', `/chat/${closed.client.id}`)
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  })
})

test('nothing that visitors say or hold is in the log', async () => {
  const token = await customerToken({ sub: 'a-very-private-customer' })
  const customer = await visit(site, { token })
  const id = await customer.start()
  await customer.say(id, 'a very private text')
  await site.call('POST', '/sessions', { body: { token: `${token}x` } })
  await call(server, 'GET', `/web/v1/${site.client.id}/conversations?token=${customer.token}`)
  const output = server.output()
  for (const secret of [token, customer.token, 'a-very-private-customer', 'a very private text'])
    expect(output).not.toContain(secret)
})
