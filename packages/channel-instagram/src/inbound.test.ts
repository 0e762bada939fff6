import type { InboundRequest } from '@plugboard/core'
import { handshakeUrl } from '@plugboard/graph-api/testing'
import { expect, test } from 'vitest'
import { config, stage, webhookUrl } from '../test/stage.js'

const handshake = (url: string, token: string): InboundRequest => ({
  ...{ method: 'GET', publicUrl: handshakeUrl(url, token), headers: {}, body: new Uint8Array() },
})
const operator = { appSecret: 'secret-of-the-operator', verifyToken: 'token-of-the-operator' }

test('the check of the webhook URL is answered with its challenge, and refused with another token', async () => {
  await using staged = await stage()
  const { runtime, integration } = staged
  const request = handshake(webhookUrl, config.verifyToken)
  expect(runtime.verify(request, integration)).toEqual({ ok: true })
  expect(runtime.parse(request, integration).response).toMatchObject({ status: 200, body: '1158201444' })
  expect(runtime.verify(handshake(webhookUrl, 'guessed'), integration)).toMatchObject({ ok: false })
})

test('the shared URL is checked with the token of the operator, and is not there without one', async () => {
  const shared = 'https://hub.example/webhooks/v1/instagram'
  await using staged = await stage({ options: operator })
  const routed = await staged.runtime.route?.(handshake(shared, operator.verifyToken))
  expect(routed).toMatchObject({ verdict: { ok: true }, accounts: [], response: { body: '1158201444' } })
  await using other = await stage()
  expect(other.runtime.route?.(handshake(shared, operator.verifyToken))).toBeUndefined()
})
