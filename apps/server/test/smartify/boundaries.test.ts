import { randomUUID } from 'node:crypto'
import { type Id, newId, toUuid } from '@plugboard/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answered, call, callAdmin, type TestClient } from '../support/api.js'
import { newSecret, tell, webhookChannel } from '../support/person.js'
import { type Receiver, startReceiver } from '../support/receiver.js'
import { cleanUp, sharedServer } from '../support/server.js'
import { basic, createProject, type Member, newRequestId, type Project } from '../support/smartify.js'

/** What a caller gets: a status, and the whole body where it is always the same. */
type Wanted = readonly [status: number, text?: string]

const OK: Wanted = [200]
const GONE: Wanted = [404, '{"success":false,"msg":"Object not found."}']
const NO_MEMBER: Wanted = [403, '{"success":false,"msg":"you dont belong to the project."}']
const LOW_ROLE: Wanted = [403, '{"success":false,"msg":"you dont have the required role."}']
const UNAUTHORIZED: Wanted = [401, 'Unauthorized']

const callers = [
  'its participant',
  'another guest',
  'guest of another project',
  'agent',
  'owner',
  'the client',
  'nobody',
] as const
type CallerName = (typeof callers)[number]

const targets = [
  'a request of the participant',
  'a new id',
  'a conversation that another API opened for the participant',
  'a conversation on a channel',
  'a conversation of another tenant',
  'an id that never was',
] as const
type TargetName = (typeof targets)[number]

const verbs = ['post', 'list', 'get', 'close'] as const
type Verb = (typeof verbs)[number]

const server = sharedServer()
let project: Project
let client: TestClient
let provider: Receiver
let members: Record<CallerName, Member>
let places: Record<Exclude<TargetName, 'a new id'>, string>
const secret = newSecret()
const asRequest = (uuid: string): string => `support-group-${uuid}`

/** The conversation of a person who writes by a channel. */
async function onChannel(of: TestClient, sender: string): Promise<string> {
  const name = 'webhook'
  await tell(server, { client: of.id, secret }, { sender, payload: { type: 'text', text: 'hello' } })
  const endpoint = { channel: { name, version: '1.0.0' }, identity: '*', sender, thread: '*' }
  return (await of.call('POST', '/endpoints/map', endpoint)).json.conversationId
}

beforeAll(async () => {
  provider = await startReceiver()
  project = await createProject(server)
  const other = await createProject(server)
  client = await project.client()
  const otherClient = await other.client()
  const channels = webhookChannel(provider.url, secret)
  for (const each of [client, otherClient]) await each.call('POST', '/sync', { channels })
  const [participant, stranger] = [await project.guest(), await project.guest()]
  const password = randomUUID()
  const email = `${randomUUID()}@example.org`
  const { json: agent } = await callAdmin(server, 'POST', '/owners', { project: project.id, email, password })
  members = {
    'its participant': participant,
    'another guest': stranger,
    'guest of another project': await other.guest(),
    agent: { id: agent.userId, headers: basic(email, password) },
    owner: project.owner,
    'the client': { id: project.id, headers: basic(client.id, client.token) },
    nobody: { id: '', headers: {} },
  }
  const own = newRequestId()
  const { json: opened } = await project.say(own, 'mine', participant)
  const opening = { userId: toUuid(opened.request.requester_id as Id) }
  const { json: theirs } = await client.call('POST', '/conversations', opening)
  places = {
    'a request of the participant': own,
    'a conversation that another API opened for the participant': asRequest(theirs.id),
    'a conversation on a channel': asRequest(await onChannel(client, 'tom')),
    'a conversation of another tenant': asRequest(await onChannel(otherClient, 'ann')),
    'an id that never was': asRequest(toUuid(newId())),
  }
})
afterAll(async () => {
  await provider.close()
  await cleanUp()
})

const send = (verb: Verb, requestId: string, member: Member): Promise<Answered> => {
  const path = `/requests/${requestId}`
  switch (verb) {
    case 'post':
      return project.call('POST', `${path}/messages`, member, { text: 'an intrusion' })
    case 'list':
      return project.call('GET', `${path}/messages`, member)
    case 'get':
      return project.call('GET', path, member)
    case 'close':
      return project.call('PUT', `${path}/close`, member)
  }
}

const isThere: Record<TargetName, boolean> = {
  'a request of the participant': true,
  'a new id': false,
  'a conversation that another API opened for the participant': true,
  'a conversation on a channel': true,
  'a conversation of another tenant': false,
  'an id that never was': false,
}

function wanted(caller: CallerName, verb: Verb, target: TargetName): Wanted {
  if (caller === 'nobody') return UNAUTHORIZED
  if (caller === 'guest of another project') return NO_MEMBER
  const isGuest = caller === 'its participant' || caller === 'another guest'
  if (isGuest && (verb === 'get' || verb === 'close')) return LOW_ROLE
  if (verb === 'post' && target === 'a new id') return OK
  if (!isThere[target]) return GONE
  if (!isGuest) return OK
  // Who chose the id may share it: whoever knows it writes there, and reads nothing.
  if (verb === 'post' && target === 'a request of the participant') return OK
  return caller === 'its participant' && target !== 'a conversation on a channel' ? OK : GONE
}

