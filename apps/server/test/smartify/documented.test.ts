import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from '../support/api.js'
import { type Receiver, startReceiver } from '../support/receiver.js'
import { cleanUp, sharedServer } from '../support/server.js'
import { createProject, newRequestId, type Project } from '../support/smartify.js'
import * as shapes from './shapes.js'

const server = sharedServer()
let project: Project
let hook: Receiver

beforeAll(async () => {
  project = await createProject(server)
  hook = await startReceiver()
})
afterAll(async () => {
  await hook.close()
  await cleanUp()
})

/** The operations, as the server's document names them. */
const routes = [
  'POST /api/auth/signinAnonymously',
  'POST /api/auth/signin',
  'POST /api/auth/signinWithCustomToken',
  'GET /api/projects',
  'POST /api/projects',
  ...[
    'GET /requests',
    'GET /requests/me',
    'GET /requests/{requestId}',
    'PUT /requests/{requestId}/close',
    'GET /requests/{requestId}/messages',
    'POST /requests/{requestId}/messages',
    'GET /subscriptions',
    'POST /subscriptions',
    'GET /subscriptions/{subscriptionId}',
    'DELETE /subscriptions/{subscriptionId}',
  ].map((route) => route.replace(' ', ' /api/{projectId}')),
]

test('every operation stands in the document of the server', async () => {
  const { json } = await call(server, 'GET', '/openapi.json')
  const documented = Object.entries(json.paths as Record<string, object>).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  const own = documented.filter((route) => /^\w+ \/api\/(?!v1\/)/.test(route))
  expect(own.sort()).toEqual([...routes].sort())
})

const post = (path: string, body: unknown, authorization?: string) =>
  call(server, 'POST', path, { body, headers: authorization === undefined ? {} : { authorization } })

describe('signing in anonymously', () => {
  test('answers a token and the user', async () => {
    const { status, json, headers } = await post('/api/auth/signinAnonymously', {
      ...{ id_project: project.id, firstname: 'John' },
    })
    expect(status).toBe(200)
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(json).toEqual({
      ...{ success: true, token: shapes.TOKEN },
      user: { _id: shapes.UUID, firstname: 'John', id: json.user._id, fullName: 'John' },
    })
    const [, claims = ''] = json.token.split('.')
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toEqual({
      ...json.user,
      ...{ id_project: project.id, id_lead: expect.any(String), jti: shapes.UUID },
      ...{ iat: expect.any(Number), exp: expect.any(Number), sub: 'guest' },
      ...{ iss: 'https://tiledesk.com', aud: 'https://tiledesk.com' },
    })
  })

  test('answers what else was sent, and makes a new user each time', async () => {
    const fields = {
      firstname: 'Ann',
      lastname: 'Lee',
      email: 'ann@example.org',
      attributes: { plan: { a: 1 } },
    }
    const sign = () => post('/api/auth/signinAnonymously', { id_project: project.id, ...fields })
    const [one, other] = [(await sign()).json.user, (await sign()).json.user]
    expect(one).toEqual({ ...fields, _id: one._id, id: one._id, fullName: 'Ann Lee' })
    expect(one._id).not.toBe(other._id)
  })

  test('takes attributes of 16 kB and no more, and names them', async () => {
    const attributesOf = (bytes: number) => ({ a: 'x'.repeat(bytes - 8) })
    const signIn = (attributes: object) =>
      post('/api/auth/signinAnonymously', { id_project: project.id, attributes })
    const { status, json } = await signIn(attributesOf(16_384))
    expect(status).toBe(200)
    // A token that held them could not be sent: Node takes 16 kB of headers.
    const headers = { authorization: json.token }
    expect((await call(server, 'GET', `/api/${project.id}/requests/me`, { headers })).status).toBe(200)
    expect(await signIn(attributesOf(16_385))).toMatchObject({
      status: 413,
      json: { err: 'body.attributes may have 16384 bytes of JSON at most' },
    })
  })

  test('gives a name to who says none', async () => {
    const { json } = await post('/api/auth/signinAnonymously', { id_project: project.id })
    expect(json.user.firstname).toBe(`guest#${json.user._id.slice(0, 4)}`)
    expect(json.user.fullName).toBe(json.user.firstname)
  })

  test.each([
    [
      'no project',
      undefined,
      422,
      { errors: [{ msg: 'Invalid value', param: 'id_project', location: 'body' }] },
    ],
    ['a malformed project', 'not-an-id', 400, { error: 'Invalid project id: not-an-id' }],
    ['an unknown project', 'a'.repeat(24), 400, { error: `Project not found with id: ${'a'.repeat(24)}` }],
  ])('is refused with %s', async (_, id_project, status, json) => {
    expect(await post('/api/auth/signinAnonymously', { id_project })).toMatchObject({ status, json })
  })
})

