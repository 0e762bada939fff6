import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Answered, call } from '../support/api.js'
import { cleanUp, startServer, type TestServer } from '../support/server.js'
import { basic, createProject, type Member, newRequestId, type Project } from '../support/smartify.js'

const UNAUTHORIZED = [401, 'Unauthorized']
const NO_MEMBER = [403, '{"success":false,"msg":"you dont belong to the project."}']
const LOW_ROLE = [403, '{"success":false,"msg":"you dont have the required role."}']
const GONE = [404, '{"success":false,"msg":"Object not found."}']
const OK = [200, undefined]

let server: TestServer
let project: Project
let requestId: string
let subscriptionId: string
let members: Record<string, Member>

beforeAll(async () => {
  const brief = await startServer({ env: { RATE_LIMIT: '0', GUEST_TOKEN_TTL: '1s' } })
  project = await createProject(brief)
  const { token: expired } = await project.guest()
  const { exp } = JSON.parse(Buffer.from(expired.split('.')[1] ?? '', 'base64url').toString())
  await vi.waitUntil(() => Date.now() / 1000 > exp, { timeout: 10_000 })
  await brief.stop()
  server = await brief.restart({ GUEST_TOKEN_TTL: '365d' })
  const other = await createProject(server)
  const client = await project.client()
  requestId = newRequestId()
  const guest = await project.guest({ firstname: 'John', email: 'john@example.org' })
  await project.say(requestId, 'a secret of mine', guest)
  subscriptionId = (await project.subscribe('message.create', 'http://127.0.0.1:9/'))._id
  const signIn = await call(server, 'POST', '/api/auth/signin', {
    body: { email: project.owner.email.toUpperCase(), password: project.owner.password },
  })
  const [head, claims = '', signature] = guest.token.split('.')
  const forged = Buffer.from(Buffer.from(claims, 'base64url').toString().replace('John', 'Olga'))
  const withHeader = (authorization: string): Member => ({ id: '', headers: { authorization } })
  members = {
    guest,
    'other guest': await project.guest(),
    'guest of another project': await other.guest(),
    owner: project.owner,
    'owner, signed in': { id: project.owner.id, headers: { authorization: signIn.json.token } },
    'owner of another project': other.owner,
    'the client itself': { id: project.id, headers: basic(client.id, client.token) },
    'another client': { id: other.id, headers: basic((await other.client()).id, client.token) },
    nobody: { id: '', headers: {} },
    'wrong password': { id: '', headers: basic(project.owner.email, 'wrong') },
    'unknown person': { id: '', headers: basic('nobody@example.org', project.owner.password) },
    'bad signature': withHeader(`${guest.token.slice(0, -8)}AAAAAAAA`),
    'changed claims': withHeader([head, forged.toString('base64url'), signature].join('.')),
    'no algorithm': withHeader(`JWT ${Buffer.from('{"alg":"none"}').toString('base64url')}.${claims}.`),
    garbage: withHeader('JWT garbage'),
    'another scheme': withHeader(`Bearer ${guest.token.slice(4)}`),
    'expired token': withHeader(expired),
  }
})
afterAll(cleanUp)

interface Operation {
  name: string
  send(member: Member | undefined, of: Project): Promise<Answered>
  /** What guests of the project get: the party of the request and another one. */
  guest: unknown[]
  otherGuest: unknown[]
}

const target = 'http://127.0.0.1:9/'
const operations: Operation[] = [
  {
    name: 'POST messages, of a new request',
    send: (member, of) => of.call('POST', `/requests/${newRequestId()}/messages`, member, { text: 'x' }),
    ...{ guest: OK, otherGuest: OK },
  },
  {
    name: 'POST messages, of a known request',
    send: (member, of) => of.call('POST', `/requests/${requestId}/messages`, member, { text: 'x' }),
    ...{ guest: OK, otherGuest: OK },
  },
  {
    name: 'GET messages',
    send: (member, of) => of.call('GET', `/requests/${requestId}/messages`, member),
    ...{ guest: OK, otherGuest: GONE },
  },
  {
    name: 'GET requests/me',
    send: (member, of) => of.call('GET', '/requests/me', member),
    ...{ guest: OK, otherGuest: OK },
  },
  {
    name: 'GET requests',
    send: (member, of) => of.call('GET', '/requests', member),
    ...{ guest: LOW_ROLE, otherGuest: LOW_ROLE },
  },
  {
    name: 'GET a request',
    send: (member, of) => of.call('GET', `/requests/${requestId}`, member),
    ...{ guest: LOW_ROLE, otherGuest: LOW_ROLE },
  },
  {
    name: 'PUT close',
    send: (member, of) => of.call('PUT', `/requests/${requestId}/close`, member),
    ...{ guest: LOW_ROLE, otherGuest: LOW_ROLE },
  },
  {
    name: 'POST subscriptions',
    send: (member, of) => of.call('POST', '/subscriptions', member, { event: 'message.create', target }),
    ...{ guest: LOW_ROLE, otherGuest: LOW_ROLE },
  },
  {
    name: 'GET subscriptions',
    send: (member, of) => of.call('GET', '/subscriptions', member),
    ...{ guest: LOW_ROLE, otherGuest: LOW_ROLE },
  },
  {
    name: 'GET a subscription',
    send: (member, of) => of.call('GET', `/subscriptions/${subscriptionId}`, member),
    ...{ guest: LOW_ROLE, otherGuest: LOW_ROLE },
  },
  {
    name: 'DELETE a subscription',
    // A new one each time, so that nobody finds it gone.
    send: async (member, of) => {
      const { _id } = await project.subscribe('request.create', `${target}${randomUUID()}`)
      return of.call('DELETE', `/subscriptions/${_id}`, member)
    },
    ...{ guest: LOW_ROLE, otherGuest: LOW_ROLE },
  },
]

