import { randomUUID } from 'node:crypto'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call, callAdmin } from '../support/api.js'
import { cleanUp, startServer, type TestServer } from '../support/server.js'
import { basic, createProject, newRequestId } from '../support/smartify.js'

let server: TestServer

beforeAll(async () => {
  server = await startServer({
    env: { RATE_LIMIT: '5', ACCOUNT_RATE_LIMIT: '8', GUEST_RATE_LIMIT: '3', TRUSTED_PROXIES: 'loopback' },
  })
})
afterAll(cleanUp)

/** Of the documentation's own network, a new one each time. */
let addresses = 0
const newAddress = (): string => {
  addresses += 1
  return `2001:db8:0:${addresses.toString(16)}::1`
}

const from = (address: string) => ({ 'x-forwarded-for': address })

const signIn = (email: string, password: string, address = newAddress()) =>
  call(server, 'POST', '/api/auth/signin', { body: { email, password }, headers: from(address) })

describe('e-mail and password', () => {
  test('answer a token and the person', async () => {
    const { owner } = await createProject(server)
    const { status, json } = await signIn(owner.email, owner.password)
    expect(status).toBe(200)
    expect(json).toEqual({
      ...{ success: true, token: expect.stringMatching(/^JWT /) },
      user: { _id: owner.id, email: owner.email, firstname: 'Olga', lastname: 'Owner', emailverified: false },
    })
  })

  test('that are wrong get the same answer, whether or not the person exists', async () => {
    const { owner } = await createProject(server)
    const wrong = await signIn(owner.email, 'wrong')
    const unknown = await signIn(`${randomUUID()}@example.org`, 'wrong')
    expect(wrong.json).toEqual({ success: false, msg: expect.stringContaining('Authentication failed.') })
    expect([unknown.status, unknown.text]).toEqual([wrong.status, wrong.text])
    expect(wrong.status).toBe(401)
    expect((await signIn('no e-mail', 'wrong')).status).toBe(422)
  })

  test('may be tried only so often from one address: then right ones are refused too, of accounts it has not been', async () => {
    const [mine, other] = [await createProject(server), await createProject(server)]
    const address = newAddress()
    expect((await signIn(mine.owner.email, mine.owner.password, address)).status).toBe(200)
    const wrong = await Promise.all(
      Array.from({ length: 8 }, (_, i) => signIn(`${randomUUID()}@example.org`, `wrong ${i}`, address)),
    )
    expect(wrong.map(({ status }) => status).sort()).toEqual([...Array(5).fill(401), ...Array(3).fill(429)])
    const { email, password } = other.owner
    const late = await signIn(email, password, address)
    expect([late.status, late.json.success]).toEqual([429, false])
    expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0)
    const headers = { ...basic(email, password), ...from(address) }
    expect((await call(server, 'GET', '/api/projects', { headers })).status).toBe(429)
    const neighbour = address.replace(/1$/, 'ffff:ffff')
    expect((await signIn(email, password, neighbour)).status).toBe(429)
    expect((await signIn(email, password)).status).toBe(200)
    expect((await signIn(mine.owner.email, mine.owner.password, address)).status).toBe(200)
  })

  test('let their person in whatever strangers try, from where they came before and from anywhere new', async () => {
    const { owner } = await createProject(server)
    const [home, work] = [newAddress(), newAddress()]
    expect((await signIn(owner.email, owner.password, home)).status).toBe(200)
    const strangers = [newAddress(), newAddress()]
    const statuses: number[] = []
    for (const address of strangers)
      for (let i = 0; i < 5; i += 1) statuses.push((await signIn(owner.email, `wrong ${i}`, address)).status)
    expect(statuses).toEqual([...Array(8).fill(401), 429, 429])
    expect((await signIn(owner.email, owner.password, strangers[0])).status).toBe(429)
    expect((await signIn(owner.email, owner.password, home)).status).toBe(200)
    expect((await signIn(owner.email, owner.password, work)).status).toBe(200)
    expect((await signIn(owner.email, 'wrong')).status).toBe(429)
    expect((await signIn(owner.email, 'wrong')).status).toBe(429)
    expect((await signIn(owner.email, owner.password, work)).status).toBe(200)
    server = await server.stop().then(() => server.restart())
    for (let i = 0; i < 12; i += 1) await signIn(owner.email, 'wrong')
    expect((await signIn(owner.email, owner.password)).status).toBe(429)
    expect((await signIn(owner.email, owner.password, home)).status).toBe(200)
  })

  test('of an account that is not there are limited as those of one that is', async () => {
    const { owner } = await createProject(server)
    const statuses = async (email: string) => {
      const found: number[] = []
      for (let i = 0; i < 12; i += 1) found.push((await signIn(email, `wrong ${i}`)).status)
      return found
    }
    expect(await statuses(`${randomUUID()}@example.org`)).toEqual(await statuses(owner.email))
  })

  test('that are right are hashed once, however many calls come with them at a time', async () => {
    const { owner } = await createProject(server)
    const address = newAddress()
    const headers = { ...basic(owner.email, owner.password), ...from(address) }
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => call(server, 'GET', '/api/projects', { headers })),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  })

  test('that were changed end the tokens that were made with them', async () => {
    const project = await createProject(server)
    const { email, password } = project.owner
    const { token } = (await signIn(email, password)).json
    const list = () => call(server, 'GET', '/api/projects', { headers: { authorization: token } })
    expect((await list()).status).toBe(200)
    const body = { project: project.id, email, password: randomUUID() }
    await callAdmin(server, 'POST', '/owners', body)
    expect((await list()).status).toBe(401)
    expect((await signIn(email, password)).status).toBe(401)
  })
})

describe('guests', () => {
  test('are limited per address and minute, and valid ones continue', async () => {
    const project = await createProject(server)
    const guest = await project.guest()
    const sign = () =>
      call(server, 'POST', '/api/auth/signinAnonymously', { body: { id_project: project.id } })
    expect([(await sign()).status, (await sign()).status]).toEqual([200, 200])
    const { status, headers, json } = await sign()
    expect([status, json.success]).toEqual([429, false])
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    // Before the body is read.
    const unread = await call(server, 'POST', '/api/auth/signinAnonymously', { body: '['.repeat(1_000) })
    expect(unread.status).toBe(429)
    expect((await project.say(newRequestId(), 'hi', guest)).status).toBe(200)
  })

  test('come to an end with their user, or with the project', async () => {
    const other = await startServer()
    const project = await createProject(other)
    const [gone, stays] = [await project.guest(), await project.guest()]
    const requestId = newRequestId()
    await project.say(requestId, 'hi', stays)
    const client = await project.client()
    const path = `/clients/${client.id}`
    expect((await project.say(requestId, 'hi', gone)).status).toBe(200)
    const { json: made } = await callAdmin(other, 'POST', '/keys', { app: project.id, scope: 'app' })
    const userId = decodeJwt(gone.token.slice('JWT '.length)).id_lead
    const deleted = await call(other, 'DELETE', `/v2/apps/${project.id}/users/${userId}`, {
      headers: basic(made.keyId, made.secret),
    })
    expect(deleted.status).toBe(200)
    expect((await project.say(requestId, 'hi', gone)).text).toContain('you dont belong to the project.')
    expect((await project.say(requestId, 'hi', stays)).status).toBe(200)
    expect((await callAdmin(other, 'DELETE', path)).status).toBe(204)
    for (const member of [gone, stays, project.owner])
      expect((await project.say(requestId, 'hi', member)).text).toContain('you dont belong to the project.')
    await other.stop()
  })
})
