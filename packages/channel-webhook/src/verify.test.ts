import type { InboundRequest } from '@plugboard/core'
import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { connect } from './api.js'
import type { Config } from './config.js'
import { verify } from './verify.js'

const now = new Date('2026-11-22T08:00:00Z')
const key = (letter: string) => Buffer.alloc(24, letter).toString('base64')
const config: Config = { url: 'https://acme.example', secret: key('n'), previousSecret: `whsec_${key('o')}` }
const integration = { clientId: 'acme', id: 'integration-1', name: 'main', config, session: connect(config) }

beforeEach(() => {
  vi.useFakeTimers({ now })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('verify', () => {
  const signature = (secret: string, at = now) => new Webhook(secret).sign('msg_1', at, '{}')
  const verdict = (headers: InboundRequest['headers'], body: string | Uint8Array = '{}') =>
    verify(
      {
        method: 'POST',
        publicUrl: 'https://hub.example/webhooks/v1/acme/webhook',
        headers: { 'webhook-id': 'msg_1', 'webhook-timestamp': `${now.getTime() / 1000}`, ...headers },
        body: Buffer.from(body),
      },
      integration,
    )

  test.each([
    ['the secret', signature(config.secret)],
    ['the previous secret', signature(key('o'))],
    ['openssl, as README.md shows it', 'v1,9i/CTm+/2yX3SJsFi+U+76pnY36jNxzJNvXMgBG9Oks='],
    ['one of several', `v1a,xyz v1,AAAA ${signature(key('x'))} ${signature(config.secret)}`],
  ])('accepts a signature made with %s', (_, value) => {
    expect(verdict({ 'webhook-signature': value })).toEqual({ ok: true })
  })

  test.each([
    [-300, { ok: true }],
    [-301, { ok: false, reason: 'stale' }],
    [300, { ok: true }],
    [301, { ok: false, reason: 'stale' }],
  ])('takes a clock that is off by %i s for %j', (seconds, expected) => {
    const at = new Date(now.getTime() + seconds * 1000)
    const headers = { 'webhook-timestamp': `${at.getTime() / 1000}` }
    expect(verdict({ ...headers, 'webhook-signature': signature(config.secret, at) })).toEqual(expected)
  })

  test.each([
    ['missing', { 'webhook-signature': '' }],
    ['missing', { 'webhook-signature': 'v1,AAAA', 'webhook-id': undefined }],
    ['malformed', { 'webhook-signature': 'v1,AAAA', 'webhook-timestamp': 'now' }],
    ['malformed', { 'webhook-signature': 'v1,AAAA', 'webhook-timestamp': '1795334400, 1795334400' }],
    ['stale', { 'webhook-signature': 'v1,AAAA', 'webhook-timestamp': '1' }],
    ['mismatch', { 'webhook-signature': 'v1,AAAA' }],
    ['mismatch', { 'webhook-signature': 'v1' }],
    ['mismatch', { 'webhook-signature': signature(key('x')) }],
    ['mismatch', { 'webhook-signature': signature(config.secret), 'webhook-id': 'msg_1, msg_1' }],
  ])('answers %s to %j', (reason, headers) => {
    expect(verdict(headers)).toEqual({ ok: false, reason })
  })

  test('does not take bytes that are no UTF-8 for the character that stands for them', () => {
    const headers = { 'webhook-signature': new Webhook(config.secret).sign('msg_1', now, '"\ufffd"') }
    expect(verdict(headers, '"\ufffd"')).toEqual({ ok: true })
    expect(verdict(headers, Buffer.from([0x22, 0xff, 0x22]))).toEqual({ ok: false, reason: 'malformed' })
  })
})
