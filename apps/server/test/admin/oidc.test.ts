import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { call } from '../support/api.js'
import { CLIENT, CookieJar, IdentityProvider, type Person } from '../support/identity-provider.js'
import { callWithKey, createOperator } from '../support/operators.js'
import { freePort } from '../support/replicas.js'
import { cleanUp, startServer, type TestServer } from '../support/server.js'

let provider: IdentityProvider
let server: TestServer
let mapped: TestServer

beforeAll(async () => {
  const [port, other] = [await freePort(), await freePort()]
  const callback = (at: number) => `http://127.0.0.1:${at}/admin/v1/oidc/callback`
  provider = await IdentityProvider.start([callback(port), callback(other)])
  const env = {
    ...{ OIDC_ISSUER: provider.url, OIDC_CLIENT_ID: CLIENT.id, OIDC_CLIENT_SECRET: CLIENT.secret },
    ...{ OIDC_LABEL: 'Sign in with Example', RATE_LIMIT: '0' },
  }
  server = await startServer({ env: { ...env, PORT: String(port) } })
  mapped = await startServer({
    env: {
      ...{ ...env, PORT: String(other), OIDC_SCOPE: 'openid email groups', LOG_LEVEL: 'debug' },
      OIDC_ROLES: 'groups:ops=admin, groups:support=operator',
    },
  })
})
afterAll(async () => {
  await cleanUp()
  await provider.close()
})

function person(of: Partial<Person> = {}): Person {
  const sub = randomUUID()
  const made = { sub, email: `${sub}@example.com`, email_verified: true, ...of }
  provider.people.set(sub, made)
  return made
}

const isCallback = ({ pathname }: URL) => pathname.endsWith('/oidc/callback')

interface Outcome {
  status: number
  text: string
  location: string | null
  jar: CookieJar
  /** Who is signed in afterwards. */
  actor?: { name: string; role: string; id: string } | undefined
}

async function signInAs(sub: string, at = server, query = ''): Promise<Outcome> {
  const jar = new CookieJar()
  const back = await jar.follow(`${at.url}/admin/v1/oidc/start${query}`, sub, isCallback)
  return outcomeOf(await jar.get(back), jar, at)
}

async function outcomeOf(response: Response, jar: CookieJar, at = server): Promise<Outcome> {
  const { status, headers } = response
  const session = await jar.get(`${at.url}/admin/v1/session`)
  const found = { status, text: await response.text(), location: headers.get('location'), jar }
  return session.ok
    ? { ...found, actor: ((await session.json()) as { actor: Outcome['actor'] }).actor }
    : found
}

