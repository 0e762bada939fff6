import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from '../support/api.js'
import { callWithKey, createOperator, newSession, PASSWORD, signedIn, signIn } from '../support/operators.js'
import { cleanUp, sharedServer, startServer, type TestServer } from '../support/server.js'

const server = sharedServer()

/** One that browsers call over https, with short sessions, and where no other test makes an administrator. */
let own: TestServer
beforeAll(async () => {
  const env = { EXTERNAL_URL: 'https://hub.example.com', CONSOLE_SESSION: '1m', RATE_LIMIT: '0' }
  own = await startServer({ env })
})
afterAll(cleanUp)

describe('a sign-in with e-mail and password', () => {
  test('sets a cookie that scripts cannot read and other sites cannot send', async () => {
    const operator = await createOperator(server, 'operator')
    const ada = await signIn(server, { ...operator, email: operator.email.toUpperCase() })
    expect(ada.answer.status).toBe(200)
    expect(ada.answer.json).toEqual({
      actor: { kind: 'operator', id: operator.id, name: operator.email, role: 'operator' },
      csrfToken: expect.any(String),
      version: expect.any(String),
      expiresAt: expect.any(String),
    })
    const cookie = ada.answer.headers.get('set-cookie')
    expect(cookie).toMatch(/^plugboard-session=[\w-]{43}; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Strict$/)
    expect((await ada.call('GET', '/session')).json).toMatchObject(ada.answer.json)
  })

  test.each([
    ['a wrong password', { password: 'another long password' }],
    ['an unknown e-mail address', { email: 'nobody@example.com' }],
    ['no e-mail address at all', { email: '' }],
  ])('is refused for %s, in the same words', async (_, wrong) => {
    const operator = await createOperator(server)
    const { answer } = await signIn(server, { ...operator, ...wrong })
    expect([answer.status, answer.json.error]).toMatchObject([
      401,
      { code: 'UNAUTHORIZED', message: 'the e-mail address or the password is wrong' },
    ])
    expect(answer.headers.get('set-cookie')).toBeNull()
  })

  test('is not possible for a page of another site, which would sign its visitor in as somebody else', async () => {
    const { email, password } = await createOperator(server)
    const post = (headers: Record<string, string>, body: unknown = { email, password }) =>
      call(server, 'POST', '/admin/v1/session', { body, headers })
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }])
      expect(await post(headers)).toMatchObject({ status: 403, json: { error: { code: 'FORBIDDEN' } } })
    // A form of another site cannot send JSON.
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    expect((await post(form, `email=${email}&password=${password}`)).status).toBe(400)
  })

  test('gets a cookie for https alone where the public address has it', async () => {
    const { answer } = await signIn(own, await createOperator(own, 'viewer'))
    expect(answer.headers.get('set-cookie')).toMatch(
      /^__Host-plugboard-session=.*; Path=\/;.*; HttpOnly; Secure; SameSite=Strict$/,
    )
    const ada = signedIn(own, answer)
    expect((await ada.call('GET', '/session')).status).toBe(200)
    // Cookies of the plain name count for nothing.
    const plain = ada.cookie.replace('__Host-', '')
    expect((await call(own, 'GET', '/admin/v1/session', { headers: { cookie: plain } })).status).toBe(401)
  })

  test('that is tried too often has to wait, and so has who tries many accounts', async () => {
    const limited = await startServer({ env: { RATE_LIMIT: '3' } })
    const operator = await createOperator(limited)
    const wrong = () => signIn(limited, { ...operator, password: 'a wrong password' })
    expect([(await wrong()).answer.status, (await wrong()).answer.status]).toEqual([401, 401])
    expect((await signIn(limited, { email: 'b@example.com', password: PASSWORD })).answer.status).toBe(401)
    const { answer } = await signIn(limited, operator)
    expect([answer.status, answer.json.error.code]).toEqual([429, 'RATE_LIMITED'])
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    await limited.stop()
  })
})

