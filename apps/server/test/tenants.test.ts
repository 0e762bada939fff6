import { randomUUID } from 'node:crypto'
import { newId, toUuid } from '@plugboard/core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createClient, type TestClient } from './support/api.js'
import { type Receiver, startReceiver } from './support/receiver.js'
import { adminSamples, documentedRoutes, type Named, samples, sendSample } from './support/routes.js'
import { cleanUp, startServer, type TestServer } from './support/server.js'

let server: TestServer
let webhook: Receiver
/** Each with one of everything that has an id. */
let mine: { client: TestClient; named: Named }
let theirs: { client: TestClient; named: Named }

beforeAll(async () => {
  server = await startServer({ env: { WEBHOOK_RETRY_DELAYS: '10ms' } })
  webhook = await startReceiver(() => 400)
  mine = await newTenant('mine')
  theirs = await newTenant('theirs')
})
afterAll(async () => {
  await webhook.close()
  await cleanUp()
})

/** A client with a user, a conversation, a message, a second token and a dead letter. */
async function newTenant(name: string): Promise<{ client: TestClient; named: Named }> {
  const client = await createClient(server, { webhooks: [{ url: `${webhook.url}/${name}` }] })
  const { userId, conversationId } = await client.converse()
  const messageId = (await client.say(conversationId, 'hi', userId)).json.id
  const tokenId = (await client.call('POST', '/clients/tokens')).json.id
  const letters = async () => (await client.call('GET', '/dead-letters')).json.deadLetters
  await vi.waitFor(async () => expect((await letters()).length).toBeGreaterThan(2), { timeout: 10_000 })
  const deadLetterId = (await letters())[0].id
  const named = {
    userId,
    conversationId,
    messageId,
    tokenId,
    deadLetterId,
    webhook: `${webhook.url}/${name}`,
  }
  return { client, named }
}

/** Ids that name nothing, in the form that ids have. */
function nothing(): Named {
  const id = () => toUuid(newId())
  return {
    userId: id(),
    conversationId: id(),
    messageId: id(),
    tokenId: id(),
    deadLetterId: `${id()}.webhook.${id()}`,
    webhook: `${webhook.url}/${randomUUID()}`,
  }
}

const cases = Object.entries(samples).flatMap(([route, makers]) =>
  makers.map((make, i) => ({ name: makers.length > 1 ? `${route} (${i + 1})` : route, route, make })),
)
const naming = cases.filter(({ make }) => {
  const [one, other] = [make(named('a'), named('c')), make(named('b'), named('c'))]
  return JSON.stringify(one) !== JSON.stringify(other)
})

function named(text: string): Named {
  return {
    userId: text,
    conversationId: text,
    messageId: text,
    tokenId: text,
    deadLetterId: text,
    webhook: text,
  }
}

describe('the table of routes', () => {
  test('has every route of the API', async () => {
    const documented = (await documentedRoutes(server)).map(({ method, path }) => `${method} ${path}`)
    expect([...Object.keys(samples), ...Object.keys(adminSamples)].sort()).toEqual(documented.sort())
  })
})

describe("another client's id", () => {
  test.each(naming)('is treated as unknown: $name', async ({ route, make }) => {
    const { client, named: own } = mine
    const foreign = await sendSample(client, route, make(theirs.named, own))
    const unknown = await sendSample(client, route, make(nothing(), own))
    const { status, text } = foreign
    expect([status, text]).toEqual([unknown.status, unknown.text])
    expect(status).toBeLessThan(500)
    if (!make(own, own).path.includes('?')) expect(status).toBeGreaterThanOrEqual(400)
    expect(text).not.toContain(theirs.client.id)
  })

  test('has come to no harm', async () => {
    const { client, named } = theirs
    const { json: messages } = await client.call('GET', `/messages/conversation/${named.conversationId}`)
    expect(messages.map(({ id }: { id: string }) => id)).toEqual([named.messageId])
    const { json: conversations } = await client.call('GET', `/conversations/user/${named.userId}`)
    expect(conversations.map(({ id }: { id: string }) => id)).toEqual([named.conversationId])
    const { json: letters } = await client.call('GET', '/dead-letters')
    expect(letters.deadLetters.map(({ id }: { id: string }) => id)).toContain(named.deadLetterId)
    expect((await client.call('GET', '/clients/tokens')).json.tokens).toHaveLength(2)
  })
})

describe("another client's token", () => {
  test.each(cases)('is unauthorized: $name', async ({ route, make }) => {
    const mixed = { 'x-bp-messaging-client-token': theirs.client.token }
    const { path, body } = make(mine.named, mine.named)
    const answer = await mine.client.call(route.split(' ')[0] ?? '', path, body, mixed)
    expect(answer).toMatchObject({ status: 401, text: 'Unauthorized' })
  })
})

describe('what a client lists', () => {
  test('holds nothing of another', async () => {
    for (const path of ['/health', '/dead-letters?limit=0', '/clients/tokens']) {
      const { text } = await mine.client.call('GET', path)
      for (const id of Object.values(theirs.named)) expect(text).not.toContain(id)
    }
  })
})

describe('the webhooks of a client', () => {
  test('hear nothing of another', async () => {
    const heard = webhook.requests.filter(({ path }) => path.endsWith('/mine'))
    expect(heard.length).toBeGreaterThan(0)
    for (const { text, headers } of heard) {
      expect(headers['x-bp-messaging-client-id']).toBe(mine.client.id)
      expect(text).not.toContain(theirs.named.conversationId)
    }
  })
})
