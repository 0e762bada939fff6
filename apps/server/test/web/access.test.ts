import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { fromUuid } from '@plugboard/core'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from '../support/api.js'
import { cleanUp, sharedServer } from '../support/server.js'
import { basic, newKey } from '../support/sunshine.js'
import {
  createSite,
  customerToken,
  JWT_SECRET,
  SHOP,
  siteOf,
  type TestSite,
  type TestVisitor,
  visit,
} from '../support/web.js'

afterAll(cleanUp)

const server = sharedServer()

const OTHER_PAGE = 'https://other.example'

let site: TestSite
let elsewhere: TestSite
let ada: TestVisitor
let bob: TestVisitor
let conversationId: string
let messageId: string
beforeAll(async () => {
  site = await createSite(
    server,
    { allowedOrigins: [SHOP, OTHER_PAGE] },
    {
      channels: {
        second: { channel: 'web', version: '1.0.0', allowedOrigins: [SHOP], jwtSecret: JWT_SECRET },
      },
    },
  )
  elsewhere = await createSite(server)
  ada = await visit(site)
  bob = await visit(site)
  conversationId = await ada.start()
  messageId = (await ada.say(conversationId, 'my secret')).json.id
})

const key = () => ({ 'idempotency-key': randomUUID() })

/** Every call about a conversation, with a body that is right. */
const calls: [method: string, path: string, body?: unknown][] = [
  ['GET', '/messages'],
  ['POST', '/messages', { payload: { type: 'text', text: 'hello' } }],
  ['POST', '/typing', { isTyping: true }],
  ['POST', '/read', { position: '1' }],
  ['POST', '/close', {}],
  ['POST', '/uploads', 'a file'],
  ['GET', '/transcript'],
]

describe.each(calls)('%s …%s', (method, path, body) => {
  const on = (visitor: TestVisitor, id: string) =>
    visitor.call(method, `/conversations/${id}${path}`, body, {
      ...key(),
      ...(path === '/uploads' && { 'content-type': 'text/plain' }),
    })

  test.each<[string, () => Promise<TestVisitor>]>([
    ['another guest', async () => bob],
    ['a known customer', async () => visit(site, { token: await customerToken({ sub: randomUUID() }) })],
    ['a visitor of another client', () => visit(elsewhere)],
    [
      'a visitor of another integration',
      () => visit(siteOf(server, site.client, `${site.client.id}~second`)),
    ],
  ])('finds no conversation for %s', async (_, someone) => {
    const { status, json } = await on(await someone(), conversationId)
    expect([status, json]).toEqual([404, { error: { code: 'NOT_FOUND', message: 'Not found' } }])
  })

  test.each([randomUUID(), 'x', '%00', '..%2f..', '0'.repeat(500)])(
    'finds no conversation %s',
    async (id) => {
      expect((await on(ada, id)).status).toBe(404)
    },
  )

  test('finds no conversation of the visitor that is in no web chat', async () => {
    const { json } = await site.client.call('POST', '/conversations', { userId: ada.userId })
    expect((await on(ada, json.id)).status).toBe(404)
  })

  test('needs a token', async () => {
    const answer = await site.call(method, `/conversations/${conversationId}${path}`, { body })
    expect(answer).toMatchObject({ status: 401, json: { error: { code: 'TOKEN_MISSING' } } })
  })
})

test('nothing of another visitor is in a list', async () => {
  expect((await bob.call('GET', '/conversations')).json).toEqual({ conversations: [] })
  const conversation = await bob.start()
  const { json } = await bob.call('GET', `/conversations/${conversation}/messages?before=${messageId}`)
  expect(json).toEqual({ messages: [] })
  const list = await bob.call('GET', `/conversations?before=${conversationId}`)
  expect(JSON.stringify(list.json)).not.toContain('my secret')
})

test('a visitor is always the author, and never the business', async () => {
  for (const more of [{ authorId: bob.userId }, { author: 'business' }, { userId: bob.userId }]) {
    const body = { payload: { type: 'text', text: 'hello' }, ...more }
    const answer = await ada.call('POST', `/conversations/${conversationId}/messages`, body, key())
    expect(answer).toMatchObject({
      status: 400,
      json: { error: { code: 'INVALID', field: Object.keys(more)[0] } },
    })
  }
  const { messages } = (await ada.call('GET', `/conversations/${conversationId}/messages`)).json
  expect(new Set(messages.map(({ author }: { author: string }) => author))).toEqual(new Set(['me']))
})

