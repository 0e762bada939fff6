import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClient, type TestClient } from '../support/api.js'
import { startReceiver } from '../support/receiver.js'
import { cleanUp, sharedServer } from '../support/server.js'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

const server = sharedServer()
let client: TestClient
beforeAll(async () => {
  client = await createClient(server)
})
afterAll(cleanUp)

/** Creates a user and this many conversations; returns the user and the ids, oldest first. */
async function newConversations(count: number): Promise<{ userId: string; ids: string[] }> {
  const { id: userId } = (await client.call('POST', '/users')).json
  const ids: string[] = []
  for (let i = 0; i < count; i += 1)
    ids.push((await client.call('POST', '/conversations', { userId })).json.id as string)
  return { userId, ids }
}

const list = async (userId: string, query = ''): Promise<string[]> => {
  const { json } = await client.call('GET', `/conversations/user/${userId}${query}`)
  return (json as { id: string }[]).map(({ id }) => id)
}

describe('a conversation', () => {
  test('is made of a user, and got', async () => {
    const { id: userId } = (await client.call('POST', '/users')).json
    const { status, json } = await client.call('POST', '/conversations', { userId })
    expect(status).toBe(201)
    expect(json).toEqual({
      id: expect.stringMatching(UUID),
      clientId: client.id,
      userId,
      createdOn: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/),
    })
    expect(await client.call('GET', `/conversations/${json.id}`)).toMatchObject({ status: 200, json })
  })

  test('is found by its id in upper case', async () => {
    const { ids } = await newConversations(1)
    const { status, json } = await client.call('GET', `/conversations/${ids[0]?.toUpperCase()}`)
    expect([status, json.id]).toEqual([200, ids[0]])
  })

  test('is not found when there is none, nor its user', async () => {
    const notFound = { status: 404, text: 'Not Found' }
    expect(await client.call('GET', `/conversations/${randomUUID()}`)).toMatchObject(notFound)
    expect(await client.call('POST', '/conversations', { userId: randomUUID() })).toMatchObject(notFound)
    expect(await client.call('GET', `/conversations/user/${randomUUID()}`)).toMatchObject(notFound)
  })

  test.each([
    ['no user', {}, '"body.userId" is required'],
    ['an empty user', { userId: '' }, '"body.userId" is not allowed to be empty'],
    ['a number for its user', { userId: 5 }, '"body.userId" must be a string'],
    ['a user that is no GUID', { userId: 'sam' }, '"body.userId" must be a valid GUID'],
    ['a key too many', { userId: randomUUID(), name: 'x' }, '"body.name" is not allowed'],
  ])('is not made with %s', async (_, body, text) => {
    expect(await client.call('POST', '/conversations', body)).toMatchObject({ status: 400, text })
  })
})

describe('the conversations of a user', () => {
  test('are listed without messages first, newest first, then by newest message', async () => {
    const { userId, ids } = await newConversations(5)
    const [a = '', b = '', c = '', d = '', e = ''] = ids
    for (const id of [d, a, c]) await client.say(id, 'hi')
    expect(await list(userId)).toEqual([e, b, c, a, d])
    await client.say(d, 'again')
    expect(await list(userId)).toEqual([e, b, d, c, a])
  })

  test('are 20 without a limit, and all with a limit of 0', async () => {
    const { userId, ids } = await newConversations(23)
    expect(await list(userId)).toEqual([...ids].reverse().slice(0, 20))
    expect(await list(userId, '?limit=0')).toEqual([...ids].reverse())
    expect(await list(userId, '?limit=2')).toHaveLength(2)
  })

  test('are paged by the last one seen, across those with and without messages', async () => {
    const { userId, ids } = await newConversations(6)
    for (const id of ids.slice(0, 3)) await client.say(id, 'hi')
    const pages: string[] = []
    for (let page = await list(userId, '?limit=2'); page.length > 0; ) {
      pages.push(...page)
      page = await list(userId, `?limit=2&before=${page.at(-1)}`)
    }
    expect(pages).toEqual(await list(userId))
  })

  test('are only those of that user', async () => {
    const [one, other] = [await newConversations(1), await newConversations(1)]
    expect(await list(one.userId)).toEqual(one.ids)
    expect(await list(other.userId)).toEqual(other.ids)
  })

  test.each([
    ['limit=-1', '"query.limit" must be greater than or equal to 0'],
    ['limit=x', '"query.limit" must be a number'],
    ['offset=1', '"query.offset" is not allowed'],
  ])('refuse ?%s', async (query, text) => {
    const { userId } = await newConversations(0)
    const answer = await client.call('GET', `/conversations/user/${userId}?${query}`)
    expect(answer).toMatchObject({ status: 400, text })
  })
})

describe('deleting a conversation', () => {
  test('removes it with its messages and its endpoints, once', async () => {
    const endpoint = { channel: 'custom', identity: '*', sender: randomUUID(), thread: 't' }
    const { conversationId } = (await client.call('POST', '/endpoints/map', endpoint)).json
    const { id } = (await client.say(conversationId, 'hi')).json
    const { userId } = (await client.call('GET', `/conversations/${conversationId}`)).json
    const remove = () => client.call('DELETE', `/conversations/${conversationId}`)
    expect(await remove()).toMatchObject({ status: 204, text: '' })
    expect(await remove()).toMatchObject({ status: 404, text: 'Not Found' })
    for (const path of [
      `/conversations/${conversationId}`,
      `/messages/${id}`,
      `/messages/conversation/${conversationId}`,
      `/endpoints/conversation/${conversationId}`,
    ])
      expect(await client.call('GET', path)).toMatchObject({ status: 404, text: 'Not Found' })
    expect((await client.say(conversationId, 'anyone?')).status).toBe(404)
    expect(await list(userId)).toEqual([])
  })

  test('lets its endpoint be mapped to a new one, of the same user', async () => {
    const endpoint = { channel: 'custom', identity: '*', sender: randomUUID(), thread: 't' }
    const map = async () =>
      (await client.call('POST', '/endpoints/map', endpoint)).json.conversationId as string
    const owner = async (id: string) => (await client.call('GET', `/conversations/${id}`)).json.userId
    const first = await map()
    const userId = await owner(first)
    await client.call('DELETE', `/conversations/${first}`)
    const second = await map()
    expect(second).not.toBe(first)
    expect(await owner(second)).toBe(userId)
  })

  test('is reported to the webhooks', async () => {
    const { url, ofType, until, close } = await startReceiver()
    const owner = await createClient(server, { webhooks: [{ url }] })
    const { userId, conversationId } = await owner.converse()
    await owner.call('DELETE', `/conversations/${conversationId}`)
    await until(() => ofType('conversation.deleted').length === 1)
    expect(ofType('conversation.deleted')[0]?.json.data).toEqual({ userId, conversationId })
    await close()
  })
})