const expected: Record<string, (operation: Operation) => unknown[]> = {
  guest: ({ guest }) => guest,
  'other guest': ({ otherGuest }) => otherGuest,
  'guest of another project': () => NO_MEMBER,
  owner: () => OK,
  'owner, signed in': () => OK,
  'owner of another project': () => NO_MEMBER,
  'the client itself': () => OK,
  'another client': () => UNAUTHORIZED,
  nobody: () => UNAUTHORIZED,
  'wrong password': () => UNAUTHORIZED,
  'unknown person': () => UNAUTHORIZED,
  'bad signature': () => UNAUTHORIZED,
  'changed claims': () => UNAUTHORIZED,
  'no algorithm': () => UNAUTHORIZED,
  garbage: () => UNAUTHORIZED,
  'another scheme': () => UNAUTHORIZED,
  'expired token': () => UNAUTHORIZED,
}

const table = operations.flatMap((operation) =>
  Object.keys(expected).map((who) => ({ operation, who, name: operation.name })),
)

describe('access', () => {
  test.each(table)('$name by $who', async ({ operation, who }) => {
    const { status, text, headers } = await operation.send(members[who], project)
    const [wantedStatus, wantedText] = expected[who]?.(operation) ?? []
    expect(status).toBe(wantedStatus)
    if (wantedText !== undefined) expect(text).toBe(wantedText)
    if (status === 401) expect(headers.get('www-authenticate')).toBe('Basic realm="Users"')
  })

  test.each(operations)('a project that is not there answers as that of others: $name', async ({ send }) => {
    const elsewhere = (id: string): Project => ({
      ...project,
      call: (method, path, member, body) =>
        call(server, method, `/api/${id}${path}`, { body, headers: member?.headers ?? {} }),
    })
    for (const who of ['nobody', 'owner']) {
      const member = members[who]
      expect(await send(member, elsewhere('nope'))).toMatchObject({
        ...{ status: 400, json: { error: 'Invalid project id: nope' } },
      })
      const { status, text } = await send(member, elsewhere('f'.repeat(24)))
      expect([status, text]).toEqual(who === 'nobody' ? UNAUTHORIZED : NO_MEMBER)
    }
  })

  test.each(Object.keys(expected))('projects by %s', async (who) => {
    const headers = members[who]?.headers ?? {}
    const list = await call(server, 'GET', '/api/projects', { headers })
    const make = await call(server, 'POST', '/api/projects', { headers, body: { name: 'x' } })
    const [known] = expected[who]?.(operations[0] as Operation) ?? []
    const wanted = known === 401 ? 401 : who.startsWith('owner') ? 200 : 403
    expect([list.status, make.status]).toEqual([wanted, wanted])
    if (wanted === 200) expect(list.text).not.toContain(who.includes('another') ? project.id : 'nothing')
  })

  test('a header without a scheme is a bad request', async () => {
    const { status, text } = await project.call('GET', '/requests/me', {
      ...{ id: '', headers: { authorization: 'nonsense' } },
    })
    expect([status, text]).toEqual([400, 'Bad Request'])
  })

  test("a subscription is not seen, changed or ended through one's own project", async () => {
    const other = await createProject(server)
    for (const method of ['GET', 'DELETE']) {
      const { status } = await other.call(method, `/subscriptions/${subscriptionId}`, other.owner)
      expect(status).toBe(404)
    }
    expect((await project.call('GET', `/subscriptions/${subscriptionId}`, project.owner)).status).toBe(200)
  })
})

describe('what a guest may not', () => {
  const speak = (member: Member | undefined, sender: string) =>
    project.call('POST', `/requests/${requestId}/messages`, member, { text: 'x', sender })

  test('is to speak as somebody else', async () => {
    const { guest, 'other guest': other } = members
    for (const sender of [project.owner.id, project.id, other?.id ?? '', randomUUID()])
      expect((await speak(guest, sender)).status).toBe(403)
    expect((await speak(guest, guest?.id ?? '')).status).toBe(200)
  })

  test('is to learn how to reach agents or other guests, or what was said', async () => {
    const own = newRequestId()
    const { guest, 'other guest': other } = members
    const mine = await project.say(own, 'mine', guest as Member)
    expect(mine.json.request.lead.email).toBe('john@example.org')
    expect(mine.json.request.participatingAgents[0].firstname).toBe('Olga')
    expect(mine.text).not.toContain(project.owner.email)
    const theirs = await project.say(own, 'theirs', other as Member)
    expect(theirs.text).not.toContain('john@example.org')
    expect(theirs.json.request.first_text).toBe('')
  })
})

