import type { Failure } from '@plugboard/core'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { refusal } from '../test/fake-discord.js'
import { config, type Listening, type Stage, stage } from '../test/stage.js'
import { cursorOf, positionIn } from './cursor.js'
import { gatewayUrl } from './gateway-host.js'
import { MAX_SHARDS } from './limits.js'

const opened: (Stage | Listening)[] = []
afterEach(async () => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  for (const each of opened.splice(0).reverse()) await ('stop' in each ? each.stop() : each.close())
})

async function open(options: Parameters<typeof stage>[0] = {}): Promise<Stage> {
  const on = await stage(options)
  opened.push(on)
  return on
}

function listen(on: Stage, changes: Parameters<Stage['listen']>[0] = {}): Listening {
  const listening = on.listen(changes)
  opened.push(listening)
  return listening
}

let lastId = 0
function say(on: Stage, content: string, more: object = {}): void {
  lastId += 1
  on.fake.gateway.dispatch(config.botToken, 'MESSAGE_CREATE', {
    ...{ id: String(700 + lastId), channel_id: '601', type: 0, content },
    ...{ author: { id: '501', username: 'ada' }, mentions: [], attachments: [], ...more },
  })
}

const textsOf = ({ events }: Awaited<ReturnType<Listening['next']>>) =>
  events.map((event) => (event.type === 'message' ? event.content.text : event.type))

const SOON = { timeout: 5000 }
const failureOf = (on: Stage, listening: Listening): Promise<Failure> => on.failure(() => listening.heard())

