import { randomUUID } from 'node:crypto'
import { MessagingChannel } from '@botpress/messaging-client-v12'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { call, clientOf } from '../support/api.js'
import { startHub } from '../support/channel-stage.js'
import { type ExpressLike, startExpressLike } from '../support/express-like.js'
import { kinds } from '../support/providers/kinds.js'
import { type Credentials, type Provider, startProvider } from '../support/providers/provider.js'
import { cleanUp, type TestServer } from '../support/server.js'

/** Botpress 12 with its own client, in the order in which it calls, and the channels that its bots may have. */
const names = ['messenger', 'slack', 'smooch', 'teams', 'telegram', 'twilio', 'vonage']
const adminKey = 'the-admin-key'
/** Where Botpress forwards what providers send. */
const EXTERNAL_URL = 'https://botpress.example/api/v1/messaging'
const BOT = 'my-bot'

let providers: Provider[]
let server: TestServer
let botpress: ExpressLike
const credentials = new Map<string, Credentials>()
let clientId: string
let messaging: MessagingChannel

beforeAll(async () => {
  providers = await Promise.all(kinds.filter(({ channel }) => names.includes(channel)).map(startProvider))
  server = await startHub(providers, { EXTERNAL_URL, ADMIN_KEY: adminKey })
  botpress = await startExpressLike()
  messaging = new MessagingChannel({ url: server.url, adminKey })
})
afterAll(async () => {
  await botpress.close()
  await Promise.all(providers.map((provider) => provider.close()))
  await cleanUp()
})

test('the tests have a provider for each channel of Botpress', () => {
  expect(providers.map(({ channel }) => channel).sort()).toEqual(names)
})

test('a bot is mounted: made, named, reached, and synced with all its channels', async () => {
  const { id, token } = await messaging.createClient()
  clientId = id
  messaging.start(id, { clientToken: token })
  await messaging.renameClient(id, BOT)
  expect(await messaging.getClient(id)).toBe(true)
  for (const provider of providers) credentials.set(provider.channel, provider.credentials())
  const { webhooks } = await messaging.sync(id, {
    channels: Object.fromEntries(
      [...credentials].map(([name, own]) => [name, { version: '1.0.0', enabled: true, ...own }]),
    ),
    webhooks: [{ url: `${botpress.url}/api/v1/chat/receive` }],
  })
  const webhookToken = webhooks[0]?.token ?? ''
  messaging.start(id, { clientToken: token, webhookToken })
  // It wants a whole Express, of which it uses this.
  messaging.setup(botpress as unknown as Parameters<typeof messaging.setup>[0], '/api/v1/chat/receive')
  // Started is not yet set up: only then does Telegram know the secret that it is to send.
  const client = clientOf(server, { id, token, webhooks: [] })
  await vi.waitUntil(
    async () => {
      const { json } = await client.call('GET', '/health')
      return providers.every(({ channel }) => json.channels[channel].status === 'active')
    },
    { timeout: 20_000 },
  )
})

test('each person is heard and answered, in turn, at the address that Botpress forwards', async () => {
  const threads = new Map<string, string>()
  messaging.on('message', async (id, { message, conversationId, channel }) => {
    if (!message.authorId) return
    threads.set(channel, conversationId)
    const payload = { type: 'text', text: `You said: ${message.payload.text}` }
    await messaging.createMessage(id, conversationId, undefined, payload, { incomingId: message.id })
    await messaging.endTurn(id, message.id)
  })
  await Promise.all(
    providers.map(async (provider) => {
      const path = `/webhooks/v1/${BOT}/${provider.channel}`
      const own = credentials.get(provider.channel) ?? {}
      const { headers, body } = provider.sign(
        provider.write(1, `hello from ${provider.channel}`, randomUUID()),
        own,
        EXTERNAL_URL + path,
      )
      const answered = await call(server, 'POST', path, { headers, body })
      expect(answered.status, `${provider.channel}: ${answered.text}`).toBeLessThan(300)
      await expect
        .poll(() => provider.shown.map(({ text }) => text), { timeout: 20_000 })
        .toEqual([`You said: hello from ${provider.channel}`])
      expect(provider.refused).toEqual([])
    }),
  )
  for (const [channel, id] of threads) {
    const messages = await messaging.listMessages(clientId, id)
    expect(messages.map(({ payload }) => payload.text)).toEqual([
      `You said: hello from ${channel}`,
      `hello from ${channel}`,
    ])
    expect((await messaging.getConversation(clientId, id))?.clientId).toBe(clientId)
    expect(await messaging.deleteMessagesByConversation(clientId, id)).toBe(2)
  }
  expect(threads.size).toBe(names.length)
  expect(new Set(botpress.statuses)).toEqual(new Set([200]))
})