describe('a sign-in with OpenID Connect', () => {
  test('is offered on the page for the sign-in', async () => {
    const { json } = await call(server, 'GET', '/admin/v1/sign-in')
    expect(json).toMatchObject({ isOn: true, oidc: { label: 'Sign in with Example' } })
  })

  test('is that of the operator with the same verified e-mail address, with the own role', async () => {
    const { email = '', sub } = person()
    const { json } = await callWithKey(server, 'POST', '/operators', { email, role: 'operator' })
    const { status, location, actor } = await signInAs(sub)
    expect([status, location]).toEqual([302, `${server.url}/console/`])
    expect(actor).toMatchObject({ id: json.id, name: email, role: 'operator' })
    const [entry] = (await callWithKey(server, 'GET', `/audit?actor=${json.id}`)).json.items
    expect(entry).toMatchObject({ action: 'session.begin', details: { with: 'OpenID Connect' } })
  })

  test('is that of the same operator when the e-mail address has changed at the provider', async () => {
    const { email = '', sub } = person()
    await callWithKey(server, 'POST', '/operators', { email, role: 'viewer' })
    const first = await signInAs(sub)
    provider.people.set(sub, { sub, email: 'new@example.com', email_verified: false })
    expect((await signInAs(sub)).actor).toEqual(first.actor)
  })

  test('leads to the page of the console that was asked for, and to nothing else', async () => {
    const { email = '', sub } = person()
    await callWithKey(server, 'POST', '/operators', { email, role: 'viewer' })
    const leadsTo = async (returnTo: string) =>
      (await signInAs(sub, server, `?${new URLSearchParams({ returnTo })}`)).location
    expect(await leadsTo('clients/7?limit=5')).toBe(`${server.url}/console/clients/7?limit=5`)
    for (const elsewhere of [
      'https://evil.example/',
      '//evil.example/console/',
      '/other',
      '../api/v1',
      'javascript:x',
    ])
      expect(await leadsTo(elsewhere)).toBe(`${server.url}/console/`)
  })

  test.each<[string, () => Promise<Person>, RegExp]>([
    ['who is no operator', async () => person(), /no operator with the e-mail address/],
    [
      'whose e-mail address is not verified',
      async () => person({ email: (await createOperator(server)).email, email_verified: false }),
      /not say that your e-mail address is verified/,
    ],
    [
      'whose e-mail address becomes that of an operator in lower case',
      async () => {
        const email = `k${randomUUID()}@example.com`
        await callWithKey(server, 'POST', '/operators', { email, role: 'admin' })
        return person({ email: email.replace('k', '\u212a') })
      },
      /other characters than ASCII/,
    ],
    [
      'with the e-mail address of an operator who is somebody else there',
      async () => {
        const { email = '', sub } = person()
        await callWithKey(server, 'POST', '/operators', { email, role: 'admin' })
        await signInAs(sub)
        return person({ email })
      },
      /another person of the provider/,
    ],
  ])('is refused on a page with the reason for somebody %s', async (_, make, reason) => {
    const { status, text, actor, location } = await signInAs((await make()).sub)
    expect([status, location, actor]).toEqual([403, null, undefined])
    expect(text).toMatch(reason)
    expect(text).toMatch(/Request [\w-]+/)
  })

  test('that the person cancels is refused', async () => {
    const { status, actor } = await signInAs('nobody')
    expect([status, actor]).toEqual([401, undefined])
  })
})

describe('with OIDC_ROLES', () => {
  test('the provider decides the role at each sign-in, and operators are made as needed', async () => {
    const one = person({ groups: ['support', 'others'] })
    const first = await signInAs(one.sub, mapped)
    expect(first.actor).toMatchObject({ name: one.email, role: 'operator' })
    provider.people.set(one.sub, { ...one, groups: ['ops', 'support'] })
    expect((await signInAs(one.sub, mapped)).actor).toEqual({ ...first.actor, role: 'admin' })
    provider.people.set(one.sub, { ...one, groups: [] })
    const last = await signInAs(one.sub, mapped)
    expect([last.status, last.actor]).toEqual([403, undefined])
    expect(last.text).toContain('OIDC_ROLES')
    const { json } = await callWithKey(mapped, 'GET', `/audit?actor=${first.actor?.id}`)
    const details = { email: one.email, with: 'OpenID Connect' }
    expect(json.items).toMatchObject([
      { action: 'session.begin' },
      { action: 'operator.update', outcome: 'done', details: { ...details, role: 'admin' } },
      { action: 'session.begin' },
      { action: 'operator.create', outcome: 'done', details: { ...details, role: 'operator' } },
    ])
  })
})