describe('a session', () => {
  test('ends with the sign-out, and its cookie goes', async () => {
    const ada = await newSession(server)
    const answer = await ada.call('DELETE', '/session')
    expect(answer.status).toBe(204)
    expect(answer.headers.get('set-cookie')).toMatch(/^plugboard-session=; .*Expires=Thu, 01 Jan 1970/)
    expect(await ada.call('GET', '/session')).toMatchObject({
      status: 401,
      json: { error: { code: 'UNAUTHORIZED', message: 'sign in, or send the admin key' } },
    })
  })

  test('ends everywhere at once', async () => {
    const operator = await createOperator(server)
    const [here, there] = [await signIn(server, operator), await signIn(server, operator)]
    const { json } = await here.call('GET', '/sessions')
    expect(json.items.map(({ isCurrent }: { isCurrent: boolean }) => isCurrent)).toEqual([false, true])
    const seen = await callWithKey(server, 'GET', `/operators/${operator.id}/sessions`)
    expect(seen.json.items).toMatchObject([{ from: '127.0.0.1' }, { from: '127.0.0.1' }])
    expect((await here.call('DELETE', '/sessions')).status).toBe(204)
    for (const session of [here, there]) expect((await session.call('GET', '/session')).status).toBe(401)
  })

  test('ends alone, by who has it or by an administrator', async () => {
    const operator = await createOperator(server, 'viewer')
    const other = await newSession(server, 'viewer')
    const sessions = [
      await signIn(server, operator),
      await signIn(server, operator),
      await signIn(server, operator),
    ]
    const third = sessions[2]
    const { items } = (await callWithKey(server, 'GET', `/operators/${operator.id}/sessions`)).json
    const [, middle, oldest] = items.map(({ id }: { id: string }) => id)
    const statuses = () =>
      Promise.all(sessions.map(async (each) => (await each.call('GET', '/session')).status))

    expect((await other.call('DELETE', `/sessions/${oldest}`)).status).toBe(404)
    expect(await statuses()).toEqual([200, 200, 200])
    expect((await third?.call('DELETE', `/sessions/${oldest}`))?.status).toBe(204)
    expect(await statuses()).toEqual([401, 200, 200])

    const stranger = (await createOperator(server, 'viewer')).id
    expect((await callWithKey(server, 'DELETE', `/operators/${stranger}/sessions/${middle}`)).status).toBe(
      404,
    )
    const end = () => callWithKey(server, 'DELETE', `/operators/${operator.id}/sessions/${middle}`)
    expect([(await end()).status, (await end()).status]).toEqual([204, 404])
    expect(await statuses()).toEqual([401, 401, 200])
    const audited = await callWithKey(server, 'GET', '/audit?action=operator.end-session&limit=200')
    const own = audited.json.items.filter(({ target }: { target: object }) =>
      Object.values(target).includes(middle),
    )
    expect(own).toMatchObject([{ outcome: 'refused' }, { outcome: 'done' }, { outcome: 'refused' }])
  })

  test('ends without a request', async () => {
    const { answer } = await signIn(own, await createOperator(own, 'viewer'))
    const lastsMs = Date.parse(answer.json.expiresAt) - Date.now()
    expect(lastsMs).toBeGreaterThan(50_000)
    expect(lastsMs).toBeLessThanOrEqual(60_000)
  })

  test('has the role that its operator has now, and ends with the operator', async () => {
    const operator = await createOperator(server, 'viewer')
    const ada = await signIn(server, operator)
    expect((await ada.call('GET', '/operators')).status).toBe(403)
    await callWithKey(server, 'PATCH', `/operators/${operator.id}`, { role: 'admin' })
    expect((await ada.call('GET', '/operators')).status).toBe(200)
    expect((await callWithKey(server, 'DELETE', `/operators/${operator.id}`)).status).toBe(204)
    expect((await ada.call('GET', '/session')).status).toBe(401)
  })
})

describe('a password', () => {
  test('is changed by who knows it, which ends all other sessions', async () => {
    const operator = await createOperator(server, 'viewer')
    const [here, there] = [await signIn(server, operator), await signIn(server, operator)]
    const change = (current: string) =>
      here.call('PUT', '/session/password', { current, password: 'another long password' })
    expect((await change('a wrong password')).json.error.message).toBe('the current password is wrong')
    expect((await change(operator.password)).status).toBe(204)
    expect((await here.call('GET', '/session')).status).toBe(200)
    expect((await there.call('GET', '/session')).status).toBe(401)
    expect((await signIn(server, operator)).answer.status).toBe(401)
    expect((await signIn(server, { ...operator, password: 'another long password' })).answer.status).toBe(200)
  })

  test('that an administrator sets ends all sessions of the operator', async () => {
    const operator = await createOperator(server, 'viewer')
    const ada = await signIn(server, operator)
    const password = 'another long password'
    expect((await callWithKey(server, 'PATCH', `/operators/${operator.id}`, { password })).status).toBe(200)
    expect((await ada.call('GET', '/session')).status).toBe(401)
    expect((await signIn(server, { ...operator, password })).answer.status).toBe(200)
  })

  test.each([11, 257])('of %i characters is refused with the reason', async (length) => {
    const password = 'x'.repeat(length)
    const body = { email: 'ada@example.com', role: 'viewer', password }
    const { status, json } = await callWithKey(server, 'POST', '/operators', body)
    expect([status, json.error.path]).toEqual([400, ['password']])
    expect(json.error.message).toMatch(/^"password" must have at (least 12|most 256) characters$/)
  })
})

describe('operators', () => {
  test('are listed without their passwords, page by page', async () => {
    const { id, email } = await createOperator(server, 'operator')
    const list = await callWithKey(server, 'GET', '/operators?limit=200')
    expect(list.json.items).toContainEqual({
      ...{ id, email, role: 'operator', hasPassword: true, isFromProvider: false },
      createdAt: expect.any(String),
    })
    expect(list.text).not.toContain('argon2')
    const first = await callWithKey(server, 'GET', '/operators?limit=1')
    const second = await callWithKey(server, 'GET', `/operators?limit=1&cursor=${first.json.next}`)
    expect(second.json.items[0].id).not.toBe(first.json.items[0].id)
    expect((await callWithKey(server, 'GET', '/operators?cursor=x')).status).toBe(400)
  })

  test('have different e-mail addresses', async () => {
    const { email } = await createOperator(server)
    const { status, json } = await callWithKey(server, 'POST', '/operators', { email, role: 'viewer' })
    expect([status, json.error]).toMatchObject([
      409,
      { code: 'CONFLICT', message: 'another operator already has this e-mail address' },
    ])
  })

  test('keep one administrator', async () => {
    const { id } = await createOperator(own)
    const message = 'this is the only administrator: create another one first'
    for (const [method, body] of [['DELETE'], ['PATCH', { role: 'viewer' }]] as const) {
      const { status, json } = await callWithKey(own, method, `/operators/${id}`, body)
      expect([status, json.error.message]).toEqual([409, message])
    }
    await createOperator(own)
    expect((await callWithKey(own, 'PATCH', `/operators/${id}`, { role: 'viewer' })).status).toBe(200)
  })
})
