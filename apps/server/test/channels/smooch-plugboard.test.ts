import { isId, toUuid } from '@plugboard/core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { asAdmin, call, clientOf, type TestClient } from '../support/api.js'
import { newSecret, type Told, tell } from '../support/person.js'
import { type Receiver, startReceiver } from '../support/receiver.js'
import { cleanUp, startServer, type TestServer } from '../support/server.js'
import {
  type Answer,
  basic,
  type Key,
  newKey,
  type OfficialClient,
  officialClient,
} from '../support/sunshine.js'

/** Each server can be reached by the other. */
const env = {
  ...{ ALLOW_PRIVATE_TARGETS: 'loopback', POLL_INTERVAL: '50ms' },
  ...{ CHANNEL_RETRY_DELAYS: '100ms,500ms,1s,1s,5s', SUNSHINE_RETRY_DELAYS: '100ms,500ms,1s,1s,5s' },
}

const TRIGGERS = [
  ...['conversation:message', 'conversation:postback', 'conversation:read', 'conversation:create'],
  ...['channel', 'user', 'failure'].map((each) => `conversation:message:delivery:${each}`),
  ...['user:merge', 'client:update'],
]

/** What a person's system got. */
interface Shown {
  sender: string
  payload: { type: string; text?: string; choices?: { title: string; value: string }[]; actions?: object[] }
}

// The desk has the people, and is to the bots' server what Sunshine is.
let [desk, hub]: TestServer[] = []
let [phone, bot]: Receiver[] = []
let client: TestClient
let key: Key
let api: OfficialClient
const secret = newSecret()

const health = async () => (await client.call('GET', '/health')).json.channels.smooch
const shown = (): Shown[] => phone?.requests.map(({ json }) => json as unknown as Shown) ?? []
const shownTo = (person: string) => shown().filter(({ sender }) => sender === person)
const write = async (told: Told): Promise<void> => {
  const app = isId(key.appId) ? toUuid(key.appId) : ''
  const answer = await tell(desk as TestServer, { client: app, secret }, told)
  expect(answer.status).toBe(200)
}
interface Heard {
  id: string
  authorId?: string
  conversationId: string
  payload: { type: string; text?: string; payload?: string }
}
const heard = (): Heard[] =>
  bot
    ?.ofType('message.new')
    .map(({ json }) => json.data.message as unknown as Heard)
    .filter(({ authorId }) => authorId) ?? []
/** Who writes a text, and the conversation in which the bot hears it. */
const hears = async (sender: string, text: string): Promise<Heard> => {
  await write({ sender, payload: { type: 'text', text } })
  return vi.waitUntil(() => heard().find(({ payload }) => payload.text === text), { timeout: 10_000 })
}
const say = async (conversationId: string, payload: object): Promise<string> => {
  const { status, json } = await client.call('POST', '/messages', { conversationId, payload })
  expect(status).toBe(201)
  return json.id
}
const deliveryOf = async (id: string) => {
  const { json } = await client.call('GET', `/messages/${id}/deliveries`)
  return json.deliveries.find(({ target }: { target: { type: string } }) => target.type === 'endpoint')
}
const activities = () => bot?.ofType('conversation.activity').map(({ json }) => json.data.activity)

/** So that a message is known by its id before the desk says what became of it. */
const slowly = () => new Promise<number>((resolve) => void setTimeout(resolve, 200, 200))

beforeAll(async () => {
  ;[phone, bot] = [await startReceiver(slowly), await startReceiver()]
  desk = await startServer({ env })
  key = await newKey(desk)
  api = officialClient(desk, key)
  const channel = await call(desk, 'POST', `/v2/apps/${key.appId}/integrations`, {
    body: { type: 'webhook', config: { url: phone.url, secret } },
    headers: { authorization: basic(key) },
  })
  expect(channel.status).toBe(201)

  const options = JSON.stringify({ smooch: { apiBaseUrl: desk.url } })
  hub = await startServer({ env: { ...env, PLUGBOARD_CHANNEL_OPTIONS: options } })
  const webhooks = [{ url: bot.url }]
  const made = await call(hub, 'POST', '/api/v1/sync', { body: { webhooks }, headers: asAdmin })
  client = clientOf(hub, made.json)
  const target = `${hub.url}/webhooks/v1/${client.id}/smooch`
  const { integration } = await api.createIntegration({
    type: 'custom',
    webhooks: [{ target, triggers: TRIGGERS, includeFullUser: true }],
  })
  const [webhook] = (await api.listWebhooks(integration.id)).webhooks
  const smooch = {
    ...{ version: '1.0.0', appId: key.appId, keyId: key.keyId },
    ...{ keySecret: key.secret, webhookSecret: webhook.secret },
  }
  const synced = await client.call('POST', '/sync', { channels: { smooch }, webhooks })
  expect(synced.status).toBe(200)
  await vi.waitUntil(async () => (await health()).status === 'active', { timeout: 10_000 })
})

