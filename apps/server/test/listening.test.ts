import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type FakeSlack, fakeSlack } from '../../../packages/channel-slack/test/fake-slack.js'
import { type FakeTelegram, fakeTelegram } from '../../../packages/channel-telegram/test/fake-telegram.js'
import { call, createClient, type TestClient } from './support/api.js'
import { textOf, textsOf } from './support/fault-load.js'
import { type Receiver, startReceiver } from './support/receiver.js'
import { cleanUp, startServer, type TestServer } from './support/server.js'

let bots: FakeTelegram
let slack: FakeSlack
let bot: Receiver
let server: TestServer
beforeAll(async () => {
  bots = await fakeTelegram({ isLocal: true })
  slack = await fakeSlack()
  bot = await startReceiver()
  const options = { telegram: { apiRoot: bots.url }, slack: { slackApiUrl: slack.apiUrl } }
  // No EXTERNAL_URL, as on a laptop.
  server = await startServer({ env: { PLUGBOARD_CHANNEL_OPTIONS: JSON.stringify(options) } })
})
afterAll(async () => {
  await cleanUp()
  await Promise.all([bots.close(), slack.close()])
})

let lastBot = 7_654_320
const newToken = (): string => {
  lastBot += 1
  return `${lastBot}:AAHmadeUpTokenOfTheFirstBot-x0123456`
}

const message = (text: string, id: number) => ({
  message: {
    ...{ message_id: id, date: 1_796_040_000, text },
    chat: { id: 501, type: 'private' },
    from: { id: 501, is_bot: false, first_name: 'Ada' },
  },
})

const connect = (channels: object): Promise<TestClient> =>
  createClient(server, { channels, webhooks: [{ url: bot.url }] })

const channelOf = async (client: TestClient, channel: string) =>
  (await client.call('GET', '/health')).json.channels[channel]

const sync = (client: TestClient, channels: object) =>
  client.call('POST', '/sync', { channels, webhooks: [{ url: bot.url }] })

const SOON = { timeout: 10_000 }

describe('a bot of Telegram on a laptop', () => {
  test('needs its token and nothing else: it hears what a person writes, and answers', async () => {
    const botToken = newToken()
    const client = await connect({ telegram: { version: '1.0.0', botToken } })
    await vi.waitFor(
      async () =>
        expect(await channelOf(client, 'telegram')).toMatchObject({
          ...{ status: 'active', mode: 'listen' },
          listening: { state: 'connected', since: expect.any(String) },
        }),
      SOON,
    )
    expect(bots.webhooks.has(botToken)).toBe(false)
    bots.push(botToken, message('hello', 1))
    await bot.until(() => textsOf(bot).includes('hello'), SOON.timeout)
    const heard = bot.requests.find((request) => textOf(request) === 'hello')
    await client.say(String(heard?.json.data.conversationId), 'hi, I am the bot')
    await vi.waitFor(
      () =>
        expect(bots.sent.map(({ token, args }) => [token, args.text])).toContainEqual([
          botToken,
          'hi, I am the bot',
        ]),
      SOON,
    )
    expect((await channelOf(client, 'telegram')).lastInboundAt).toEqual(expect.any(String))
  })

  test('changes its mode with a sync, which removes its own webhook and keeps what waits for it', async () => {
    const botToken = newToken()
    const config = { version: '1.0.0', botToken }
    const client = await connect({ telegram: { ...config, mode: 'webhook' } })
    await vi.waitFor(() => expect(bots.webhooks.has(botToken)).toBe(true), SOON)
    expect((await channelOf(client, 'telegram')).listening).toBe(undefined)
    bots.push(botToken, message('for the webhook', 3))
    expect((await sync(client, { telegram: { ...config, mode: 'listen' } })).status).toBe(200)
    await bot.until(() => textsOf(bot).includes('for the webhook'), SOON.timeout)
    expect(bots.webhooks.has(botToken)).toBe(false)
    expect((await sync(client, { telegram: { ...config, mode: 'webhook' } })).status).toBe(200)
    await vi.waitFor(() => expect(bots.webhooks.has(botToken)).toBe(true), SOON)
    expect((await channelOf(client, 'telegram')).mode).toBe('webhook')
  })

  test('is renamed by a sync: it hears on under its new name, in the same conversation, and nothing twice', async () => {
    const botToken = newToken()
    const client = await connect({ telegram: { version: '1.0.0', botToken } })
    const isConnected = async (name: string) =>
      expect((await channelOf(client, name)).listening?.state).toBe('connected')
    await vi.waitFor(() => isConnected('telegram'), SOON)
    bots.push(botToken, message('before the renaming', 10))
    await bot.until(() => textsOf(bot).includes('before the renaming'), SOON.timeout)
    bots.push(botToken, message('while it is renamed', 11))
    const support = { channel: 'telegram', version: '1.0.0', botToken }
    expect((await sync(client, { support })).status).toBe(200)
    bots.push(botToken, message('after the renaming', 12))
    await bot.until(() => textsOf(bot).includes('after the renaming'), SOON.timeout)
    await vi.waitFor(() => isConnected('support'), SOON)
    expect(await channelOf(client, 'telegram')).toBe(undefined)
    const own = bot.requests.filter((request) => /rename|renaming/.test(textOf(request) ?? ''))
    expect(own.map(textOf)).toEqual(['before the renaming', 'while it is renamed', 'after the renaming'])
    expect(new Set(own.map(({ json }) => json.data.conversationId)).size).toBe(1)
    await client.say(String(own[0]?.json.data.conversationId), 'under another name')
    await vi.waitFor(
      () => expect(bots.sent.map(({ args }) => args.text)).toContainEqual('under another name'),
      SOON,
    )
  })

  test('says what to do about a webhook of another program, and goes on once that is gone', async () => {
    const botToken = newToken()
    const client = await connect({ telegram: { version: '1.0.0', botToken } })
    await vi.waitFor(
      async () => expect((await channelOf(client, 'telegram')).listening?.state).toBe('connected'),
      SOON,
    )
    bots.setWebhook(botToken, 'https://elsewhere.example/hook')
    await vi.waitFor(async () => {
      const { listening } = await channelOf(client, 'telegram')
      expect(listening).toMatchObject({
        state: 'failing',
        failure: {
          kind: 'transient',
          message: expect.stringMatching(/webhook at elsewhere\.example.*deleteWebhook/),
        },
        nextAttemptAt: expect.any(String),
      })
    }, SOON)
    bots.push(botToken, message('while it could not listen', 2))
    bots.removeWebhook(botToken)
    await bot.until(() => textsOf(bot).includes('while it could not listen'), 20_000)
  }, 40_000)
})

