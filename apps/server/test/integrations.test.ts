import { randomUUID } from 'node:crypto'
import { fromUuid } from '@plugboard/core'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { startProgram } from './sunshine/program.js'
import { clientOf, type TestClient } from './support/api.js'
import { EXTERNAL_URL, seed, startHubProcess } from './support/channel-stage.js'
import { type Credentials, type Provider, startProvider } from './support/providers/provider.js'
import { telegram } from './support/providers/telegram.js'
import { type Receiver, startReceiver } from './support/receiver.js'
import { cleanUp, SHORT_LEASE, type TestServerProcess } from './support/server.js'
import { newKey, officialClient } from './support/sunshine.js'

const PATIENT = { timeout: 30_000 }
const ADA = 1

let provider: Provider
let server: TestServerProcess
beforeAll(async () => {
  provider = await startProvider(telegram)
  server = await startHubProcess([provider], SHORT_LEASE)
})
afterAll(async () => {
  await provider.close()
  await cleanUp()
})

let bot: Receiver
let client: TestClient
/** Two bots of one client, whose integrations have these names at first. */
let one: Credentials
let two: Credentials
beforeEach(async () => {
  provider.answerInstead = () => undefined
  bot = await startReceiver()
  ;[one, two] = [telegram.credentials(), telegram.credentials()]
  const made = await seed(server, { ...wish({ telegram: one, support: two }), webhooks: [{ url: bot.url }] })
  expect([made.status, made.text]).toEqual([200, expect.any(String)])
  client = clientOf(server, made.json)
  await areActive('telegram', 'support')
})

const wish = (bots: Record<string, Credentials>) => ({
  channels: Object.fromEntries(
    Object.entries(bots).map(([name, own]) => [
      name,
      { ...(name !== 'telegram' && { channel: 'telegram' }), version: '1.0.0', ...own },
    ]),
  ),
})
const sync = (bots: Record<string, Credentials>) =>
  client.call('POST', '/sync', { ...wish(bots), webhooks: [{ url: bot.url }] })
const health = async () => (await client.call('GET', '/health')).json.channels
const areActive = async (...names: string[]) => {
  await expect
    .poll(async () => {
      const channels = await health()
      return names.map((name) => channels[name]?.status)
    }, PATIENT)
    .toEqual(names.map(() => 'active'))
}

/** Ada writes to the bot with these credentials, at the path of this name. */
async function write(name: string, as: Credentials, text: string): Promise<number> {
  const path = `/webhooks/v1/${client.id}/${name}`
  const { headers, body } = telegram.sign(telegram.write(ADA, text, randomUUID()), as, EXTERNAL_URL + path)
  const { status } = await fetch(server.url + path, { method: 'POST', headers, body })
  return status
}

interface Said {
  conversationId: string
  userId: string
  integration?: string
  channel: string
  message: { id: string; authorId?: string; payload: { text: string } }
}

/** What Ada said, as the bot heard it. */
async function heard(count: number): Promise<Said[]> {
  const all = () =>
    bot
      .ofType('message.new')
      .map(({ json }) => json.data as unknown as Said)
      .filter(({ message }) => message.authorId)
  await bot.until(() => all().length >= count, 30_000)
  return all()
}
const say = async (conversationId: string, text: string, more: object = {}) =>
  (await client.call('POST', '/messages', { conversationId, payload: { type: 'text', text }, ...more })).json
const shownBy = ({ botToken }: Credentials) =>
  provider.shown.filter(({ by }) => by === botToken).map(({ text }) => text)
const webhooksOf = ({ botToken }: Credentials) =>
  provider.calls
    .filter(({ path }) => path.endsWith(`${botToken}/setWebhook`))
    .map(({ body }) =>
      String(JSON.parse(String(body)).url)
        .split('/')
        .at(-1),
    )

