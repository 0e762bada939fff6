import { afterAll, describe, expect, test, vi } from 'vitest'
import { channelNames } from '../support/channel-names.js'
import { newSecret } from '../support/person.js'
import { type Provider, startProvider } from '../support/providers/provider.js'
import { telegram } from '../support/providers/telegram.js'
import { twilio } from '../support/providers/twilio.js'
import { startServer } from '../support/server.js'
import { officialClient, refusalOf } from '../support/sunshine.js'
import { useSunshine } from './stage.js'

let bots: Provider
let phones: Provider
const stage = useSunshine(async () => {
  ;[bots, phones] = await Promise.all([startProvider(telegram), startProvider(twilio)])
  return startServer({
    env: {
      // Providers want to be told a public, secure address.
      EXTERNAL_URL: 'https://hub.example',
      ALLOW_PRIVATE_TARGETS: 'loopback',
      PROVISION_RETRY_DELAYS: '50ms',
      PLUGBOARD_CHANNEL_OPTIONS: JSON.stringify({
        telegram: { apiRoot: bots.url },
        twilio: { apiBaseUrl: phones.url },
      }),
    },
  })
})
// A new app for each test, so that its channels are free.
const { api, newApp, raw } = stage
afterAll(async () => {
  await Promise.all([bots.close(), phones.close()])
})

const target = 'http://127.0.0.1:9/sunshine'
const oneWebhook = { target, triggers: ['conversation:message'] }
const custom = async (more: object = {}) =>
  (await api.createIntegration({ type: 'custom', displayName: 'CRM', webhooks: [oneWebhook], ...more }))
    .integration
const newBot = () => ({ type: 'telegram', token: telegram.credentials().botToken ?? '' })
const idsOf = (list: { id: string }[]) => list.map(({ id }) => id)
const unknown = { status: 404, code: 'integration_not_found', title: 'Integration not found' }

