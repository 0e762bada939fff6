import { afterAll, describe, expect, test } from 'vitest'
import { call } from '../support/api.js'
import { ADMIN_KEY, cleanUp, sharedServer, startServer } from '../support/server.js'

const server = sharedServer()
afterAll(cleanUp)

const session = (headers: Record<string, string>, at: { url: string } = server) =>
  call(at, 'GET', '/admin/v1/session', { headers })

describe('the admin key', () => {
  test.each([
    ['as a bearer token', { authorization: `Bearer ${ADMIN_KEY}` }],
    ['in the header of the Messaging API', { 'x-bp-messaging-admin-key': ADMIN_KEY }],
  ])('is an administrator, %s', async (_, headers) => {
    const { status, json } = await session(headers)
    expect(status).toBe(200)
    expect(json.actor).toEqual({ kind: 'key', id: 'admin-key', name: 'admin key', role: 'admin' })
  })

  test.each([
    ['no key', {}, 'sign in, or send the admin key'],
    ['a wrong key', { authorization: 'Bearer guess' }, 'Unauthorized'],
    ['another scheme', { authorization: `Basic ${ADMIN_KEY}` }, 'sign in, or send the admin key'],
  ])('%s is refused', async (_, headers, message) => {
    const { status, json } = await session(headers)
    expect(status).toBe(401)
    expect(json).toEqual({ error: { code: 'UNAUTHORIZED', message, requestId: expect.any(String) } })
  })

  test('that is guessed at too often has to wait, even if it is right', async () => {
    const limited = await startServer({ env: { RATE_LIMIT: '2' } })
    const guess = () => session({ authorization: 'Bearer guess' }, limited)
    expect([(await guess()).status, (await guess()).status]).toEqual([401, 401])
    const { status, headers, json } = await session({ authorization: `Bearer ${ADMIN_KEY}` }, limited)
    expect([status, json.error.code]).toEqual([429, 'RATE_LIMITED'])
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    await limited.stop()
  })
})

describe('the admin API', () => {
  const asAdmin = { authorization: `Bearer ${ADMIN_KEY}` }

  test('names unknown members of a query', async () => {
    const { status, json } = await call(server, 'GET', '/admin/v1/session?all=1', { headers: asAdmin })
    expect([status, json.error]).toMatchObject([
      400,
      { code: 'INVALID', message: '"all" is not allowed', path: ['all'] },
    ])
  })

  test('answers in its own form where there is no route', async () => {
    const { status, json } = await call(server, 'GET', '/admin/v1/nothing', { headers: asAdmin })
    expect([status, json.error.code]).toEqual([404, 'NOT_FOUND'])
  })
})
