import { randomUUID } from 'node:crypto'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call, callAdmin } from '../support/api.js'
import { cleanUp, startServer, type TestServer } from '../support/server.js'
import { basic, createProject, newRequestId } from '../support/smartify.js'

let server: TestServer

beforeAll(async () => {
  server = await startServer({ env: { RATE_LIMIT: '5', GUEST_RATE_LIMIT: '3' } })
})
afterAll(cleanUp)

const signIn = (email: string, password: string) =>
  call(server, 'POST', '/api/auth/signin', { body: { email, password } })

describe('e-mail and password', () => {
  it('answer a token and the person', async () => {
    const { owner } = await createProject(server)
    const { status, json } = await signIn(owner.email, owner.password)
    expect(status).toBe(200)
    expect(json).toEqual({
      ...{ success: true, token: expect.stringMatching(/^JWT /) },
      user: { _id: owner.id, email: owner.email, firstname: 'Olga', lastname: 'Owner', emailverified: false },
    })
  })

  it('that are wrong are told alike, whether there is such a person or not', async () => {
    const { owner } = await createProject(server)
    const wrong = await signIn(owner.email, 'wrong')
    const unknown = await signIn(`${randomUUID()}@example.org`, 'wrong')
    expect(wrong.json).toEqual({ success: false, msg: expect.stringContaining('Authentication failed.') })
    expect([unknown.status, unknown.text]).toEqual([wrong.status, wrong.text])
    expect(wrong.status).toBe(401)
    expect((await signIn('no e-mail', 'wrong')).status).toBe(422)
  })

  it('may be tried only so often: then the right ones are refused too, unless they are known to be right', async () => {
    const [project, known] = [await createProject(server), await createProject(server)]
    const { email, password } = project.owner
    expect((await signIn(known.owner.email, known.owner.password)).status).toBe(200)
    const wrong = await Promise.all(Array.from({ length: 8 }, (_, i) => signIn(email, `wrong ${i}`)))
    expect(wrong.map(({ status }) => status).sort()).toEqual([...Array(5).fill(401), ...Array(3).fill(429)])
    const late = await signIn(email, password)
    expect([late.status, late.json.success]).toEqual([429, false])
    expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0)
    const headers = basic(email, password)
    expect((await call(server, 'GET', '/api/projects', { headers })).status).toBe(429)
    for (let i = 0; i < 6; i += 1) await signIn(known.owner.email, 'wrong')
    expect((await signIn(known.owner.email, known.owner.password)).status).toBe(200)
  })

  it('that were changed end the tokens that were made with them', async () => {
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
  it('are only so many of one address in a minute, and go on all the same', async () => {
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

  it('come to an end with their user, or with the project', async () => {
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

describe('a password between the operator and callers', () => {
  it('is asked of every call, and told to every target', async () => {
    const internal = await startServer({ env: { INTERNAL_PASSWORD: 'between us' } })
    const body = { id_project: 'x' }
    const path = '/api/auth/signinAnonymously'
    expect((await call(internal, 'POST', path, { body })).status).toBe(403)
    const headers = { password: 'between us' }
    expect((await call(internal, 'POST', path, { body, headers })).status).toBe(400)
    await internal.stop()
  })
})
