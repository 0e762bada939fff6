import { describe, expect, test } from 'vitest'
import { config, stage } from '../test/stage.js'
import { inboundMessage, sign, tokenOf } from '../test/vonage-requests.js'

const request = inboundMessage({ text: 'pay 10' })
const withToken = (token: string, scheme = 'Bearer') => ({
  ...request,
  headers: { ...request.headers, authorization: `${scheme} ${token}` },
})
const claimed = (claims: object) => withToken(tokenOf(request.body, config, new Date(), claims))

describe('a request of Vonage', () => {
  test.each<[string, typeof request, object]>([
    ['is taken', sign(request, config), { ok: true }],
    [
      'is taken with a scheme in lower case',
      withToken(tokenOf(request.body, config, new Date()), 'bearer'),
      { ok: true },
    ],
    ['is taken with a hash in upper case', hashed((hash) => hash.toUpperCase()), { ok: true }],
    ['of a minute ago is taken', sign(request, config, minutes(-1)), { ok: true }],
    ['without a token', request, { ok: false, reason: 'missing' }],
    ['with something else', withToken('abc', 'Basic'), { ok: false, reason: 'malformed' }],
    ['with an endless token', withToken(`a.b.${'c'.repeat(5000)}`), { ok: false, reason: 'malformed' }],
    ['that is old', sign(request, config, minutes(-6)), { ok: false, reason: 'stale' }],
    ['of the future', sign(request, config, minutes(6)), { ok: false, reason: 'stale' }],
    [
      'that has expired',
      claimed({ exp: Math.floor(minutes(-6).getTime() / 1000) }),
      { ok: false, reason: 'stale' },
    ],
    ['of another account', claimed({ api_key: 'other123' }), { ok: false, reason: 'mismatch' }],
    ['of another body', hashed((hash) => hash.replace(/./g, '0')), { ok: false, reason: 'mismatch' }],
    ['without a hash of the body', claimed({ payload_hash: undefined }), { ok: false, reason: 'malformed' }],
    ['without a time', claimed({ iat: undefined }), { ok: false, reason: 'malformed' }],
    ['with a time that is none', claimed({ iat: 'now' }), { ok: false, reason: 'mismatch' }],
    [
      'that was changed',
      { ...sign(request, config), body: Buffer.from('{}') },
      { ok: false, reason: 'mismatch' },
    ],
    [
      'signed by another',
      sign(request, { ...config, signatureSecret: 'x'.repeat(32) }),
      { ok: false, reason: 'mismatch' },
    ],
    ['that is a GET', { ...sign(request, config), method: 'GET' }, { ok: false, reason: 'malformed' }],
  ])('%s', async (_, signed, verdict) => {
    await using set = await stage()
    expect(await set.runtime.verify(signed, set.integration)).toEqual(verdict)
  })

  test('that says that it needs no signature is refused', async () => {
    await using set = await stage()
    const [, payload] = tokenOf(request.body, config, new Date()).split('.')
    for (const alg of ['none', 'None', 'RS256', 'HS512']) {
      const header = Buffer.from(JSON.stringify({ alg, typ: 'JWT' })).toString('base64url')
      for (const signature of ['', 'AAAA'])
        expect(
          await set.runtime.verify(withToken(`${header}.${payload}.${signature}`), set.integration),
        ).toMatchObject({
          ok: false,
        })
    }
  })

  test('has one form of its signature', async () => {
    await using set = await stage()
    const token = tokenOf(request.body, config, new Date())
    const last = token.slice(-1)
    const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_']
    const others = letters.filter((letter) => letter !== last)
    const verdicts = await Promise.all(
      others.map((letter) => set.runtime.verify(withToken(token.slice(0, -1) + letter), set.integration)),
    )
    expect(verdicts.filter(({ ok }) => ok)).toEqual([])
  })
})

function minutes(count: number): Date {
  return new Date(Date.now() + count * 60_000)
}

function hashed(change: (hash: string) => string) {
  const [, payload = ''] = tokenOf(request.body, config, new Date()).split('.')
  const { payload_hash: hash } = JSON.parse(Buffer.from(payload, 'base64url').toString())
  return claimed({ payload_hash: change(hash) })
}