describe('an integration of a channel', () => {
  test('is enabled with the fields of its type, and is active once the provider knows of it', async () => {
    await newApp()
    const body = newBot()
    const { integration } = await api.createIntegration({ ...body, displayName: 'The bot' })
    expect(integration).toMatchObject({ type: 'telegram', displayName: 'The bot' })
    const { id } = integration
    await vi.waitFor(async () => expect((await api.getIntegration(id)).integration.status).toBe('active'))
    expect(bots.calls.some(({ path }) => path.includes(`${body.token}/setWebhook`))).toBe(true)
    expect((await raw('GET', '/integrations')).text).not.toContain(body.token)
  })

  test('says which field the provider refuses', async () => {
    await newApp()
    bots.answerInstead = () => telegram.refusals.unauthorized
    const refusal = await refusalOf(api.createIntegration(newBot())).finally(() => {
      bots.answerInstead = () => undefined
    })
    expect(refusal).toMatchObject({ status: 400, code: 'bad_request' })
    expect(refusal.title).toMatch(/^token was refused by the provider: /)
  })

  test('has fields that another type has by another name', async () => {
    await newApp()
    const { accountSID: accountSid, authToken } = twilio.credentials()
    const numbers = { phoneNumberSid: `PN${'0'.repeat(32)}`, phoneNumber: '+15557122661' }
    const body = { type: 'twilio', accountSid, authToken, ...numbers }
    const { json } = await raw('POST', '/integrations', body)
    expect(json.integration).toMatchObject({ type: 'twilio', accountSid, ...numbers })
    expect(JSON.stringify(json)).not.toContain(authToken)
    const missing = await refusalOf(api.createIntegration({ type: 'twilio', accountSid }))
    expect(missing).toEqual({ status: 400, code: 'bad_request', title: 'authToken is required' })
  })

  test('may be of a channel that the published document does not know, with its own configuration', async () => {
    await newApp()
    const config = { url: 'http://127.0.0.1:9/person', secret: newSecret() }
    const { json } = await raw('POST', '/integrations', { type: 'webhook', config })
    expect(json.integration).toMatchObject({ type: 'webhook', status: 'active', config: { url: config.url } })
    expect(json.integration.config).not.toHaveProperty('secret')
    const wrong = await raw('POST', '/integrations', { type: 'slack', config: { botToken: 'x' } })
    const title = 'config.signingSecret is required, or appToken, or teamId'
    expect([wrong.status, wrong.json.errors[0].title]).toEqual([400, title])
  })

  test.each(['android', 'nonsense', ''])(
    'is not of the type "%s", but of one that the refusal lists',
    async (type) => {
      await newApp()
      const refusal = await refusalOf(api.createIntegration({ type }))
      expect(refusal).toMatchObject({ status: 400, code: 'bad_request' })
      expect(refusal.title).toBe(
        `Invalid integration type: .type should be one of ${['custom', ...channelNames].sort().join(', ')}`,
      )
    },
  )

  test('leaves the others as they are, of its type and of others, and an account is there once', async () => {
    await newApp()
    const { integration } = await api.createIntegration(newBot())
    await raw('POST', '/integrations', {
      type: 'webhook',
      config: { url: 'http://127.0.0.1:9/', secret: newSecret() },
    })
    const { integrations } = await api.listIntegrations()
    expect(integrations.map(({ type }: { type: string }) => type)).toEqual(['telegram', 'webhook'])
    expect(integrations[0].id).toBe(integration.id)
    const another = newBot()
    const second = (await api.createIntegration({ ...another, displayName: 'Second' })).integration
    expect(await refusalOf(api.createIntegration(another))).toMatchObject({ status: 409, code: 'conflict' })
    const both = (await raw('GET', '/integrations?filter[types]=telegram')).json.integrations
    expect(both.map(({ id }: { id: string }) => id)).toEqual([integration.id, second.id])
    expect(second).toMatchObject({ type: 'telegram', displayName: 'Second' })
    await api.deleteIntegration(integration.id)
    const left = (await api.listIntegrations()).integrations
    expect(left.map(({ id }: { id: string }) => id)).toEqual([integrations[1].id, second.id])
  })

  test('of an account that another app uses is refused', async () => {
    await newApp()
    const body = newBot()
    await api.createIntegration(body)
    await newApp()
    expect(await refusalOf(api.createIntegration(body))).toMatchObject({ status: 409, code: 'conflict' })
  })

  test('is changed in part, in its name and in its configuration', async () => {
    await newApp()
    const { integration } = await api.createIntegration({ ...newBot(), displayName: 'Old' })
    const renamed = await api.updateIntegration(integration.id, { displayName: 'New' })
    expect(renamed.integration).toMatchObject({ id: integration.id, type: 'telegram', displayName: 'New' })
    const { token } = newBot()
    const changed = await raw('PATCH', `/integrations/${integration.id}`, { token, displayName: null })
    expect([changed.status, changed.json.integration.id]).toEqual([200, integration.id])
    expect(changed.json.integration).not.toHaveProperty('displayName')
    await vi.waitFor(() =>
      expect(bots.calls.some(({ path }) => path.includes(`${token}/setWebhook`))).toBe(true),
    )
  })

  test('has a mode: that of the server unless it is given, and it changes alone', async () => {
    await newApp()
    const { integration } = await api.createIntegration(newBot())
    expect(integration).not.toHaveProperty('mode')
    const listening = await raw('PATCH', `/integrations/${integration.id}`, { mode: 'listen' })
    expect(listening.json.integration).toMatchObject({ id: integration.id, mode: 'listen' })
    const changed = await raw('PATCH', `/integrations/${integration.id}`, { token: newBot().token })
    expect(changed.json.integration.mode).toBe('listen')
    const back = await raw('PATCH', `/integrations/${integration.id}`, { mode: 'webhook' })
    expect(back.json.integration).not.toHaveProperty('mode')

    const made = await raw('POST', '/integrations', { ...newBot(), mode: 'listen' })
    expect(made.json.integration).toMatchObject({ type: 'telegram', mode: 'listen' })
    const config = { url: 'http://127.0.0.1:9/', secret: newSecret() }
    for (const wrong of [
      { ...newBot(), mode: 'poll' },
      { type: 'webhook', mode: 'listen', config },
    ]) {
      const { status, json } = await raw('POST', '/integrations', wrong)
      expect([status, json.errors[0].title]).toEqual([400, expect.stringMatching(/^\.?mode /)])
    }
  })

  test('is taken out, and may come back', async () => {
    await newApp()
    const body = newBot()
    const { integration } = await api.createIntegration({ ...body, displayName: 'Old' })
    expect(await api.deleteIntegration(integration.id)).toBe('{}')
    expect(await refusalOf(api.getIntegration(integration.id))).toEqual(unknown)
    expect((await api.listIntegrations()).integrations).toEqual([])
    const again = await api.createIntegration(body)
    expect(again.integration.id).not.toBe(integration.id)
    const { json } = await raw('GET', `/integrations/${again.integration.id}`)
    expect(json.integration).not.toHaveProperty('displayName')
  })

  test('has neither keys nor webhooks', async () => {
    await newApp()
    const { id } = (await api.createIntegration(newBot())).integration
    const refusal = {
      status: 400,
      code: 'bad_request',
      title: 'API keys are available only for custom integrations',
    }
    expect(await refusalOf(api.createCustomIntegrationKey(id, { displayName: 'x' }))).toEqual(refusal)
    expect(await refusalOf(api.listCustomIntegrationKeys(id))).toEqual(refusal)
    expect(await refusalOf(api.createWebhook(id, oneWebhook))).toMatchObject({ status: 400 })
  })
})

