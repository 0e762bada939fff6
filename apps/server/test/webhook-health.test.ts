import { createClient as connect } from '@plugboard/client'
import { fromUuid } from '@plugboard/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call, callAdmin, createClient, type TestClient } from './support/api.js'
import { startReceiver } from './support/receiver.js'
import { cleanUp, startServer, type TestServer } from './support/server.js'

const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** For polls: a busy machine is slow. */
const PATIENT = { timeout: 20_000 }

let server: TestServer

beforeAll(async () => {
  // Of each lane, one attempt fails at once and the next one is far away.
  server = await startServer({
    env: { WEBHOOK_RETRY_DELAYS: '1h', GATE_FAILURES: '2', GATE_PAUSE: '1h', GATE_MAX_PAUSE: '1h' },
  })
})
afterAll(cleanUp)

const deliveriesOf = async (client: TestClient, id: string) =>
  (await client.call('GET', `/messages/${id}/deliveries`)).json.deliveries as Record<string, unknown>[]

const webhooksOf = async (client: TestClient) =>
  (await client.call('GET', '/webhooks')).json.webhooks as Record<string, unknown>[]

describe('a webhook that fails', () => {
  test('is shown at once, with what blocks a message, although that is an event without a message', async () => {
    const bot = await startReceiver((request) => (request.json.type === 'conversation.new' ? 500 : 200))
    const client = await createClient(server, { webhooks: [{ url: bot.url }] })
    const userId = (await client.call('POST', '/users')).json.id
    const delivered = async () => (await webhooksOf(client))[0]?.counts
    await expect.poll(delivered, PATIENT).toMatchObject({ delivered: 1 })
    const conversationId = (await client.call('POST', '/conversations', { userId })).json.id
    const [{ json: first }, { json: second }] = [
      await client.say(conversationId, 'one'),
      await client.say(conversationId, 'two'),
    ]
    const trouble = {
      ...{ state: 'retrying', attempts: 1, error: 'answered 500', nextAttemptAt: expect.stringMatching(ISO) },
      blockedBy: { id: expect.stringContaining('.webhook.'), event: 'conversation.new' },
    }
    for (const { id } of [first, second]) {
      await expect.poll(() => deliveriesOf(client, id), PATIENT).toMatchObject([trouble])
      expect((await deliveriesOf(client, id))[0]?.blockedBy).not.toHaveProperty('messageId')
    }
    const state = {
      id: expect.stringMatching(UUID),
      url: bot.url,
      state: 'retrying',
      lastDeliveredAt: expect.stringMatching(ISO),
      lastFailure: {
        kind: 'transient',
        message: 'answered 500',
        at: expect.stringMatching(ISO),
        nextAttemptAt: expect.stringMatching(ISO),
      },
      consecutiveFailures: 1,
      counts: { delivered: 1, failed: 1, dead: 0 },
    }
    expect(await webhooksOf(client)).toEqual([state])
    // The path holds what could be a token.
    const masked = { ...state, url: bot.url.replace(/[^/]+$/, '…') }
    expect((await client.call('GET', '/health')).json).toEqual({ webhooks: [masked], channels: {} })
    const plugboard = connect({ url: server.url, clientId: client.id, clientToken: client.token })
    expect(await plugboard.webhooks.list()).toEqual([state])
    expect(await plugboard.messages.deliveries(second.id)).toMatchObject([trouble])
  })

  test('names the message that blocks another one', async () => {
    const bot = await startReceiver((request) => (request.json.type === 'message.new' ? 500 : 200))
    const client = await createClient(server, { webhooks: [{ url: bot.url }] })
    const { conversationId } = await client.converse()
    const { id } = (await client.say(conversationId, 'one')).json
    const { id: waiting } = (await client.say(conversationId, 'two')).json
    await expect
      .poll(() => deliveriesOf(client, id), PATIENT)
      .toMatchObject([{ state: 'retrying', attempts: 1 }])
    const [head] = await deliveriesOf(client, id)
    expect(head).not.toHaveProperty('blockedBy')
    expect(await deliveriesOf(client, waiting)).toMatchObject([
      { state: 'retrying', blockedBy: { id: head?.id, messageId: id, event: 'message.new' } },
    ])
  })

  test('shows the pause of a target whose circuit is open, also for what was never tried', async () => {
    const bot = await startReceiver(() => 503)
    const client = await createClient(server, { webhooks: [{ url: bot.url }] })
    await client.converse()
    await expect.poll(() => webhooksOf(client), PATIENT).toMatchObject([{ consecutiveFailures: 2 }])
    const { conversationId } = await client.converse()
    const { id } = (await client.say(conversationId, 'hi')).json
    expect(await deliveriesOf(client, id)).toMatchObject([
      { state: 'retrying', attempts: 0, error: 'answered 503', nextAttemptAt: expect.stringMatching(ISO) },
    ])
  })

  test('is active again after a success', async () => {
    let status = 404
    const bot = await startReceiver(() => status)
    const client = await createClient(server, { webhooks: [{ url: bot.url }] })
    await client.call('POST', '/users')
    await expect.poll(() => webhooksOf(client), PATIENT).not.toMatchObject([{ state: 'active' }])
    status = 200
    await client.call('POST', '/users')
    await expect
      .poll(() => webhooksOf(client), PATIENT)
      .toMatchObject([{ state: 'active', consecutiveFailures: 0, counts: { delivered: 1 } }])
  })
})

