import { describe, expect, test } from 'vitest'
import { config, stage, webhookUrl } from '../test/stage.js'
import { configSchema, optionsSchema } from './config.js'
import { setup } from './setup.js'

const businessAccountId = '102290129340398'
const accounts = { [businessAccountId]: [config.phoneNumberId] }
const operator = { appSecret: config.appSecret, verifyToken: 'of the operator' }

/** What checking a configuration says. */
async function checked(setting: Parameters<typeof stage>[0]) {
  await using set = await stage({ accounts, ...setting })
  const error: unknown = await set.runtime.check?.(set.context()).catch((thrown: unknown) => thrown)
  return error === undefined ? 'fine' : set.runtime.classify(error)
}

describe('check', () => {
  test.each([
    ['all that is needed', {}],
    ['the account too', { config: { businessAccountId } }],
    [
      'the app of the operator',
      { config: { appSecret: undefined, verifyToken: undefined }, options: operator },
    ],
  ] as Parameters<typeof checked>[0][][])('accepts %s', async (...[, setting]) => {
    expect(await checked(setting)).toBe('fine')
  })

  test.each([
    ['accessToken', { config: { accessToken: 'EAAGdead' } }],
    ['appSecret', { config: { appSecret: 'of another app' } }],
    ['appSecret', { config: { appSecret: undefined, verifyToken: undefined } }],
    ['phoneNumberId', { config: { phoneNumberId: '1' } }],
    ['businessAccountId', { config: { businessAccountId: '2' } }],
    ['businessAccountId', { config: { businessAccountId: '3' }, accounts: { ...accounts, 3: ['4'] } }],
  ] as [string, Parameters<typeof checked>[0]][])(
    'refuses a wrong %s and names it: %j',
    async (field, setting) => {
      expect(await checked(setting)).toMatchObject({ kind: 'auth', field })
    },
  )

  test('does not mistake a server that is down for wrong credentials', async () => {
    await using set = await stage()
    set.provider.failWith('server-error')
    const error: unknown = await set.runtime.check?.(set.context()).catch((thrown: unknown) => thrown)
    expect(set.runtime.classify(error)).toMatchObject({ kind: 'ambiguous' })
  })
})

describe('provision', () => {
  test('sends the events of the number here, and subscribes the app to the account', async () => {
    await using set = await stage({ accounts, config: { businessAccountId } })
    for (let i = 0; i < 2; i += 1) await set.runtime.provision?.(set.context())
    expect(set.provider.webhooks).toEqual(new Map([[config.phoneNumberId, webhookUrl]]))
    expect(set.provider.subscribed).toEqual(new Set([businessAccountId]))
  })

  test('leaves a number of the operator’s app to the address of that app', async () => {
    await using set = await stage({
      ...{ config: { appSecret: undefined, verifyToken: undefined }, options: operator },
    })
    set.provider.webhooks.set(config.phoneNumberId, webhookUrl)
    await set.runtime.provision?.(set.context())
    expect(set.provider.webhooks.size).toBe(0)
  })

  test('is taken back, also after the server moved, but not from another program', async () => {
    await using set = await stage()
    await set.runtime.provision?.(set.context({ webhookUrl: webhookUrl.replace('hub.', 'old-hub.') }))
    await set.runtime.unprovision?.(set.context())
    expect(set.provider.webhooks.size).toBe(0)
    set.provider.webhooks.set(config.phoneNumberId, 'https://other.example/hook')
    await set.runtime.unprovision?.(set.context())
    expect(set.provider.webhooks.size).toBe(1)
  })
})

test('the steps name both addresses', () => {
  expect(setup(webhookUrl, 'webhook')).toContain(webhookUrl)
  const shared = 'https://hub.example/webhooks/v1/whatsapp'
  expect(setup(webhookUrl, 'webhook', shared)).toContain(shared)
})

test('what is wrong in a configuration is named', () => {
  const issuesOf = (change: object) =>
    configSchema
      .safeParse({ ...config, ...change })
      .error?.issues.map(({ path, message }) => [path[0], message])
  expect(issuesOf({ phoneNumberId: undefined })).toEqual([['phoneNumberId', 'is required']])
  expect(issuesOf({ phoneNumberId: '+1 555' })).toEqual([
    ['phoneNumberId', 'must be the id of a number, which has digits only'],
  ])
  expect(issuesOf({ accessToken: 'a b' })?.[0]?.[0]).toBe('accessToken')
  expect(issuesOf({ verifyToken: undefined })).toEqual([['verifyToken', 'is required beside appSecret']])
  expect(issuesOf({ appSecret: undefined })).toEqual([['appSecret', 'is required beside verifyToken']])
})

test('the operator’s app has a secret and a verify token, or there is none', () => {
  expect(optionsSchema.parse(undefined)).toEqual({ graphUrl: 'https://graph.facebook.com' })
  expect(optionsSchema.safeParse({ appSecret: 'x' }).error?.issues).toMatchObject([{ path: ['verifyToken'] }])
  expect(optionsSchema.safeParse({ graphUrl: 'ftp://x' }).success).toBe(false)
})
