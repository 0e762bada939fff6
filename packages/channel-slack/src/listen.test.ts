import { afterEach, describe, expect, test, vi } from 'vitest'
import { json as answerJson } from '../test/fake-slack.js'
import { listening as config, type Stage, stage } from '../test/stage.js'

const appToken = String(config.appToken)
const stages: Stage[] = []
afterEach(() => Promise.all(stages.splice(0).map(({ fake }) => fake.close())))

async function open(retryMs?: number): Promise<Stage> {
  const opened = await stage(fetch, retryMs)
  stages.push(opened)
  return opened
}

const message = (text: string, number = 1) => ({
  token: 'verification',
  team_id: 'T1',
  type: 'event_callback',
  event_id: `Ev${number}`,
  event_time: 1_795_334_400,
  authorizations: [{ user_id: 'U0BOT', is_bot: true }],
  event: {
    ...{ type: 'message', channel_type: 'im', channel: 'D1', user: 'U1', text },
    ts: `1795334400.${String(number).padStart(6, '0')}`,
  },
})

/** A failure of the next value. */
async function failure({ runtime }: Stage, next: Promise<unknown>) {
  const thrown = await next.then(
    () => expect.unreachable(),
    (error: unknown) => error,
  )
  return runtime.classify(thrown)
}

describe('listen', () => {
  test('yields events, and acknowledges an envelope only once it is asked for more', async () => {
    const { fake, listen } = await open()
    const listening = listen()
    fake.sockets.send(appToken, 'events_api', message('one'))
    const { events, cursor } = await listening.next()
    expect(events).toMatchObject([
      { type: 'message', content: { text: 'one' }, dedupeKey: 'D1:1795334400.000001' },
    ])
    expect(cursor).toBe(undefined)
    expect(listening.connections()).toBe(1)
    expect(fake.sockets.unacknowledged(appToken)).toBe(1)
    const next = listening.next()
    await vi.waitFor(() => expect(fake.sockets.unacknowledged(appToken)).toBe(0))
    fake.sockets.send(appToken, 'events_api', message('two', 2))
    expect((await next).events).toMatchObject([{ content: { text: 'two' } }])
    await listening.stop()
    await vi.waitFor(() => expect(fake.sockets.connections(appToken)).toBe(0))
  })

  test('reads buttons and commands as over HTTP', async () => {
    const { fake, listen } = await open()
    fake.sockets.send(appToken, 'interactive', {
      type: 'block_actions',
      user: { id: 'U1', username: 'ada' },
      channel: { id: 'D1' },
      container: { channel_id: 'D1', message_ts: '1700000000.000001' },
      trigger_id: 't1',
      actions: [
        { type: 'button', action_id: 'a', block_id: 'b', action_ts: '1700000001.000001', value: 'token' },
      ],
    })
    const command = { command: '/weather', text: 'Berlin', user_id: 'U1', channel_id: 'D1', trigger_id: 't2' }
    fake.sockets.send(appToken, 'slash_commands', command)
    const listening = listen()
    const events = (await listening.next()).events
    while (events.length < 2) events.push(...(await listening.next()).events)
    expect(events).toMatchObject([
      { type: 'choice', token: 'token' },
      { type: 'message', content: { text: '/weather Berlin' } },
    ])
    await listening.stop()
  })

  test('gets an envelope again that it did not acknowledge, with the same key', async () => {
    const { fake, listen } = await open()
    const first = listen()
    fake.sockets.send(appToken, 'events_api', message('one'))
    const [before] = (await first.next()).events
    await first.stop()
    const second = listen()
    const [after] = (await second.next()).events
    expect(after?.dedupeKey).toBe(before?.dedupeKey)
    await second.stop()
  })

  test('stores an envelope once that Slack sends again meanwhile, and acknowledges it both times', async () => {
    // Long enough that Slack does not send it a third time just before it gets the acknowledgement.
    const { fake, listen } = await open(400)
    const listening = listen()
    fake.sockets.send(appToken, 'events_api', message('one'))
    expect((await listening.next()).events).toHaveLength(1)
    await vi.waitFor(() => expect(fake.sockets.repeated).toBeGreaterThan(0))
    await fake.sockets.arrived(appToken)
    fake.sockets.send(appToken, 'events_api', message('two', 2))
    expect((await listening.next()).events).toMatchObject([{ content: { text: 'two' } }])
    const next = listening.next().catch(() => undefined)
    await vi.waitFor(() => expect(fake.sockets.unacknowledged(appToken)).toBe(0))
    await listening.stop()
    await next
  })

  test('opens a new connection before the old one ends, and loses nothing', async () => {
    const { fake, listen } = await open()
    const listening = listen()
    const heard: string[] = []
    const reading = (async () => {
      while (heard.length < 20)
        for (const event of (await listening.next()).events) heard.push(event.dedupeKey)
    })()
    await vi.waitFor(() => expect(listening.connections()).toBe(1))
    for (let i = 0; i < 20; i += 1) {
      fake.sockets.send(appToken, 'events_api', message(`${i}`, i))
      if (i === 5) fake.sockets.disconnect(appToken, 'warning', 300)
      if (i === 12) await vi.waitFor(() => expect(fake.sockets.opened).toHaveLength(2))
    }
    await reading
    expect(new Set(heard).size).toBe(20)
    await vi.waitFor(() => expect(fake.sockets.connections(appToken)).toBe(1))
    expect(listening.connections()).toBe(2)
    await listening.stop()
    expect(fake.sockets.faults).toEqual([])
  })

  test.each([
    ['link_disabled', /Socket Mode is turned off/],
    ['too_many_websockets', /ten connections/],
  ])('fails with what to do when Slack says %s', async (reason, expected) => {
    const opened = await open()
    const listening = opened.listen()
    const failing = failure(opened, listening.next())
    await vi.waitFor(() => expect(listening.connections()).toBe(1))
    opened.fake.sockets.disconnect(appToken, reason)
    expect(await failing).toEqual({ kind: 'transient', message: expect.stringMatching(expected) })
  })

  test('fails, and is started again later, when connections do not hold', async () => {
    const opened = await open()
    const listening = opened.listen()
    const failing = failure(opened, listening.next())
    for (const count of [1, 2, 3, 4]) {
      await vi.waitFor(() => expect(listening.connections()).toBe(count))
      opened.fake.sockets.cut(appToken)
    }
    expect(await failing).toMatchObject({ kind: 'transient', message: expect.stringMatching(/shortly/) })
  })

  test('fails when the connection ends before it is greeted', async () => {
    const opened = await open()
    opened.fake.sockets.isGreeting = false
    const listening = opened.listen()
    const failing = failure(opened, listening.next())
    await vi.waitFor(() => expect(opened.fake.sockets.opened).toHaveLength(1))
    opened.fake.sockets.cut(appToken)
    expect(await failing).toMatchObject({ kind: 'transient' })
    expect(listening.connections()).toBe(0)
  })

  test('skips and acknowledges what is not an event, and ignores what is not an envelope', async () => {
    const { fake, listen } = await open()
    const listening = listen()
    const next = listening.next()
    await vi.waitFor(() => expect(listening.connections()).toBe(1))
    for (const text of ['', 'null', '[]', '{"type":7}', '['.repeat(100_000), '{"type":"events_api"}'])
      fake.sockets.sendRaw(appToken, text)
    fake.sockets.send(appToken, 'events_api', { type: 'event_callback', event: {} })
    fake.sockets.send(appToken, 'something_new', {})
    fake.sockets.send(appToken, 'events_api', message('valid'))
    const events = (await next).events
    while (events.length === 0) events.push(...(await listening.next()).events)
    expect(events).toMatchObject([{ content: { text: 'valid' } }])
    void listening.next().catch(() => undefined)
    await vi.waitFor(() => expect(fake.sockets.unacknowledged(appToken)).toBe(0))
    await listening.stop()
  })

  test('refuses a bot token in the place of the one of the app, and names the field', async () => {
    const opened = await open()
    for (const wrong of ['xoxb-a-token', 'with a space', 'ümlaut'])
      expect(
        await failure(opened, opened.listen({ config: { ...config, appToken: wrong } }).next()),
      ).toMatchObject({
        kind: 'auth',
        field: 'appToken',
      })
    expect(opened.fake.sockets.opened).toEqual([])
  })

  test.each([
    'wss://evil.example/',
    'ws://wss-primary.slack.com/',
    'wss://slack.com.evil.example/',
    'http://127.0.0.1/',
    '',
    7,
    null,
  ])('connects to Slack only: %s', async (url) => {
    const opened = await open()
    opened.fake.answerOpen(answerJson({ ok: true, url }))
    expect(await failure(opened, opened.listen().next())).toMatchObject({
      kind: 'transient',
      message: expect.stringMatching(/not of Slack/),
    })
  })
})

test('check asks about the token of the app too', async () => {
  const { runtime, context } = await open()
  await runtime.check?.(context({ config }))
  const wrong = context({ config: { ...config, appToken: 'xoxb-a-token' } })
  const error = await runtime.check?.(wrong).catch((thrown: unknown) => thrown)
  expect(runtime.classify(error)).toMatchObject({ kind: 'auth', field: 'appToken' })
})
