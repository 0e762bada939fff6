import { newId, toUuid } from '@plugboard/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClient, type TestClient } from '../support/api.js'
import { callWithKey, openLink, PASSWORD, type SignedIn, signIn } from '../support/operators.js'
import { cleanUp, sharedServer, startProcess } from '../support/server.js'

const server = sharedServer()
afterAll(cleanUp)

let client: TestClient
let elsewhere: TestClient
beforeAll(async () => {
  client = await createClient(server)
  elsewhere = await createClient(server)
})

const linkTo = async (body: object = {}) =>
  (await callWithKey(server, 'POST', `/clients/${client.id}/link`, body)).json as {
    id: string
    url: string
    expiresAt: string
  }

/** The same link with other claims, without another signature. */
function forged(url: string, change: object): string {
  const [page = '', token = ''] = url.split('#token=')
  const [head = '', payload = '', signature = ''] = token.split('.')
  const claims = { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), ...change }
  return `${page}#token=${head}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`
}

describe('a link to one client', () => {
  test('opens the console for it without a password, as often as it is used', async () => {
    const { url } = await linkTo({ role: 'operator', name: 'Olga of the shop' })
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/console\/link#token=/)
    for (let times = 0; times < 2; times += 1) {
      const { answer, call } = await openLink(server, url)
      expect(answer.json.actor).toEqual({
        ...{ kind: 'tenant', id: expect.any(String), name: 'Olga of the shop', role: 'operator' },
        clientId: client.id,
      })
      expect((await call('GET', '/session')).json.actor).toEqual(answer.json.actor)
    }
  })

  test('and its sessions end when it expires', async () => {
    const { url, expiresAt } = await linkTo({ expiresIn: 60 })
    const { answer } = await openLink(server, url)
    expect(Date.parse(expiresAt) - Date.now()).toBeLessThanOrEqual(60_000)
    expect(answer.json.expiresAt).toBe(expiresAt)
  })

  test('and its sessions end when it is revoked', async () => {
    const { id, url } = await linkTo()
    const session = await openLink(server, url)
    expect((await session.call('GET', '/session')).status).toBe(200)
    expect((await callWithKey(server, 'DELETE', `/clients/${client.id}/links/${id}`)).status).toBe(204)
    expect((await session.call('GET', '/session')).status).toBe(401)
    expect((await openLink(server, url)).answer.status).toBe(401)
  })

  test.each<[string, (url: string) => string]>([
    ['of another client', (url) => forged(url, { clientId: newId() })],
    ['with another role', (url) => forged(url, { role: 'admin' })],
    ['that lasts longer', (url) => forged(url, { exp: 4_102_444_800 })],
    ['that creates an operator', (url) => forged(url, { use: 'first-operator' })],
    ['without a signature', (url) => url.replace(/\.[^.]+$/, '.')],
    ['with something after it', (url) => `${url}.x`],
    ['that is no token', (url) => url.replace(/#.*/, '#token=hello')],
  ])('%s is refused', async (_, change) => {
    const { url } = await linkTo()
    const { answer } = await openLink(server, change(url))
    expect([answer.status, answer.json.error]).toMatchObject([
      401,
      { code: 'UNAUTHORIZED', message: 'the link is not valid, has expired or was used' },
    ])
    expect(answer.headers.get('set-cookie')).toBeNull()
  })

  test.each([{ role: 'admin' }, { expiresIn: 59 }, { expiresIn: 7_776_001 }, { expiresIn: 90.5 }])(
    'is not made with %j',
    async (body) => {
      const { status, json } = await callWithKey(server, 'POST', `/clients/${client.id}/link`, body)
      expect([status, json.error.path]).toEqual([400, Object.keys(body)])
    },
  )

  test('is not made for a client that does not exist', async () => {
    const { status, json } = await callWithKey(server, 'POST', `/clients/${toUuid(newId())}/link`, {})
    expect([status, json.error.message]).toEqual([404, 'client not found'])
  })

  test('allows nothing of another client, and its sessions end with its own', async () => {
    const own = await createClient(server)
    const { json } = await callWithKey(server, 'POST', `/clients/${own.id}/link`, { role: 'operator' })
    const session: SignedIn = await openLink(server, json.url)
    for (const id of [client.id, elsewhere.id])
      expect((await session.call('POST', `/clients/${id}/link`, {})).status).toBe(403)
    expect((await callWithKey(server, 'DELETE', `/clients/${own.id}`)).status).toBe(204)
    expect((await session.call('GET', '/session')).status).toBe(401)
  })
})

test('a link starts a limited number of sessions, and each is stored and audited', async () => {
  const own = await createClient(server)
  const { json } = await callWithKey(server, 'POST', `/clients/${own.id}/link`, {})
  const open = async () => (await openLink(server, json.url)).answer
  const answers = [await open()]
  while (answers.length < 600 && answers.at(-1)?.status === 200)
    answers.push(...(await Promise.all(Array.from({ length: 20 }, open))))
  const refused = answers.find(({ status }) => status !== 200)
  expect([refused?.status, refused?.json.error.code]).toEqual([429, 'RATE_LIMITED'])
  expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0)
})

test('the first operator is created with the link that a server prints on loopback, once', async () => {
  const own = await startProcess({ env: { LOG_LEVEL: 'info' } })
  const [path = ''] = /\/console\/link\?first#token=[\w.-]+/.exec(own.output()) ?? []
  const url = own.url + path
  const incomplete = await openLink(own, url)
  expect([incomplete.answer.status, incomplete.answer.json.error.message]).toEqual([
    400,
    '"email" is required. "password" is required',
  ])
  const wanted = { email: 'ada@example.com', password: PASSWORD }
  const all = await Promise.all(
    ['ada', 'bob', 'eve'].map((name) => openLink(own, url, { ...wanted, email: `${name}@example.com` })),
  )
  expect(all.map(({ answer }) => answer.status).sort()).toEqual([200, 401, 401])
  const first = all.find(({ answer }) => answer.status === 200)
  expect(first?.answer.json.actor).toMatchObject({ kind: 'operator', role: 'admin' })
  expect((await first?.call('GET', '/operators'))?.json.items).toHaveLength(1)
  const email: string = first?.answer.json.actor.name ?? ''
  const actor = { kind: 'operator', id: first?.answer.json.actor.id, name: email }
  expect((await first?.call('GET', '/audit'))?.json.items).toMatchObject([
    { action: 'session.begin', actor },
    { action: 'operator.create', actor, details: { email, role: 'admin', operatorId: actor.id } },
  ])
  expect((await signIn(own, { email, password: PASSWORD })).answer.status).toBe(200)
  // Nor does a server print another one, or a used one work after a restart.
  const again = await own.stop().then(() => own.relaunch())
  expect(again.output()).not.toContain('link?first')
  expect((await openLink(again, url, wanted)).answer.status).toBe(401)
})