describe('a token', () => {
  const withToken = (token: string, of: TestSite = site, origin: string | null = SHOP) =>
    of.call('GET', '/conversations', { token, origin })
  const signed = (claims: object, secret: string | Uint8Array = 'x'.repeat(32)) =>
    new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(Buffer.from(secret))

  test('is good for its own site and page', async () => {
    expect((await withToken(ada.token)).status).toBe(200)
  })

  test.each<[string, () => Promise<[string, TestSite?, (string | null)?]>]>([
    ['of another client', async () => [(await visit(elsewhere)).token]],
    ['for another client', async () => [ada.token, elsewhere]],
    [
      'for another integration of the client',
      async () => [ada.token, siteOf(server, site.client, `${site.client.id}~second`)],
    ],
    ['at another page that the site allows', async () => [ada.token, site, OTHER_PAGE]],
    ['at the page of the server', async () => [ada.token, site, null]],
    [
      'with another signature',
      async () => [`${ada.token.slice(0, -2)}${ada.token.endsWith('AA') ? 'BB' : 'AA'}`],
    ],
    ['of another user with the signature', async () => [withPayload(ada.token, { sub: '0'.repeat(24) })]],
    ['without an algorithm', async () => [unsigned(ada.token)]],
    ['that a stranger signed', async () => [await signed({ ...claimsOf(ada.token) })]],
    ['that is the secret of the site', async () => [await signed({ ...claimsOf(ada.token) }, JWT_SECRET)]],
    ['that is no token', async () => ['hello']],
    ['that is empty', async () => ['']],
    ['that is a token of the client', async () => [site.client.token]],
    ['of a known customer as the site signed it', async () => [await customerToken()]],
  ])('%s is refused', async (_, of) => {
    expect(await withToken(...(await of()))).toMatchObject({
      status: 401,
      json: { error: { code: 'TOKEN_INVALID' } },
    })
  })

  test('is refused after signing out, and so is every renewed one of the session', async () => {
    const visitor = await visit(site)
    const renewed = await visit(site, { guest: visitor.token })
    expect(renewed.userId).toBe(visitor.userId)
    expect((await renewed.call('DELETE', '/session')).status).toBe(204)
    for (const { token } of [visitor, renewed])
      expect(await withToken(token)).toMatchObject({
        status: 401,
        json: { error: { code: 'TOKEN_INVALID' } },
      })
    const answer = await site.call('POST', '/sessions', { body: { guest: renewed.token } })
    expect(answer).toMatchObject({ status: 401, json: { error: { code: 'TOKEN_INVALID' } } })
  })

  test('of a user that was deleted is refused, and never leads to another user', async () => {
    const visitor = await visit(site)
    const key = await newKey(server, { app: site.client.id })
    const path = `/v2/apps/${key.appId}/users/${fromUuid(visitor.userId)}`
    const { status } = await call(server, 'DELETE', path, {
      headers: { authorization: basic(key) },
    })
    expect(status).toBe(200)
    expect(await withToken(visitor.token)).toMatchObject({
      status: 401,
      json: { error: { code: 'TOKEN_INVALID' } },
    })
  })
})

