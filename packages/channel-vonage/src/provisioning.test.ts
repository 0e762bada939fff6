import { describe, expect, test } from 'vitest'
import { application } from '../test/keys.js'
import { config, stage } from '../test/stage.js'
import { vonage } from './index.js'

const accounts = { [config.apiKey]: config.apiSecret }
const [app, other] = ['11111111-aaaa-4bbb-8ccc-222222222222', '33333333-aaaa-4bbb-8ccc-444444444444'].map(
  application,
) as [ReturnType<typeof application>, ReturnType<typeof application>]
const own = { applicationId: app.applicationId, privateKey: app.privateKey }
const applications = { [app.applicationId]: app.publicKey }

/** What a check says: nothing, or the failure. */
async function checked(set: Awaited<ReturnType<typeof stage>>) {
  return await set.runtime.check?.(set.context()).then(
    () => undefined,
    (error: unknown) => set.runtime.classify(error),
  )
}

describe('check', () => {
  test('is content with an account, by one call that shows nothing', async () => {
    await using set = await stage({ accounts })
    expect(await checked(set)).toBeUndefined()
    expect(set.provider.calls).toMatchObject([{ method: 'GET', path: '/v2/applications?page_size=1' }])
  })

  test('is content with an application of the account and its key', async () => {
    await using set = await stage({ accounts, applications, config: own })
    expect(await checked(set)).toBeUndefined()
    expect(set.provider.calls).toMatchObject([{ path: `/v2/applications/${app.applicationId}` }])
  })

  test('names the secret when Vonage refuses it', async () => {
    await using set = await stage({ accounts, config: { apiSecret: 'wrong' } })
    expect(await checked(set)).toMatchObject({ kind: 'auth', field: 'apiSecret' })
  })

  test('names the application when the account has no such one', async () => {
    await using set = await stage({ accounts, config: own })
    expect(await checked(set)).toMatchObject({ kind: 'auth', field: 'applicationId' })
  })

  test.each([
    ['of another application', other.publicKey],
    ['of an application without keys', ''],
  ])('names the private key when it is that %s', async (_, publicKey) => {
    await using set = await stage({ accounts, applications: { [app.applicationId]: publicKey }, config: own })
    expect(await checked(set)).toMatchObject({ kind: 'auth', field: 'privateKey' })
  })

  test('tells that Vonage cannot be reached', async () => {
    await using set = await stage()
    await set.provider.close()
    expect(await checked(set)).toMatchObject({ kind: 'transient' })
  })
})

describe('the configuration', () => {
  const accepts = async (value: unknown) => !(await vonage.config['~standard'].validate(value)).issues

  test('of the Messaging API is accepted with all of its fields', async () => {
    expect(
      await accepts({
        apiKey: 'my-key',
        apiSecret: 'my-secret',
        signatureSecret: 'mine',
        useTestingApi: true,
      }),
    ).toBe(true)
  })

  test('names the half of an application that is missing', async () => {
    const { issues } = await vonage.config['~standard'].validate({
      ...config,
      applicationId: app.applicationId,
    })
    expect(issues).toMatchObject([{ path: ['privateKey'], message: 'is required with applicationId' }])
  })

  test.each([
    ['https://api-eu.vonage.com', true],
    ['http://127.0.0.1:4010/vonage/', true],
    ['ftp://api.nexmo.com', false],
    ['https://ada:secret@api.nexmo.com', false],
    ['api.nexmo.com', false],
  ])('of the operator may have %s: %s', async (apiBaseUrl, isValid) => {
    expect(!(await vonage.options?.['~standard'].validate({ apiBaseUrl }))?.issues).toBe(isValid)
  })

  test('of the operator may be nothing', async () => {
    expect(await vonage.options?.['~standard'].validate({})).toEqual({
      value: { apiBaseUrl: 'https://api.nexmo.com', sandboxBaseUrl: 'https://messages-sandbox.nexmo.com' },
    })
  })
})

test('the instructions name the address that Vonage has to call', async () => {
  const url = 'https://hub.example/webhooks/v1/acme/vonage'
  expect((await vonage.setup?.(url, 'webhook'))?.split(url)).toHaveLength(3)
})

test('an application belongs to one client, and an account may be shared', () => {
  expect(vonage.account?.({ ...config, ...own })).toBe(app.applicationId)
  expect(vonage.account?.(config)).toBeUndefined()
})