const table = verbs.flatMap((verb) =>
  targets.flatMap((target) => callers.map((caller) => ({ verb, target, caller }))),
)

describe('who may do what with a request', () => {
  test.each(table)('$verb $target, by $caller', async ({ verb, target, caller }) => {
    const requestId = target === 'a new id' ? newRequestId() : places[target]
    const { status, text } = await send(verb, requestId, members[caller])
    const [wantedStatus, wantedText = text] = wanted(caller, verb, target)
    expect([status, text]).toEqual([wantedStatus, wantedText])
  })

  test.each(['post', 'list'] as const)(
    'what is not there and what is not theirs answer alike: %s',
    async (verb) => {
      const names = [
        'a conversation on a channel',
        'a conversation of another tenant',
        'an id that never was',
      ]
      const answers = await Promise.all(
        names.map(async (name) => {
          const { status, text, headers } = await send(
            verb,
            places[name as keyof typeof places],
            members['another guest'],
          )
          const { date: _, 'x-request-id': __, ...others } = Object.fromEntries(headers)
          return { status, text, headers: others }
        }),
      )
      for (const answer of answers) expect(answer).toEqual(answers[0])
    },
  )
})

describe('what an end user writes', () => {
  /** What reached the person at the provider, once what the business said last has. */
  async function reached(conversationId: string): Promise<string[]> {
    const last = randomUUID()
    await client.say(conversationId, last)
    const texts = () => provider.requests.map(({ json }) => JSON.stringify(json))
    await provider.until(() => texts().some((text) => text.includes(last)), 20_000)
    return texts()
  }

  test('reaches nobody on a channel whose conversation a guest guesses', async () => {
    const conversationId = await onChannel(client, 'victim')
    const guest = await project.guest({ firstname: 'Your bank' })
    const requestId = asRequest(conversationId)
    const intrusion = randomUUID()
    const bodies = [
      { text: intrusion },
      { text: intrusion, senderFullname: 'Your bank' },
      { text: intrusion, sender: project.id },
      { text: intrusion, channel: { name: 'webhook' } },
    ]
    for (const body of bodies) {
      const { status } = await project.call('POST', `/requests/${requestId}/messages`, guest, body)
      expect([403, 404]).toContain(status)
    }
    // The same conversation by other spellings of its id opens nothing, or another request.
    for (const spelling of [requestId.toUpperCase(), asRequest(conversationId.toUpperCase()), conversationId])
      await project.say(spelling, intrusion, guest)
    expect((await reached(conversationId)).join()).not.toContain(intrusion)
  })

  test.each(['messages', 'collect'])(
    'reaches nobody else, whoever posts it: Messaging API, %s',
    async (route) => {
      const conversationId = await onChannel(client, `someone of ${route}`)
      const { userId: authorId } = await client.converse()
      const intrusion = randomUUID()
      const body = { conversationId, authorId, payload: { type: 'text', text: intrusion } }
      const { status } = await (route === 'messages'
        ? client.call('POST', '/messages', body)
        : client.call('POST', '/messages/collect', { ...body, timeout: 1 }))
      expect(status).toBe(201)
      expect((await reached(conversationId)).join()).not.toContain(intrusion)
    },
  )

  test('reaches nobody else when the business speaks for a guest in the conversation of another', async () => {
    const conversationId = await onChannel(client, 'spoken to')
    const [guest, intrusion] = [members['another guest'], randomUUID()]
    const body = { text: intrusion, sender: guest.id }
    const path = `/requests/${asRequest(conversationId)}/messages`
    expect((await project.call('POST', path, project.owner, body)).status).toBe(200)
    expect((await reached(conversationId)).join()).not.toContain(intrusion)
  })
})

describe('how a message shows its author', () => {
  test('is for the business to choose; a guest has the name that they signed in with', async () => {
    const guest = await project.guest({ firstname: 'John' })
    const path = `/requests/${newRequestId()}/messages`
    const say = (member: Member, more: object = {}) =>
      project.call('POST', path, member, { text: 'x', senderFullname: 'Chosen', ...more })
    expect((await say(guest)).json.senderFullname).toBe('John')
    expect((await say(project.owner)).json.senderFullname).toBe('Chosen')
    expect((await say(project.owner, { sender: guest.id })).json.senderFullname).toBe('Chosen')
  })
})

describe('whether a client is there', () => {
  test('is refused without credentials: Smartify', async () => {
    for (const headers of [{}, basic(project.owner.email, 'wrong'), basic(client.id, 'wrong')]) {
      const ask = (id: string) => call(server, 'GET', `/api/${id}/requests/me`, { headers })
      const [known, unknown] = [await ask(project.id), await ask(newId())]
      expect([unknown.status, unknown.text]).toEqual([known.status, known.text])
      expect(known.status).toBe(401)
    }
  })

  test('is refused to members of another: Smartify', async () => {
    const { headers } = members['guest of another project']
    const ask = (id: string) => call(server, 'GET', `/api/${id}/requests/me`, { headers })
    const [known, unknown] = [await ask(project.id), await ask(newId())]
    expect([unknown.status, unknown.text]).toEqual([known.status, known.text])
  })
})