describe('messages', () => {
  test('open a request with the first one and go on in it', async () => {
    const guest = await project.guest()
    const requestId = newRequestId()
    const path = `/api/${project.id}/requests/${requestId}/messages`
    const of = { projectId: project.id, requestId, guestId: guest.id, agentId: project.owner.id }
    const first = await post(path, { text: 'hello from anonym user' }, guest.token)
    expect(first.status).toBe(200)
    expect(first.json).toEqual({
      ...shapes.message(project.id, requestId, guest.id, 'hello from anonym user'),
      request: shapes.request(of, 'hello from anonym user'),
    })
    const second = await post(
      path,
      { text: 'I need help', attributes: { a: 1 }, language: 'en' },
      guest.token,
    )
    expect(second.json).toEqual({
      ...shapes.message(project.id, requestId, guest.id, 'I need help'),
      ...{ attributes: { a: 1 }, language: 'en' },
      request: shapes.request(of, 'hello from anonym user'),
    })
    expect(second.json.request.ticket_id).toBe(first.json.request.ticket_id)
    const reply = await project.say(requestId, "Hi I'm Olga", project.owner)
    const email = { email: project.owner.email }
    expect(reply.json).toEqual({
      ...shapes.message(project.id, requestId, project.owner.id, "Hi I'm Olga"),
      senderFullname: 'Olga Owner',
      request: shapes.request(of, 'hello from anonym user', email),
    })
  })

  test('are read back oldest first, and the request with its newest one', async () => {
    const guest = await project.guest()
    const requestId = newRequestId()
    for (const text of ['one', 'two']) await project.say(requestId, text, guest)
    const { json: messages } = await project.call('GET', `/requests/${requestId}/messages`, guest)
    expect(messages).toEqual(
      ['one', 'two'].map((text) => shapes.message(project.id, requestId, guest.id, text)),
    )
    const of = { projectId: project.id, requestId, guestId: guest.id, agentId: project.owner.id }
    const { json } = await project.call('GET', `/requests/${requestId}`, project.owner)
    expect(json).toEqual({
      ...shapes.request(of, 'one', { email: project.owner.email }),
      attributes: { last_message: messages[1] },
    })
  })

  test('number their requests', async () => {
    const own = await createProject(server)
    const guest = await own.guest()
    const tickets: number[] = []
    for (let i = 0; i < 3; i += 1)
      tickets.push((await own.say(newRequestId(), 'hi', guest)).json.request.ticket_id)
    expect(tickets).toEqual([1, 2, 3])
  })

  test('need a text where they open a request, but for other types', async () => {
    const guest = await project.guest()
    const path = `/api/${project.id}/requests/${newRequestId()}/messages`
    const answer = { status: 422, json: { errors: ['text field is required'] } }
    expect(await post(path, {}, guest.token)).toMatchObject(answer)
    expect(await post(path, { type: 'text' }, guest.token)).toMatchObject(answer)
    const metadata = { src: 'https://x.example/a.png', width: 1, height: 2, type: 'image/png' }
    const image = await post(path, { type: 'image', metadata }, guest.token)
    expect(image).toMatchObject({ status: 200, json: { type: 'image', metadata, text: '' } })
    expect((await post(path, {}, guest.token)).status).toBe(200)
  })

  test('go to any id that a caller chooses, with or without the prefix, each project its own', async () => {
    const other = await createProject(server)
    const id = `my request/${'ü'.repeat(100)}`
    for (const each of [project, other]) {
      const guest = await each.guest()
      const { status, json } = await each.say(encodeURIComponent(id), 'hi', guest)
      expect([status, json.recipient, json.request.request_id]).toEqual([200, id, id])
      expect(json.request.lead.lead_id).toBe(guest.id)
    }
  })
})

