import { FailureError, type FailureKind } from '@plugboard/core'
import { describe, expect, test } from 'vitest'
import { classify, failureOfAnswer, failureOfDelivery } from './failure.js'

describe('an answer of Twilio', () => {
  const codes: Partial<Record<FailureKind, number[]>> = {
    auth: [20003, 20005, 21606, 21659, 21703, 63007],
    recipient: [21211, 21408, 21608, 21610, 21612, 21614, 63003, 63024],
    window: [63016],
    'rate-limited': [20429, 21611, 14107, 63018],
    invalid: [20001, 21602, 21609, 21617, 21620, 21623, 12300, 63005, 63013, 63019, 63021],
  }
  test.each(Object.entries(codes).flatMap(([kind, all]) => all.map((code) => [code, kind] as const)))(
    '400 with error %i is %s',
    (code, kind) => {
      const failure = failureOfAnswer({ status: 400, code })
      expect(failure).toMatchObject({ kind, message: expect.stringContaining(`/errors/${code}`) })
    },
  )

  const statuses: Partial<Record<FailureKind, number[]>> = {
    'rate-limited': [429],
    ambiguous: [200, 201, 500, 502, 503, 504],
    auth: [401, 403, 404],
    transient: [301, 302, 307, 308, 408, 425],
    invalid: [400, 405, 409, 413, 415, 422],
  }
  test.each(Object.entries(statuses).flatMap(([kind, all]) => all.map((status) => [status, kind] as const)))(
    '%i without a number of an error is %s',
    (status, kind) => expect(failureOfAnswer({ status })).toMatchObject({ kind }),
  )

  test('says in words why, and pauses the person alone whose limit it is', () => {
    const { message } = failureOfAnswer({ status: 400, code: 21610 })
    const link = 'https://www.twilio.com/docs/api/errors/21610'
    expect(message).toBe(`Twilio answered 400: the person has opted out with STOP (${link})`)
    expect(failureOfAnswer({ status: 400, code: 14107 })).toMatchObject({ scope: 'endpoint' })
    expect(failureOfAnswer({ status: 429, code: 20429 })).toMatchObject({ scope: 'integration' })
  })

  test('names the field of the configuration that is wrong', () => {
    expect(failureOfAnswer({ status: 401, code: 20003 })).toMatchObject({ field: 'authToken' })
    expect(failureOfAnswer({ status: 404, code: 20404 })).toMatchObject({ field: 'accountSID' })
    expect(failureOfAnswer({ status: 400, code: 21606 })).not.toHaveProperty('field')
  })

  test.each([
    ['7', 7000],
    ['0', 0],
    ['99999999999', 86_400_000],
    ['Sun, 22 Nov 2026 13:01:00 GMT', 60_000],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
    ['soon', undefined],
    [undefined, undefined],
  ])('429 with Retry-After: %s waits %s ms', (retryAfter, retryAfterMs) => {
    const failure = failureOfAnswer(
      { status: 429, code: 20429, retryAfter },
      new Date('2026-11-22T13:00:00Z'),
    )
    expect('retryAfterMs' in failure ? failure.retryAfterMs : undefined).toBe(retryAfterMs)
  })
})

describe('what Twilio tells later', () => {
  test.each([
    [30003, 'recipient'],
    [30005, 'recipient'],
    [21610, 'recipient'],
    [63016, 'window'],
    [30002, 'auth'],
    [63007, 'auth'],
    [30007, 'invalid'],
    [63019, 'invalid'],
    [63018, 'rate-limited'],
    [30008, 'ambiguous'],
    [undefined, 'ambiguous'],
  ])('%s is %s', (code, kind) => {
    expect(failureOfDelivery(code)).toMatchObject({ kind, message: expect.stringContaining('Twilio') })
  })
})

test('classify gives the failure of an error, and takes any other for ambiguous', () => {
  const failure = { kind: 'invalid' as const, message: 'because' }
  expect(classify(new FailureError(failure))).toBe(failure)
  expect(classify(new SyntaxError('Unexpected token in "a private text"'))).toEqual({
    kind: 'ambiguous',
    message: 'unexpected error while calling Twilio',
  })
})
