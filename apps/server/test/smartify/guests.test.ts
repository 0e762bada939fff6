import { newId } from '@plugboard/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call, callAdmin, createClient, type TestClient } from '../support/api.js'
import { cleanUp, startServer, type TestServer } from '../support/server.js'
import { createProject, idOf, newRequestId, type Project } from '../support/smartify.js'

let server: TestServer

beforeAll(async () => {
  server = await startServer({ env: { GUEST_MESSAGE_LIMIT: '3', GUEST_DAILY_SIZE: '2KiB' } })
})
afterAll(cleanUp)

const signIn = (projectId: string) =>
  call(server, 'POST', '/api/auth/signinAnonymously', { body: { id_project: projectId, firstname: 'Ann' } })

const configure = (client: Pick<TestClient, 'id'>, policy: object) =>
  callAdmin(server, 'PATCH', `/clients/${client.id}`, policy)

/** With the id itself left out, which the answer repeats. */
const withoutId = ({ status, text }: { status: number; text: string }, id: string) => [
  status,
  text.replace(id, 'ID'),
]

describe('whether anybody may be a guest of a client', () => {
  test('is off at first: a sign-in answers as for a project that is not there', async () => {
    const [client, unknown] = [await createClient(server), newId()]
    const id = idOf(client.id)
    const answer = withoutId(await signIn(id), id)
    expect(answer).toEqual(withoutId(await signIn(unknown), unknown))
    expect(answer).toEqual([400, '{"error":"Project not found with id: ID"}'])
    expect((await client.call('GET', '/clients')).status).toBe(200)
  })

  test('is on where a project was made for it, by the operator or by a person', async () => {
    const project = await createProject(server)
    expect((await signIn(project.id)).status).toBe(200)
    const { headers } = project.owner
    const { json } = await call(server, 'POST', '/api/projects', { headers, body: { name: 'Second' } })
    expect((await signIn(json._id)).status).toBe(200)
  })

  test('is set by a sync of either form, and a sync that does not say leaves it', async () => {
    const seed = (body: object) => call(server, 'POST', '/api/v1/sync', { body })
    const { json: made } = await seed({ guests: true })
    const { id, token } = made as { id: string; token: string }
    const known = { 'x-bp-messaging-client-id': id, 'x-bp-messaging-client-token': token }
    const sync = (body: object) => call(server, 'POST', '/api/v1/sync', { body, headers: known })
    const status = async () => (await signIn(idOf(id))).status
    expect(await status()).toBe(200)
    await seed({ id, token })
    await sync({ channels: {} })
    expect(await status()).toBe(200)
    expect((await sync({ guests: false })).status).toBe(200)
    expect(await status()).toBe(400)
    await seed({ id, token, guests: true })
    expect(await status()).toBe(200)
    expect(await sync({ guests: 'yes' })).toMatchObject({ status: 400, text: /"body.guests"/ })
  })

  test('is set and shown by the admin API', async () => {
    const client = await createClient(server)
    const show = () => callAdmin(server, 'GET', `/clients/${client.id}`)
    const off = { id: client.id, guests: false, maxStoredBytes: null }
    expect((await show()).json).toMatchObject(off)
    expect((await callAdmin(server, 'GET', `/clients/${idOf(client.id)}`)).json).toMatchObject(off)
    expect((await configure(client, { guests: true, maxStoredBytes: 5 })).json).toEqual({
      ...{ id: client.id, guests: true, maxStoredBytes: 5 },
    })
    expect((await configure(client, { maxStoredBytes: null })).json).toEqual({ ...off, guests: true })
    expect((await signIn(idOf(client.id))).status).toBe(200)
    for (const wrong of [{ guests: 1 }, { maxStoredBytes: -1 }, { maxStoredBytes: 0.5 }, { other: 1 }])
      expect((await configure(client, wrong)).status).toBe(400)
    expect((await show()).json.guests).toBe(true)
    expect((await configure({ id: '0198c0de-0000-7000-8000-000000000000' }, {})).status).toBe(404)
  })

  test('ends the tokens that there are, and the business goes on', async () => {
    const project = await createProject(server)
    const client = await project.client()
    const [guest, requestId] = [await project.guest(), newRequestId()]
    expect((await project.say(requestId, 'hello', guest)).status).toBe(200)
    await configure(client, { guests: false })
    const refused = { status: 403, text: '{"success":false,"msg":"you dont belong to the project."}' }
    expect(await project.say(requestId, 'again', guest)).toMatchObject(refused)
    expect(await project.call('GET', '/requests/me', guest)).toMatchObject(refused)
    expect((await project.say(requestId, 'are you there?', project.owner)).status).toBe(200)
    await configure(client, { guests: true })
    expect((await project.say(requestId, 'I am', guest)).status).toBe(200)
  })
})

describe('how much a guest may write', () => {
  let project: Project
  beforeAll(async () => {
    project = await createProject(server)
  })

  test('limits messages per minute; other guests continue', async () => {
    const [guest, other, requestId] = [await project.guest(), await project.guest(), newRequestId()]
    const statuses: number[] = []
    for (const text of ['one', 'two', 'three', 'four'])
      statuses.push((await project.say(requestId, text, guest)).status)
    expect(statuses).toEqual([200, 200, 200, 429])
    const { headers, json } = await project.say(requestId, 'five', guest)
    expect(json).toEqual({
      success: false,
      msg: 'A guest may post at most 3 messages in a minute. Try again later.',
    })
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(60)
    for (let i = 0; i < 5; i += 1)
      expect((await project.say(requestId, `${i}`, project.owner)).status).toBe(200)
    expect((await project.say(requestId, 'hello', other)).status).toBe(200)
    expect((await project.call('GET', '/requests/me', guest)).status).toBe(200)
  })

  test('limits bytes per day, with or without a content length', async () => {
    const say = (member: { headers: Record<string, string> }, body: string, isChunked: boolean) => {
      const chunks = new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode(body))
          controller.close()
        },
      })
      return fetch(`${server.url}/api/${project.id}/requests/${newRequestId()}/messages`, {
        method: 'POST',
        headers: { ...member.headers, 'content-type': 'application/json' },
        ...(isChunked ? { body: chunks, duplex: 'half' } : { body }),
      } as RequestInit)
    }
    const body = JSON.stringify({ text: 'x'.repeat(1_500) })
    for (const isChunked of [true, false]) {
      const guest = await project.guest()
      expect((await say(guest, body, isChunked)).status).toBe(200)
      const refused = await say(guest, body, false)
      expect(refused.status).toBe(429)
      expect(await refused.text()).toContain('2048 bytes of messages in a day')
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(60)
      expect((await say(project.owner, body, isChunked)).status).toBe(200)
    }
  })
})