describe('an owner', () => {
  test('speaks for guests and colleagues of the project, and for nobody else', async () => {
    const { guest, owner } = members
    const speak = (sender: string) =>
      project.call('POST', `/requests/${requestId}/messages`, owner, { text: 'x', sender })
    const { status, json } = await speak(guest?.id ?? '')
    expect([status, json.sender, json.createdBy]).toEqual([200, guest?.id, owner?.id])
    expect(await speak(randomUUID())).toMatchObject({ status: 403, text: NO_MEMBER[1] })
  })
})

describe('tokens under the secret of a subscription', () => {
  const sign = (secret: string, id: string, claims: object) =>
    new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuedAt()
      .setAudience(`https://tiledesk.com/subscriptions/${id}`)
      .sign(new TextEncoder().encode(secret))
  const asMember = (jws: string): Member => ({ id: '', headers: { authorization: `JWT ${jws}` } })
  const subscribe = () => project.subscribe('message.create', `${target}${randomUUID()}`)

  test('make known an end user of a stable id, who then comes back to the same requests', async () => {
    const { _id, secret } = await subscribe()
    const claims = { _id: 'telegram-1234', firstname: 'Tele', lastname: 'Gram', email: 'na@example.org' }
    const jws = await sign(secret, _id, { ...claims, sub: 'userexternal' })
    const member = asMember(jws)
    expect((await project.say(newRequestId(), 'too soon', member)).text).toBe(NO_MEMBER[1])
    const signIn = () =>
      call(server, 'POST', '/api/auth/signinWithCustomToken', { body: {}, headers: member.headers })
    const { status, json } = await signIn()
    expect([status, json.token, json.success]).toEqual([200, `JWT ${jws}`, true])
    expect(json.user).toEqual({
      ...{ ...claims, sub: 'userexternal', iat: expect.any(Number) },
      aud: `https://tiledesk.com/subscriptions/${_id}`,
    })
    const own = newRequestId()
    const said = await project.say(own, 'hello', member)
    expect(said.json).toMatchObject({ sender: 'telegram-1234', senderFullname: 'Tele Gram' })
    expect(said.json.request.requester).toMatchObject({ role: 'user', isAuthenticated: true })
    await signIn()
    const { json: mine } = await project.call('GET', '/requests/me', member)
    expect(mine.requests.map((each: { request_id: string }) => each.request_id)).toEqual([own])
  })

  test('speak as the subscription, and for no account', async () => {
    const { _id, secret } = await subscribe()
    const member = asMember(await sign(secret, _id, { sub: 'subscription' }))
    const { status, json } = await project.say(requestId, 'by hook', member)
    expect([status, json.sender]).toEqual([200, _id])
    expect((await project.call('GET', '/subscriptions', member)).text).toBe(LOW_ROLE[1])
    for (const sub of ['user', 'guest', 'owner']) {
      const posing = asMember(await sign(secret, _id, { sub, _id: project.owner.id }))
      expect((await project.call('GET', '/requests/me', posing)).status).toBe(401)
    }
    // Nor do letters of another case make another id of it.
    for (const id of [project.owner.id, project.id, _id])
      for (const written of [id, id.toUpperCase()]) {
        const agent = asMember(await sign(secret, _id, { sub: 'userexternal', _id: written }))
        const { status: refused } = await call(server, 'POST', '/api/auth/signinWithCustomToken', {
          headers: agent.headers,
          body: {},
        })
        expect(refused).toBe(403)
        expect((await project.say(newRequestId(), 'as an agent', agent)).status).toBe(401)
      }
  })

  test('do not speak as a person who opened a request for themselves', async () => {
    const own = newRequestId()
    expect((await project.say(own, 'mine', project.owner)).status).toBe(200)
    const { _id, secret } = await subscribe()
    const posing = asMember(await sign(secret, _id, { sub: 'userexternal', _id: project.owner.id }))
    expect((await project.say(own, 'as the owner', posing)).status).toBe(401)
    expect((await project.call('GET', '/requests/me', posing)).status).toBe(401)
  })

  test('are no good under another secret, in another project, or when it has ended', async () => {
    const [one, two] = [await subscribe(), await subscribe()]
    const crossed = asMember(await sign(one.secret, two._id, { sub: 'subscription' }))
    expect((await project.call('GET', '/requests', crossed)).status).toBe(401)
    const right = asMember(await sign(one.secret, one._id, { sub: 'subscription' }))
    expect((await project.call('GET', '/requests', right)).status).toBe(200)
    const other = await createProject(server)
    expect((await other.call('GET', '/requests', right)).text).toBe(NO_MEMBER[1])
    await project.call('DELETE', `/subscriptions/${one._id}`, project.owner)
    expect((await project.call('GET', '/requests', right)).status).toBe(401)
  })
})
