import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type FakeDiscord, fakeDiscord } from '../../../../packages/channel-discord/test/fake-discord.js'
import { clientOf, type TestClient } from '../support/api.js'
import { createTenant, EXTERNAL_URL, seed, startHub, type Tenant } from '../support/channel-stage.js'
import { textsOf } from '../support/fault-load.js'
import { discord } from '../support/providers/discord.js'
import { callWith, type Provider, startProvider } from '../support/providers/provider.js'
import { type Receiver, startReceiver } from '../support/receiver.js'
import { cleanUp, startProcess, type TestServer, type TestServerProcess } from '../support/server.js'
import { outboundBehaviour } from './outbound.js'

const SOON = { timeout: 10_000 }

outboundBehaviour(discord)

describe('an app of Discord with a URL for interactions', () => {
  let provider: Provider
  let server: TestServer
  let tenant: Tenant
  beforeAll(async () => {
    provider = await startProvider(discord)
    server = await startHub([provider])
    tenant = await createTenant(server, provider)
  })
  afterAll(async () => {
    await tenant.bot.close()
    await provider.close()
    await cleanUp()
  })

  test('has its URL registered, which is verified as Discord does it', async () => {
    const registered = provider.calls
      .filter(({ method }) => method === 'PATCH')
      .map(({ body }) => JSON.parse(body))
    expect(registered).toContainEqual({ interactions_endpoint_url: EXTERNAL_URL + tenant.path })
    const ping = {
      headers: { 'content-type': 'application/json' },
      body: '{"type":1,"application_id":"APPLICATION_ID"}',
    }
    const { status, json } = await tenant.tell(ping)
    expect([status, json]).toEqual([200, { type: 1 }])
    const forged = provider.sign(ping, tenant.credentials, '')
    const headers = { ...forged.headers, 'x-signature-ed25519': 'a'.repeat(128) }
    expect((await tenant.post({ ...forged, headers })).status).toBe(401)
    expect((await tenant.tell(ping, { at: new Date(Date.now() - 360_000) })).status).toBe(401)
    expect(tenant.heard()).toEqual([])
  })

  test('replies to a command in its place, once, although it is delivered twice', async () => {
    const told = provider.write(1, 'Québec', randomUUID())
    for (let i = 0; i < 2; i += 1) {
      const { status, text } = await tenant.tell(told)
      expect({ status, text }).toEqual(provider.thanks)
    }
    const [heard] = await tenant.hears(1)
    expect(heard?.payload).toMatchObject({
      ...{ type: 'text', text: '/say Québec' },
      command: { name: 'say', options: { words: 'Québec' } },
    })
    expect(tenant.heard()).toHaveLength(1)
    const id = await tenant.say(1, { type: 'text', text: 'It is cold' })
    await expect.poll(async () => (await tenant.delivery(id)).state, SOON).toBe('delivered')
    const about = provider.calls.filter(({ path }) => path.includes('/webhooks/'))
    expect(about.map(({ method }) => method)).toEqual(['GET', 'PATCH'])
    expect(tenant.shownTo(1).map(({ text }) => text)).toEqual(['It is cold'])
  })

  test('hands on a file of a command at an address of ours', async () => {
    const before = tenant.heard().length
    const { told, bytes } = provider.send(2, randomUUID(), provider.url)
    expect((await tenant.tell(told)).status).toBe(200)
    const [, file] = (await tenant.hears(before + 2)).slice(before)
    expect(file?.payload).toMatchObject({ type: 'image', title: 'Look' })
    const url = String(file?.payload.url)
    expect(url).toMatch(/^https:\/\/hub\.example\/media\/v1\/[\w.-]+$/)
    expect(await (await fetch(url.replace(EXTERNAL_URL, server.url))).text()).toBe(bytes)
  })

  test('refuses what Discord would not send, and leaves nothing of it', async () => {
    const before = tenant.heard().length
    for (const body of provider.malformed) expect((await tenant.tell(body)).status).toBe(400)
    expect(tenant.heard()).toHaveLength(before)
  })
})

