import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callAdmin, createClient, type TestClient } from '../support/api.js'
import { cleanUp, sharedServer } from '../support/server.js'
import { type Creds, closeSockets, type Dialled, dial, guestWithConversation } from '../support/sockets.js'

const server = sharedServer()

interface Tenant {
  client: TestClient
  page: Dialled
  creds: Creds
  conversationId: string
  messageId: string
}

async function tenant(client: TestClient): Promise<Tenant> {
  const { page, creds, conversationId } = await guestWithConversation(server, client.id)
  const { id: messageId } = (await client.say(conversationId, 'a secret')).json
  return { client, page, creds, conversationId, messageId }
}

let own: Tenant
/** Whose things somebody tries to get at. */
let others: Record<string, Tenant>

beforeAll(async () => {
  const client = await createClient(server)
  own = await tenant(client)
  others = {
    'another user of the client': await tenant(client),
    'a user of another client': await tenant(await createClient(server)),
  }
})
afterAll(closeSockets)
afterAll(cleanUp)

/** Requests about something of somebody, and how they are refused: as if it were not there. */
const requests: readonly [string, (of: Pick<Tenant, 'conversationId' | 'messageId'>) => object, string][] = [
  ['conversations.get', ({ conversationId: id }) => ({ id }), 'Conversation does not exist'],
  ['conversations.start', ({ conversationId: id }) => ({ id }), 'Conversation does not exist'],
  ['conversations.delete', ({ conversationId: id }) => ({ id }), 'Conversation does not exist'],
  ['messages.list', ({ conversationId }) => ({ conversationId, limit: 20 }), 'Conversation does not exist'],
  [
    'messages.create',
    ({ conversationId }) => ({ conversationId, payload: { type: 'text', text: 'not mine' } }),
    'Conversation does not exist',
  ],
  ['messages.feedback', ({ messageId }) => ({ messageId, feedback: 1 }), 'Message does not exist'],
]

describe.each(requests)('%s', (type, dataOf, message) => {
  const whose = ['another user of the client', 'a user of another client']

  test.each(whose)('of %s is answered as one that is not there', async (who) => {
    const theirs = others[who] as Tenant
    const answer = await own.page.ask(type, dataOf(theirs))
    const nobodys = dataOf({ conversationId: randomUUID(), messageId: randomUUID() })
    expect(answer).toEqual({ error: true, message })
    expect(await own.page.ask(type, nobodys)).toEqual(answer)
    const [newest] = await theirs.page.ask('messages.list', {
      conversationId: theirs.conversationId,
      limit: 0,
    })
    expect(newest).toMatchObject({ id: theirs.messageId })
  })
})

describe('a list', () => {
  test('has what is of the user only, however long it may be', async () => {
    for (const limit of [0, 1_000_000_000]) {
      const conversations = await own.page.ask('conversations.list', { limit })
      expect(conversations.map(({ id }: { id: string }) => id)).toEqual([own.conversationId])
    }
  })
})

describe('credentials', () => {
  const idOf = async (clientId: string, creds: Creds) =>
    (await dial(server, { auth: { clientId, creds } })).logins[0]?.userId

  test('of another client make a new user', async () => {
    const { creds } = others['a user of another client'] as Tenant
    expect(await idOf(own.client.id, creds)).not.toBe(creds.userId)
  })

  test('of another user with the own token, and the other way, make a new user', async () => {
    const { creds: theirs } = others['another user of the client'] as Tenant
    const mixed = { userId: theirs.userId, userToken: own.creds.userToken }
    const back = { userId: own.creds.userId, userToken: theirs.userToken }
    for (const creds of [mixed, back])
      expect([own.creds.userId, theirs.userId]).not.toContain(await idOf(own.client.id, creds))
  })

  test('of a client, such as its token, are none of a user', async () => {
    const creds = { userId: own.creds.userId, userToken: own.client.token }
    expect(await idOf(own.client.id, creds)).not.toBe(own.creds.userId)
  })

  test('end with the client, and its open sockets too', async () => {
    const client = await createClient(server)
    const { page, creds } = await tenant(client)
    const isGone = once(page.socket as never, 'disconnect')
    expect((await callAdmin(server, 'DELETE', `/clients/${client.id}`)).status).toBe(204)
    void page.ask('users.get')
    expect((await isGone)[0]).toBe('transport close')
    const refused = dial(server, { auth: { clientId: client.id, creds } }).catch(
      (error: Error) => error.message,
    )
    expect(await refused).toBe('Client not found')
  })

  test('end when they are revoked, and its open sockets too', async () => {
    const { page, creds, client } = await tenant(own.client)
    const isGone = once(page.socket as never, 'disconnect')
    expect((await client.call('DELETE', `/users/${creds.userId}/tokens`)).status).toBe(204)
    expect((await isGone)[0]).toBe('transport close')
    expect(await idOf(client.id, creds)).not.toBe(creds.userId)
  })

  test('end when they expire, and its open sockets too', async () => {
    const { userId } = await own.client.converse()
    const { token: userToken } = (await own.client.call('POST', '/users/tokens', { userId, expiresIn: 1 }))
      .json
    const auth = { clientId: own.client.id, creds: { userId, userToken } }
    const page = await dial(server, { auth })
    expect(page.logins).toEqual([{ userId }])
    await expect
      .poll(() => {
        void page.ask('users.get')
        return page.logins
      })
      .toHaveLength(2)
    expect(page.logins[1]?.userId).not.toBe(userId)
  })
})