describe('the origin of a page', () => {
  test('that the site allows may call, and no credentials of the browser are sent', async () => {
    const { headers } = await site.call('GET', '/config')
    expect(headers.get('access-control-allow-origin')).toBe(SHOP)
    expect(headers.get('access-control-allow-credentials')).toBeNull()
    expect(headers.get('vary')).toContain('Origin')
  })

  test.each([
    'https://evil.example',
    'http://shop.example',
    'https://shop.example:8443',
    'https://www.shop.example',
    'https://shop.example.evil.example',
    'https://SHOP.example/',
    'null',
    '*',
    '',
  ])('%j is refused, without headers for its page', async (origin) => {
    for (const [method, path] of [
      ['GET', '/config'],
      ['POST', '/sessions'],
      ['OPTIONS', '/sessions'],
    ] as const) {
      const { status, headers, json } = await site.call(method, path, {
        origin,
        body: method === 'POST' ? {} : undefined,
      })
      expect([status, json.error.code]).toEqual([403, 'ORIGIN_FORBIDDEN'])
      expect(headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  test('gets the answer to a preflight request', async () => {
    const { status, headers } = await site.call('OPTIONS', `/conversations/${conversationId}/messages`)
    expect(status).toBe(204)
    expect(headers.get('access-control-allow-origin')).toBe(SHOP)
    expect(headers.get('access-control-allow-methods')).toBe('GET, POST, PATCH, DELETE')
    expect(headers.get('access-control-allow-headers')).toContain('idempotency-key')
  })

  test('may read errors too', async () => {
    const { status, headers } = await site.call('GET', '/conversations')
    expect([status, headers.get('access-control-allow-origin')]).toEqual([401, SHOP])
  })

  test('of the server itself may always call', async () => {
    for (const origin of [null, server.url]) {
      const answer = await site.call('POST', '/sessions', { body: {}, origin })
      expect(answer.status).toBe(200)
    }
  })
})

describe('a known customer', () => {
  const signIn = async (token: string, guest?: string) =>
    site.call('POST', '/sessions', { body: { token, ...(guest !== undefined && { guest }) } })

  test('is the same user each time, and another than any other', async () => {
    const sub = randomUUID()
    const [first, again, other] = [
      await visit(site, { token: await customerToken({ sub }) }),
      await visit(site, { token: await customerToken({ sub }) }),
      await visit(site, { token: await customerToken({ sub: `${sub}x` }) }),
    ]
    expect([first.isGuest, again.userId]).toEqual([false, first.userId])
    expect(other.userId).not.toBe(first.userId)
  })

  const now = () => Math.floor(Date.now() / 1000)
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()

  test.each<[string, () => Promise<string> | string, string]>([
    ['that has expired', () => customerToken({ iat: now() - 700, exp: now() - 100 }), '"exp" has passed'],
    ['without exp', () => customerToken({ exp: undefined }), '"exp" is required'],
    ['without iat', () => customerToken({ iat: undefined }), '"iat" is required'],
    ['without sub', () => customerToken({ sub: undefined }), '"sub" is required'],
    ['with an empty sub', () => customerToken({ sub: '' }), '"sub" must not be empty'],
    ['with a sub that is no text', () => customerToken({ sub: 7 }), '"sub" must be text'],
    [
      'with a sub that is too long',
      () => customerToken({ sub: 'x'.repeat(201) }),
      '"sub" must have at most 200 characters',
    ],
    [
      'that lives too long',
      () => customerToken({ exp: now() + 4000 }),
      '"exp" must be at most 3600 seconds after "iat"',
    ],
    [
      'from the future',
      () => customerToken({ iat: now() + 200, exp: now() + 300 }),
      '"iat" is in the future',
    ],
    ['that is not good yet', () => customerToken({ nbf: now() + 200 }), '"nbf" is not valid'],
    [
      'for another audience',
      () => customerToken({ aud: 'another' }),
      '"aud" must be the id of the client, or absent',
    ],
    [
      'signed with another secret',
      () => customerToken({}, { secret: 'y'.repeat(32) }),
      'it is no token that this site has signed',
    ],
    [
      'signed with HS512',
      () => customerToken({}, { alg: 'HS512', secret: JWT_SECRET.repeat(2) }),
      'the algorithm must be HS256',
    ],
    ['without a signature', async () => unsigned(await customerToken()), 'the algorithm must be HS256'],
    ['that is no token', () => 'hello', 'it is no token that this site has signed'],
  ])('with a token %s is refused with the reason', async (_, token, message) => {
    expect(await signIn(await token())).toMatchObject({
      status: 401,
      json: { error: { code: 'JWT_INVALID', field: 'token', message } },
    })
  })

  test('is accepted with a token for the id of the client', async () => {
    for (const aud of [site.client.id, ['x', site.client.id]])
      expect((await signIn(await customerToken({ aud }))).status).toBe(200)
  })

  describe('with ES256', () => {
    let signed: TestSite
    beforeAll(async () => {
      signed = await createSite(server, { jwtSecret: undefined, jwtPublicKey: pem })
    })
    const claims = () => ({ sub: 'ada', iat: now(), exp: now() + 600 })
    const open = async (token: string) => signed.call('POST', '/sessions', { body: { token } })

    test('is accepted with the signature of the private key', async () => {
      const token = await new SignJWT(claims()).setProtectedHeader({ alg: 'ES256' }).sign(privateKey)
      expect(await open(token)).toMatchObject({ status: 200, json: { isGuest: false } })
    })

    test('is refused with the public key as the secret of HS256', async () => {
      for (const secret of [pem, pem.trim(), publicKey.export({ type: 'spki', format: 'der' })]) {
        const token = await new SignJWT(claims())
          .setProtectedHeader({ alg: 'HS256' })
          .sign(Buffer.from(secret))
        expect(await open(token)).toMatchObject({
          status: 401,
          json: { error: { message: 'the algorithm must be ES256' } },
        })
      }
    })

    test('is refused with a key that the token brings along', async () => {
      const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const jwk = own.publicKey.export({ format: 'jwk' }) as { kty: string }
      const token = await new SignJWT(claims()).setProtectedHeader({ alg: 'ES256', jwk }).sign(own.privateKey)
      expect((await open(token)).status).toBe(401)
    })
  })

  test('is refused where the site signs nobody in', async () => {
    const anonymous = await createSite(server, { jwtSecret: undefined })
    expect(
      await anonymous.call('POST', '/sessions', { body: { token: await customerToken() } }),
    ).toMatchObject({
      json: { error: { code: 'JWT_INVALID', message: 'this site has no jwtSecret and no jwtPublicKey' } },
    })
    expect((await anonymous.call('GET', '/config')).json.hasSignIn).toBe(false)
  })

  test('who was a guest keeps the conversation, also with a customer who was here before', async () => {
    const sub = randomUUID()
    const before = await visit(site, { token: await customerToken({ sub }) })
    const old = await before.start()
    const guest = await visit(site)
    const id = await guest.start()
    await guest.say(id, 'I am new here')
    await site.client.say(id, 'Welcome')
    const customer = await visit(site, { token: await customerToken({ sub }), guest: guest.token })
    const { conversations } = (await customer.call('GET', '/conversations')).json
    expect(conversations).toMatchObject([{ id: old }, { id, unread: 1 }])
    expect((await customer.call('GET', `/conversations/${id}/messages`)).json.messages).toMatchObject([
      { author: 'business' },
      { author: 'me', payload: { text: 'I am new here' } },
    ])
    expect((await customer.say(id, 'Now you know me')).status).toBe(201)
    // The token of the guest would be good for all that the customer has.
    expect((await guest.call('GET', '/conversations')).status).toBe(401)
    // Whoever signed in before is the same customer.
    expect((await before.call('GET', '/conversations')).json.conversations).toHaveLength(2)
  })

  test('whose sign-in is repeated because the answer was lost is signed in', async () => {
    const sub = randomUUID()
    const guest = await visit(site)
    const id = await guest.start()
    for (let i = 0; i < 2; i += 1) {
      const customer = await visit(site, { token: await customerToken({ sub }), guest: guest.token })
      expect((await customer.call('GET', '/conversations')).json.conversations).toMatchObject([{ id }])
    }
  })

  test('takes over no guest whom another customer has taken over, also at once', async () => {
    const guest = await visit(site)
    const id = await guest.start()
    const subs = [randomUUID(), randomUUID(), randomUUID()]
    const answers = await Promise.all(
      subs.map(async (sub) => signIn(await customerToken({ sub }), guest.token)),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401])
    const having: string[] = []
    for (const sub of subs) {
      const customer = await visit(site, { token: await customerToken({ sub }) })
      const { conversations } = (await customer.call('GET', '/conversations')).json
      having.push(...conversations.map((conversation: { id: string }) => conversation.id))
    }
    expect(having).toEqual([id])
  })

  test('gets nothing of the customer who was signed in before in this browser', async () => {
    const first = await visit(site, { token: await customerToken({ sub: randomUUID() }) })
    await first.start()
    const second = await visit(site, {
      token: await customerToken({ sub: randomUUID() }),
      guest: first.token,
    })
    expect(second.userId).not.toBe(first.userId)
    expect((await second.call('GET', '/conversations')).json.conversations).toEqual([])
    expect((await first.call('GET', '/conversations')).json.conversations).toHaveLength(1)
  })

  test('is signed in whatever became of the session of a customer who was here before', async () => {
    const sub = randomUUID()
    const before = await visit(site, { token: await customerToken({ sub }) })
    await before.call('DELETE', '/session')
    for (const who of [sub, randomUUID()]) {
      const customer = await visit(site, { token: await customerToken({ sub: who }), guest: before.token })
      expect((await customer.call('GET', '/conversations')).status).toBe(200)
      expect(customer.userId === before.userId).toBe(who === sub)
    }
    expect((await before.call('GET', '/conversations')).status).toBe(401)
  })

  test('goes on with the token of before, which gets no longer by it', async () => {
    const customer = await site.call('POST', '/sessions', { body: { token: await customerToken() } })
    const again = await site.call('POST', '/sessions', { body: { guest: customer.json.token } })
    expect(again.json).toEqual(customer.json)
  })

  test('who signs out is signed out, with all tokens of this browser', async () => {
    const sub = randomUUID()
    const first = await visit(site, { token: await customerToken({ sub }) })
    const second = await visit(site, { token: await customerToken({ sub }), guest: first.token })
    const phone = await visit(site, { token: await customerToken({ sub }) })
    expect((await second.call('DELETE', '/session')).status).toBe(204)
    const statuses = []
    for (const each of [first, second, phone])
      statuses.push((await each.call('GET', '/conversations')).status)
    expect(statuses).toEqual([401, 401, 200])
  })
})

const claimsOf = (token: string): object =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const withPayload = (token: string, claims: object): string => {
  const [head, , signature] = token.split('.')
  return [head, encode({ ...claimsOf(token), ...claims }), signature].join('.')
}
const unsigned = (token: string): string => `${encode({ alg: 'none' })}.${token.split('.')[1]}.`
