import { createHmac } from 'node:crypto'
import type { InboundRequest } from '@plugboard/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ISSUER, SERVICE_URL, sign, type TokenChange } from '../test/fake-teams.js'
import { config, type Stage, stage, webhookUrl } from '../test/stage.js'

let on: Stage
beforeAll(async () => {
  on = await stage()
})
afterAll(() => on.provider.close())

const request = (fields: object = {}): InboundRequest => ({
  method: 'POST',
  publicUrl: webhookUrl,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(
    JSON.stringify({ type: 'message', id: '1', channelId: 'msteams', serviceUrl: SERVICE_URL, ...fields }),
  ),
})
const verdictOn = async (given: InboundRequest) => on.runtime.verify(given, on.integration)
const signed = (change: TokenChange = {}, fields: object = {}) =>
  sign(request(fields), config, new Date(), change)
const seconds = (minutes: number) => Math.floor(Date.now() / 1000) + minutes * 60
const refused = (reason: string) => ({ ok: false, reason })

describe('a request', () => {
  test('with a token of Microsoft for this bot is accepted', async () => {
    expect(await verdictOn(signed())).toEqual({ ok: true })
  })

  test.each<[string, TokenChange, object, string]>([
    ['of another issuer', { payload: { iss: 'https://sts.windows.net/1/' } }, {}, 'mismatch'],
    ['for another bot', { payload: { aud: 'another' } }, {}, 'mismatch'],
    ['for nobody', { payload: { aud: undefined } }, {}, 'mismatch'],
    ['that is over since six minutes', { payload: { exp: seconds(-6) } }, {}, 'stale'],
    ['that never ends', { payload: { exp: undefined } }, {}, 'mismatch'],
    ['that begins in six minutes', { payload: { nbf: seconds(6), exp: seconds(9) } }, {}, 'stale'],
    ['for no address', { payload: { serviceurl: undefined } }, {}, 'mismatch'],
    ['for another address', {}, { serviceUrl: SERVICE_URL }, 'mismatch'],
    [
      'for an address that is not of Microsoft',
      { payload: { serviceurl: 'https://evil.example/' } },
      { serviceUrl: 'https://evil.example/' },
      'mismatch',
    ],
    [
      'for a name that anybody can get',
      { payload: { serviceurl: 'https://evil.trafficmanager.net/' } },
      { serviceUrl: 'https://evil.trafficmanager.net/' },
      'mismatch',
    ],
    [
      'for an address without TLS',
      { payload: { serviceurl: 'http://smba.trafficmanager.net/' } },
      { serviceUrl: 'http://smba.trafficmanager.net/' },
      'mismatch',
    ],
    ['for a body without an address', {}, { serviceUrl: undefined }, 'malformed'],
    ['of another channel', {}, { channelId: 'webchat' }, 'mismatch'],
    ['with a key that is not endorsed for Teams', { kid: 'key-of-others' }, {}, 'mismatch'],
    ['with an unknown key', { header: { kid: 'unknown' } }, {}, 'mismatch'],
    ['without the name of a key', { header: { kid: undefined } }, {}, 'mismatch'],
    ['of another algorithm', { header: { alg: 'PS256' } }, {}, 'mismatch'],
    ['that is not signed', { header: { alg: 'none' } }, {}, 'mismatch'],
  ])('with a token %s is refused', async (name, change, fields, reason) => {
    const own =
      name === 'for another address'
        ? { payload: { serviceurl: 'https://smba.trafficmanager.net/amer/' } }
        : change
    expect(await verdictOn(signed(own, fields))).toEqual(refused(reason))
  })

  test('with a claim in either spelling, and with or without a slash at the end, is accepted', async () => {
    const bare = SERVICE_URL.replace(/\/$/, '')
    for (const payload of [{ serviceurl: undefined, serviceUrl: SERVICE_URL }, { serviceurl: bare }])
      expect(await verdictOn(signed({ payload }))).toEqual({ ok: true })
  })

  test('for a bot whose id is configured in upper case is accepted', async () => {
    const upper = { ...on.integration, config: { ...config, appId: config.appId.toUpperCase() } }
    expect(await on.runtime.verify(signed(), upper)).toEqual({ ok: true })
  })

  test('that uses a public key of Microsoft as a secret is refused', async () => {
    const parts = [
      { alg: 'HS256', kid: 'key-of-teams' },
      { aud: config.appId, iss: ISSUER, exp: seconds(5), serviceurl: SERVICE_URL },
    ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    const head = parts.join('.')
    const token = `${head}.${createHmac('sha256', 'key').update(head).digest('base64url')}`
    const forged = { ...request(), headers: { authorization: `Bearer ${token}` } }
    expect(await verdictOn(forged)).toEqual(refused('mismatch'))
  })

  test.each([
    ['without a token', undefined, 'missing'],
    ['with an empty header', '', 'missing'],
    ['with another scheme', 'Basic YTpi', 'malformed'],
    ['with a token of two parts', 'Bearer a.b', 'malformed'],
    ['with parts that are not JSON', 'Bearer a.b.c', 'malformed'],
    ['with a very long token', `Bearer ${'a'.repeat(20_000)}.b.c`, 'malformed'],
  ])('%s is refused', async (_, authorization, reason) => {
    expect(await verdictOn({ ...request(), headers: { authorization } })).toEqual(refused(reason))
  })

  test.each([
    ['no JSON', '{"type":'],
    ['no object', '[]'],
    ['not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['too deep', `${'['.repeat(200)}${']'.repeat(200)}`],
  ])('with a token and a body that is %s is refused', async (_, body) => {
    expect(await verdictOn({ ...signed(), body: Buffer.from(body) })).toEqual(refused('malformed'))
  })
})
