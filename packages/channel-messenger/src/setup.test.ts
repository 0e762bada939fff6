import { signWebhook } from '@plugboard/graph-api/testing'
import { describe, expect, test } from 'vitest'
import { config, stage, stranger, webhookUrl } from '../test/stage.js'
import type { Config } from './config.js'

const failureOf = async (staged: Awaited<ReturnType<typeof stage>>, work: Promise<unknown> | undefined) =>
  staged.runtime.classify(await work?.then(() => undefined).catch((error: unknown) => error))

const withoutApp = { appId: undefined, appSecret: undefined, verifyToken: undefined } as const
const appsOfOperator: [string, Partial<Config>][] = [
  ['with its secret', {}],
  ['without it', withoutApp],
]

describe('check', () => {
  test('passes with credentials of one page and its app', async () => {
    await using staged = await stage()
    await expect(staged.runtime.check?.(staged.context())).resolves.toBeUndefined()
  })

  test.each([
    ['the token of nothing', { accessToken: 'EAAGnothing' }, 'accessToken'],
    ['the token of another page', { pageId: stranger.pageId }, 'accessToken'],
    ['the secret of another app', { appSecret: stranger.appSecret }, 'appSecret'],
    ['the id of another app', { appId: stranger.appId }, 'appSecret'],
  ] satisfies [string, Partial<Config>, string][])('refuses %s', async (_, changes, field) => {
    await using staged = await stage({ config: changes })
    const failure = await failureOf(staged, staged.runtime.check?.(staged.context()))
    expect(failure).toMatchObject({ kind: 'auth', field })
  })

  test('refuses a configuration without an app where the operator has none', async () => {
    await using staged = await stage({ config: withoutApp })
    for (const step of [staged.runtime.check, staged.runtime.provision]) {
      const failure = await failureOf(staged, step?.(staged.context()))
      expect(failure).toMatchObject({ kind: 'auth', field: 'appSecret' })
    }
    expect(staged.provider.subscribed.size).toBe(0)
  })

  test('refuses a token of another app than that of the operator', async () => {
    await using staged = await stage({
      ...{ config: withoutApp, options: { appSecret: stranger.appSecret, verifyToken: 'x' } },
    })
    const failure = await failureOf(staged, staged.runtime.check?.(staged.context()))
    expect(failure).toMatchObject({ kind: 'auth', field: 'appSecret' })
  })
})

test('a page in the app of the operator is written to with the proof of that app, and has no webhook of its own', async () => {
  const { appSecret, verifyToken } = config
  await using staged = await stage({ config: withoutApp, options: { appSecret, verifyToken } })
  expect(await staged.send({ type: 'text', text: 'Hello' })).toHaveLength(1)
  const request = signWebhook(
    { method: 'POST', publicUrl: webhookUrl, headers: {}, body: Buffer.from('{}') },
    appSecret,
  )
  expect(staged.runtime.verify(request, staged.integration)).toEqual({ ok: false, reason: 'mismatch' })
})

describe('provision', () => {
  test('registers the webhook of the app, and subscribes the app to the page', async () => {
    await using staged = await stage()
    await staged.runtime.provision?.(staged.context())
    const fields = expect.stringMatching(/^messages,messaging_postbacks,.*message_edits$/)
    expect(staged.provider.webhooks.get(config.appId)).toEqual({
      ...{ callback_url: webhookUrl, verify_token: config.verifyToken, fields },
    })
    expect(staged.provider.subscribed.get(config.pageId)).toEqual(fields)
    expect(staged.provider.subscribed.get(config.pageId)).not.toContain('echoes')
  })

  test('takes over from another program, as a move does', async () => {
    await using staged = await stage()
    const webhook = { callback_url: 'https://old.example/messenger', verify_token: 'x', fields: 'messages' }
    staged.provider.webhooks.set(config.appId, webhook)
    await staged.runtime.provision?.(staged.context())
    expect(staged.provider.webhooks.get(config.appId)?.callback_url).toBe(webhookUrl)
  })

  test('does not take the app away from another integration of the server, and says what to do', async () => {
    await using staged = await stage()
    const callback_url = 'https://hub.example/webhooks/v1/other/messenger'
    const webhook = { callback_url, verify_token: 'x', fields: 'messages' }
    staged.provider.webhooks.set(config.appId, webhook)
    const failure = await failureOf(staged, staged.runtime.provision?.(staged.context()))
    expect(failure).toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('options of the channel'),
    })
    expect(staged.provider.webhooks.get(config.appId)).toEqual(webhook)
    expect(staged.provider.subscribed.size).toBe(0)
  })

  test('follows when the integration is renamed', async () => {
    await using staged = await stage()
    await staged.runtime.provision?.(staged.context())
    const renamed = webhookUrl.replace(/messenger$/, 'support')
    for (let i = 0; i < 2; i += 1) await staged.runtime.provision?.(staged.context({ webhookUrl: renamed }))
    expect(staged.provider.webhooks.get(config.appId)?.callback_url).toBe(renamed)
  })

  test.each(appsOfOperator)(
    'leaves the app of the operator alone, and subscribes it to the page, %s',
    async (_, changes) => {
      const { appSecret, verifyToken } = config
      await using staged = await stage({ config: changes, options: { appSecret, verifyToken } })
      await staged.runtime.check?.(staged.context())
      await staged.runtime.provision?.(staged.context())
      expect(staged.provider.webhooks.size).toBe(0)
      expect(staged.provider.subscribed.has(config.pageId)).toBe(true)
    },
  )
})

describe('unprovision', () => {
  test('removes the webhook and the subscription, also after the server moved', async () => {
    await using staged = await stage()
    await staged.runtime.provision?.(staged.context())
    const moved = webhookUrl.replace('hub.example', 'new.example')
    await staged.runtime.unprovision?.(staged.context({ webhookUrl: moved }))
    expect([staged.provider.webhooks.size, staged.provider.subscribed.size]).toEqual([0, 0])
  })

  test('leaves an app alone that calls another program', async () => {
    await using staged = await stage()
    await staged.runtime.provision?.(staged.context())
    const webhook = { callback_url: 'https://new.example/messenger', verify_token: 'x', fields: 'messages' }
    staged.provider.webhooks.set(config.appId, webhook)
    await staged.runtime.unprovision?.(staged.context())
    expect(staged.provider.webhooks.get(config.appId)).toEqual(webhook)
    expect(staged.provider.subscribed.has(config.pageId)).toBe(true)
  })

  test.each(appsOfOperator)(
    'ends only the subscription of the page in the app of the operator, %s',
    async (_, changes) => {
      const { appSecret, verifyToken } = config
      await using staged = await stage({ config: changes, options: { appSecret, verifyToken } })
      await staged.runtime.provision?.(staged.context())
      const webhook = {
        callback_url: 'https://hub.example/webhooks/v1/messenger',
        verify_token: 'x',
        fields: 'x',
      }
      staged.provider.webhooks.set(config.appId, webhook)
      await staged.runtime.unprovision?.(staged.context())
      expect(staged.provider.webhooks.get(config.appId)).toEqual(webhook)
      expect(staged.provider.subscribed.size).toBe(0)
    },
  )
})
