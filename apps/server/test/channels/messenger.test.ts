import { randomUUID } from 'node:crypto'
import { handshakeUrl } from '@plugboard/graph-api/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from '../support/api.js'
import { createTenant, EXTERNAL_URL, startHub, type Tenant } from '../support/channel-stage.js'
import { messenger, pageOfOperator } from '../support/providers/messenger.js'
import { type Provider, startProvider } from '../support/providers/provider.js'
import { cleanUp, type TestServer } from '../support/server.js'
import { inboundBehaviour } from './inbound.js'
import { outboundBehaviour } from './outbound.js'

inboundBehaviour(messenger)
outboundBehaviour(messenger)

describe('pages of Facebook', () => {
  const app = { appSecret: 'secret-of-the-app-of-the-operator', verifyToken: 'token-of-the-operator' }
  const shared = '/webhooks/v1/messenger'
  let provider: Provider
  let server: TestServer
  let tenants: [Tenant, Tenant]
  beforeAll(async () => {
    provider = await startProvider(messenger)
    server = await startHub([provider], {
      PLUGBOARD_CHANNEL_OPTIONS: JSON.stringify({ messenger: { apiBaseUrl: provider.url, ...app } }),
    })
    tenants = [
      await createTenant(server, provider),
      await createTenant(server, { ...provider, credentials: () => pageOfOperator(app) }),
    ]
  })
  afterAll(async () => {
    await Promise.all(tenants.map(({ bot }) => bot.close()))
    await provider.close()
    await cleanUp()
  })

  test('share the URL of an app of the operator, and each bot hears its own people', async () => {
    const [first, second] = tenants
    const entryOf = (tenant: Tenant, text: string) => {
      const request = provider.sign(provider.write(1, text, randomUUID()), tenant.credentials, '')
      return JSON.parse(request.body).entry[0]
    }
    const body = JSON.stringify({
      object: 'page',
      entry: [entryOf(first, 'to the first'), entryOf(second, 'to the second')],
    })
    const headers = { 'content-type': 'application/json' }
    const signed = provider.sign({ headers, body }, app, EXTERNAL_URL + shared)
    for (let i = 0; i < 2; i += 1) expect((await first.post(signed, shared)).status).toBe(200)
    expect((await first.tell({ headers, body }, { path: shared })).status).toBe(401)
    await first.tell(provider.write(1, 'and by its own URL', randomUUID()))
    const textsOf = (tenant: Tenant) => tenant.heard().map(({ payload }) => payload.text)
    await expect.poll(() => textsOf(first)).toEqual(['to the first', 'and by its own URL'])
    await expect.poll(() => textsOf(second)).toEqual(['to the second'])
  })

  test('in the app of the operator are written to without a secret of it in the configuration', async () => {
    const [, tenant] = tenants
    expect(Object.keys(tenant.credentials).sort()).toEqual(['accessToken', 'pageId'])
    const unsigned = await tenant.tell(provider.write(1, 'forged', randomUUID()))
    expect(unsigned.status).toBe(401)
    const id = await tenant.say(1, { type: 'text', text: 'good day' })
    await expect.poll(async () => (await tenant.delivery(id)).state).toBe('delivered')
    expect(tenant.shownTo(1).map(({ text }) => text)).toEqual(['good day'])
  })

  test.each([
    ['of the app of the operator', () => shared, () => app.verifyToken],
    ['of an integration', () => tenants[0].path, () => tenants[0].credentials.verifyToken ?? ''],
  ])('have a URL %s that Meta can check', async (_, path, token) => {
    const { pathname, search } = new URL(handshakeUrl(EXTERNAL_URL + path(), token()))
    const { status, text } = await call(server, 'GET', pathname + search)
    expect([status, text]).toEqual([200, '1158201444'])
    const guessed = new URL(handshakeUrl(EXTERNAL_URL + path(), 'guessed'))
    expect((await call(server, 'GET', guessed.pathname + guessed.search)).status).toBe(401)
  })

  test('may tell of 1,000 updates at once, of which one is several messages', async () => {
    const [tenant] = tenants
    const entryOf = (update: object) => JSON.parse(messenger.told(4, update).body).entry[0].messaging[0]
    const attachments = [1, 2, 3].map((i) => ({
      ...{ type: 'image', payload: { url: `https://elsewhere.example/${i}.png` } },
    }))
    const { body, headers } = messenger.told(4, { message: { mid: `m_${randomUUID()}`, attachments } })
    const told = JSON.parse(body)
    const receipts = Array.from({ length: 999 }, (_, i) => entryOf({ read: { watermark: Date.now() + i } }))
    told.entry[0].messaging.unshift(...receipts)
    expect((await tenant.tell({ headers, body: JSON.stringify(told) })).status).toBe(200)
    const pictures = () => tenant.heard().filter(({ payload }) => payload.type === 'image')
    await expect.poll(() => pictures().length).toBe(3)
  })

  test('tell up to when a person got and read what the bot said', async () => {
    const [tenant] = tenants
    await tenant.write(2, 'hello')
    const id = await tenant.say(2, { type: 'text', text: 'good day' })
    await expect.poll(() => tenant.shownTo(2).length).toBe(1)
    await expect.poll(async () => (await tenant.delivery(id)).state).toBe('delivered')
    const watermark = Date.now() + 1000
    for (const update of [{ delivery: { mids: ['m_1'], watermark } }, { read: { watermark } }])
      expect((await tenant.tell(messenger.told(2, update))).status).toBe(200)
    const statuses = () =>
      tenant.bot
        .ofType('conversation.activity')
        .map(({ json }) => json.data.activity as { type: string; messageId: string; status: string })
        .filter(({ type, messageId }) => type === 'delivery' && messageId === id)
        .map(({ status }) => status)
    await expect.poll(statuses).toEqual(['delivered', 'read'])
  })

  test('are written to by a template alone when a day has passed', async () => {
    const [tenant] = tenants
    const yesterday = Date.now() - 25 * 3_600_000
    await tenant.tell(
      messenger.told(3, { timestamp: yesterday, message: { mid: `m_${randomUUID()}`, text: 'hello' } }),
    )
    const late = await tenant.say(3, { type: 'text', text: 'too late' })
    const template = { type: 'template', name: 'order_sent', language: 'en_US', text: 'It is on its way' }
    await tenant.say(3, template)
    await expect.poll(() => tenant.shownTo(3).map(({ text }) => text)).toEqual(['order_sent'])
    expect(await tenant.delivery(late)).toMatchObject({ state: 'dead' })
    const { deadLetters } = (await tenant.client.call('GET', '/dead-letters')).json
    expect(deadLetters).toMatchObject([{ reason: 'window-closed' }])
  })
})