describe('a bot that listens', () => {
  test('gets what people write, and sends its token in the first message only', async () => {
    const on = await open()
    const listening = listen(on)
    say(on, 'hello')
    expect(textsOf(await listening.heard())).toEqual(['hello'])
    expect(listening.connections()).toBe(1)
    const { gateway } = on.fake
    expect(gateway.opened).toEqual(['/?v=10&encoding=json'])
    // Messages and reactions, in servers and direct messages, and the content of messages.
    const intents = (1 << 9) | (1 << 10) | (1 << 12) | (1 << 13) | (1 << 15)
    expect(gateway.identified).toMatchObject([{ shard: [0, 1], intents }])
  })

  test('asks for no privileged intent if it is not to', async () => {
    const on = await open()
    on.fake.gateway.allowsContent = false
    const own = { ...config, messageContent: false }
    const listening = listen(on, { config: own })
    say(on, '', { guild_id: '1' })
    say(on, '<@800001> hi', { guild_id: '1', mentions: [] })
    expect(textsOf(await listening.heard())).toEqual(['<@800001> hi'])
  })

  test('goes on with its session after an interruption, without a gap', async () => {
    const on = await open()
    const first = listen(on)
    say(on, 'one')
    const { cursor } = await first.heard()
    await first.stop()
    say(on, 'two')
    const second = listen(on, { ...(cursor !== undefined && { cursor }) })
    expect(textsOf(await second.heard())).toEqual(['two'])
    const { gateway } = on.fake
    expect([gateway.identified.length, gateway.resumed.length]).toEqual([1, 1])
    // A code that ends no session.
    expect(gateway.closeCodes).toEqual([4000])
  })

  test.each([
    ['the connection is lost', (on: Stage) => on.fake.gateway.cut()],
    ['Discord asks for it', (on: Stage) => on.fake.gateway.send({ op: 7, d: null })],
    ['the session is unclear, and goes on', (on: Stage) => on.fake.gateway.send({ op: 9, d: true })],
    ['Discord closes it for an unknown reason', (on: Stage) => on.fake.gateway.disconnect(4000)],
    ['Discord closes it as finished', (on: Stage) => on.fake.gateway.disconnect(1000)],
  ])('opens the connection again when %s', async (_, interrupt) => {
    const on = await open()
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const listening = listen(on)
    say(on, 'before')
    expect(textsOf(await listening.heard())).toEqual(['before'])
    const next = listening.heard()
    await vi.waitFor(() => expect(on.fake.gateway.connections).toBe(1), SOON)
    interrupt(on)
    await vi.waitFor(() => expect(on.fake.gateway.resumed).toHaveLength(1), SOON)
    say(on, 'after')
    expect(textsOf(await next)).toEqual(['after'])
    expect(on.fake.gateway.identified).toHaveLength(1)
  })

  test.each([
    ['timed out', (on: Stage) => on.fake.gateway.disconnect(4009)],
    ['has another number of events', (on: Stage) => on.fake.gateway.disconnect(4007)],
    ['is invalid', (on: Stage) => on.fake.gateway.send({ op: 9, d: false })],
  ])('starts another session when its own %s, as often as Discord allows', async (_, interrupt) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const on = await open()
    const listening = listen(on)
    say(on, 'before')
    expect(textsOf(await listening.heard())).toEqual(['before'])
    const next = listening.heard()
    next.catch(() => undefined)
    on.fake.gateway.forget()
    interrupt(on)
    await vi.waitFor(async () => {
      await vi.advanceTimersByTimeAsync(1000)
      expect(on.fake.gateway.identified).toHaveLength(2)
    }, SOON)
    const [first, second] = on.fake.gateway.identified
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(5000)
    say(on, 'after')
    expect(textsOf(await next)).toEqual(['after'])
  })

  test('beats as often as Discord says, at once if it asks, and confirms what is stored', async () => {
    const on = await open({ heartbeatMs: 60 })
    const listening = listen(on)
    say(on, 'one')
    await listening.heard()
    const { heartbeats } = on.fake.gateway
    await vi.waitFor(() => expect(heartbeats.length).toBeGreaterThan(2), SOON)
    expect(heartbeats.at(-1)).toBe(1)
    void listening.next().catch(() => undefined)
    await vi.waitFor(() => expect(heartbeats.at(-1)).toBe(2), SOON)
    expect(on.fake.gateway.unconfirmed(config.botToken)).toBe(0)
  })

  test('answers a heartbeat that Discord asks for', async () => {
    const on = await open()
    void listen(on)
      .heard()
      .catch(() => undefined)
    await vi.waitFor(() => expect(on.fake.gateway.sessions).toBe(1), SOON)
    on.fake.gateway.send({ op: 1, d: null })
    await vi.waitFor(() => expect(on.fake.gateway.heartbeats).toEqual([1]), SOON)
  })

  test('gives up a connection whose heartbeats are not answered, and resumes', async () => {
    const on = await open({ heartbeatMs: 40 })
    const listening = listen(on)
    say(on, 'one')
    await listening.heard()
    on.fake.gateway.isAcknowledging = false
    const next = listening.heard()
    await vi.waitFor(() => expect(on.fake.gateway.resumed.length).toBeGreaterThan(0), SOON)
    on.fake.gateway.isAcknowledging = true
    say(on, 'two')
    expect(textsOf(await next)).toEqual(['two'])
  })

  test('has a connection for each shard that Discord recommends', async () => {
    const on = await open({ maxConcurrency: 2 })
    on.fake.gateway.shards = 2
    const listening = listen(on)
    // Server 0 and server 1, by the time in their ids.
    say(on, 'first', { guild_id: '1' })
    const { cursor: one } = await listening.heard()
    say(on, 'second', { guild_id: String(1n << 22n) })
    const { cursor: two, events } = await listening.heard()
    expect(textsOf({ events })).toEqual(['second'])
    expect(on.fake.gateway.identified.map(({ shard }) => shard)).toEqual([
      [0, 2],
      [1, 2],
    ])
    expect(positionIn(one)?.sessions).toHaveLength(2)
    await listening.stop()
    say(on, 'third', { guild_id: '1' })
    const again = listen(on, { ...(two !== undefined && { cursor: two }) })
    expect(textsOf(await again.heard())).toEqual(['third'])
    await vi.waitFor(() => expect(on.fake.gateway.resumed).toHaveLength(2), SOON)
  })

  test('skips what is not in the form of Discord', async () => {
    const on = await open()
    const listening = listen(on)
    void listening.next()
    await vi.waitFor(() => expect(on.fake.gateway.sessions).toBe(1), SOON)
    for (const text of ['', 'no JSON', '[]', '{"op":"0"}', '{"op":0,"s":null,"t":"X"}', '['.repeat(1000)])
      on.fake.gateway.sendRaw(text)
    on.fake.gateway.dispatch(config.botToken, 'MESSAGE_CREATE', { id: 'not an id' })
    on.fake.gateway.dispatch(config.botToken, 'INTERACTION_CREATE', {
      ...{ id: '7', application_id: config.applicationId, type: 2, token: 'half \ud800 a character' },
      ...{ channel_id: '601', user: { id: '501' }, data: { name: 'help' } },
    })
    say(on, 'well-formed')
    expect(textsOf(await listening.heard())).toEqual(['well-formed'])
  })
})

