import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClient, type TestClient } from '../support/api.js'
import { cleanUp, sharedServer } from '../support/server.js'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

const server = sharedServer()
let client: TestClient
beforeAll(async () => {
  client = await createClient(server)
})
afterAll(cleanUp)

describe('a user', () => {
  test('is made and got', async () => {
    const { status, json } = await client.call('POST', '/users')
    expect(status).toBe(201)
    expect(json).toEqual({ id: expect.stringMatching(UUID), clientId: client.id })
    const got = await client.call('GET', `/users/${json.id}`)
    expect(got).toMatchObject({ status: 200, json })
    expect(got.json.data ?? null).toBeNull()
  })

  test('is another one each time', async () => {
    const made = await Promise.all(Array.from({ length: 50 }, () => client.call('POST', '/users', {})))
    expect(new Set(made.map(({ json }) => json.id)).size).toBe(50)
  })

  test('is not found when there is none', async () => {
    for (const id of [randomUUID(), '0198c0de-0000-7000-8000-000000000000'])
      expect(await client.call('GET', `/users/${id}`)).toMatchObject({ status: 404, text: 'Not Found' })
  })

  test('has no name but its id', async () => {
    const { id } = (await client.call('POST', '/users')).json
    const sameButForSpareBits = `${id.slice(0, -1)}1`
    expect((await client.call('GET', `/users/${sameButForSpareBits}`)).status).toBe(404)
    expect((await client.call('GET', '/users/sam')).text).toBe('"params.id" must be a valid GUID')
  })

  test('is not made from a body with anything in it', async () => {
    const answer = await client.call('POST', '/users', { name: 'sam' })
    expect(answer).toMatchObject({ status: 400, text: '"body.name" is not allowed' })
  })
})

describe('the token of a user', () => {
  test('is an id and a secret, and another one each time', async () => {
    const { id: userId } = (await client.call('POST', '/users')).json
    const make = () => client.call('POST', '/users/tokens', { userId })
    const [first, second] = [await make(), await make()]
    expect(first.status).toBe(201)
    expect(first.json).toEqual({ id: expect.stringMatching(UUID), token: expect.any(String) })
    expect(first.json.token).toMatch(new RegExp(`^${first.json.id}\\.\\S{43,}$`))
    expect(second.json.token).not.toBe(first.json.token)
  })

  test('is made for users that there are', async () => {
    const make = (body: object) => client.call('POST', '/users/tokens', body)
    expect(await make({ userId: randomUUID() })).toMatchObject({ status: 404, text: 'Not Found' })
    expect(await make({})).toMatchObject({ status: 400, text: '"body.userId" is required' })
  })

  test('is no token of the client', async () => {
    const { id: userId } = (await client.call('POST', '/users')).json
    const { token } = (await client.call('POST', '/users/tokens', { userId })).json
    const answer = await client.call('GET', '/clients', undefined, { 'x-bp-messaging-client-token': token })
    expect(answer).toMatchObject({ status: 401, text: 'Unauthorized' })
  })
})