describe('a bot of Discord that listens', () => {
  const botToken = 'MTE5ODc2NTQzMjEwOTg3NjU0Mw.Gabcde.token-of-a-listening-bot'
  const config = { version: '1.0.0', mode: 'listen', applicationId: '1198765432109876543', botToken }
  let fake: FakeDiscord
  let bot: Receiver
  let server: TestServerProcess
  let client: TestClient
  beforeAll(async () => {
    const app = {
      applicationId: config.applicationId,
      publicKey: '',
      url: 'https://hub.example/webhooks/v1/x/discord',
    }
    fake = await fakeDiscord({ apps: { [botToken]: app }, heartbeatMs: 200 })
    bot = await startReceiver()
    server = await startProcess({
      env: {
        PLUGBOARD_CHANNEL_OPTIONS: JSON.stringify({ discord: { apiUrl: fake.apiUrl } }),
        ALLOW_PRIVATE_TARGETS: 'loopback',
        CHANNEL_RETRY_DELAYS: '100ms,100ms,100ms,30s',
      },
    })
    const made = await seed(server, { channels: { discord: config }, webhooks: [{ url: bot.url }] })
    expect(made.status, made.text).toBe(200)
    client = clientOf(server, made.json as TestClient)
    await connected()
  }, 60_000)
  afterAll(async () => {
    await bot.close()
    await cleanUp()
    await fake.close()
  })

  const channel = async () => (await client.call('GET', '/health')).json.channels.discord
  const connected = () =>
    vi.waitFor(
      async () =>
        expect(await channel()).toMatchObject({ status: 'active', listening: { state: 'connected' } }),
      { timeout: 30_000 },
    )
  let lastId = 0
  const say = (content: string, more: object = {}) => {
    lastId += 1
    fake.gateway.dispatch(botToken, 'MESSAGE_CREATE', {
      ...{ id: String(1_443_000_000_000_000_000n + BigInt(lastId)), channel_id: '601', type: 0, content },
      ...{ author: { id: '501', username: 'ada' }, mentions: [], attachments: [], ...more },
    })
  }
  const hears = (text: string) => bot.until(() => textsOf(bot).includes(text), 30_000)
  const conversation = () =>
    String(bot.requests.find(({ json }) => json.data.conversationId !== undefined)?.json.data.conversationId)

  test('gets what people write, in order, and answers in the channel', async () => {
    for (let i = 0; i < 10; i += 1) say(`word ${i}`)
    await hears('word 9')
    expect(textsOf(bot).filter((text) => text?.startsWith('word'))).toEqual(
      Array.from({ length: 10 }, (_, i) => `word ${i}`),
    )
    await client.say(conversation(), 'I am the bot')
    await expect
      .poll(() => fake.posted().map(({ channel_id, content }) => [channel_id, content]), SOON)
      .toEqual([['601', 'I am the bot']])
  })

  test('gets a file as an address of ours', async () => {
    const path = '/attachments/601/2/plan.png'
    fake.world.files.set(path, { headers: { 'content-type': 'image/png' }, body: 'a plan' })
    const url = new URL(fake.apiUrl).origin + path
    say('The plan', {
      attachments: [{ id: '2', filename: 'plan.png', content_type: 'image/png', size: 6, url }],
    })
    const payloads = () =>
      bot.requests.map(
        ({ json }) => (json.data.message as { payload?: { title?: string; url?: string } })?.payload,
      )
    await bot.until(() => payloads().some((payload) => payload?.title === 'The plan'), 30_000)
    const given = payloads().find((payload) => payload?.title === 'The plan')?.url ?? ''
    expect(given).toContain('/media/v1/')
    expect(await (await fetch(server.url + new URL(given).pathname)).text()).toBe('a plan')
  })

  test('loses and repeats nothing when its process is killed', async () => {
    for (let i = 0; i < 20; i += 1) say(`before ${i}`)
    await server.kill()
    for (let i = 0; i < 5; i += 1) say(`meanwhile ${i}`)
    await server.restart()
    say('after all')
    await hears('after all')
    const texts = textsOf(bot).filter((text) => /^(?:before|meanwhile)/.test(text ?? ''))
    expect([...new Set(texts)]).toEqual([
      ...Array.from({ length: 20 }, (_, i) => `before ${i}`),
      ...Array.from({ length: 5 }, (_, i) => `meanwhile ${i}`),
    ])
    // One session, which was resumed.
    expect(fake.gateway.identified).toHaveLength(1)
    const path = `/messages/conversation/${conversation()}?limit=100`
    const stored = (await client.call('GET', path)).json as { payload: { text?: string } }[]
    expect(stored.filter(({ payload }) => payload.text?.startsWith('before'))).toHaveLength(20)
  }, 60_000)

  test('sends a message once although the answer was lost', async () => {
    fake.failWith('lost-answer')
    const tried = () => fake.calls.filter(({ body }) => body.includes('only once')).length
    const lost = callWith(({ body }) => body.includes('only once'), fake).then(() => fake.failWith())
    await client.say(conversation(), 'only once')
    await lost
    await expect.poll(tried, SOON).toBe(2)
    await expect
      .poll(() => fake.posted().filter(({ content }) => content === 'only once').length, SOON)
      .toBe(1)
  })

  test('is paused when its token is refused, says why, and goes on with the next sync', async () => {
    fake.gateway.tokens = []
    fake.gateway.forget()
    fake.gateway.disconnect(4004)
    await expect.poll(async () => (await channel()).status, SOON).toBe('paused')
    expect((await channel()).reason).toMatch(/token/)
    fake.gateway.tokens = undefined
    const synced = await client.call('POST', '/sync', {
      channels: { discord: config },
      webhooks: [{ url: bot.url }],
    })
    expect(synced.status).toBe(200)
    await connected()
    say('here again')
    await hears('here again')
  }, 30_000)

  test('leaves no token in the log', () => {
    expect(server.output()).not.toContain('token-of-a-listening-bot')
    expect(bot.requests.map(({ text }) => text).join()).not.toContain('token-of-a-listening-bot')
  })
})
