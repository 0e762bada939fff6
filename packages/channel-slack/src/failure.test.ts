import {
  ErrorCode,
  WebAPIHTTPError,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebAPIRequestError,
} from '@slack/web-api'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { config, load, type Stage, stage, stranger } from '../test/stage.js'
import { classify, classifyStatus, RateLimitWithoutTime } from './failure.js'

let on: Stage
beforeAll(async () => {
  on = await stage()
})
afterAll(() => on.fake.close())
afterEach(() => {
  on.fake.refuse()
  on.fake.failWith()
})

const part = { call: 'chat.postMessage', args: { text: 'a private text' } }
const deliver = (changes: Parameters<Stage['context']>[0] = {}) =>
  on.runtime.deliver(part, on.context(changes)).then(
    () => undefined,
    (error: unknown) => on.runtime.classify(error),
  )

describe('what Slack answers', () => {
  const codes = {
    auth: [
      'invalid_auth',
      'not_authed',
      'account_inactive',
      'token_revoked',
      'token_expired',
      'missing_scope',
    ],
    recipient: ['channel_not_found', 'not_in_channel', 'is_archived', 'user_disabled', 'restricted_action'],
    invalid: [
      'msg_too_long',
      'invalid_blocks',
      'no_text',
      'invalid_arguments',
      'of_a_kind_that_nobody_knows',
    ],
    ambiguous: ['internal_error', 'fatal_error', 'request_timeout', 'service_unavailable'],
    transient: ['team_added_to_org'],
    'rate-limited': ['ratelimited', 'rate_limited', 'message_limit_exceeded'],
  }

  test.each(Object.entries(codes).flatMap(([kind, all]) => all.map((code) => [code, kind])))(
    '%s is %s',
    async (code, kind) => {
      on.fake.refuse(code)
      const failure = await deliver()
      expect(failure).toMatchObject({ kind, ...(kind === 'auth' && { field: 'botToken' }) })
      expect(failure?.message).toMatch(/^Slack /)
    },
  )

  test.each([
    ['a page', '<html>a private text</html>'],
    ['an empty answer', ''],
    ['no text', 42],
  ])('%s in place of a code is ambiguous, and not quoted', (_, error) => {
    const failure = classify(new WebAPIPlatformError({ ok: false, error } as never))
    expect(failure.kind).toBe('ambiguous')
    expect(failure.message).not.toContain('private')
  })

  test('the paths of wrong blocks are told, and nothing of their words', () => {
    const messages = [
      '[ERROR] must be less than 76: a private text [json-pointer:/blocks/1/elements/0/text]',
      '[ERROR] odd',
    ]
    const error = new WebAPIPlatformError({
      ok: false,
      error: 'invalid_blocks',
      response_metadata: { messages },
    })
    expect(classify(error)).toEqual({
      kind: 'invalid',
      code: 'invalid_blocks',
      message: 'Slack answered invalid_blocks /blocks/1/elements/0/text',
    })
  })

  test('a message that is taken without a name may have been shown', async () => {
    const odd = { call: 'auth.test', args: {} }
    await expect(on.runtime.deliver(odd, on.context())).rejects.toMatchObject({
      failure: { kind: 'ambiguous' },
    })
  })
})

describe('what stands between answers', () => {
  const statuses = {
    auth: [401, 403],
    transient: [302, 404, 408, 425],
    ambiguous: [500, 502, 503, 504],
    invalid: [400, 413],
  }
  test.each(Object.entries(statuses).flatMap(([kind, all]) => all.map((status) => [status, kind] as const)))(
    '%i is %s',
    (status, kind) => {
      expect(classifyStatus(status).kind).toBe(kind)
      expect(classify(new WebAPIHTTPError(status, 'a private text', {}, 'a private text'))).toEqual(
        classifyStatus(status),
      )
    },
  )

  test.each([
    [2, 2000],
    [0, 0],
    [-1, 0],
    [1e9, 86_400_000],
  ])('a limit of %i s', (seconds, retryAfterMs) => {
    const limit = classify(new WebAPIRateLimitedError(seconds))
    expect(limit).toEqual({
      kind: 'rate-limited',
      scope: 'endpoint',
      message: 'Slack asks to wait',
      retryAfterMs,
    })
  })

  test('a limit without a time', () => {
    expect(classify(new WebAPIRequestError(new RateLimitWithoutTime()))).not.toHaveProperty('retryAfterMs')
    expect(classify(new WebAPIRequestError(new RateLimitWithoutTime())).kind).toBe('rate-limited')
  })
})