describe('subscriptions', () => {
  test('are made with a secret of their own, told once', async () => {
    const body = { event: 'message.create', target: `${hook.url}/one` }
    const made = await project.call('POST', '/subscriptions', project.owner, body)
    const shape = shapes.subscription(project.id, project.owner.id, body.event, body.target)
    expect(made.status).toBe(200)
    expect(made.json).toEqual({ ...shape, secret: shapes.UUID })
    expect(made.headers.get('x-hook-secret')).toBe(made.json.secret)
    const other = await project.subscribe('message.create', `${hook.url}/other`)
    expect(other.secret).not.toBe(made.json.secret)
    const { secret: _, ...told } = made.json
    const path = `/subscriptions/${made.json._id}`
    expect((await project.call('GET', path, project.owner)).json).toEqual(told)
    const { json: all } = await project.call('GET', '/subscriptions', project.owner)
    expect(all).toContainEqual(told)
    expect(JSON.stringify(all)).not.toContain(made.json.secret)
    expect(await project.call('DELETE', path, project.owner)).toMatchObject({ status: 200, json: told })
    const gone = { status: 404, json: { success: false, msg: 'Object not found.' } }
    for (const method of ['GET', 'DELETE'])
      expect(await project.call(method, path, project.owner)).toMatchObject(gone)
  })

  test('are the same when they are made again, by event and target', async () => {
    const target = `${hook.url}/again`
    const [one, two] = [
      await project.subscribe('message.create', target),
      await project.subscribe('message.create', target),
    ]
    expect(two).toEqual(one)
    expect((await project.subscribe('request.create', target))._id).not.toBe(one._id)
    expect((await project.subscribe('message.create', `${target}/2`))._id).not.toBe(one._id)
  })

  test.each([
    ['no target', { event: 'message.create' }, 'target'],
    ['no event', { target: 'https://x.example' }, 'event'],
    ['an event that is never told', { event: 'faq.create', target: 'https://x.example' }, 'event'],
    ['a target that may not be called', { event: 'message.create', target: 'http://10.0.0.1/' }, 'target'],
    ['a target that is no URL', { event: 'message.create', target: 'nowhere' }, 'target'],
  ])('are refused with %s', async (_, body, param) => {
    const { status, json } = await project.call('POST', '/subscriptions', project.owner, body)
    expect(status).toBe(422)
    expect(json.errors).toEqual([{ msg: expect.any(String), param, location: 'body' }])
  })
})

describe('projects', () => {
  test('are made by a person, who owns them, and listed', async () => {
    const { headers } = project.owner
    const made = await call(server, 'POST', '/api/projects', { body: { name: 'Shop' }, headers })
    expect(made.status).toBe(200)
    expect(made.json).toMatchObject({ name: 'Shop', createdBy: project.owner.id, status: 100, __v: 0 })
    const { json } = await call(server, 'GET', '/api/projects', { headers })
    expect(json).toHaveLength(2)
    expect(json[1]).toMatchObject({ id_project: made.json, role: 'owner' })
    const path = `/api/${made.json._id}/subscriptions`
    expect((await call(server, 'GET', path, { headers })).json).toEqual([])
    expect((await call(server, 'POST', '/api/projects', { body: {}, headers })).status).toBe(422)
  })
})

describe('what is wrong', () => {
  test.each([
    ['a body that is no JSON', '{"text":', 400, { err: 'the body is not valid JSON' }],
    [
      'too large a body',
      JSON.stringify({ text: 'x'.repeat(512_000) }),
      413,
      { err: 'request entity too large', limit: 512_000 },
    ],
  ])('is said of %s', async (_, body, status, json) => {
    const guest = await project.guest()
    const answer = await project.call('POST', `/requests/${newRequestId()}/messages`, guest, body)
    expect(answer).toMatchObject({ status, json })
  })

  test('is said of operations that there are not', async () => {
    const guest = await project.guest()
    const unknown = { status: 404, json: { success: false, msg: 'Not found.' } }
    for (const path of ['/faq', '/requests/x/notes', '/requests/x/closeg', ''])
      expect(await project.call('PUT', path, guest, {})).toMatchObject(unknown)
    expect(await call(server, 'GET', '/api/nothing')).toMatchObject(unknown)
    // And the other API below the same prefix says it in its own way.
    for (const path of ['/api/v1/nothing', '/api/v1/requests/x/messages'])
      expect(await call(server, 'GET', path)).toMatchObject({ status: 404, text: 'Not Found' })
  })

  test('is nothing to a preflight of a page', async () => {
    const { status, headers } = await project.call('OPTIONS', '/requests/x/messages')
    expect([status, headers.get('access-control-allow-origin')]).toEqual([204, '*'])
  })
})