describe('a webhook that answers 410', () => {
  test('is gone until the next sync: dead letters at once, and no more requests', async () => {
    let status = 410
    const bot = await startReceiver(() => status)
    const client = await createClient(server, { webhooks: [{ url: bot.url }] })
    const { userId, conversationId } = await client.converse()
    await expect
      .poll(() => webhooksOf(client), PATIENT)
      .toMatchObject([{ state: 'gone', counts: { dead: 2 } }])
    const requests = bot.requests.length
    const { id } = (await client.say(conversationId, 'hi', userId)).json
    const dead = [{ state: 'dead', error: 'the webhook answered that it is gone; sync it again' }]
    await expect.poll(() => deliveriesOf(client, id), PATIENT).toMatchObject(dead)
    expect(bot.requests).toHaveLength(requests)
    const { deadLetters } = (await client.call('GET', '/dead-letters')).json
    expect(deadLetters).toHaveLength(3)
    expect(deadLetters).toMatchObject([
      { reason: 'gone', messageId: id },
      { reason: 'gone', attempts: 1 },
      { reason: 'gone', attempts: 1 },
    ])
    status = 200
    await client.call('POST', '/sync', { webhooks: [{ url: bot.url }] })
    await client.call('POST', `/dead-letters/${deadLetters[0].id}/replay`)
    await bot.until(() => bot.requests.length === requests + 1)
    await expect.poll(() => webhooksOf(client), PATIENT).toMatchObject([{ state: 'active' }])
  })
})

test('a log line about a delivery names the client as every API does', async () => {
  const externalId = crypto.randomUUID()
  const { token } = (await callAdmin(server, 'POST', '/clients', { id: externalId })).json
  const bot = await startReceiver(() => 500)
  const headers = { 'x-bp-messaging-client-id': externalId, 'x-bp-messaging-client-token': token }
  await call(server, 'POST', '/api/v1/sync', { headers, body: { webhooks: [{ url: bot.url }] } })
  const user = (await call(server, 'POST', '/api/v1/users', { headers, body: {} })).json
  await expect.poll(() => server.output(), PATIENT).toContain(user.id)
  const line = JSON.parse(
    server
      .output()
      .split('\n')
      .find((each) => each.includes(user.id)) ?? '{}',
  )
  expect(line).toMatchObject({
    ...{ msg: 'delivery failed; will retry', externalId, streamId: user.id, event: 'user.new' },
    clientId: expect.stringMatching(UUID),
    hexIds: expect.arrayContaining([fromUuid(line.clientId), fromUuid(user.id)]),
  })
})
