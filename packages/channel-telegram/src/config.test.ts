import { fakeProvider } from '@plugboard/core/testing'
import { describe, expect, test } from 'vitest'
import { botToken, onStage } from '../test/stage.js'
import { account, configSchema, optionsSchema, webhookSecret } from './config.js'

describe('the configuration', () => {
  test('takes any text for a token, as it is: only Telegram knows which is one', () => {
    for (const botToken of ['my-telegram-bot-token', '123:abc', ' padded ', 'a/../b?c#d', 'ключ']) {
      expect(configSchema.parse({ botToken })).toEqual({ botToken })
    }
  })

  test('takes no empty token, and no field that it does not know', () => {
    expect(() => configSchema.parse({ botToken: '' })).toThrow('must not be empty')
    expect(() => configSchema.parse({ botToken: 'x', apiRoot: 'http://10.0.0.1' })).toThrow('apiRoot')
  })

  test.each(['my-telegram-bot-token', 'a/../b?c#d', 'ключ', ' ', '1:a b'])(
    'with the made-up token %j fails as such',
    (token) =>
      onStage(async ({ runtime, context, fail, api }) => {
        const failure = await fail(async () => runtime.check?.(context({ token })))
        expect(failure).toMatchObject({ kind: 'auth', field: 'botToken' })
        for (const { method } of api.calls) expect(method).toBe('getMe')
      }),
  )
})

describe('the account', () => {
  test('is the id of the bot, also after its token was changed', () => {
    expect(account({ botToken: '7654321:AAHone' })).toBe('7654321')
    expect(account({ botToken: '7654321:AAHother' })).toBe('7654321')
  })

  test('of a token without an id is not that token, and the same each time', () => {
    const made = { botToken: 'my-telegram-bot-token' }
    expect(account(made)).toMatch(/^token [0-9a-f]{32}$/)
    expect(account(made)).toBe(account({ ...made }))
    expect(account(made)).not.toBe(account({ botToken: 'my-other-bot-token' }))
  })
})

test('the secret of the webhook has a form that setWebhook takes, and another for each token', () => {
  expect(webhookSecret({ botToken: '1:a' })).toMatch(/^[0-9a-f]{64}$/)
  expect(webhookSecret({ botToken: '1:a' })).not.toBe(webhookSecret({ botToken: '1:b' }))
})

test('the operator may name another Bot API, and nothing else', () => {
  expect(optionsSchema.parse({})).toEqual({ apiRoot: 'https://api.telegram.org' })
  expect(optionsSchema.parse({ apiRoot: 'http://bot-api:8081/' })).toEqual({ apiRoot: 'http://bot-api:8081' })
  for (const apiRoot of ['bot-api', 'ftp://bot-api', 'https://bot-api/?a=1', '']) {
    expect(() => optionsSchema.parse({ apiRoot })).toThrow()
  }
  expect(() => optionsSchema.parse({ apiroot: 'https://bot-api' })).toThrow('apiroot')
})

test('a Bot API below a path is called there', async () => {
  const provider = await fakeProvider({ answer: () => ({ body: '{"ok":true,"result":true}' }) })
  try {
    const apiRoot = `${provider.url}/telegram`
    await onStage(async ({ runtime, context }) => runtime.check?.(context()), { apiRoot })
    expect(provider.calls.map(({ path }) => path)).toEqual([`/telegram/bot${botToken}/getMe`])
  } finally {
    await provider.close()
  }
})
