import { expect, test } from 'vitest'
import { account, configSchema, optionsSchema } from './config.js'

const valid = { appId: 'App-1', appPassword: 'secret' }

test.each<[object, string, RegExp]>([
  [{ appPassword: 'secret' }, 'appId', /is required/],
  [{ appId: 'App-1' }, 'appPassword', /is required/],
  [{ ...valid, appId: '' }, 'appId', /must not be empty/],
  [{ ...valid, tenantId: 'a/b' }, 'tenantId', /id or the domain/],
])('a wrong configuration names its field: %j', (config, field, message) => {
  const { error } = configSchema.safeParse(config)
  expect(error?.issues).toMatchObject([{ path: [field], message: expect.stringMatching(message) }])
})

test('an unknown field is refused by its name', () => {
  expect(configSchema.safeParse({ ...valid, appID: 'x' }).error?.issues[0]?.message).toContain('appID')
})

test('the account is the app, in any spelling', () => {
  expect(account({ ...valid, appId: 'ABC-1' })).toBe('abc-1')
})

test('the options are those of the public cloud unless the operator names others', () => {
  expect(optionsSchema.parse(undefined)).toEqual({
    loginUrl: 'https://login.microsoftonline.com',
    openIdUrl: 'https://login.botframework.com/v1/.well-known/openidconfiguration',
    issuer: 'https://api.botframework.com',
  })
  expect(optionsSchema.parse({ connectorUrl: 'http://proxy.example/teams/' })).toMatchObject({
    connectorUrl: 'http://proxy.example/teams',
  })
  expect(optionsSchema.safeParse({ loginUrl: 'ftp://a.example' }).success).toBe(false)
})
