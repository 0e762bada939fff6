import { describe, expect, test } from 'vitest'
import { config, stage } from '../test/stage.js'
import { smooch } from './index.js'

const keys = { [config.keyId]: config.keySecret }

/** What a check says: nothing, or the failure. */
async function checked(set: Awaited<ReturnType<typeof stage>>) {
  return await set.runtime.check?.(set.context()).then(
    () => undefined,
    (error: unknown) => set.runtime.classify(error),
  )
}

describe('check', () => {
  test('is content with the key of an app, by one call that shows nothing', async () => {
    await using set = await stage({ keys, apps: [config.appId] })
    expect(await checked(set)).toBeUndefined()
    expect(set.provider.calls).toMatchObject([{ method: 'GET', path: `/v2/apps/${config.appId}` }])
  })

  test('is content with the key of an integration, which may not see the app', async () => {
    const keyId = 'int_5d8cff3cd55b040010928b5e'
    await using set = await stage({ keys: { [keyId]: config.keySecret }, config: { keyId } })
    expect(await checked(set)).toBeUndefined()
  })

  test.each<[string, Parameters<typeof stage>[0], string]>([
    ['the secret of the key', { keys, config: { keySecret: 'wrong' } }, 'keySecret'],
    ['the app', { keys, apps: [] }, 'appId'],
  ])('names %s when Sunshine refuses it', async (_, setting, field) => {
    await using set = await stage(setting)
    expect(await checked(set)).toMatchObject({ kind: 'auth', field })
  })

  test('tells that Sunshine cannot be reached', async () => {
    await using set = await stage()
    await set.provider.close()
    expect(await checked(set)).toMatchObject({ kind: 'transient' })
  })
})

test.each([
  ['https://acme.zendesk.com/sc/', 'https://acme.zendesk.com/sc'],
  ['http://127.0.0.1:4010', 'http://127.0.0.1:4010'],
  ['ftp://api.smooch.io', undefined],
  ['https://ada:secret@api.smooch.io', undefined],
])('the operator may have the address %s', async (apiBaseUrl, expected) => {
  const result = await smooch.options?.['~standard'].validate({ apiBaseUrl })
  expect(result && 'value' in result ? result.value.apiBaseUrl : undefined).toBe(expected)
})

test('the instructions name the address that Sunshine has to call', async () => {
  const url = 'https://hub.example/webhooks/v1/acme/smooch'
  expect((await smooch.setup?.(url, 'webhook'))?.split(url)).toHaveLength(2)
})
