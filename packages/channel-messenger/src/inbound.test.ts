import type { InboundRequest } from '@plugboard/core'
import { handshakeUrl, signWebhook } from '@plugboard/graph-api/testing'
import { describe, expect, test } from 'vitest'
import { config, stage, webhookUrl } from '../test/stage.js'

const handshake = (url: string, token: string): InboundRequest => ({
  ...{ method: 'GET', publicUrl: handshakeUrl(url, token), headers: {}, body: new Uint8Array() },
})
const post = (body: string): InboundRequest => ({
  ...{ method: 'POST', publicUrl: webhookUrl, headers: {}, body: Buffer.from(body) },
})
const operator = { appSecret: 'secret-of-the-operator', verifyToken: 'token-of-the-operator' }

describe('the check of the webhook URL', () => {
  test('is answered with its challenge', async () => {
    await using staged = await stage()
    const { runtime, integration } = staged
    const request = handshake(webhookUrl, config.verifyToken)
    expect(runtime.verify(request, integration)).toEqual({ ok: true })
    expect(runtime.parse(request, integration)).toMatchObject({
      events: [],
      response: { status: 200, body: '1158201444' },
    })
  })

  test('is refused with another token', async () => {
    await using staged = await stage()
    const request = handshake(webhookUrl, 'guessed')
    expect(staged.runtime.verify(request, staged.integration)).toEqual({ ok: false, reason: 'mismatch' })
  })

  test('of the shared URL is answered with the token of the operator alone', async () => {
    await using staged = await stage({ options: operator })
    const shared = 'https://hub.example/webhooks/v1/messenger'
    expect(await staged.runtime.route?.(handshake(shared, operator.verifyToken))).toMatchObject({
      ...{ verdict: { ok: true }, accounts: [] },
      response: { body: '1158201444' },
    })
    expect(await staged.runtime.route?.(handshake(shared, config.verifyToken))).toMatchObject({
      verdict: { ok: false },
    })
  })
})

test('there is no shared URL without an app of the operator', async () => {
  await using staged = await stage()
  expect(staged.runtime.route?.(signWebhook(post('{}'), config.appSecret))).toBeUndefined()
})

test('a notification about other things than pages is for nobody', async () => {
  await using staged = await stage({ options: operator })
  const request = signWebhook(
    post('{"object":"user","entry":[{"id":"1","messaging":[]}]}'),
    operator.appSecret,
  )
  expect(await staged.runtime.route?.(request)).toEqual({ verdict: { ok: true }, accounts: [] })
})

test('of a notification of a thousand updates each is an event', async () => {
  await using staged = await stage()
  const messaging = Array.from({ length: 1000 }, (_, i) => ({
    ...{ sender: { id: '7' }, recipient: { id: config.pageId }, timestamp: 1_795_334_400_000 + i },
    message: { mid: `m_${i}`, text: `No. ${i}` },
  }))
  const body = JSON.stringify({ object: 'page', entry: [{ id: config.pageId, time: 1, messaging }] })
  const { events } = staged.runtime.parse(post(body), staged.integration)
  expect(events.map(({ dedupeKey }) => dedupeKey)).toEqual(messaging.map(({ message }) => message.mid))
})