describe('the way back from the provider', () => {
  const started = async () => {
    const { email = '', sub } = person()
    await callWithKey(server, 'POST', '/operators', { email, role: 'admin' })
    const jar = new CookieJar()
    return { jar, back: await jar.follow(`${server.url}/admin/v1/oidc/start`, sub, isCallback) }
  }
  const changed = (url: string, name: string, value: string) => {
    const other = new URL(url)
    other.searchParams.set(name, value)
    return other.href
  }

  test('is not good in another browser, which would be signed in as somebody else', async () => {
    const { back } = await started()
    const victim = new CookieJar()
    expect((await outcomeOf(await victim.get(back), victim)).status).toBe(401)
    const other = await started()
    expect(await outcomeOf(await other.jar.get(back), other.jar)).toMatchObject({ status: 401 })
    expect((await outcomeOf(await other.jar.get(back), other.jar)).actor).toBeUndefined()
  })

  test.each(['state', 'code', 'iss'])('is not good with another %s', async (name) => {
    const { jar, back } = await started()
    const outcome = await outcomeOf(await jar.get(changed(back, name, 'x')), jar)
    expect([outcome.status, outcome.actor]).toEqual([401, undefined])
  })

  test('is good once', async () => {
    const { jar, back } = await started()
    const flow = jar.of(back, 'plugboard-oidc')
    expect((await jar.get(back)).status).toBe(302)
    expect(jar.of(back, 'plugboard-oidc')).toBeUndefined()
    const again = await fetch(back, { redirect: 'manual', headers: { cookie: `plugboard-oidc=${flow}` } })
    expect(again.status).toBe(401)
  })

  test('asks the provider only so often for one who fails', async () => {
    const own = await startServer({
      env: { OIDC_ISSUER: provider.url, OIDC_CLIENT_ID: CLIENT.id, RATE_LIMIT: '2' },
    })
    const end = async (): Promise<number> => {
      const jar = new CookieJar()
      const { headers } = await jar.get(`${own.url}/admin/v1/oidc/start`)
      const state = new URL(headers.get('location') ?? '').searchParams.get('state') ?? ''
      const query = new URLSearchParams({ state, code: 'guess', iss: provider.url })
      return (await jar.get(`${own.url}/admin/v1/oidc/callback?${query}`)).status
    }
    expect([await end(), await end(), await end()]).toEqual([401, 401, 429])
    await own.stop()
  })

  test('takes no answer without end from a provider', async () => {
    const endless = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{"issuer":"')
      const more = (): unknown => response.destroyed || response.write('x'.repeat(65_536), more)
      more()
    })
    endless.on('connection', (socket) => socket.once('close', () => taken.push(socket.bytesWritten)))
    const taken: number[] = []
    await new Promise<void>((resolve) => endless.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void endless.close())
    const { port } = endless.address() as AddressInfo
    const own = await startServer({
      env: { OIDC_ISSUER: `http://127.0.0.1:${port}`, OIDC_CLIENT_ID: CLIENT.id },
    })
    expect((await call(own, 'GET', '/admin/v1/oidc/start')).status).toBe(503)
    await expect.poll(() => taken.length).toBe(1)
    expect(taken[0]).toBeLessThan(32_000_000)
    await own.stop()
  })

  test('needs a provider', async () => {
    const own = await startServer({
      env: { OIDC_ISSUER: `http://127.0.0.1:${await freePort()}`, OIDC_CLIENT_ID: CLIENT.id },
    })
    const { status, headers, text } = await call(own, 'GET', '/admin/v1/oidc/start')
    expect([status, headers.get('content-security-policy')]).toEqual([503, expect.stringContaining("'none'")])
    expect(text).toContain('cannot be reached')
    await own.stop()
  })
})

test('the output of a server has its settings, and no secret of a sign-in', async () => {
  const { sub } = person({ groups: ['ops'] })
  const jar = new CookieJar()
  const back = await jar.follow(`${mapped.url}/admin/v1/oidc/start`, sub, isCallback)
  const flow = jar.of(back, 'plugboard-oidc') ?? ''
  await jar.get(back)
  const session = jar.of(back, 'plugboard-session') ?? ''
  expect(mapped.output()).toContain('groups:ops=admin,groups:support=operator')
  const code = new URL(back).searchParams.get('code') ?? ''
  for (const secret of [CLIENT.secret, flow, code, session]) {
    expect(secret).not.toBe('')
    expect(mapped.output()).not.toContain(secret)
  }
})
