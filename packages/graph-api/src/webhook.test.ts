import type { InboundRequest } from '@plugboard/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { handshakeUrl, signWebhook } from './testing/sign-webhook.js'
import { answerHandshake, verifyWebhook } from './webhook.js'

const secrets = { appSecret: '0123456789abcdef', verifyToken: 'my-verify-token' }
const webhookUrl = 'https://hub.example/webhooks/v1/acme/whatsapp'
const post = (body: string | Uint8Array): InboundRequest => ({
  ...{ method: 'POST', publicUrl: webhookUrl, headers: {} },
  body: Buffer.from(body),
})
const get = (publicUrl: string): InboundRequest => ({
  ...{ method: 'GET', publicUrl, headers: {} },
  body: Buffer.alloc(0),
})
const verdict = (request: InboundRequest, own: typeof secrets | object = secrets) => {
  const given = verifyWebhook(request, own)
  return given.ok ? 'ok' : given.reason
}

describe('a notification', () => {
  test('with the signature of its bytes is authentic, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (body) => {
        expect(verdict(signWebhook(post(body), secrets.appSecret))).toBe('ok')
      }),
    )
  })

  test('is authentic with the signature that openssl makes', () => {
    // printf %s '{"object":"page"}' | openssl dgst -sha256 -hmac 0123456789abcdef
    const hex = '06ecaf5bb77490cc3ea14e9fb7f2eea8eeeb8f5c7b405f9d52cdbb91d8486b48'
    const request = { ...post('{"object":"page"}'), headers: { 'x-hub-signature-256': `sha256=${hex}` } }
    expect(verdict(request)).toBe('ok')
  })

  test('is refused if the body, the secret or the signature differs', () => {
    const signed = signWebhook(post('{"a":1}'), secrets.appSecret)
    expect(verdict({ ...signed, body: Buffer.from('{"a":2}') })).toBe('mismatch')
    expect(verdict(signWebhook(post('{"a":1}'), 'another secret'))).toBe('mismatch')
    expect(verdict(post('{"a":1}'))).toBe('missing')
    const withHeader = (value: string) => verdict({ ...signed, headers: { 'x-hub-signature-256': value } })
    expect(withHeader('sha256=')).toBe('malformed')
    expect(withHeader(`sha1=${'0'.repeat(40)}`)).toBe('malformed')
    expect(withHeader(`${signed.headers['x-hub-signature-256']}0`)).toBe('malformed')
    expect(withHeader(`sha256=${'0'.repeat(64)}`)).toBe('mismatch')
  })

  test('is never authentic without an app secret', () => {
    expect(verdict(signWebhook(post('{}'), ''), {})).toBe('mismatch')
    expect(verdict(signWebhook(post('{}'), 'undefined'), {})).toBe('mismatch')
  })
})

describe('the handshake', () => {
  test('with the verify token is answered with its challenge, as plain text', () => {
    const request = get(handshakeUrl(webhookUrl, secrets.verifyToken, '1158201444'))
    expect(verdict(request)).toBe('ok')
    expect(answerHandshake(request)).toEqual({
      ...{ status: 200, headers: { 'content-type': 'text/plain' }, body: '1158201444' },
    })
  })

  test('with another token, or with none, is refused', () => {
    expect(verdict(get(handshakeUrl(webhookUrl, 'my-verify-toke')))).toBe('mismatch')
    expect(verdict(get(handshakeUrl(webhookUrl, 'MY-VERIFY-TOKEN')))).toBe('mismatch')
    expect(verdict(get(webhookUrl))).toBe('missing')
    expect(verdict(get('no address'))).toBe('missing')
    expect(verdict(get(handshakeUrl(webhookUrl, 'undefined')), {})).toBe('mismatch')
  })

  test.each(['', '<script>alert(1)</script>', 'a'.repeat(257), '1\r\n2'])(
    'with the challenge %j is refused, and not echoed',
    (challenge) => {
      const request = get(handshakeUrl(webhookUrl, secrets.verifyToken, challenge))
      expect(verdict(request)).toBe('malformed')
      expect(() => answerHandshake(request)).toThrow('hub.challenge')
    },
  )

  test('never throws, and a notification is none', () => {
    fc.assert(
      fc.property(fc.string(), (url) => {
        expect(verdict(get(url))).not.toBe('ok')
      }),
    )
    expect(answerHandshake(post('{}'))).toBeUndefined()
  })
})
