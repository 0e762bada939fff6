import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from '../support/api.js'
import { callWithKey, createOperator, newSession, PASSWORD, signedIn, signIn } from '../support/operators.js'
import { cleanUp, sharedServer, startServer, type TestServer } from '../support/server.js'

const server = sharedServer()

/** One that browsers call over https, with short sessions, and where no other test makes an administrator. */
let own: TestServer
/** One where few wrong passwords are too many. */
let limited: TestServer
beforeAll(async () => {
  const env = { EXTERNAL_URL: 'https://hub.example.com', CONSOLE_SESSION: '1m', RATE_LIMIT: '0' }
  own = await startServer({ env })
  limited = await startServer({
    env: { RATE_LIMIT: '3', ACCOUNT_RATE_LIMIT: '3', TRUSTED_PROXIES: 'loopback' },
  })
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
    const cookies = ada.answer.headers.getSetCookie()
    expect(cookies).toHaveLength(2)
    const rest = '; Path=/; Expires=[^;]+; HttpOnly; SameSite=Strict$'
    expect(cookies[0]).toMatch(new RegExp(`^plugboard-session=[\\w-]{43}${rest}`))
    expect(cookies[1]).toMatch(new RegExp(`^plugboard-device=[\\w-]{22}\\.[\\w-]{43}${rest}`))
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
    expect(answer.headers.getSetCookie()[0]).toMatch(
      /^__Host-plugboard-session=.*; Path=\/;.*; HttpOnly; Secure; SameSite=Strict$/,
    )
    const ada = signedIn(own, answer)
    expect((await ada.call('GET', '/session')).status).toBe(200)
    // Cookies of the plain name count for nothing.
    const plain = ada.cookie.replace('__Host-', '')
    expect((await call(own, 'GET', '/admin/v1/session', { headers: { cookie: plain } })).status).toBe(401)
  })

  test('that is tried too often has to wait, and so has who tries many accounts', async () => {
    const operator = await createOperator(limited)
    const wrong = () => signIn(limited, { ...operator, password: 'a wrong password' })
    expect([(await wrong()).answer.status, (await wrong()).answer.status]).toEqual([401, 401])
    expect((await signIn(limited, { email: 'b@example.com', password: PASSWORD })).answer.status).toBe(401)
    const { answer } = await signIn(limited, operator)
    expect([answer.status, answer.json.error.code]).toEqual([429, 'RATE_LIMITED'])
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  })

  test('works with a browser that was used before, from anywhere, while many networks guess the password', async () => {
    const operator = await createOperator(limited)
    const { answer } = await signIn(limited, operator, { 'x-forwarded-for': '198.51.100.1' })
    const [, device = ''] = answer.headers.getSetCookie().map((cookie) => cookie.split(';')[0])
    const other = await signIn(limited, await createOperator(limited), { 'x-forwarded-for': '198.51.100.2' })
    const [, foreign = ''] = other.answer.headers.getSetCookie().map((cookie) => cookie.split(';')[0])
    for (let i = 1; i <= 5; i += 1)
      await signIn(limited, { ...operator, password: `wrong ${i}` }, { 'x-forwarded-for': `203.0.113.${i}` })
    const from = (n: number, cookie: string, password = operator.password) =>
      signIn(limited, { ...operator, password }, { 'x-forwarded-for': `192.0.2.${n}`, cookie }).then(
        ({ answer: { status } }) => status,
      )
    expect(await from(1, '')).toBe(429)
    expect(await from(2, foreign)).toBe(429)
    expect(await from(3, device.slice(0, -2))).toBe(429)
    expect(await from(4, device)).toBe(200)
    // It is no way round the limits either.
    const wrong = [
      await from(5, device, 'wrong'),
      await from(6, device, 'wrong'),
      await from(7, device, 'wrong'),
    ]
    expect([...wrong, await from(8, device, 'wrong')]).toEqual([401, 401, 401, 429])
    // A new password ends it, wherever the browser is then.
    await callWithKey(limited, 'PATCH', `/operators/${operator.id}`, { password: `${PASSWORD} of now` })
    expect(await from(9, device, `${PASSWORD} of now`)).toBe(429)
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
