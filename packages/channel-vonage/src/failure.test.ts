import { FailureError, type FailureKind } from '@plugboard/core'
import { describe, expect, test } from 'vitest'
import { classify, failureOfAnswer, failureOfDelivery, RefusedError, refusalIn } from './failure.js'

describe('an answer of Vonage', () => {
  const statuses: Partial<Record<FailureKind, number[]>> = {
    'rate-limited': [429],
    ambiguous: [200, 202, 500, 502, 503, 504],
    auth: [401, 402, 403],
    transient: [301, 302, 307, 308, 408, 425],
    invalid: [400, 404, 405, 409, 413, 415, 422],
  }
  test.each(Object.entries(statuses).flatMap(([kind, all]) => all.map((status) => [status, kind] as const)))(
    '%i without a code is %s',
    (status, kind) => expect(failureOfAnswer({ status })).toMatchObject({ kind }),
  )

  test('says in words why, with a link and the code', () => {
    expect(failureOfAnswer({ status: 402, code: 'low-balance' })).toEqual({
      kind: 'auth',
      code: 'low-balance',
      message:
        'Vonage answered 402: the account has no credit (https://developer.vonage.com/en/api-errors#low-balance)',
    })
  })

  test('names the field of the configuration that is wrong, if it is one', () => {
    expect(failureOfAnswer({ status: 401, code: 'unauthorized' })).toMatchObject({ field: 'apiSecret' })
    expect(failureOfAnswer({ status: 401, code: 'unprovisioned' })).not.toHaveProperty('field')
  })

  test('about the recipient is not about the message', () => {
    expect(failureOfAnswer({ status: 422, code: '1150', parameters: ['to'] })).toMatchObject({
      kind: 'recipient',
    })
    expect(failureOfAnswer({ status: 422, code: '1430' })).toMatchObject({ kind: 'recipient' })
    expect(failureOfAnswer({ status: 422, code: '1150', parameters: ['text'] })).toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('wrong: text'),
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

  test('is about a file if it names one', () => {
    const refused = (parameters: string[]) => new RefusedError({ status: 422, parameters }).isContentRefused
    expect([refused(['image.url']), refused(['file']), refused(['text']), refused([])]).toEqual([
      true,
      true,
      false,
      false,
    ])
  })
})

describe('the code of an error', () => {
  test.each([
    [{ type: 'https://developer.vonage.com/api-errors/messages#1420', title: 'Invalid sender' }, '1420'],
    [{ type: 'https://developer.vonage.com/api-errors#low-balance', title: 'Low balance' }, 'low-balance'],
    [{ type: 'https://developer.vonage.com/api-errors/messages', title: 1000 }, '1000'],
    [{ title: '1330' }, '1330'],
    [{ title: 'Too many requests' }, undefined],
    [{ type: 7, title: {} }, undefined],
    [{ type: `https://x.example/#${'a'.repeat(100)}` }, undefined],
    [null, undefined],
    ['<html>', undefined],
  ])('in %j is %s', (problem, code) => expect(refusalIn(problem).code).toBe(code))

  test('comes with the names of parameters, and no other text', () => {
    const names = ['to', 'image.url', 'a private text', `${'x'.repeat(100)}`]
    const invalid_parameters = names.map((name) => ({ name, reason: 'a private text' }))
    expect(refusalIn({ invalid_parameters })).toEqual({ parameters: ['to', 'image.url'] })
  })
})

describe('what Vonage tells later', () => {
  const codes: Partial<Record<FailureKind, string[]>> = {
    window: ['1340'],
    recipient: ['1050', '1170', '1180', '1190', '1240', '1260', '1300', '1430', '1461', '1470'],
    auth: ['1060', '1070', '1370'],
    'rate-limited': ['1000', '1241', '1460'],
    ambiguous: ['1030', '1100', '1230', '1330', '1331', '1360'],
    invalid: ['1020', '1022', '1120', '1210', '1310', '1380', '1381', '1382', '1420', '1440', '9999'],
  }
  test.each(Object.entries(codes).flatMap(([kind, all]) => all.map((code) => [code, kind] as const)))(
    '%s is %s',
    (code, kind) =>
      expect(failureOfDelivery('rejected', code)).toMatchObject({
        ...{ kind, code },
        message: expect.stringContaining(`/api-errors/messages#${code}`),
      }),
  )

  test('of one person pauses the person alone', () => {
    expect(failureOfDelivery('rejected', '1241')).toMatchObject({ scope: 'endpoint' })
    expect(failureOfDelivery('rejected', '1000')).toMatchObject({ scope: 'integration' })
  })

  test('without a code is known as well as Vonage knows it', () => {
    expect(failureOfDelivery('undeliverable', undefined)).toMatchObject({ kind: 'transient' })
    expect(failureOfDelivery('rejected', undefined)).toMatchObject({ kind: 'ambiguous' })
  })
})

test('classify gives the failure of an error, and takes any other for ambiguous', () => {
  const failure = { kind: 'invalid' as const, message: 'because' }
  expect(classify(new FailureError(failure))).toBe(failure)
  expect(classify(new SyntaxError('Unexpected token in "a private text"'))).toEqual({
    kind: 'ambiguous',
    message: 'unexpected error while calling Vonage',
  })
})
