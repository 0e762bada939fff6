import { createHash } from 'node:crypto'
import type { InboundRequest } from '@plugboard/core'
import { describe, expect, test } from 'vitest'
import { config, endpoints, webhookUrl } from '../test/stage.js'
import { inboundMessage, sign } from '../test/twilio-requests.js'
import { parse } from './inbound.js'
import { verify } from './verify.js'

const { identity: To, sender: From } = endpoints.sms
const from = (fields: Record<string, string>, url = webhookUrl) =>
  inboundMessage(url, { To, From, ...fields })
const verdictOn = (request: InboundRequest) =>
  verify(request, { clientId: 'acme', id: 'integration-1', name: 'main', config, session: undefined })

describe('verify', () => {
  const request = sign(from({ Body: 'hi' }), config)

  test('agrees with the example of the documentation', () => {
    // https://www.twilio.com/docs/usage/security#explore-the-algorithm-yourself
    const fields = {
      CallSid: 'CA1234567890ABCDE',
      Caller: '+14158675309',
      Digits: '1234',
      From: '+14158675309',
      To: '+18005551212',
    }
    const documented = {
      ...from({}, 'https://mycompany.com/myapp.php?foo=1&bar=2'),
      headers: { 'x-twilio-signature': 'RSOYDt4T1cUTdK1PDd93/VVr8B8=' },
      body: Buffer.from(new URLSearchParams(fields).toString()),
    }
    const verdict = verify(documented, {
      clientId: 'acme',
      id: 'integration-1',
      name: 'main',
      config: { ...config, authToken: '12345' },
      session: undefined,
    })
    expect(verdict).toEqual({ ok: true })
  })

  test.each([
    ['as it came', {}, { ok: true }],
    ['with another path', { publicUrl: `${webhookUrl}/` }, { ok: false, reason: 'mismatch' }],
    ['with another host', { publicUrl: webhookUrl.replace('hub', 'hab') }, { ok: false, reason: 'mismatch' }],
    ['with a query', { publicUrl: `${webhookUrl}?delivery=1` }, { ok: false, reason: 'mismatch' }],
    [
      'with the default port of https',
      { publicUrl: webhookUrl.replace('.example', '.example:443') },
      { ok: true },
    ],
    ['at an address that is none', { publicUrl: 'hub.example' }, { ok: false, reason: 'malformed' }],
    ['without a signature', { headers: {} }, { ok: false, reason: 'missing' }],
    ['as GET', { method: 'GET' as const }, { ok: false, reason: 'malformed' }],
    ['in bytes that are no text', { body: Buffer.from([0xff]) }, { ok: false, reason: 'malformed' }],
    [
      'with one more field',
      { body: Buffer.concat([request.body, Buffer.from('&a=b')]) },
      { ok: false, reason: 'mismatch' },
    ],
    [
      'with a field that objects inherit',
      { body: Buffer.concat([request.body, Buffer.from('&__proto__=b')]) },
      { ok: false, reason: 'mismatch' },
    ],
  ])('judges a request %s', (_, change, verdict) => {
    expect(verdictOn({ ...request, ...change })).toEqual(verdict)
  })

  test('sorts no more fields, and no longer ones, than Twilio sends', () => {
    const many = from(Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`${i}`, '1'])))
    const long = from({ Body: 'x'.repeat(65_536) })
    for (const request of [many, long])
      expect(verdictOn(sign(request, config))).toEqual({ ok: false, reason: 'malformed' })
    expect(verdictOn(sign(from({ Body: '👋'.repeat(2_048) }), config))).toEqual({ ok: true })
  })

  test('takes fields that are named as what objects inherit, and repeats, if they are signed', () => {
    for (const more of ['&__proto__=b', '&constructor=b', '&a=2&a=1&a=2']) {
      const body = Buffer.concat([request.body, Buffer.from(more)])
      expect(verdictOn(sign({ ...request, body }, config))).toEqual({ ok: true })
    }
  })

  test('takes JSON by the hash in the address, and no other body with it', () => {
    const body = Buffer.from(JSON.stringify({ MessageSid: 'SM1', To, From, Body: 'hi' }))
    const hash = createHash('sha256').update(body).digest('hex')
    const headers = { 'content-type': 'application/json' }
    const json = sign(
      { method: 'POST', publicUrl: `${webhookUrl}?bodySHA256=${hash}`, headers, body },
      config,
    )
    expect(verdictOn(json)).toEqual({ ok: true })
    expect(parse('https://api.twilio.com')(json).events).toMatchObject([
      { type: 'message', dedupeKey: 'SM1', content: { text: 'hi' } },
    ])
    expect(verdictOn({ ...json, body: Buffer.from('{}') })).toEqual({ ok: false, reason: 'mismatch' })
    expect(verdictOn({ ...json, publicUrl: json.publicUrl.replace(hash, '') })).toEqual({
      ok: false,
      reason: 'mismatch',
    })
  })
})
