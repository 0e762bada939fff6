import type { InboundRequest } from '@plugboard/core'
import { describe, expect, test } from 'vitest'
import { signatureOf } from '../test/fake-slack.js'
import { config, stranger } from '../test/stage.js'
import { verify } from './verify.js'

const request = (body: string | Uint8Array, headers: Record<string, string> = {}): InboundRequest => ({
  method: 'POST',
  publicUrl: 'https://hub.example/webhooks/v1/acme/slack',
  headers: { 'content-type': 'application/json', 'x-slack-request-timestamp': '1795334403', ...headers },
  body: Buffer.from(body),
})

describe('verify', () => {
  const body = 'token=x&command=%2Fweather'
  const now = () => Math.floor(Date.now() / 1000)
  const signed = (at: number, own = config) =>
    signatureOf(body, String(own.signingSecret), new Date(at * 1000))

  test.each([
    ['a signature of now', signed(now()), { ok: true }],
    ['one of almost five minutes ago', signed(now() - 290), { ok: true }],
    ['one of almost five minutes ahead', signed(now() + 290), { ok: true }],
    ['an old one', signed(now() - 305), { ok: false, reason: 'stale' }],
    ['one of the future', signed(now() + 305), { ok: false, reason: 'stale' }],
    ['that of another client', signed(now(), stranger), { ok: false, reason: 'mismatch' }],
    ['none', {}, { ok: false, reason: 'missing' }],
    [
      'one in capitals',
      { ...signed(now()), 'x-slack-signature': `v0=${'A'.repeat(64)}` },
      { ok: false, reason: 'malformed' },
    ],
    [
      'one of another version',
      { ...signed(now()), 'x-slack-signature': `v1=${'a'.repeat(64)}` },
      { ok: false, reason: 'malformed' },
    ],
    [
      'one that is too short',
      { ...signed(now()), 'x-slack-signature': 'v0=abc' },
      { ok: false, reason: 'malformed' },
    ],
    [
      'a time that is no number',
      { ...signed(now()), 'x-slack-request-timestamp': 'soon' },
      { ok: false, reason: 'malformed' },
    ],
  ])('%s', (_, headers, verdict) => {
    expect(verify({ ...request(body), headers }, config.signingSecret)).toEqual(verdict)
  })

  test('a body that is not UTF-8 is refused even with a signature', () => {
    const bytes = Buffer.from([0x61, 0xff, 0xfe])
    const headers = signatureOf(bytes, String(config.signingSecret))
    expect(verify(request(bytes, headers), config.signingSecret)).toEqual({ ok: false, reason: 'malformed' })
  })

  const check = 'ssl_check=1&token=gIkuvaNzQIHg97ATvDxqgjtO'
  test.each([
    ['a check of the certificate, which Slack does not sign', check, {}, { ok: true }],
    ['a check with a wrong signature', check, signed(now(), stranger), { ok: false, reason: 'mismatch' }],
    ['a check with a command', `${check}&command=%2Fpay`, {}, { ok: false, reason: 'missing' }],
    ['a check with an interaction', `${check}&payload=%7B%7D`, {}, { ok: false, reason: 'missing' }],
    ['a long check', `${check}${'x'.repeat(1000)}`, {}, { ok: false, reason: 'missing' }],
    ['a check that is off', 'ssl_check=0', {}, { ok: false, reason: 'missing' }],
  ])('%s', (_, text, headers, verdict) => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    expect(verify({ ...request(text), headers: { ...form, ...headers } }, config.signingSecret)).toEqual(
      verdict,
    )
  })
})
