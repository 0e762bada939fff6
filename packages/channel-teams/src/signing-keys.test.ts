import { type Answer, type FakeProvider, fakeProvider } from '@plugboard/core/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { publishedKeys } from '../test/fake-teams.js'
import { SigningKeys } from './signing-keys.js'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

let provider: FakeProvider
let published: unknown[]
let metadata: (url: string) => object
let instead: Answer | undefined
let now: number
let keys: SigningKeys

const json = (value: unknown): Answer => ({ body: JSON.stringify(value) })
const fetches = () => provider.calls.filter(({ path }) => path === '/openid').length

beforeAll(async () => {
  provider = await fakeProvider({
    answer: ({ path, headers }) =>
      instead ?? json(path === '/openid' ? metadata(`http://${headers.host}`) : { keys: published }),
  })
})
afterAll(() => provider.close())
beforeEach(() => {
  published = publishedKeys()
  metadata = (url) => ({ jwks_uri: `${url}/keys` })
  instead = undefined
  now = Date.now()
  keys = new SigningKeys(`${provider.url}/openid`, fetch, () => now)
})

describe('the keys of Microsoft', () => {
  test('are fetched once, for all who need one at the same time, and kept for a day', async () => {
    const before = fetches()
    const found = await Promise.all(Array.from({ length: 5 }, () => keys.find('key-of-teams')))
    for (const key of found) expect(key?.endorsements).toEqual(['msteams'])
    now += DAY - MINUTE
    await keys.find('key-of-teams')
    expect(fetches() - before).toBe(1)
    now += 2 * MINUTE
    await keys.find('key-of-teams')
    expect(fetches() - before).toBe(2)
  })

  test('are fetched again for a new key, and at most once a minute, whoever names unknown ones', async () => {
    expect(await keys.find('rotated')).toBeUndefined()
    const before = fetches()
    for (let i = 0; i < 20; i += 1) expect(await keys.find(`unknown-${i}`)).toBeUndefined()
    expect(fetches()).toBe(before)
    published = [{ ...publishedKeys()[1], kid: 'rotated' }]
    now += MINUTE + 1
    expect(await keys.find('rotated')).toMatchObject({ endorsements: ['msteams'] })
    expect(await keys.find('key-of-teams')).toBeUndefined()
  })

  test('stay valid for five days while they cannot be fetched', async () => {
    await keys.find('key-of-teams')
    instead = { status: 503 }
    now += 4 * DAY
    expect(await keys.find('key-of-teams')).toBeDefined()
    now += DAY + MINUTE
    await expect(keys.find('key-of-teams')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  test.each<[string, () => void]>([
    ['there is no answer', () => provider.failWith('reset')],
    ['the answer is an error', () => (instead = { status: 500 })],
    ['the answer is no JSON', () => (instead = { body: '<html>' })],
    ['the answer is endless', () => (instead = { body: ' '.repeat(300_000) })],
    ['the document names no keys', () => (metadata = () => ({}))],
    [
      'the document names keys without TLS elsewhere',
      () => (metadata = () => ({ jwks_uri: 'http://evil.example/keys' })),
    ],
    ['there are no keys', () => (published = [])],
    ['there are too many keys', () => (published = Array(500).fill(publishedKeys()[1]))],
  ])('are unavailable if %s, and fetched again after a moment', async (_, spoil) => {
    spoil()
    await expect(keys.find('key-of-teams')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    provider.failWith()
    instead = undefined
    published = publishedKeys()
    metadata = (url) => ({ jwks_uri: `${url}/keys` })
    now += 2001
    expect(await keys.find('key-of-teams')).toBeDefined()
  })

  test('of another kind are left out, and one without endorsements has none', async () => {
    published = [...publishedKeys(), { ...publishedKeys()[1], kid: 'bare', endorsements: undefined }, 'odd']
    expect(await keys.find('elliptic')).toBeUndefined()
    expect(await keys.find('bare')).toMatchObject({ endorsements: [] })
  })
})
