import { randomUUID } from 'node:crypto'
import { handshakeUrl } from '@plugboard/graph-api/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from '../support/api.js'
import { createTenant, EXTERNAL_URL, startHub, type Tenant } from '../support/channel-stage.js'
import { instagram } from '../support/providers/instagram.js'
import { type Provider, startProvider } from '../support/providers/provider.js'
import { cleanUp, type TestServer } from '../support/server.js'
import { inboundBehaviour } from './inbound.js'
import { outboundBehaviour } from './outbound.js'

inboundBehaviour(instagram)
outboundBehaviour(instagram)

describe('an account of Instagram', () => {
  let provider: Provider
  let server: TestServer
  let tenant: Tenant
  beforeAll(async () => {
    provider = await startProvider(instagram)
    server = await startHub([provider])
    tenant = await createTenant(server, provider)
  })
  afterAll(async () => {
    await tenant.bot.close()
    await provider.close()
    await cleanUp()
  })

  test('has a token that is renewed, and sends with the new one', async () => {
    const renewals = () => provider.calls.filter(({ path }) => path.includes('/refresh_access_token?'))
    await expect.poll(() => renewals().length).toBeGreaterThan(0)
    const { accessToken = '' } = tenant.credentials
    await tenant.write(1, 'hello')
    await tenant.say(1, { type: 'text', text: 'good day' })
    await expect.poll(() => tenant.shownTo(1).length).toBe(1)
    const sent = provider.calls.findLast(({ path }) => path.endsWith('/messages'))
    expect(sent?.headers.authorization).toMatch(new RegExp(`^Bearer ${accessToken}-\\d+$`))
    expect(server.output()).not.toContain(accessToken)
  })

  test('has a URL that Meta can check, which the steps of the setup name', async () => {
    const { pathname, search } = new URL(
      handshakeUrl(EXTERNAL_URL + tenant.path, tenant.credentials.verifyToken ?? ''),
    )
    expect(await call(server, 'GET', pathname + search)).toMatchObject({ status: 200, text: '1158201444' })
    expect((await tenant.health()).setup).toContain(EXTERNAL_URL + tenant.path)
  })

  test('tells what a person saw, unsent and answered of a story', async () => {
    const key = randomUUID()
    await tenant.write(2, 'by mistake', key)
    const id = await tenant.say(2, { type: 'text', text: 'pardon?' })
    await expect.poll(async () => (await tenant.delivery(id)).state).toBe('delivered')
    const timestamp = Date.now() + 1000
    const story = { id: '17858893269000001', url: 'https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=1' }
    for (const update of [
      { timestamp, read: { mid: 'm_1' } },
      { message: { mid: `m_${key}`, is_deleted: true } },
      { message: { mid: `m_${randomUUID()}`, text: 'Love it', reply_to: { story } } },
    ])
      expect((await tenant.tell(instagram.told(2, update))).status).toBe(200)
    const activities = () =>
      tenant.bot
        .ofType('conversation.activity')
        .map(({ json }) => json.data.activity as { type: string; status?: string })
    await expect
      .poll(activities)
      .toMatchObject(expect.arrayContaining([expect.objectContaining({ type: 'delivery', status: 'read' })]))
    await expect
      .poll(() => tenant.heard().map(({ payload }) => payload))
      .toContainEqual({ type: 'text', text: 'Love it', externalReply: { kind: 'story', ...story } })
  })
})
