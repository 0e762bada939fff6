import { describe, expect, test, vi } from 'vitest'
import { refusal } from '../test/fake-telegram.js'
import { botToken, onStage, type Stage, webhookUrl } from '../test/stage.js'

const DAY_MS = 24 * 60 * 60 * 1000

const message = (text: string, id = 1) => ({
  message: {
    message_id: id,
    date: 1_796_040_000,
    chat: { id: 501, type: 'private' },
    from: { id: 501, is_bot: false, first_name: 'Ada' },
    text,
  },
})

/** The arguments of the polls, in order. */
const polls = ({ api }: Stage) =>
  api.calls.filter(({ method }) => method === 'getUpdates').map(({ args }) => args)

describe('listen', () => {
  test('yields updates, and confirms them only when it is asked for more', () =>
    onStage(async (stage) => {
      const { api } = stage
      const listening = stage.listen()
      api.push(botToken, message('one', 1))
      const last = api.push(botToken, message('two', 2))
      const { events, cursor } = await listening.next()
      expect(events).toMatchObject([{ content: { text: 'one' } }, { content: { text: 'two' } }])
      expect(cursor).toEqual({ offset: last + 1, at: expect.any(Number) })
      expect(api.unconfirmed(botToken)).toBe(2)
      const next = listening.next()
      await vi.waitFor(() => expect(api.unconfirmed(botToken)).toBe(0))
      api.push(botToken, message('three', 3))
      expect((await next).events).toMatchObject([{ content: { text: 'three' } }])
      await listening.stop()
    }))

  test('asks for the updates that the webhook gets, first without a wait, so that it is known to work', () =>
    onStage(async (stage) => {
      const listening = stage.listen()
      const next = listening.next().catch(() => undefined)
      await vi.waitFor(() => expect(listening.connections()).toBe(1))
      await vi.waitFor(() => expect(polls(stage)).toHaveLength(2))
      expect(polls(stage).map(({ timeout }) => timeout)).toEqual([0, 50])
      await stage.runtime.provision?.(stage.context())
      const webhook = stage.api.webhooks.get(botToken)
      expect(polls(stage)[0]?.allowed_updates).toEqual(webhook?.allowed_updates)
      await next
    }))

  test('continues at its position, but not at one that is older than what Telegram keeps', () =>
    onStage(async (stage) => {
      const first = stage.api.push(botToken, message('one', 1))
      stage.api.push(botToken, message('two', 2))
      const old = stage.listen({ cursor: { offset: first + 100, at: Date.now() - 3 * DAY_MS } })
      expect((await old.next()).events).toHaveLength(2)
      await old.stop()
      const fresh = stage.listen({ cursor: { offset: first + 1, at: Date.now() - DAY_MS } })
      expect((await fresh.next()).events).toMatchObject([{ content: { text: 'two' } }])
      await fresh.stop()
    }))

  test.each([
    null,
    'seven',
    [],
    { offset: 'seven', at: Date.now() },
    { offset: 1.5, at: Date.now() },
    { offset: 7 },
  ])('starts from the beginning at a position that it did not write: %j', (cursor) =>
    onStage(async (stage) => {
      stage.api.push(botToken, message('one'))
      const listening = stage.listen({ cursor })
      expect((await listening.next()).events).toHaveLength(1)
      await listening.stop()
    }),
  )

  test('skips an update that is none, and goes on after it', () =>
    onStage(async (stage) => {
      stage.api.push(botToken, { message: { text: 'from nobody' } })
      const last = stage.api.push(botToken, message('two'))
      const listening = stage.listen()
      const { events, cursor } = await listening.next()
      expect(events).toMatchObject([{ content: { text: 'two' } }])
      expect(cursor).toMatchObject({ offset: last + 1 })
      await listening.stop()
    }))

  test('answers a button once its event is stored', () =>
    onStage(async (stage) => {
      const press = { id: '77', from: { id: 501, is_bot: false, first_name: 'Ada' }, data: 'token' }
      stage.api.push(botToken, { callback_query: { ...press, message: message('May I?').message } })
      const answers = () => stage.api.calls.filter(({ method }) => method === 'answerCallbackQuery')
      const listening = stage.listen()
      expect((await listening.next()).events).toMatchObject([{ type: 'choice', token: 'token' }])
      expect(answers()).toEqual([])
      const next = listening.next().catch(() => undefined)
      await vi.waitFor(() => expect(answers()).toMatchObject([{ args: { callback_query_id: '77' } }]))
      await listening.stop()
      await next
    }))

  test('yields many updates in several values, each with its position', () =>
    onStage(async (stage) => {
      const ids = Array.from({ length: 150 }, (_, i) => stage.api.push(botToken, message(`${i}`, i + 1)))
      const listening = stage.listen()
      const heard = [await listening.next(), await listening.next()]
      expect(heard.map(({ events }) => events.length)).toEqual([100, 50])
      expect(heard.map(({ cursor }) => (cursor as { offset: number }).offset)).toEqual([
        Number(ids[99]) + 1,
        Number(ids[149]) + 1,
      ])
      await listening.stop()
    }))

  test('says what to do about a webhook of another program, and leaves it alone', () =>
    onStage(async (stage) => {
      const other = 'https://bots.example/secret-path'
      await stage.runtime.provision?.({ ...stage.context(), webhookUrl: other })
      const { thrown: _, ...failure } = await stage.fail(() => stage.listen().next())
      expect(failure).toEqual({
        kind: 'transient',
        message: expect.stringMatching(/webhook at bots\.example.*deleteWebhook.*"mode": "webhook"/),
      })
      expect(failure.message).not.toContain('secret-path')
      await stage.runtime.unprovision?.(stage.context())
      expect(stage.api.webhooks.get(botToken)?.url).toBe(other)
    }))

  test.each([webhookUrl, webhookUrl.replace('hub.example', 'old.example/base')])(
    'comes after the own webhook %s is removed, with the updates that waited for it',
    (url) =>
      onStage(async (stage) => {
        await stage.runtime.provision?.({ ...stage.context(), webhookUrl: url })
        stage.api.push(botToken, message('waiting'))
        await stage.runtime.unprovision?.(stage.context())
        expect(stage.api.webhooks.size).toBe(0)
        const removals = stage.api.calls.filter(({ method }) => method === 'deleteWebhook')
        expect(removals).toMatchObject([{ args: { drop_pending_updates: false } }])
        const listening = stage.listen()
        expect((await listening.next()).events).toHaveLength(1)
        await listening.stop()
      }),
  )

  test('says that another program polls the bot', () =>
    onStage(async (stage) => {
      const first = stage.listen()
      const failure = stage.fail(() => first.next())
      await vi.waitFor(() => expect(polls(stage)).toHaveLength(2))
      const second = stage.listen()
      const next = second.next().catch(() => undefined)
      expect(await failure).toMatchObject({
        kind: 'transient',
        message: expect.stringMatching(/another program reads the updates/),
      })
      await second.stop()
      await next
    }))

  test.each([
    [refusal(401, 'Unauthorized'), { kind: 'auth', field: 'botToken' }],
    [
      refusal(429, 'Too Many Requests: retry after 7', { retry_after: 7 }),
      { kind: 'rate-limited', retryAfterMs: 7000 },
    ],
    [refusal(502, 'Bad Gateway'), { kind: 'ambiguous' }],
    [{ status: 503, body: '<h1>Service Unavailable</h1>' }, { kind: 'ambiguous' }],
    [{ status: 200, body: '<h1>Sign in</h1>' }, { kind: 'ambiguous' }],
    [{ status: 302, headers: { location: 'https://elsewhere.example' } }, { kind: 'transient' }],
    [{ body: '{"ok":true,"result":{}}' }, { kind: 'ambiguous' }],
    [{ body: '{"ok":true,"result":[{}]}' }, { kind: 'ambiguous' }],
    [{ body: `{"ok":true,"result":["${'x'.repeat(5_000_000)}"]}` }, undefined],
  ])('fails as classified: %#', (answer, expected) =>
    onStage(async (stage) => {
      stage.api.answerNext(answer, ...(expected ? [] : [answer]))
      const { thrown, ...failure } = await stage.fail(() => stage.listen().next())
      if (expected) expect(failure).toMatchObject(expected)
      expect(`${(thrown as Error).stack} ${failure.message}`).not.toContain(botToken)
    }),
  )

  test('fails for a token that cannot be one without a request', () =>
    onStage(async (stage) => {
      const token = '7654321:AAH/../bot1'
      expect(await stage.fail(() => stage.listen({ token }).next())).toMatchObject({ kind: 'auth' })
      expect(stage.api.calls).toEqual([])
    }))

  test('ends when it is stopped, also while it waits', () =>
    onStage(async (stage) => {
      const listening = stage.listen()
      const next = stage.fail(() => listening.next())
      await vi.waitFor(() => expect(polls(stage)).toHaveLength(2))
      const started = performance.now()
      void listening.stop()
      await next
      expect(performance.now() - started).toBeLessThan(1000)
    }))
})
