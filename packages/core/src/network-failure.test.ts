import { describe, expect, test } from 'vitest'
import { isForbiddenTarget, networkFailure } from './network-failure.js'

const coded = (code: unknown, message = 'getaddrinfo secret.internal') =>
  Object.assign(new Error(message), { code })
const failed = (cause: unknown) => new TypeError('fetch failed', { cause })

describe('a request that was certainly not sent is transient', () => {
  test.each([
    'EAI_AGAIN',
    'EAI_FAIL',
    'ECONNREFUSED',
    'EHOSTDOWN',
    'EHOSTUNREACH',
    'ENETDOWN',
    'ENETUNREACH',
    'ENOTFOUND',
    'UND_ERR_CONNECT_TIMEOUT',
    'CERT_HAS_EXPIRED',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'ERR_TARGET_FORBIDDEN',
  ])('%s', (code) => {
    const failure = { kind: 'transient', message: `no connection to Acme (${code})` }
    expect(networkFailure(coded(code), 'Acme')).toEqual(failure)
    expect(networkFailure(failed(coded(code)), 'Acme')).toEqual(failure)
  })

  test('where each of several addresses refused', () => {
    const error = Object.assign(new AggregateError([coded('ECONNREFUSED')]), { code: 'ECONNREFUSED' })
    expect(networkFailure(failed(error), 'Acme').kind).toBe('transient')
  })

  test('where the reason is below another', () => {
    const error = Object.assign(failed(coded('ECONNREFUSED')), { code: 'ERR_OF_AN_SDK' })
    expect(networkFailure(error, 'Acme').message).toBe('no connection to Acme (ECONNREFUSED)')
  })

  test('where fetch does not call the port', async () => {
    const error = await fetch('http://127.0.0.1:9').catch((error: unknown) => error)
    expect(networkFailure(error, 'Acme')).toEqual({
      kind: 'transient',
      message: 'no connection to Acme (bad port)',
    })
  })
})

describe('a request that may have been sent is ambiguous', () => {
  test.each([
    'ECONNABORTED',
    'ECONNRESET',
    'EPIPE',
    'ERR_CANCELED',
    'ETIMEDOUT',
    'UND_ERR_HEADERS_TIMEOUT',
    'UND_ERR_SOCKET',
  ])('%s', (code) => {
    const failure = { kind: 'ambiguous', message: `no answer from Acme (${code})` }
    expect(networkFailure(failed(coded(code)), 'Acme')).toEqual(failure)
  })

  test.each([
    ['an abort', new DOMException('This operation was aborted', 'AbortError')],
    ['an answer in no JSON', new SyntaxError('Unexpected token in "a private text"')],
    ['a code that is a text', coded('no code, but secret.internal')],
    ['a code that is a number', coded(111)],
    ['a code that only begins like one', coded('ECONNREFUSED_NOT')],
    ['a word of an SDK', coded('request_error')],
    ['nothing', undefined],
    ['a text', 'ECONNREFUSED'],
    ['an object', { code: 'ECONNREFUSED' }],
  ])('%s', (_, error) => {
    const { kind, message } = networkFailure(error, 'Acme')
    expect(kind).toBe('ambiguous')
    expect(message).toMatch(/^no answer from Acme( \(ECONNREFUSED_NOT\))?$/)
  })

  test('causes that go in a circle', () => {
    const error = new Error('a')
    error.cause = new Error('b', { cause: error })
    expect(networkFailure(error, 'Acme')).toEqual({ kind: 'ambiguous', message: 'no answer from Acme' })
  })
})

test('an address that the host rejects is distinguished from one that does not respond', () => {
  expect(isForbiddenTarget(failed(new Error('socket', { cause: coded('ERR_TARGET_FORBIDDEN') })))).toBe(true)
  expect(isForbiddenTarget(failed(coded('ECONNREFUSED')))).toBe(false)
  expect(isForbiddenTarget(undefined)).toBe(false)
})
