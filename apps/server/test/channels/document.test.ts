import { fakeProvider } from '@plugboard/core/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from '../support/api.js'
import { kinds } from '../support/providers/kinds.js'
import { type Provider, startProvider } from '../support/providers/provider.js'
import { cleanUp, startServer, type TestServer } from '../support/server.js'

/** The configurations of the document that the Messaging API began with, word for word. */
const config = {
  channels: {
    telegram: {
      enabled: true,
      botToken: 'my-telegram-bot-toke',
    },
    slack: {
      enabled: true,
      signingSecret: 'my-slack-signing-secret',
      botToken: 'my-slack-bot-token',
    },
  },
  webhooks: [{ url: 'https://mywebsite.com/mycallback' }],
}
const newConfig = {
  channels: {
    telegram: {
      enabled: true,
      botToken: 'my-telegram-bot-toke',
    },
    twilio: {
      enabled: true,
      accountSID: 'my-twilio-account-sid',
      authToken: 'my-twilio-auth-token',
    },
  },
  webhooks: [{ url: 'https://mywebsite.com/mycallback' }],
}
const madeUp = [
  'my-telegram-bot-toke',
  'my-slack-signing-secret',
  'my-slack-bot-token',
  'my-twilio-auth-token',
]

const optionsFor = (url: (channel: string) => string) =>
  JSON.stringify({
    telegram: { apiRoot: url('telegram') },
    slack: { slackApiUrl: `${url('slack')}/api/` },
    twilio: { apiBaseUrl: url('twilio') },
  })

const sync = async (server: TestServer, body: object) => {
  const start = performance.now()
  const answer = await call(server, 'POST', '/api/v1/sync', { body })
  return { ...answer, ms: performance.now() - start }
}

afterAll(cleanUp)

describe('the made-up tokens of the document', () => {
  let server: TestServer
  beforeAll(async () => {
    const gone = await fakeProvider()
    await gone.close()
    const PLUGBOARD_CHANNEL_OPTIONS = optionsFor(() => gone.url)
    server = await startServer({ env: { PLUGBOARD_CHANNEL_OPTIONS, LOG_LEVEL: 'trace' } })
  })

  test('are stored immediately while no provider is reachable, and health says why they are pending', async () => {
    const first = await sync(server, config)
    expect(first).toMatchObject({ status: 200, json: { webhooks: [{ url: config.webhooks[0]?.url }] } })
    const { id, token } = first.json
    const second = await sync(server, { id, token, ...newConfig })
    expect(second.status).toBe(200)
    // The first one loads what the providers' SDKs are; a busy machine takes its time for that.
    expect(Math.max(first.ms, second.ms)).toBeLessThan(4000)
    const headers = { 'x-bp-messaging-client-id': id, 'x-bp-messaging-client-token': token }
    const health = async () => (await call(server, 'GET', '/api/v1/health', { headers })).json.channels
    const pending = { status: 'pending', configured: false, reason: expect.stringContaining('ECONNREFUSED') }
    expect(await health()).toMatchObject({ telegram: pending, twilio: pending })
    expect(Object.keys(await health()).sort()).toEqual(['telegram', 'twilio'])
    const told = [server.output(), first.text, second.text, JSON.stringify(await health())].join()
    for (const secret of madeUp) expect(told).not.toContain(secret)
  })
})

describe('credentials that a provider refuses', () => {
  let providers: Provider[]
  let server: TestServer
  beforeAll(async () => {
    providers = await Promise.all(kinds.map(startProvider))
    const options = Object.fromEntries(providers.map(({ channel, url, options }) => [channel, options(url)]))
    server = await startServer({ env: { PLUGBOARD_CHANNEL_OPTIONS: JSON.stringify(options) } })
  })
  afterAll(() => Promise.all(providers.map((provider) => provider.close())))

  test.each(kinds.map(({ channel }, i) => ({ channel, i })))(
    'are refused with the name of the field, and nothing is left: $channel',
    async ({ i, channel }) => {
      const provider = providers[i] as Provider
      const known = await sync(server, { channels: {} })
      const { id, token } = known.json
      const channels = { [channel]: { enabled: true, ...provider.credentials() } }
      const { unauthorized, credentials = unauthorized } = provider.refusals
      provider.answerInstead = () => credentials
      const refused = await sync(server, { id, token, channels })
      expect([refused.status, refused.text]).toEqual([
        400,
        expect.stringContaining(`channels.${channel}.${provider.fields.token}`),
      ])
      const headers = { 'x-bp-messaging-client-id': id, 'x-bp-messaging-client-token': token }
      expect((await call(server, 'GET', '/api/v1/health', { headers })).json.channels).toEqual({})
      provider.answerInstead = () => undefined
      expect((await sync(server, { id, token, channels })).status).toBe(200)
    },
  )
})
