import { randomInt, randomUUID } from 'node:crypto'
import { fromUuid } from '@plugboard/core'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call, createClient, type TestClient } from '../support/api.js'
import { cleanUp, isSoak, startServer, type TestServer } from '../support/server.js'
import { createProject, newRequestId, type Project } from '../support/smartify.js'
import { basic, newKey } from '../support/sunshine.js'
import { documentedOperations, type Operation, requestsOf } from './support/operations.js'
import type { Known } from './support/target.js'

/** Requests of each operation with each of the credentials. */
const SAMPLES = isSoak ? 2 : 1
/** A push sends every eleventh, beginning with another one each time: of each operation, and with all of the credentials. */
const STRIDE = isSoak ? 1 : 11
const turn = randomInt(STRIDE)

let server: TestServer
/** Whose data everybody is after: one tenant in all three dialects. */
let mine: { project: Project; client: TestClient; known: Known; secrets: readonly string[] }
let operations: Operation[]
/** Credentials of others, and such that are none. */
let strangers: Readonly<Record<string, Record<string, string>>>

beforeAll(async () => {
  server = await startServer({ env: { RATE_LIMIT: '0', GUEST_RATE_LIMIT: '0' } })
  operations = await documentedOperations(server)
  mine = await newTenant()
  strangers = await newStrangers()
}, 60_000)
afterAll(cleanUp)

/** A tenant with one of everything that has an id or says something. */
async function newTenant(): Promise<typeof mine> {
  const secrets = Array.from({ length: 4 }, () => `mine-${randomUUID()}`)
  const [text = '', externalId = '', hook = '', name = ''] = secrets
  const project = await createProject(server)
  const client = await project.client()
  const { userId, conversationId } = await client.converse()
  const messageId = (await client.say(conversationId, text, userId)).json.id as string
  const key = await newKey(server, { app: project.id, scope: 'account' })
  const api = (path: string, body: object) =>
    call(server, 'POST', `/v2/apps/${project.id}${path}`, { body, headers: { authorization: basic(key) } })
  const person = await api('/users', { externalId, profile: { givenName: name } })
  const integration = await api('/integrations', {
    type: 'custom',
    webhooks: [{ target: `https://example.com/${hook}`, triggers: ['conversation:read'] }],
  })
  expect([person.status, integration.status]).toEqual([201, 201])
  const guest = await project.guest({ firstname: name })
  const requestId = newRequestId()
  await project.say(requestId, text, guest)
  const subscription = await project.subscribe('message.create', `https://example.com/${hook}`)
  const both = (uuid: string): string[] => [uuid, fromUuid(uuid) ?? '']
  const known = {
    ...{ appId: [project.id], projectId: [project.id], id_project: [project.id], app: [project.id] },
    ...{
      clientIdOrName: [client.id],
      clientId: [client.id, project.id],
      id: [client.id, userId, conversationId, messageId],
    },
    ...{
      userId: [...both(userId), person.json.user.id],
      authorId: [userId],
      userIdOrExternalId: [externalId, person.json.user.id],
    },
    ...{ conversationId: both(conversationId), messageId: both(messageId), incomingId: [messageId] },
    ...{
      integrationId: [integration.json.integration.id],
      webhookId: [integration.json.integration.webhooks[0].id],
    },
    ...{ requestId: [requestId, `support-group-${conversationId}`], subscriptionId: [subscription._id] },
    ...{
      keyId: [key.keyId],
      timeout: ['1'],
      limit: ['0'],
      'page[size]': ['100'],
      'filter[userId]': [person.json.user.id],
    },
  }
  return { project, client, known, secrets }
}