describe('a command or a button over the gateway', () => {
  const interaction = (type: number, data: object) => ({
    ...{
      id: '1443000004194304000',
      application_id: config.applicationId,
      type,
      token: 'a_token',
      version: 1,
      data,
    },
    ...{ channel_id: '601', user: { id: '501', username: 'ada' }, context: 1 },
  })

  test('is answered once it is stored, and the reply takes its place', async () => {
    const on = await open()
    const listening = listen(on)
    on.fake.gateway.dispatch(config.botToken, 'INTERACTION_CREATE', interaction(2, { name: 'help', type: 1 }))
    const { events } = await listening.heard()
    expect(textsOf({ events })).toEqual(['/help'])
    expect(on.fake.world.callbacks).toEqual([])
    void listening.next().catch(() => undefined)
    await vi.waitFor(() => expect(on.fake.world.callbacks).toHaveLength(1), SOON)
    expect(on.fake.world.callbacks).toMatchObject([
      { id: '1443000004194304000', token: 'a_token', body: { type: 5 } },
    ])
    const value = events[0]?.context
    if (!value) throw new Error('there is no context')
    await on.post({ type: 'text', text: 'Here you are' }, { context: { value, at: new Date() } })
    expect(on.fake.world.replies.get('a_token')).toMatchObject({
      isWaiting: false,
      message: expect.any(String),
    })
    expect(on.fake.posted()).toMatchObject([{ content: 'Here you are' }])
  })

  test('that cannot be answered any more costs nothing', async () => {
    const on = await open()
    on.fake.answerInstead(({ path }) => (path.endsWith('/callback') ? refusal(404, 10062) : undefined))
    const listening = listen(on)
    const press = interaction(3, { custom_id: 'tok', component_type: 2 })
    on.fake.gateway.dispatch(config.botToken, 'INTERACTION_CREATE', press)
    expect((await listening.heard()).events).toMatchObject([{ type: 'choice', token: 'tok' }])
    say(on, 'still there')
    expect(textsOf(await listening.heard())).toEqual(['still there'])
  })
})