describe('two bots of one channel', () => {
  test('have a conversation each with one person, concurrently and both ways', async () => {
    const texts = ['first', 'second', 'third']
    const writing = async (name: string, as: Credentials) => {
      for (const text of texts) expect(await write(name, as, `${text} to ${name}`)).toBe(200)
    }
    await Promise.all([writing('telegram', one), writing('support', two)])
    const said = await heard(6)
    const to = (integration: string | undefined) => said.filter((each) => each.integration === integration)
    for (const [name, own] of [
      ['telegram', to(undefined)],
      ['support', to('support')],
    ] as const) {
      expect(own.map(({ message }) => message.payload.text)).toEqual(
        texts.map((text) => `${text} to ${name}`),
      )
      expect(new Set(own.map(({ conversationId }) => conversationId)).size).toBe(1)
      expect(own.map(({ channel }) => channel)).toEqual(texts.map(() => 'telegram'))
    }
    const [a, b] = [to(undefined)[0]?.conversationId ?? '', to('support')[0]?.conversationId ?? '']
    expect(a).not.toBe(b)
    await Promise.all([say(a, 'by the one'), say(b, 'by the other')])
    await expect.poll(() => [shownBy(one), shownBy(two)], PATIENT).toEqual([['by the one'], ['by the other']])
  })

  test('show in health, addresses, deliveries, dead letters and events under their names', async () => {
    await write('support', two, 'hello')
    const [{ conversationId } = { conversationId: '' }] = await heard(1)
    const channel = { name: 'telegram', version: '1.0.0' }
    const { json: endpoints } = await client.call('GET', `/endpoints/conversation/${conversationId}`)
    expect(endpoints).toEqual([{ channel, integration: 'support', ...telegram.endpointOf(ADA) }])
    expect((await client.call('POST', '/endpoints/map', endpoints[0])).json).toEqual({ conversationId })
    const { integration: _, ...usual } = endpoints[0]
    const other = (await client.call('POST', '/endpoints/map', usual)).json.conversationId
    expect(other).not.toBe(conversationId)
    provider.answerInstead = (sent) => (sent ? telegram.refusals.blocked : undefined)
    const { id } = await say(conversationId, 'to nobody')
    const deliveries = async () => {
      const { json } = await client.call('GET', `/messages/${id}/deliveries`)
      return json.deliveries.filter(({ target }: { target: { type: string } }) => target.type === 'endpoint')
    }
    await expect.poll(async () => (await deliveries())[0]?.state, PATIENT).toBe('dead')
    expect((await deliveries())[0].target).toMatchObject({ channel, integration: 'support' })
    const { deadLetters } = (await client.call('GET', '/dead-letters')).json
    expect(deadLetters).toMatchObject([{ target: { type: 'endpoint', channel, integration: 'support' } }])
    await expect
      .poll(async () => (await health()).support, PATIENT)
      .toMatchObject({ channel: 'telegram', counts: { delivered: 0, failed: 1, dead: 1 } })
    expect((await health()).telegram).toMatchObject({ channel: 'telegram', counts: { dead: 0 } })
    const healthNews = () =>
      bot.ofType('health.new').map(({ json }) => [json.data.channel, json.data.integration])
    expect(healthNews()).toEqual(
      expect.arrayContaining([
        ['telegram', undefined],
        ['telegram', 'support'],
      ]),
    )
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    expect(metrics).toMatch(
      /plugboard_deliveries_total\{kind="endpoint",channel="telegram",outcome="dead"\} [1-9]/,
    )
    expect(server.output()).toMatch(/"target":"telegram support [0-9a-f-]{36}"/)
  })

  test('can be named by a post, whose message goes nowhere else', async () => {
    await write('support', two, 'hello')
    const [{ conversationId } = { conversationId: '' }] = await heard(1)
    await say(conversationId, 'not for Ada', { integration: 'telegram' })
    await say(conversationId, 'for Ada', { integration: 'support' })
    await expect.poll(() => shownBy(two), PATIENT).toEqual(['for Ada'])
    const { status, text } = await client.call('POST', '/messages', {
      ...{ conversationId, payload: { type: 'text', text: 'x' }, integration: 'none' },
    })
    expect([status, text]).toEqual([400, expect.stringContaining('"body.integration"')])
  })
})

describe('an integration that is renamed', () => {
  test('keeps its conversation and what is pending, and its old address until another has it', async () => {
    await write('support', two, 'before')
    const [{ conversationId } = { conversationId: '' }] = await heard(1)
    provider.answerInstead = (sent) => (sent?.by === two.botToken ? telegram.refusals.broken : undefined)
    await say(conversationId, 'pending')
    await expect.poll(() => provider.tried.some(({ by }) => by === two.botToken), PATIENT).toBe(true)
    expect((await sync({ telegram: one, desk: two })).status).toBe(200)
    expect(Object.keys(await health()).sort()).toEqual(['desk', 'telegram'])
    provider.answerInstead = () => undefined
    await expect.poll(() => shownBy(two), PATIENT).toEqual(['pending'])
    await areActive('desk')
    expect(webhooksOf(two)).toEqual(['support', 'desk'])
    expect([await write('support', two, 'at the old'), await write('desk', two, 'at the new')]).toEqual([
      200, 200,
    ])
    const said = await heard(3)
    expect(said.map((each) => [each.conversationId, each.integration])).toEqual([
      [conversationId, 'support'],
      [conversationId, 'desk'],
      [conversationId, 'desk'],
    ])
    const three = telegram.credentials()
    expect((await sync({ telegram: one, desk: two, support: three })).status).toBe(200)
    await areActive('support')
    expect([await write('support', two, 'x'), await write('support', three, 'new')]).toEqual([401, 200])
    const [, , , fourth] = await heard(4)
    expect(fourth).toMatchObject({ integration: 'support' })
    expect(fourth?.conversationId).not.toBe(conversationId)
  })

  test('may get the name of one that gets its name, in one sync', async () => {
    await write('telegram', one, 'one')
    await write('support', two, 'two')
    const ofText = (said: Said[], text: string) =>
      said.find(({ message }) => message.payload.text === text)?.conversationId ?? ''
    const before = await heard(2)
    const [a, b] = [ofText(before, 'one'), ofText(before, 'two')]
    expect((await sync({ telegram: two, support: one })).status).toBe(200)
    await areActive('telegram', 'support')
    await vi.waitFor(() =>
      expect([webhooksOf(one).at(-1), webhooksOf(two).at(-1)]).toEqual(['support', 'telegram']),
    )
    await Promise.all([say(a, 'from the one'), say(b, 'from the other')])
    await expect
      .poll(() => [shownBy(one), shownBy(two)], PATIENT)
      .toEqual([['from the one'], ['from the other']])
    expect([await write('support', one, 'one again'), await write('telegram', two, 'two again')]).toEqual([
      200, 200,
    ])
    const after = await heard(4)
    expect([ofText(after, 'one again'), ofText(after, 'two again')]).toEqual([a, b])
  })

  test('keeps all of it across a crash', async () => {
    await write('support', two, 'before')
    const [{ conversationId } = { conversationId: '' }] = await heard(1)
    expect((await sync({ telegram: one, desk: two })).status).toBe(200)
    await server.kill()
    await server.restart()
    await areActive('desk')
    expect(await write('desk', two, 'after')).toBe(200)
    expect((await heard(2))[1]).toMatchObject({ conversationId, integration: 'desk' })
  })
})

