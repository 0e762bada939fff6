import type { InboundRequest } from '@plugboard/core'
import { describe, expect, test } from 'vitest'
import { botToken, onStage, webhookUrl } from '../test/stage.js'
import { webhookSecret } from './config.js'
import { verify } from './verify.js'

const config = { botToken }
const secret = webhookSecret(config)
const integration = {
  clientId: 'acme',
  id: 'integration-1',
  name: 'main',
  config,
  session: { secret, files: '', methods: '', client: { callApi: async () => ({}) } },
}

const request: InboundRequest = {
  method: 'POST',
  publicUrl: webhookUrl,
  headers: {},
  body: Buffer.from('{}'),
}
const saying = (said: string | undefined) =>
  verify({ ...request, headers: { 'x-telegram-bot-api-secret-token': said } }, integration)

describe('a request', () => {
  test('with the secret of the webhook is from Telegram', () => {
    expect(saying(secret)).toEqual({ ok: true })
  })

  test.each([
    ['missing', 'no secret', undefined],
    ['missing', 'an empty secret', ''],
    ['mismatch', 'the token itself', botToken],
    ['mismatch', 'the secret of another bot', webhookSecret({ botToken: '8765432:other' })],
    ['mismatch', 'the secret in upper case', secret.toUpperCase()],
    ['mismatch', 'a part of the secret', secret.slice(0, -1)],
    ['mismatch', 'more than the secret', `${secret}0`],
    ['mismatch', 'as many bytes in fewer characters', 'é'.repeat(32)],
    ['mismatch', 'a secret of a megabyte', 'a'.repeat(1_000_000)],
  ])('is refused as %s with %s', (reason, _, said) => {
    expect(saying(said)).toEqual({ ok: false, reason })
  })

  test('with the secret that provision announced is accepted', () =>
    onStage(async ({ api, runtime, context }) => {
      await runtime.provision?.(context())
      const { url, headers, body } = api.update(botToken, { update_id: 1 })
      expect(url).toBe(webhookUrl)
      const posted = { ...request, headers, body: Buffer.from(body) }
      expect(await runtime.verify(posted, context().integration)).toEqual({ ok: true })
    }))
})