describe('a custom integration', () => {
  test('is made with one webhook', async () => {
    await newApp()
    const integration = await custom()
    expect(integration).toMatchObject({ type: 'custom', status: 'active', displayName: 'CRM' })
    const { webhooks } = await api.listWebhooks(integration.id)
    expect(webhooks).toHaveLength(1)
    expect(webhooks[0]).toMatchObject({ ...oneWebhook, version: 'v2', includeFullUser: false })
    const { json } = await raw('GET', `/integrations/${integration.id}`)
    expect(json.integration.webhooks).toEqual([{ ...webhooks[0] }])
  })

  test.each([
    [{ webhooks: undefined }, "should have required property 'webhooks'"],
    [{ webhooks: [] }, 'a custom integration should have exactly 1 webhook'],
    [{ webhooks: [oneWebhook, oneWebhook] }, 'a custom integration should have exactly 1 webhook'],
    [{ webhooks: [{ ...oneWebhook, target: 'ftp://x' }] }, 'target should be an http or https URL'],
    [{ webhooks: [{ target }] }, ".webhooks.0 should have required property 'triggers'"],
    [{ displayName: 'x'.repeat(101) }, '.displayName should be no longer than 100 characters'],
  ])('is not made with %j', async (more, title) => {
    await newApp()
    expect(await refusalOf(custom(more))).toEqual({ status: 400, code: 'bad_request', title })
    expect((await api.listIntegrations()).integrations).toEqual([])
  })

  test('is renamed', async () => {
    await newApp()
    const { id } = await custom()
    expect((await api.updateIntegration(id, { displayName: 'Desk' })).integration.displayName).toBe('Desk')
  })

  test('goes with its webhooks and keys', async () => {
    await newApp()
    const { id } = await custom()
    const { key: own } = await api.createCustomIntegrationKey(id, { displayName: 'crm' })
    expect(await api.deleteIntegration(id)).toBe('{}')
    expect(await refusalOf(api.listWebhooks(id))).toEqual(unknown)
    expect(await refusalOf(api.listCustomIntegrationKeys(id))).toEqual(unknown)
    expect(await refusalOf(api.deleteIntegration(id))).toEqual(unknown)
    const program = officialClient(stage.server, { ...stage.key, keyId: own.id, secret: own.secret })
    expect(await refusalOf(program.listWebhooks('me'))).toMatchObject({ status: 401 })
  })

  test('has ten keys at most, which are read back and deleted', async () => {
    await newApp()
    const { id } = await custom()
    const { key: first } = await api.createCustomIntegrationKey(id, { displayName: 'one' })
    expect(first.id).toMatch(/^int_/)
    expect((await api.getCustomIntegrationKey(id, first.id)).key).toEqual(first)
    for (let i = 2; i <= 10; i += 1) await api.createCustomIntegrationKey(id, { displayName: `key ${i}` })
    expect(await refusalOf(api.createCustomIntegrationKey(id, { displayName: 'more' }))).toEqual({
      ...{ status: 400, code: 'bad_request', title: 'at most 10 keys are allowed' },
    })
    expect(await api.deleteCustomIntegrationKey(id, first.id)).toBe('{}')
    expect((await api.listCustomIntegrationKeys(id)).keys).toHaveLength(9)
    await api.createCustomIntegrationKey(id, { displayName: 'more' })
  })

  test('has keys and webhooks that another one does not have', async () => {
    await newApp()
    const [mine, theirs] = [await custom(), await custom()]
    const { key: own } = await api.createCustomIntegrationKey(mine.id, { displayName: 'x' })
    const [hook] = (await api.listWebhooks(mine.id)).webhooks
    for (const ask of [
      () => api.getCustomIntegrationKey(theirs.id, own.id),
      () => api.deleteCustomIntegrationKey(theirs.id, own.id),
      () => api.getWebhook(theirs.id, hook.id),
      () => api.updateWebhook(theirs.id, hook.id, {}),
      () => api.deleteWebhook(theirs.id, hook.id),
    ]) {
      expect(await refusalOf(ask())).toMatchObject({ status: 404, code: 'not_found' })
    }
  })
})

describe('a list of integrations', () => {
  test('is walked in pages, and may be of some types', async () => {
    await newApp()
    const bot = (await api.createIntegration(newBot())).integration
    const programs = [await custom(), await custom(), await custom()]
    const all = [bot.id, ...idsOf(programs)]
    expect(idsOf((await api.listIntegrations()).integrations)).toEqual(all)
    const first = await raw('GET', '/integrations?page[size]=2')
    expect([idsOf(first.json.integrations), first.json.meta.hasMore]).toEqual([all.slice(0, 2), true])
    const next = await raw('GET', `/integrations?page[size]=2&page[after]=${first.json.meta.afterCursor}`)
    expect([idsOf(next.json.integrations), next.json.meta.hasMore]).toEqual([all.slice(2), false])
    const before = await raw('GET', `/integrations?page[size]=2&page[before]=${all[3]}`)
    expect([idsOf(before.json.integrations), before.json.meta.hasMore]).toEqual([all.slice(1, 3), true])
    const of = async (types: string) =>
      idsOf((await api.listIntegrations({ filter: { types } })).integrations)
    expect(await of('custom')).toEqual(all.slice(1))
    expect(await of('telegram,twilio')).toEqual([bot.id])
    expect(await of('telegram,custom')).toEqual(all)
    expect(await of('web')).toEqual([])
  })
})
