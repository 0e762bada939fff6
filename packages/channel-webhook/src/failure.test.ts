import { describe, expect, test } from 'vitest'
import { classify } from './failure.js'

describe('no answer', () => {
  const failed = (cause: unknown) => new TypeError('fetch failed', { cause })
  const coded = (code: string, message = '') => Object.assign(new Error(message), { code })

  test.each([
    ['transient', failed(coded('ECONNREFUSED'))],
    ['transient', failed(coded('ENOTFOUND', 'getaddrinfo ENOTFOUND secret.internal'))],
    ['transient', failed(Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }))],
    ['transient', failed(coded('UND_ERR_CONNECT_TIMEOUT'))],
    ['transient', failed(coded('CERT_HAS_EXPIRED'))],
    ['transient', failed(coded('DEPTH_ZERO_SELF_SIGNED_CERT'))],
    ['ambiguous', failed(coded('ECONNRESET'))],
    ['ambiguous', failed(coded('UND_ERR_SOCKET'))],
    ['ambiguous', failed(coded('ETIMEDOUT'))],
    ['ambiguous', new DOMException('This operation was aborted', 'AbortError')],
    ['ambiguous', new Error('of a kind that nobody knows')],
    ['invalid', failed(coded('ERR_TARGET_FORBIDDEN', 'the address is not public (loopback)'))],
    ['invalid', failed(new Error('socket', { cause: coded('ERR_TARGET_FORBIDDEN') }))],
  ])('is %s after %o', (kind, error) => {
    const failure = classify(error)
    expect(failure.kind).toBe(kind)
    expect(failure.message).not.toContain('secret.internal')
  })

  test('a refused target says which setting allows it', () => {
    expect(classify(failed(coded('ERR_TARGET_FORBIDDEN'))).message).toContain('ALLOW_PRIVATE_TARGETS')
  })
})
