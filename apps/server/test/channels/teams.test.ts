import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTenant, EXTERNAL_URL, startHub, type Tenant } from '../support/channel-stage.js'
import { type Provider, startProvider } from '../support/providers/provider.js'
import { activity, teams } from '../support/providers/teams.js'
import { cleanUp, type TestServer } from '../support/server.js'
import { inboundBehaviour } from './inbound.js'
import { outboundBehaviour } from './outbound.js'

inboundBehaviour(teams)
outboundBehaviour(teams)

describe('a bot in Teams', () => {
  let provider: Provider
  let server: TestServer
  let tenant: Tenant
  beforeAll(async () => {
    provider = await startProvider(teams)
    server = await startHub([provider])
    tenant = await createTenant(server, provider)
  })
  afterAll(async () => {
    await tenant.bot.close()
    await provider.close()
    await cleanUp()
  })

  const tokens = () => provider.calls.filter(({ path }) => path.endsWith('/oauth2/v2.0/token'))

  test('is refused with the name of the field if Microsoft refuses its credentials', async () => {
    const wrong = { ...tenant.credentials, appPassword: '' }
    expect((await tenant.sync(wrong)).text).toContain('appPassword')
    provider.answerInstead = (_, { path }) =>
      path.includes('/oauth2/')
        ? { status: 401, headers: { 'content-type': 'application/json' }, body: '{"error_codes":[7000222]}' }
        : undefined
    const refused = await tenant.sync({ ...tenant.credentials, appPassword: 'another-client-secret' })
    provider.answerInstead = () => undefined
    expect(refused.status).toBe(400)
    expect(refused.text).toMatch(/channels\.teams\.appPassword.*expired/)
  })

  test('gets a token once, for all messages', async () => {
    const before = tokens().length
    for (const person of [1, 2, 3]) await tenant.say(person, { type: 'text', text: 'hello' })
    for (const person of [1, 2, 3]) await expect.poll(() => tenant.shownTo(person).length).toBe(1)
    expect(tokens().length - before).toBeLessThanOrEqual(1)
  })

  test('answers an invoke in its form, once it has what the person chose', async () => {
    const before = tenant.heard().length
    const value = { action: { type: 'Action.Execute', verb: 'approve' }, trigger: 'manual' }
    const told = activity(4, randomUUID(), { type: 'invoke', name: 'adaptiveCard/action', value })
    for (let i = 0; i < 2; i += 1) {
      const { status, json } = await tenant.tell(told)
      const type = 'application/vnd.microsoft.activity.message'
      expect([status, json]).toMatchObject([200, { statusCode: 200, type }])
    }
    const [pressed] = (await tenant.hears(before + 1)).slice(before)
    expect(pressed?.payload).toEqual({
      type: 'quick_reply',
      text: 'approve',
      payload: 'approve',
      foreign: true,
    })
  })

  test('tells its client of an installation once, although Teams tells it twice', async () => {
    const installed = [
      activity(5, randomUUID(), { type: 'installationUpdate', action: 'add' }),
      activity(5, randomUUID(), { type: 'conversationUpdate', membersAdded: [{ id: '28:bot' }] }),
    ]
    for (const told of installed) expect((await tenant.tell(told)).status).toBe(200)
    await tenant.write(5, 'hello')
    await expect.poll(() => tenant.heard().at(-1)?.payload.text).toBe('hello')
    const conversationId = await tenant.conversationWith(5)
    const started = tenant.bot.ofType('conversation.started').map(({ json }) => json.data)
    expect(started).toMatchObject([{ conversationId, channel: 'teams' }])
  })

  test('changes and deletes its messages', async () => {
    const id = await tenant.say(6, { type: 'text', text: 'before' })
    await expect.poll(async () => (await tenant.delivery(id)).state).toBe('delivered')
    const changes = () => provider.calls.flatMap(({ method, body }) => (method === 'PUT' ? [body] : []))
    await tenant.client.call('PATCH', `/messages/${id}`, { payload: { type: 'text', text: 'after' } })
    await expect.poll(() => changes().some((body) => body.includes('"after"'))).toBe(true)
    await tenant.client.call('DELETE', `/messages/${id}`)
    await expect.poll(() => provider.calls.some(({ method }) => method === 'DELETE')).toBe(true)
  })

  test('shows its webhook URL in the setup steps of health', async () => {
    expect((await tenant.health()).setup).toContain(EXTERNAL_URL + tenant.path)
  })
})
