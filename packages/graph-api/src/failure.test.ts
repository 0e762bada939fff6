import { FailureError } from '@plugboard/core'
import { describe, expect, test } from 'vitest'
import { classifierOf } from './failure.js'
import { GraphError, graphErrorOf } from './graph-error.js'

const classify = classifierOf({
  provider: 'WhatsApp',
  codes: {
    131047: { kind: 'window', reason: 'too late' },
    '10/2018278': { kind: 'window', reason: 'later than 24 hours' },
  },
  accountField: 'phoneNumberId',
})

/** What an error answer means. */
function meaning(status: number, error: object | undefined, headers: Record<string, string> = {}) {
  return classify(graphErrorOf({ status, headers: new Headers(headers) }, error && { error }))
}

describe('an error answer', () => {
  test.each([
    [400, { code: 190, error_subcode: 463 }, { kind: 'auth', field: 'accessToken', code: '190/463' }],
    [400, { code: 10 }, { kind: 'auth' }],
    [403, { code: 200 }, { kind: 'auth' }],
    [400, { code: 100, error_subcode: 33 }, { kind: 'auth', field: 'phoneNumberId' }],
    [400, { code: 100, message: 'Invalid appsecret_proof' }, { kind: 'auth', field: 'appSecret' }],
    [400, { code: 4 }, { kind: 'rate-limited', scope: 'integration' }],
    [400, { code: 80007 }, { kind: 'rate-limited', scope: 'integration' }],
    [500, { code: 1 }, { kind: 'ambiguous' }],
    [503, { code: 2, is_transient: true }, { kind: 'ambiguous' }],
    [400, { code: 131009 }, { kind: 'invalid', code: '131009' }],
    [400, { code: 999, is_transient: true }, { kind: 'transient' }],
    [429, undefined, { kind: 'rate-limited' }],
    [401, undefined, { kind: 'auth', field: 'accessToken' }],
    [502, undefined, { kind: 'ambiguous' }],
    [302, undefined, { kind: 'transient' }],
    [200, undefined, { kind: 'ambiguous' }],
    [404, undefined, { kind: 'invalid' }],
  ])('%i with %j is %j', (status, error, expected) => {
    expect(meaning(status, error)).toMatchObject(expected)
  })

  test('means what the channel says, also for one subcode alone', () => {
    expect(meaning(400, { code: 131047 })).toEqual({
      ...{ kind: 'window', code: '131047', message: 'WhatsApp answered 400: too late' },
    })
    expect(meaning(400, { code: 10, error_subcode: 2018278 })).toMatchObject({ kind: 'window' })
    expect(meaning(400, { code: 10, error_subcode: 1 })).toMatchObject({ kind: 'auth' })
  })

  test('quotes what Meta says, without quotations of the call and without tokens', () => {
    const said = (message: string, details?: string) =>
      meaning(400, { code: 100, message, ...(details && { error_data: { details } }) }).message
    expect(said('(#100) Invalid parameter', 'Param text is too long')).toBe(
      'WhatsApp answered 400: Param text is too long',
    )
    expect(said('(#100) Unknown "my private text"')).toBe('WhatsApp answered 400: Unknown')
    expect(said(`Malformed access token ${'EAAG'.repeat(20)}`)).toBe(
      'WhatsApp answered 400: Malformed access token …',
    )
    expect(said('x y '.repeat(1000)).length).toBeLessThan(250)
  })

  test('waits as long as the usage of the account says, at most a day', () => {
    const usage = (minutes: unknown) => ({
      'x-business-use-case-usage': JSON.stringify({
        42: [{ type: 'messenger', estimated_time_to_regain_access: minutes }],
      }),
    })
    const wait = (headers: Record<string, string>) => meaning(400, { code: 80006 }, headers)
    expect(wait(usage(3))).toMatchObject({ retryAfterMs: 180_000 })
    expect(wait(usage(1e9))).toMatchObject({ retryAfterMs: 86_400_000 })
    expect(wait({ 'retry-after': '7', ...usage(3) })).toMatchObject({ retryAfterMs: 7000 })
    for (const headers of [usage(0), usage('soon'), { 'x-business-use-case-usage': '[{' }])
      expect(wait(headers)).toMatchObject({ retryAfterMs: 60_000 })
  })

  test('of a limit of an hour waits a minute if Meta does not say how long; of one of a second, as the host does', () => {
    for (const code of [4, 17, 32, 341, 80_001])
      expect(meaning(400, { code })).toMatchObject({ kind: 'rate-limited', retryAfterMs: 60_000 })
    expect(meaning(400, { code: 4 }, { 'retry-after': '7' })).toMatchObject({ retryAfterMs: 7000 })
    expect(meaning(400, { code: 613 })).not.toHaveProperty('retryAfterMs')
  })

  test.each([[[]], ['text'], [{ error: 'text' }], [{ error: { code: '190' } }], [null]])(
    'in another form, %j, is read by its status',
    (body) => {
      const error = graphErrorOf({ status: 500, headers: new Headers() }, body)
      expect(error.details).toEqual({ status: 500 })
    },
  )
})

test('other errors: a known failure stays, and the rest is about the network', () => {
  const failure = { kind: 'invalid', message: 'known' } as const
  expect(classify(new FailureError(failure))).toEqual(failure)
  expect(classify(Object.assign(new Error(), { code: 'ECONNREFUSED' }))).toMatchObject({ kind: 'transient' })
  expect(classify('anything')).toMatchObject({ kind: 'ambiguous', message: 'no answer from WhatsApp' })
  expect(new GraphError({ status: 400, code: 10, subcode: 2018278 }).message).toBe(
    'Meta answered 400, error 10/2018278',
  )
})
