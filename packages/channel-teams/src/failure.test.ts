import type { FailureKind } from '@plugboard/core'
import { describe, expect, test } from 'vitest'
import { failureOfAnswer, failureOfLogin } from './failure.js'

describe('an answer of the Bot Connector', () => {
  const statuses: Partial<Record<FailureKind, number[]>> = {
    'rate-limited': [429],
    transient: [301, 302, 307, 408, 412, 425, 503],
    ambiguous: [200, 201, 500, 502, 504],
    auth: [401, 403],
    recipient: [404],
    invalid: [400, 405, 409, 413, 415],
  }
  test.each(Object.entries(statuses).flatMap(([kind, all]) => all.map((status) => [status, kind] as const)))(
    '%i without a code is %s',
    (status, kind) => expect(failureOfAnswer({ status })).toMatchObject({ kind }),
  )

  test.each([
    [403, 'BotDisabledByAdmin', 'recipient'],
    [403, 'ConversationBlockedByUser', 'recipient'],
    [403, 'BotNotInConversationRoster', 'recipient'],
    [403, 'ForbiddenOperationException', 'recipient'],
    [403, 'MessageWritesBlocked', 'recipient'],
    [403, 'NotEnoughPermissions', 'recipient'],
    [403, 'AnythingElse', 'recipient'],
    [404, 'ConversationNotFound', 'recipient'],
    [403, 'InvalidBotApiHost', 'invalid'],
    [404, 'ActivityNotFoundInConversation', 'invalid'],
    [413, 'MessageSizeTooBig', 'invalid'],
    [400, 'BadArgument', 'invalid'],
    [401, 'BotNotRegistered', 'auth'],
  ] as const)('%i with %s is %s, and says why in words', (status, code, kind) => {
    const failure = failureOfAnswer({ status, code })
    expect(failure).toMatchObject({ kind, code })
    expect(failure.message).toMatch(/^Teams answered \d+: \w/)
  })

  test('names the field of an app that is not registered', () => {
    expect(failureOfAnswer({ status: 401, code: 'BotNotRegistered' })).toMatchObject({ field: 'appId' })
  })

  test('says how long to wait, for one conversation', () => {
    const now = new Date('2026-11-22T13:00:00Z')
    for (const [retryAfter, retryAfterMs] of [
      ['7', 7000],
      ['Sun, 22 Nov 2026 13:01:00 GMT', 60_000],
    ] as const)
      expect(failureOfAnswer({ status: 429, retryAfter }, now)).toMatchObject({
        scope: 'endpoint',
        retryAfterMs,
      })
    expect(failureOfAnswer({ status: 429, retryAfter: 'soon' }, now)).not.toHaveProperty('retryAfterMs')
  })
})

describe('an answer of the login', () => {
  test.each([
    [401, 7000215, 'appPassword'],
    [401, 7000222, 'appPassword'],
    [400, 700016, 'appId'],
    [400, 90002, 'tenantId'],
    [400, 900023, 'tenantId'],
  ])('%i with AADSTS%i names %s', (status, code, field) => {
    expect(failureOfLogin({ status }, [code])).toMatchObject({ kind: 'auth', field, code: `AADSTS${code}` })
  })

  test('with an unknown number is about the credentials too', () => {
    const failure = failureOfLogin({ status: 400 }, [123])
    expect(failure).toMatchObject({ kind: 'auth', code: 'AADSTS123' })
    expect(failure).not.toHaveProperty('field')
  })
})