describe('a connection that cannot be opened says why', () => {
  test('a token that is not right', async () => {
    const on = await open()
    on.fake.gateway.tokens = []
    expect(await failureOf(on, listen(on))).toMatchObject({ kind: 'auth', field: 'botToken', code: '4004' })
    const wrong = { ...config, botToken: 'wrong' }
    expect(await failureOf(on, listen(on, { config: wrong }))).toMatchObject({
      kind: 'auth',
      field: 'botToken',
    })
  })

  test('an intent that is not turned on', async () => {
    const on = await open()
    on.fake.gateway.allowsContent = false
    expect(await failureOf(on, listen(on))).toMatchObject({
      ...{ kind: 'invalid', code: '4014' },
      message: expect.stringMatching(/Message Content Intent .*page Bot .*messageContent/),
    })
  })

  test.each([
    [4012, 'invalid', /update Plugboard/],
    [4013, 'invalid', /intents/],
  ])('the code %i', async (code, kind, message) => {
    const on = await open()
    const listening = listen(on)
    const failure = failureOf(on, listening)
    await vi.waitFor(() => expect(on.fake.gateway.sessions).toBe(1), SOON)
    on.fake.gateway.disconnect(code)
    expect(await failure).toMatchObject({ kind, message: expect.stringMatching(message) })
  })

  test('more shards than the position has: it is forgotten, and the next attempt has as many', async () => {
    const on = await open({ maxConcurrency: 2 })
    const first = listen(on)
    say(on, 'one')
    const { cursor } = await first.heard()
    await first.stop()
    on.fake.gateway.forget()
    on.fake.gateway.shards = 2
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const second = listen(on, { ...(cursor !== undefined && { cursor }) })
    expect(await second.next()).toEqual({ events: [], cursor: null })
    expect(await on.failure(() => second.next())).toMatchObject({ kind: 'transient', code: '4011' })
    const third = listen(on, { cursor: null })
    say(on, 'two', { guild_id: String(1n << 22n) })
    expect(textsOf(await third.heard())).toEqual(['two'])
  })

  test('too many sessions in a day', async () => {
    const on = await open()
    on.fake.gateway.remaining = 10
    expect(await failureOf(on, listen(on))).toEqual({
      ...{ kind: 'rate-limited', scope: 'integration', retryAfterMs: 14_400_000 },
      message: expect.stringMatching(/1000 sessions of the day/),
    })
    expect(on.fake.gateway.identified).toEqual([])
  })

  test('more shards than a cursor holds', async () => {
    const on = await open()
    on.fake.gateway.shards = MAX_SHARDS + 1
    expect(await failureOf(on, listen(on))).toMatchObject({
      kind: 'invalid',
      message: expect.stringMatching(/33 connections; Plugboard opens 32/),
    })
  })

  test('connections that end as soon as they begin', async () => {
    const on = await open()
    const listening = listen(on)
    say(on, 'one')
    await listening.heard()
    const failure = failureOf(on, listening)
    failure.catch(() => undefined)
    const { gateway } = on.fake
    for (let i = 1; i <= 6; i += 1) {
      await vi.waitFor(() => expect(gateway.connections).toBe(1), SOON)
      const before = gateway.opened.length
      gateway.cut()
      if (i <= 5) await vi.waitFor(() => expect(gateway.opened.length).toBe(before + 1), SOON)
    }
    expect(await failure).toMatchObject({
      kind: 'transient',
      message: expect.stringMatching(/shortly after/),
    })
  })

  test.each(['wss://evil.example', 'ws://gateway.discord.gg', 'https://gateway.discord.gg', 'nonsense'])(
    'an address that is not of Discord: %s',
    async (url) => {
      const on = await open()
      on.fake.gateway.otherUrl = url
      expect(await failureOf(on, listen(on))).toMatchObject({
        kind: 'transient',
        message: expect.stringMatching(/not of Discord/),
      })
    },
  )
})

describe('the token goes to Discord only', () => {
  test.each([
    ['wss://gateway-us-east1-b.discord.gg', 'wss://gateway-us-east1-b.discord.gg/?v=10&encoding=json'],
    ['wss://gateway.discord.gg/?v=9', 'wss://gateway.discord.gg/?v=10&encoding=json'],
    ['wss://discord.gg.evil.example', undefined],
    ['wss://evildiscord.gg', undefined],
    ['wss://a.b.discord.gg', undefined],
    ['wss://gateway.discord.gg:8080', undefined],
    ['wss://user@gateway.discord.gg', 'wss://gateway.discord.gg/?v=10&encoding=json'],
    ['ws://127.0.0.1:7', undefined],
  ])('%s', (given, url) => expect(gatewayUrl(given, 'https://discord.com/api/v10')).toBe(url))
})

describe('a position', () => {
  test('survives the way through the store, in 4 KiB for all shards', () => {
    const session = { id: 'f'.repeat(32), seq: 2 ** 40, url: 'wss://gateway-us-east1-b.discord.gg' }
    const position = {
      self: '1198765432109876543',
      sessions: Array.from({ length: MAX_SHARDS }, () => session),
    }
    const cursor = cursorOf(position)
    expect(JSON.stringify(cursor).length).toBeLessThan(4096)
    expect(positionIn(JSON.parse(JSON.stringify(cursor)))).toEqual(position)
  })

  test.each([
    [null],
    [7],
    ['x'],
    [[]],
    [{}],
    [{ self: '1', sessions: [] }],
    [{ self: '1', sessions: [['a', -1, 'wss://x']] }],
  ])('of another form is none: %j', (cursor) => expect(positionIn(cursor as never)).toBeUndefined())
})
