import { describe, expect, test } from 'vitest'
import { botToken, onStage, type Stage, webhookUrl } from '../test/stage.js'

const secretHalf = botToken.split(':')[1] ?? ''
const calls = {
  check: ({ runtime, context }: Stage, signal?: AbortSignal) =>
    runtime.check?.(context(signal && { signal })),
  provision: ({ runtime, context }: Stage, signal?: AbortSignal) =>
    runtime.provision?.(context(signal && { signal })),
  unprovision: ({ runtime, context }: Stage, signal?: AbortSignal) =>
    runtime.unprovision?.(context(signal && { signal })),
}

describe('provision', () => {
  test('tells Telegram where to call, with what secret, and for what', () =>
    onStage(async (stage) => {
      await calls.provision(stage)
      expect(stage.api.webhooks.get(botToken)).toEqual({
        url: webhookUrl,
        secret_token: stage.context().integration.session.secret,
        allowed_updates: [
          'message',
          'edited_message',
          'callback_query',
          'my_chat_member',
          'message_reaction',
        ],
      })
    }))

  test('may be done again', () =>
    onStage(async (stage) => {
      await calls.provision(stage)
      await calls.provision(stage)
      expect(stage.api.webhooks.size).toBe(1)
    }))

  test('with an address that Telegram refuses is invalid', () =>
    onStage(async (stage) => {
      const context = { ...stage.context(), webhookUrl: 'http://hub.example/webhooks/v1/acme/telegram' }
      const failure = await stage.fail(async () => stage.runtime.provision?.(context))
      expect(failure).toMatchObject({
        kind: 'invalid',
        message: expect.stringContaining('An HTTPS URL must be provided'),
      })
    }))

  test('of a Bot API server of the operator may call an address that is not public', () =>
    onStage(
      async (stage) => {
        const context = { ...stage.context(), webhookUrl: 'http://10.0.0.1:3100/webhooks/v1/acme/telegram' }
        await stage.runtime.provision?.(context)
        expect(stage.api.webhooks.get(botToken)?.url).toBe(context.webhookUrl)
      },
      { isLocal: true },
    ))

  test('is taken back by unprovision, which may be done again', () =>
    onStage(async (stage) => {
      await calls.provision(stage)
      await calls.unprovision(stage)
      await calls.unprovision(stage)
      expect(stage.api.webhooks.size).toBe(0)
    }))
})

test('check passes for the token of a bot', () =>
  onStage(async (stage) => {
    await calls.check(stage)
    expect(stage.api.calls.map(({ method }) => method)).toEqual(['getMe'])
  }))

describe.each(Object.entries(calls))('%s', (_, call) => {
  test('with a token that is none is a failure of botToken', () =>
    onStage(
      async (stage) => {
        expect(await stage.fail(async () => call(stage))).toMatchObject({ kind: 'auth', field: 'botToken' })
      },
      { tokens: [] },
    ))

  test('without Telegram is a failure that passes, and tells no secret', () =>
    onStage(
      async (stage) => {
        const { thrown, ...failure } = await stage.fail(async () => call(stage))
        expect(failure.kind).toBe('transient')
        expect(`${(thrown as Error).stack} ${failure.message}`).not.toContain(secretHalf)
      },
      { apiRoot: 'http://127.0.0.1:1' },
    ))

  test('ends when it is aborted', () =>
    onStage(async (stage) => {
      stage.api.failWith('hang')
      const started = performance.now()
      expect((await stage.fail(async () => call(stage, AbortSignal.timeout(50)))).kind).toBe('ambiguous')
      expect(performance.now() - started).toBeLessThan(5_000)
    }))
})