test('an app of Slack on a laptop hears over a socket, and reports when Socket Mode is turned off', async () => {
  const appToken = 'xapp-1-A0FAKE-1234-abcdef'
  const client = await connect({ slack: { version: '1.0.0', botToken: 'xoxb-a-token', appToken } })
  await vi.waitFor(
    async () => expect((await channelOf(client, 'slack')).listening?.state).toBe('connected'),
    SOON,
  )
  const { setup, mode } = await channelOf(client, 'slack')
  expect([mode, setup]).toEqual(['listen', expect.stringMatching(/Socket Mode: turn it on/)])
  slack.sockets.send(appToken, 'events_api', {
    type: 'event_callback',
    event_id: 'Ev1',
    event_time: 1_796_040_000,
    event: {
      type: 'message',
      channel_type: 'im',
      channel: 'D1',
      user: 'U1',
      ts: '1796040000.000001',
      text: 'from Slack',
    },
  })
  await bot.until(() => textsOf(bot).includes('from Slack'), SOON.timeout)
  await vi.waitFor(() => expect(slack.sockets.unacknowledged(appToken)).toBe(0), SOON)
  slack.sockets.disconnect(appToken, 'link_disabled')
  await vi.waitFor(async () => {
    const { listening } = await channelOf(client, 'slack')
    expect(listening.failure?.message).toMatch(/Socket Mode is turned off/)
  }, SOON)
})

describe('the mode of a channel', () => {
  const refusalOf = async (channels: object) => {
    const { status, text } = await call(server, 'POST', '/api/v1/sync', { body: { channels } })
    return [status, text]
  }

  test.each<[string, object, RegExp]>([
    [
      'that does not exist',
      { telegram: { version: '1.0.0', botToken: newToken(), mode: 'poll' } },
      /channels\.telegram\.mode/,
    ],
    [
      'that the channel does not have',
      {
        webhook: {
          version: '1.0.0',
          url: 'http://127.0.0.1:9/',
          secret: 'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz',
          mode: 'listen',
        },
      },
      /channels\.webhook\.mode/,
    ],
    [
      'without the token that it needs',
      { slack: { version: '1.0.0', signingSecret: 'a', botToken: 'xoxb-a', mode: 'listen' } },
      /channels\.slack\.appToken/,
    ],
    [
      'without the secret that it needs',
      { slack: { version: '1.0.0', appToken: 'xapp-1', botToken: 'xoxb-a', mode: 'webhook' } },
      /channels\.slack\.signingSecret.*is required in the mode .*, or teamId/,
    ],
  ])('%s is refused, and the field named', async (_, channels, field) => {
    expect(await refusalOf(channels)).toEqual([400, expect.stringMatching(field)])
  })

  test('is webhook where the configuration is for that, also on a laptop', async () => {
    const client = await connect({ slack: { version: '1.0.0', signingSecret: 'a', botToken: 'xoxb-a' } })
    expect(await channelOf(client, 'slack')).toMatchObject({ mode: 'webhook', status: 'active' })
    expect((await channelOf(client, 'slack')).listening).toBe(undefined)
  })
})
