import fc from 'fast-check'
import { expect, test } from 'vitest'
import { InternalPassword } from './internal-password.js'

const internalPassword = 'between us'
const internalWebhooks = [
  'https://bots.internal',
  'http://10.0.0.5:8080/hooks/',
  'https://shared.example/a%20b',
]
const internal = new InternalPassword({ internalPassword, internalWebhooks })

test.each([
  'https://bots.internal',
  'https://bots.internal/',
  'https://BOTS.internal:443/any/path?and=query',
  'http://10.0.0.5:8080/hooks',
  'http://10.0.0.5:8080/hooks/',
  'http://10.0.0.5:8080/hooks/one?x',
  'http://10.0.0.5:8080/x/../hooks/one',
  'https://shared.example/a%20b/c',
])('a webhook at %s is sent the password', (url) => {
  expect(internal.headersFor({ url })).toEqual({ password: internalPassword })
})

test.each([
  'http://bots.internal/',
  'https://bots.internal:8443/',
  'https://bots.internal.evil.example/',
  'https://evil.example/bots.internal',
  'https://evil.example/?https://bots.internal/',
  'https://evil.example#https://bots.internal/',
  'https://bots.internal@evil.example/',
  'https://sub.bots.internal/',
  'http://10.0.0.5/hooks',
  'http://10.0.0.5:8080/',
  'http://10.0.0.5:8080/hooksy',
  'http://10.0.0.5:8080/hooks/../admin',
  'http://10.0.0.5:8080/hooks/%2e%2e/admin',
  'http://10.0.0.5:8080/hooks/..%2fadmin',
  'http://10.0.0.5:8080/hooks/..%5Cadmin',
  'http://10.0.0.5:8080/hooks\\..\\admin',
  'http://10.0.0.5:8080//hooks',
  'http://10.0.0.5:8080/HOOKS',
  'no address',
])('a webhook at %s is not', (url) => {
  expect(internal.headersFor({ url })).toEqual({})
})

test('no webhook is sent it where none is listed, or where there is none', () => {
  for (const settings of [{ internalPassword }, { internalWebhooks }, {}])
    for (const url of internalWebhooks) expect(new InternalPassword(settings).headersFor({ url })).toEqual({})
})

test('no webhook of another origin is ever sent it', () => {
  fc.assert(
    fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (url) => {
      expect(internal.headersFor({ url })).toEqual({})
    }),
  )
})