describe('a sync', () => {
  test('with one account under two names, or a name that is none, is refused and changes nothing', async () => {
    const refused: [bots: Record<string, Credentials>, said: string][] = [
      [{ a1: two, b2: two }, 'channels.b2'],
      [{ 'a/b': two }, 'channels.a/b'],
      [{ '../x': two }, 'channels.../x'],
      [Object.fromEntries([['__proto__', two]]), 'not valid JSON'],
      [{ Support: two }, 'channels.Support'],
      [{ '': two }, 'channels.'],
      [{ ['x'.repeat(32)]: two }, `channels.${'x'.repeat(32)}`],
    ]
    for (const [bots, said] of refused) {
      const { status, text } = await sync(bots)
      expect([status, text]).toEqual([400, expect.stringContaining(said)])
    }
    expect(Object.keys(await health()).sort()).toEqual(['support', 'telegram'])
  })

  test('names the field of an integration, and its channel', async () => {
    const refused = async (channels: object) => (await client.call('POST', '/sync', { channels })).text
    const of = (more: object) => ({ desk: { channel: 'telegram', version: '1.0.0', ...more } })
    expect(await refused(of({}))).toContain('channels.desk.botToken')
    expect(await refused(of({ ...two, version: '9.9.9' }))).toContain('channels.desk.version')
    expect(await refused(of({ ...two, channel: 'pigeon' }))).toContain('channels.desk.channel')
    expect(await refused(of({ ...two, channel: 7 }))).toContain('channels.desk.channel')
    expect(await refused({ desk: { version: '1.0.0', ...two } })).toContain('channels.desk')
  })
})

describe('Sunshine', () => {
  test('creates and deletes integrations of one type, selects one by id or all by type, and names the source', async () => {
    const app = fromUuid(client.id) ?? ''
    const key = await newKey(server, { app })
    const api = officialClient(server, key)
    const program = await startProgram(
      api,
      ['conversation:message', 'conversation:message:delivery:channel'],
      {
        more: { includeFullSource: true },
      },
    )
    const three = telegram.credentials()
    const made = (await api.createIntegration({ type: 'telegram', token: three.botToken })).integration
    const listed = (await api.listIntegrations()).integrations
    const telegrams = listed.filter(({ type }: { type: string }) => type === 'telegram')
    expect(telegrams).toHaveLength(3)
    expect(Object.keys(await health())).toContain('telegram-2')
    await areActive('telegram-2')
    await write('telegram-2', three, 'hello')
    const { payload } = await program.event()
    expect(payload.message.source).toMatchObject({
      ...{ type: 'telegram', integrationId: made.id },
      client: { type: 'telegram', integrationId: made.id },
    })
    const conversationId = payload.conversation.id
    const { clients } = await api.listClients(payload.message.author.userId)
    expect(clients).toMatchObject([{ type: 'telegram', integrationId: made.id, status: 'active' }])
    const post = (text: string, destination: object) =>
      api.postMessage(conversationId, {
        ...{ author: { type: 'business' }, content: { type: 'text', text }, destination },
      })
    const otherId = telegrams.find(({ id }: { id: string }) => id !== made.id)?.id
    await post('elsewhere', { integrationId: otherId })
    await post('by id', { integrationId: made.id })
    await post('by type', { integrationType: 'telegram' })
    await expect.poll(() => shownBy(three), PATIENT).toEqual(['by id', 'by type'])
    await expect
      .poll(() => program.events().filter(({ type }) => type.endsWith(':channel')).length, PATIENT)
      .toBe(2)
    for (const { type, payload: told } of program.events())
      if (type.endsWith(':channel'))
        expect(told.destination).toEqual({ type: 'telegram', integrationId: made.id })
    await api.deleteIntegration(made.id)
    expect(Object.keys(await health()).sort()).toEqual(['support', 'telegram'])
    const left = (await api.listIntegrations()).integrations.map(({ id }: { id: string }) => id)
    expect(left).toContain(otherId)
    expect(left).not.toContain(made.id)
  })
})