async function newStrangers(): Promise<typeof strangers> {
  const client = await createClient(server)
  const project = await createProject(server)
  const guest = await project.guest()
  const app = await newKey(server, { app: project.id })
  const made = await call(server, 'POST', `/v2/apps/${project.id}/integrations`, {
    headers: { authorization: basic(app) },
    body: { type: 'custom', webhooks: [{ target: 'https://example.com/', triggers: ['conversation:read'] }] },
  })
  const integrationId = made.json.integration.id
  const integration = await newKey(server, { app: project.id, scope: 'integration', integrationId })
  const { userId } = await client.converse()
  const { token } = (await client.call('POST', '/users/tokens', { userId })).json
  return {
    nothing: {},
    "another client's token": client.headers,
    "another client's token with the id of this one": {
      ...client.headers,
      'x-bp-messaging-client-id': mine.client.id,
    },
    'a token that is none': { ...mine.client.headers, 'x-bp-messaging-client-token': randomUUID() },
    "a user's token of another client": {
      'x-bp-messaging-client-id': mine.client.id,
      'x-bp-messaging-user-id': userId,
      'x-bp-messaging-user-token': String(token),
    },
    "another app's key": { authorization: basic(app) },
    "the key of another app's integration": { authorization: basic(integration) },
    'a key with another secret': { authorization: basic({ ...app, secret: randomUUID() }) },
    "another project's owner": project.owner.headers,
    "another project's guest": guest.headers,
    'a forged bearer': { authorization: `Bearer ${'e30.'.repeat(2)}e30` },
    'a wrong admin key': { 'x-bp-messaging-admin-key': randomUUID() },
  }
}

/** All that the tenant has, by its own credentials. */
async function inventory(): Promise<unknown> {
  const { client, project, known } = mine
  const key = await newKey(server, { app: project.id, scope: 'account' })
  const get = (path: string, headers: Record<string, string>) => call(server, 'GET', path, { headers })
  const app = (path: string) => get(`/v2/apps/${project.id}${path}`, { authorization: basic(key) })
  const answers = [
    await client.call('GET', `/messages/conversation/${known.conversationId?.[0]}?limit=0`),
    await client.call('GET', `/conversations/user/${known.userId?.[0]}`),
    await client.call('GET', '/health'),
    await app('/users?filter[identities.email]=none@example.org'),
    await app(`/users/${known.userIdOrExternalId?.[0]}`),
    await app('/integrations'),
    await get(`/api/${project.id}/requests/${known.requestId?.[0]}/messages`, project.owner.headers),
    await get(`/api/${project.id}/subscriptions`, project.owner.headers),
  ]
  return answers.map(({ status, json }) => ({ status, json }))
}

describe('every documented operation', () => {
  test('is one of those that this table knows of', () => {
    expect(operations.length).toBeGreaterThanOrEqual(110)
    expect(Object.keys(strangers)).toHaveLength(12)
  })

  test('gives nothing of a tenant to anybody else, and changes nothing of it', async () => {
    const before = await inventory()
    const leaks: string[] = []
    let seed = 0
    for (const operation of operations) {
      for (const [name, headers] of Object.entries(strangers)) {
        seed += 1
        if ((seed + turn) % STRIDE !== 0) continue
        for (const request of fc.sample(requestsOf(operation, mine.known), { seed, numRuns: SAMPLES })) {
          const { method, path, body } = request
          const answer = await call(server, method, path, { headers, ...(body !== undefined && { body }) })
          const isLeak = mine.secrets.some(
            (secret) => answer.text.includes(secret) && !path.includes(secret) && !body?.includes(secret),
          )
          if (isLeak || (answer.status >= 500 && answer.status !== 501))
            leaks.push(`${name}: ${method} ${path} ${answer.status} ${body?.slice(0, 300)}`)
        }
      }
    }
    expect(leaks).toEqual([])
    expect(await inventory()).toEqual(before)
  }, 300_000)

  test('does its work for the tenant itself, so that the above is no accident', async () => {
    const { text } = await mine.client.call('GET', `/messages/conversation/${mine.known.conversationId?.[0]}`)
    expect(text).toContain(mine.secrets[0])
  })
})
