import { describe, expect, test } from 'vitest'
import { answer, hangUp, workThenHangUp } from '../test/fake-server.js'
import { setUp } from '../test/setup.js'
import { createClient } from './client.js'
import { sync } from './sync.js'

const config = {
  channels: { telegram: { version: '1.0.0', botToken: '1:abc' }, fax: { version: '1.0.0', tray: 2 } },
  webhooks: [{ url: 'https://bot.example/hook' }],
}

describe('client.sync', () => {
  test('sends the whole configuration with the client headers and answers the tokens of the webhooks', async () => {
    const { server, client } = await setUp()
    const { webhooks } = await client.sync(config)
    expect(webhooks).toEqual([{ url: 'https://bot.example/hook', token: expect.stringMatching(/^.{88}$/) }])
    expect(await client.sync(config)).toEqual({ webhooks })
    expect(server.requests[0]?.body).toEqual(config)
  })

  test('is repeated after a lost answer, as it says the same again', async () => {
    const { server, client } = await setUp()
    server.faults.push(workThenHangUp)
    expect(await client.sync(config)).toMatchObject({ webhooks: [{ url: 'https://bot.example/hook' }] })
    expect(server.requests).toHaveLength(2)
  })
})

describe('sync', () => {
  test('makes a client whose credentials work, without sending any', async () => {
    const { server } = await setUp()
    const { id, token, webhooks } = await sync(server.url, config)
    expect(server.requests[0]?.headers).not.toHaveProperty('x-bp-messaging-client-id')
    expect(server.requests[0]?.headers).not.toHaveProperty('idempotency-key')
    expect(webhooks).toHaveLength(1)
    await createClient({ url: server.url, clientId: id, clientToken: token }).users.create()
  })

  test('configures a known client anew', async () => {
    const { server } = await setUp()
    const { id, token } = await sync(server.url, config)
    expect(await sync(server.url, { id, token })).toEqual({ id, token, webhooks: [] })
  })

  test('is a 403 with a wrong token, which the error does not hold', async () => {
    const { server } = await setUp()
    const token = 'wrong-token'
    const error = await sync(server.url, { id: server.world.clientId, token }).catch((thrown) => thrown)
    expect(error).toMatchObject({ status: 403, message: 'Forbidden', path: '/api/v1/sync' })
    server.faults.push(answer(400, 'token wrong-token is wrong'))
    await expect(sync(server.url, { token })).rejects.toThrow('token [removed] is wrong')
  })

  test('passes the admin key and further headers on', async () => {
    const { server } = await setUp()
    await sync(server.url, {}, { adminKey: 'admin-key', headers: { password: 'internal' } })
    const { headers } = server.requests[0] ?? {}
    expect(headers).toMatchObject({ 'x-bp-messaging-admin-key': 'admin-key', password: 'internal' })
  })

  test('is not repeated when it may have made a client already', async () => {
    const { server } = await setUp()
    server.faults.push(hangUp)
    await expect(sync(server.url, config)).rejects.toMatchObject({ reason: 'network' })
    server.faults.push(answer(503))
    await expect(sync(server.url, config)).rejects.toMatchObject({ status: 503 })
    expect(server.requests).toHaveLength(2)
  })

  test('is repeated when the server did nothing (429), or for a known client', async () => {
    const { server } = await setUp()
    server.faults.push(answer(429, 'later', { 'retry-after': '0' }))
    const { id, token } = await sync(server.url, config)
    server.faults.push(hangUp)
    await sync(server.url, { id, token })
    expect(server.requests).toHaveLength(4)
  })
})