describe('no answer', () => {
  const coded = (code: string) =>
    new TypeError('fetch failed', { cause: Object.assign(new Error('a private text'), { code }) })
  const table = {
    transient: ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT', 'CERT_HAS_EXPIRED'],
    ambiguous: ['ECONNRESET', 'UND_ERR_SOCKET', 'UND_ERR_HEADERS_TIMEOUT', 'ETIMEDOUT'],
  }
  test.each(Object.entries(table).flatMap(([kind, all]) => all.map((code) => [code, kind])))(
    '%s is %s',
    (code, kind) => {
      const failure = classify(new WebAPIRequestError(coded(code as string)))
      expect(failure).toEqual({ kind, message: expect.stringContaining(code as string) })
    },
  )

  test('of the SDK has the codes that we look for', () => {
    expect(ErrorCode).toMatchObject({
      RateLimitedError: new WebAPIRateLimitedError(1).code,
      HTTPError: 'slack_webapi_http_error',
    })
  })

  test('a port that fetch does not call is no connection', async () => {
    const runtime = await load('http://127.0.0.1:9/api/')
    const failed = await runtime.deliver(part, on.context()).catch((error: unknown) => error)
    expect(runtime.classify(failed)).toMatchObject({
      kind: 'transient',
      message: 'no connection to Slack (bad port)',
    })
  })
})

describe('a token', () => {
  test('is that of the call, and one that cannot stand in a header is not quoted', async () => {
    const failure = await deliver({ config: { ...config, botToken: 'xoxb-schlüssel\n1' } })
    expect(failure).toEqual({
      kind: 'auth',
      field: 'botToken',
      message: 'the token contains characters that are not allowed in a token',
    })
  })

  test('is checked: good, bad, and Slack unreachable', async () => {
    await expect(on.runtime.check?.(on.context())).resolves.toBeUndefined()
    await expect(on.runtime.check?.(on.context({ config: stranger }))).resolves.toBeUndefined()
    const bad = await on.runtime
      .check?.(on.context({ config: { ...config, botToken: 'xoxb-wrong' } }))
      .catch(classify)
    expect(bad).toEqual({
      kind: 'auth',
      code: 'invalid_auth',
      field: 'botToken',
      message: 'Slack answered invalid_auth',
    })
    const runtime = await load('http://127.0.0.1:1/api/')
    const unreachable = await runtime.check?.(on.context()).catch(classify)
    expect(unreachable).toMatchObject({ kind: 'transient' })
  })
})

describe('a call that is aborted', () => {
  test.each(['hang', 'endless'] as const)(
    'ends at once while Slack does not (%s), and no other with it',
    async (fault) => {
      on.fake.failWith(fault)
      const [mine, other] = [new AbortController(), new AbortController()]
      const calls = on.fake.calls.length
      const aborted = deliver({ signal: mine.signal })
      const waiting = deliver({ signal: other.signal, config: stranger })
      while (on.fake.calls.length < calls + 2) await new Promise(setImmediate)
      const started = performance.now()
      mine.abort()
      expect(await aborted).toMatchObject({ kind: 'ambiguous' })
      expect(performance.now() - started).toBeLessThan(5_000)
      expect(await Promise.race([waiting, Promise.resolve('still waiting')])).toBe('still waiting')
      other.abort()
      expect(await waiting).toMatchObject({ kind: 'ambiguous' })
    },
  )

  test('before it starts is not made', async () => {
    const calls = on.fake.calls.length
    expect(await deliver({ signal: AbortSignal.abort() })).toMatchObject({ kind: 'ambiguous' })
    expect(on.fake.calls).toHaveLength(calls)
  })
})

test('150 calls that hang hold up no other client', async () => {
  on.fake.failWith('hang')
  const stop = new AbortController()
  const calls = on.fake.calls.length
  const hanging = Array.from({ length: 150 }, () => deliver({ signal: stop.signal }))
  while (on.fake.calls.length < calls + 150) await new Promise(setImmediate)
  on.fake.failWith()
  expect(await deliver({ config: stranger })).toBeUndefined()
  stop.abort()
  await Promise.all(hanging)
})
