import { FailureError, type FailureKind } from '@plugboard/core'
import { describe, expect, test } from 'vitest'
import { classify, codeIn, failureOfAnswer, failureOfDelivery } from './failure.js'

describe('an answer of Sunshine', () => {
  const statuses: Partial<Record<FailureKind, number[]>> = {
    'rate-limited': [429],
    ambiguous: [200, 201, 500, 502, 503, 504],
    auth: [401, 402, 403],
    transient: [301, 302, 307, 308, 408, 425],
    invalid: [400, 404, 405, 409, 413, 415, 422, 423],
  }
  test.each(Object.entries(statuses).flatMap(([kind, all]) => all.map((status) => [status, kind] as const)))(
    '%i is %s',
    (status, kind) => expect(failureOfAnswer({ status })).toMatchObject({ kind }),
  )

  test.each([
    [404, 'app_not_found', { kind: 'auth', field: 'appId' }],
    [404, 'conversation_not_found', { kind: 'recipient' }],
    [404, 'user_not_found', { kind: 'recipient' }],
    [401, 'unauthorized', { kind: 'auth', field: 'keySecret' }],
    [403, 'conversation_not_found', { kind: 'recipient' }],
    [403, 'forbidden', { kind: 'auth', field: 'keyId' }],
  ])('%i with %s has the code, and says whose fault it is', (status, code, failure) => {
    expect(failureOfAnswer({ status, code })).toEqual({
      ...{ code, message: `Sunshine answered ${status}: ${code}` },
      ...failure,
    })
  })

  test.each([
    ['7', 7000],
    ['soon', undefined],
    [undefined, undefined],
  ])('429 with Retry-After: %s waits %s ms', (retryAfter, retryAfterMs) => {
    const failure = failureOfAnswer({ status: 429, retryAfter })
    expect('retryAfterMs' in failure ? failure.retryAfterMs : undefined).toBe(retryAfterMs)
  })

  test.each([
    [{ errors: [{ code: 'bad_request', title: 'Invalid' }] }, 'bad_request'],
    [{ errors: [] }, undefined],
    [{ errors: [{ code: 'a private text' }] }, undefined],
    ['<html>', undefined],
    [null, undefined],
  ])('%j has the code %s', (answer, code) => expect(codeIn(answer)).toBe(code))
})

test.each<[string | undefined, string | undefined, object]>([
  ['bad_request', '131053', { kind: 'invalid', code: '131053' }],
  ['window-closed', undefined, { kind: 'window', code: 'window-closed' }],
  ['user_blocked', undefined, { kind: 'recipient' }],
  ['unauthorized', undefined, { kind: 'invalid' }],
  ['uncategorized_error', undefined, { kind: 'ambiguous' }],
  [undefined, undefined, { kind: 'ambiguous', message: 'Sunshine could not deliver it and gives no reason' }],
  ['a private text', undefined, { message: 'Sunshine could not deliver it and gives no reason' }],
])('what Sunshine tells later, %s with %s, is classified', (code, underlying, failure) => {
  expect(failureOfDelivery(code, underlying)).toMatchObject(failure)
})

test('classify gives the failure of an error, and takes any other for ambiguous', () => {
  const failure = { kind: 'invalid' as const, message: 'because' }
  expect(classify(new FailureError(failure))).toBe(failure)
  expect(classify(new Error('a private text'))).toMatchObject({
    message: 'unexpected error while calling Sunshine',
  })
})