afterAll(cleanUp)

test('a person of one server talks with the bot of another', async () => {
  const { conversationId, authorId } = await hears('ann', 'is anybody there?')
  const id = await say(conversationId, { type: 'text', text: 'at your **service**', markdown: true })
  await expect
    .poll(() => shownTo('ann').map(({ payload }) => payload.text))
    .toEqual([expect.stringContaining('service')])
  await expect.poll(() => deliveryOf(id)).toMatchObject({ state: 'delivered' })
  // The desk says later what became of it.
  await expect.poll(activities).toContainEqual({ type: 'delivery', messageId: id, status: 'sent' })
  expect(await hears('ann', 'thanks')).toMatchObject({ conversationId, authorId })
})

test('a button of the bot is pressed at the other server', async () => {
  const { conversationId } = await hears('bea', 'what is there?')
  const choices = [
    { title: 'Tea', value: 'TEA' },
    { title: 'Coffee', value: 'COFFEE' },
  ]
  await say(conversationId, { type: 'single-choice', text: 'Tea or coffee?', choices })
  await expect.poll(() => shownTo('bea').length).toBe(1)
  const { payload } = shownTo('bea')[0] as Shown
  expect(payload).toMatchObject({ text: 'Tea or coffee?', choices: [{ title: 'Tea' }, { title: 'Coffee' }] })
  // The other server learns nothing of what stands behind them.
  expect(JSON.stringify(payload)).not.toContain('COFFEE')
  const [, coffee] = payload.choices ?? []
  const pressed = { type: 'quick_reply', text: coffee?.title, payload: coffee?.value }
  await write({ sender: 'bea', payload: pressed })
  await expect
    .poll(
      () =>
        heard()
          .filter((each) => each.conversationId === conversationId)
          .at(-1)?.payload,
    )
    .toMatchObject({ type: 'quick_reply', text: 'Coffee', payload: 'COFFEE' })
})

test('cards, places and files arrive as what they are', async () => {
  const { conversationId } = await hears('cem', 'show me')
  const [image, file] = ['https://acme.example/a.png', 'https://acme.example/a.pdf']
  const actions = [{ title: 'Ours', action: 'Open URL', url: 'https://acme.example/' }]
  await say(conversationId, { type: 'image', image, title: 'A picture' })
  await say(conversationId, { type: 'file', file, title: 'A file' })
  await say(conversationId, { type: 'location', latitude: 46.8, longitude: -71.2, title: 'Here' })
  await say(conversationId, {
    type: 'carousel',
    items: [
      { title: 'One', image, actions },
      { title: 'Two', actions },
    ],
  })
  await expect.poll(() => shownTo('cem').length, { timeout: 10_000 }).toBe(4)
  expect(shownTo('cem').map(({ payload }) => payload)).toMatchObject([
    { type: 'image', image, title: 'A picture' },
    { type: 'file', file, title: 'A file' },
    { type: 'location', latitude: 46.8, longitude: -71.2, title: 'Here' },
    {
      type: 'carousel',
      items: [
        { title: 'One', image, actions },
        { title: 'Two', actions },
      ],
    },
  ])
})

test('a message that is removed at the bot is removed at the other server', async () => {
  const { conversationId } = await hears('dan', 'hello')
  const id = await say(conversationId, { type: 'text', text: 'a slip' })
  await expect.poll(() => shownTo('dan').length).toBe(1)
  const [{ thread }] = (await client.call('GET', `/endpoints/conversation/${conversationId}`)).json
  await client.call('DELETE', `/messages/${id}`)
  await expect
    .poll(async () => (await api.listMessages(thread)).messages.map(({ content }: Answer) => content.text))
    .toEqual(['hello'])
})

test('nothing is lost or repeated while either is away', async () => {
  const { conversationId } = await hears('eve', 'before')
  await desk?.stop()
  const ids = [
    await say(conversationId, { type: 'text', text: 'one' }),
    await say(conversationId, { type: 'text', text: 'two' }),
  ]
  desk = await desk?.restart()
  await expect
    .poll(() => shownTo('eve').map(({ payload }) => payload.text), { timeout: 20_000 })
    .toEqual(['one', 'two'])
  for (const id of ids) await expect.poll(() => deliveryOf(id)).toMatchObject({ state: 'delivered' })
  await hub?.stop()
  await write({ sender: 'eve', payload: { type: 'text', text: 'after' } })
  hub = await hub?.restart()
  await expect
    .poll(
      () =>
        heard()
          .filter((each) => each.conversationId === conversationId)
          .map(({ payload }) => payload.text),
      { timeout: 30_000 },
    )
    .toEqual(['before', 'after'])
})
