import { signWebhook } from '@plugboard/graph-api/testing'
import { expect, test } from 'vitest'
import { config, stage, stranger, webhookUrl } from '../test/stage.js'
import { instagram } from './index.js'

test('check passes with the token of the account', async () => {
  await using staged = await stage()
  await expect(staged.runtime.check?.(staged.context())).resolves.toBeUndefined()
})

test.each([
  ['the token of nothing', { accessToken: 'IGAAnothing' }, 'accessToken'],
  ['the token of another account', { accountId: stranger.accountId }, 'accountId'],
])('check refuses %s', async (_, changes, field) => {
  await using staged = await stage({ config: changes })
  const error = await staged.runtime.check?.(staged.context()).catch((error: unknown) => error)
  expect(staged.runtime.classify(error)).toMatchObject({ kind: 'auth', field })
})

test('check refuses a configuration without an app where the operator has none', async () => {
  const withoutApp = { appSecret: undefined, verifyToken: undefined }
  await using staged = await stage({ config: withoutApp })
  const error = await staged.runtime.check?.(staged.context()).catch((error: unknown) => error)
  expect(staged.runtime.classify(error)).toMatchObject({ kind: 'auth', field: 'appSecret' })
  const options = { appSecret: 'of-the-operator', verifyToken: 'of-the-operator' }
  await using shared = await stage({ config: withoutApp, options })
  await expect(shared.runtime.check?.(shared.context())).resolves.toBeUndefined()
  const body = Buffer.from('{}')
  const request = signWebhook({ method: 'POST', publicUrl: webhookUrl, headers: {}, body }, options.appSecret)
  expect(shared.runtime.verify(request, shared.integration)).toEqual({ ok: false, reason: 'mismatch' })
})

test('the notifications of the account are turned on, and off again', async () => {
  await using staged = await stage()
  await staged.runtime.provision?.(staged.context())
  expect([...staged.provider.subscribed]).toEqual([
    [config.accountId, 'messages,messaging_postbacks,messaging_seen,message_reactions,messaging_referral'],
  ])
  await staged.runtime.unprovision?.(staged.context())
  expect(staged.provider.subscribed.size).toBe(0)
})

test('the steps of the setup name the webhook URL, and the shared one', async () => {
  const shared = 'https://hub.example/webhooks/v1/instagram'
  const steps = await instagram.setup?.(webhookUrl, 'webhook', shared)
  expect(steps).toContain(`Callback URL ${webhookUrl},`)
  expect(steps).toContain(`the operator, who enters ${shared} instead`)
})
