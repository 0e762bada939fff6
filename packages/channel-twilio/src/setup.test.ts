import { describe, expect, test } from 'vitest'
import { config, stage } from '../test/stage.js'
import { twilio } from './index.js'

const { accountSID, authToken } = config
const accounts = { [accountSID]: authToken }

/** What a check says: nothing, or the failure. */
async function checked(set: Awaited<ReturnType<typeof stage>>, signal?: AbortSignal) {
  const checking = set.runtime.check?.(set.context(signal && { signal }))
  return checking?.then(
    () => undefined,
    (error: unknown) => set.runtime.classify(error),
  )
}

describe('check', () => {
  test('is content with an active account, by one call that shows nothing', async () => {
    await using set = await stage({ accounts })
    expect(await checked(set)).toBeUndefined()
    expect(set.provider.calls).toMatchObject([
      { method: 'GET', path: `/2010-04-01/Accounts/${accountSID}.json` },
    ])
  })

  test('names the token when Twilio refuses it', async () => {
    await using set = await stage({ accounts, config: { authToken: 'wrong' } })
    expect(await checked(set)).toMatchObject({ kind: 'auth', field: 'authToken' })
  })

  test('names the account when Twilio knows no such one', async () => {
    await using set = await stage()
    set.provider.answerWith({
      status: 404,
      headers: { 'content-type': 'application/json' },
      body: '{"code":20404,"message":"not found","status":404}',
    })
    expect(await checked(set)).toMatchObject({ kind: 'auth', field: 'accountSID' })
  })

  test('asks Twilio of an account that has another form, and names it when Twilio knows no such one', async () => {
    await using set = await stage({ config: { accountSID: 'my-twilio-account-sid' } })
    expect(await checked(set)).toMatchObject({ kind: 'auth', field: 'accountSID' })
    expect(set.provider.calls).toHaveLength(1)
  })

  test('lets an account of another form be what it is while Twilio cannot be reached', async () => {
    await using set = await stage({ config: { accountSID: 'my-twilio-account-sid' } })
    await set.provider.close()
    expect(await checked(set)).toMatchObject({ kind: 'transient' })
  })

  test.each(['suspended', 'closed'] as const)('names the account when it is %s', async (accountStatus) => {
    await using set = await stage({ accountStatus })
    const failure = await checked(set)
    expect(failure).toMatchObject({
      kind: 'auth',
      field: 'accountSID',
      message: expect.stringContaining(accountStatus),
    })
  })

  test('tells that Twilio cannot be reached', async () => {
    await using set = await stage()
    await set.provider.close()
    expect(await checked(set)).toMatchObject({ kind: 'transient' })
  })

  test('ends when it is told to', async () => {
    await using set = await stage()
    set.provider.failWith('hang')
    const started = performance.now()
    expect(await checked(set, AbortSignal.timeout(50))).toMatchObject({ kind: 'ambiguous' })
    expect(performance.now() - started).toBeLessThan(5_000)
  })
})

describe('the configuration', () => {
  const accepts = async (value: unknown) => !(await twilio.config['~standard'].validate(value)).issues

  test('of the Messaging API is accepted with all of its fields, also with a made-up account', async () => {
    const old = { messageDelay: '1s', retryMaxAttempts: 3, retryDelay: '1s' }
    expect(await accepts({ accountSID: 'my-twilio-account-sid', authToken: 'my-token', ...old })).toBe(true)
  })

  test.each([
    ['https://api.dublin.ie1.twilio.com', true],
    ['http://127.0.0.1:4010/twilio/', true],
    ['ftp://api.twilio.com', false],
    ['https://ada:secret@api.twilio.com', false],
    ['https://api.twilio.com?a=1', false],
    ['api.twilio.com', false],
  ])('of the operator may have %s: %s', async (apiBaseUrl, isValid) => {
    const result = await twilio.options?.['~standard'].validate({ apiBaseUrl })
    expect(!result?.issues).toBe(isValid)
  })

  test('of the operator may be nothing', async () => {
    expect(await twilio.options?.['~standard'].validate({})).toEqual({
      value: { apiBaseUrl: 'https://api.twilio.com' },
    })
  })
})

test('the instructions name the address that Twilio has to call', async () => {
  const url = 'https://hub.example/webhooks/v1/acme/twilio'
  expect((await twilio.setup?.(url, 'webhook'))?.split(url)).toHaveLength(3)
})
