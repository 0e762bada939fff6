import { type CallContext, FailureError, type JsonObject } from '@plugboard/core'
import { describe, expect, test } from 'vitest'
import { accessToken, isLogin } from '../test/fake-teams.js'
import { config, type Stage, stage } from '../test/stage.js'
import type { Session } from './api.js'
import type { Config } from './config.js'

const hello = { type: 'text', text: 'hello' }
const HOUR = 3_600_000

const logins = ({ provider }: Stage) => provider.calls.filter(isLogin)
const tokensOf = ({ provider }: Stage) =>
  provider.calls.filter((call) => !isLogin(call)).map(({ headers }) => headers.authorization)
const known = (number: number, issuedAt: number): JsonObject => ({
  value: accessToken(config.appId, number),
  issuedAt,
  expiresAt: issuedAt + HOUR,
})
const failureOf = (on: Stage, run: Promise<unknown>) =>
  run.then(
    () => undefined,
    (error: unknown) => on.runtime.classify(error),
  )

describe('an access token', () => {
  test('is requested with the credentials of the bot, from its tenant', async () => {
    await using on = await stage({ config: { tenantId: 'contoso.example' } })
    await on.send(hello)
    const [login] = logins(on)
    expect(login).toMatchObject({ method: 'POST', path: '/contoso.example/oauth2/v2.0/token' })
    expect(Object.fromEntries(new URLSearchParams(login?.body))).toEqual({
      grant_type: 'client_credentials',
      client_id: config.appId,
      client_secret: config.appPassword,
      scope: 'https://api.botframework.com/.default',
    })
  })

  test('of a bot without a tenant is that of all tenants', async () => {
    await using on = await stage()
    await on.send(hello)
    expect(logins(on)).toMatchObject([{ path: '/botframework.com/oauth2/v2.0/token' }])
  })

  test('is requested once for all who need one, in this and in other processes', async () => {
    await using on = await stage()
    await Promise.all(Array.from({ length: 10 }, () => on.send(hello)))
    const elsewhere = { ...on.integration, session: on.runtime.connect(config) }
    await on.send(hello, { integration: elsewhere })
    expect(logins(on)).toHaveLength(1)
    expect(new Set(tokensOf(on)).size).toBe(1)
  })

  test('is requested again in time before it expires', async () => {
    await using on = await stage({ state: known(7, Date.now() - HOUR + 4 * 60_000) })
    await on.send(hello)
    expect(logins(on)).toHaveLength(1)
    expect((await on.state.read())?.value).toMatchObject({ value: accessToken(config.appId, 1) })
  })

  test('that is refused is replaced once, if it is not new', async () => {
    await using on = await stage({ state: known(7, Date.now() - 10 * 60_000) })
    on.provider.expired.add(accessToken(config.appId, 7))
    await on.send(hello)
    expect(tokensOf(on)).toEqual([7, 1].map((number) => `Bearer ${accessToken(config.appId, number)}`))
  })

  test('that is refused is replaced by that of another process', async () => {
    await using on = await stage({ state: known(7, Date.now() - 10 * 60_000) })
    await on.send(hello)
    on.provider.expired.add(accessToken(config.appId, 7))
    await on.state.write(known(8, Date.now()), 1)
    await on.send(hello)
    expect(tokensOf(on).at(-1)).toBe(`Bearer ${accessToken(config.appId, 8)}`)
    expect(logins(on)).toEqual([])
  })

  test('that is new and refused means that the credentials do not work', async () => {
    await using on = await stage()
    on.provider.expired.add(accessToken(config.appId, 1))
    expect(await failureOf(on, on.send(hello))).toMatchObject({ kind: 'auth' })
    expect(tokensOf(on)).toHaveLength(1)
  })
})

describe('credentials that Microsoft refuses', () => {
  test.each<[string, Partial<Config>, string]>([
    ['the password', { appPassword: 'wrong' }, 'appPassword'],
    ['the app', { appId: 'unknown' }, 'appId'],
  ])('name %s', async (_, change, field) => {
    await using on = await stage({ config: change, apps: { [config.appId]: config.appPassword } })
    const runs = [() => on.send(hello), async () => on.runtime.check?.(on.context())]
    for (const run of runs) expect(await failureOf(on, run())).toMatchObject({ kind: 'auth', field })
    expect(tokensOf(on)).toEqual([])
  })
})

describe('a login', () => {
  test.each([
    ['reset', 'transient'],
    ['server-error', 'transient'],
    ['garbage', 'transient'],
    ['rate-limited-for-2-s', 'rate-limited'],
    ['unauthorized', 'auth'],
    ['redirect', 'transient'],
  ] as const)('that fails by %s has sent nothing: %s', async (fault, kind) => {
    await using on = await stage()
    on.provider.failWith(fault)
    const failure = await failureOf(on, on.send(hello))
    expect(failure).toMatchObject({ kind })
    expect(JSON.stringify(failure)).not.toContain(config.appPassword)
    on.provider.failWith()
    await on.send(hello)
    expect(on.provider.messages).toHaveLength(1)
  })

  test('that hangs ends with the call, and keeps nobody else from the token', async () => {
    await using on = await stage()
    on.provider.failWith('hang')
    const impatient = on.send(hello, { signal: AbortSignal.timeout(50) })
    expect(await failureOf(on, impatient)).toMatchObject({ kind: 'transient' })
    const gone = new AbortController()
    gone.abort()
    expect(await failureOf(on, on.send(hello, { signal: gone.signal }))).toMatchObject({ kind: 'transient' })
  })

  test('with an answer that is none of a login is repeated', async () => {
    await using on = await stage()
    for (const body of [
      '{}',
      '{"access_token":"a b","expires_in":3600}',
      '{"access_token":"a","expires_in":0}',
    ]) {
      on.provider.answerWith((call) => (isLogin(call) ? { body } : undefined))
      expect(await failureOf(on, on.send(hello))).toMatchObject({ kind: 'transient' })
    }
  })

  test('leaves no secret in what is thrown', async () => {
    await using on = await stage({ apps: {} })
    const error: unknown = await on.send(hello).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(FailureError)
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(config.appPassword)
  })
})

test('a check asks for a token, whatever is known, and keeps it in no state', async () => {
  await using on = await stage({ state: known(7, Date.now()) })
  const { state: _, ...context } = on.context()
  const state = { read: async () => undefined, write: async () => false }
  await on.runtime.check?.({ ...context, state } satisfies CallContext<Config, Session>)
  expect(logins(on)).toHaveLength(1)
})
