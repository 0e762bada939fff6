import { describe, expect, test } from 'vitest'
import { config, endpoint, stage } from '../test/stage.js'
import { baseUrlOf } from './config.js'

const text = { type: 'text', text: 'hi' } as const
type Setting = Parameters<typeof stage>[0]

/** The failure of sending a content. */
async function failureOf(setting: Setting, change = {}) {
  await using set = await stage(setting)
  return await set.send(text, change).then(
    () => undefined,
    (error: unknown) => set.runtime.classify(error),
  )
}

describe('a message', () => {
  test('goes to the conversation, as of the business, with the key of its delivery', async () => {
    await using set = await stage({ keys: { [config.keyId]: config.keySecret }, apps: [config.appId] })
    const [sent] = await set.send(text, { deliveryId: 'delivery-7' })
    expect(set.provider.calls).toMatchObject([
      {
        path: `/v2/apps/${config.appId}/conversations/${endpoint.thread}/messages`,
        headers: { 'idempotency-key': 'delivery-7' },
        body: '{"author":{"type":"business"},"content":{"type":"text","text":"hi"}}',
      },
    ])
    expect(sent?.providerMessageIds).toEqual([set.provider.messages[0]?.id])
  })

  test.each<[string, Setting, object]>([
    ['with a wrong key', { keys: {} }, { kind: 'auth', field: 'keySecret' }],
    ['of an app that is none', { apps: [] }, { kind: 'auth', field: 'appId' }],
    ['to a conversation that is gone', { gone: [endpoint.thread] }, { kind: 'recipient' }],
  ])('%s fails as such', async (_, setting, failure) => {
    expect(await failureOf(setting)).toMatchObject(failure)
  })

  test('to no conversation is not tried', async () => {
    expect(await failureOf({}, { endpoint: { ...endpoint, thread: '*' } })).toMatchObject({ kind: 'invalid' })
  })

  test('cannot leave its app or its conversation', async () => {
    await using set = await stage({ config: { appId: '../../x' } })
    await set.send(text, { endpoint: { ...endpoint, thread: '../y' } })
    expect(set.provider.calls[0]?.path).toBe('/v2/apps/..%2F..%2Fx/conversations/..%2Fy/messages')
  })

  test.each([
    ['not JSON', '<html>'],
    ['no message', '{"messages":[]}'],
    ['an id that is none', '{"messages":[{"id":7}]}'],
    ['too much', `"${'x'.repeat(1_100_000)}"`],
  ])('of which the answer has %s may have been sent', async (_, body) => {
    await using set = await stage()
    set.provider.answerWith({ status: 201, headers: { 'content-type': 'application/json' }, body })
    const error: unknown = await set.send(text).catch((error: unknown) => error)
    expect(set.runtime.classify(error)).toMatchObject({ kind: 'ambiguous' })
  })
})

describe('a sent message', () => {
  test('is removed, and is gone when it is removed again', async () => {
    await using set = await stage()
    const [sent] = await set.send(text)
    if (!sent) throw new Error('nothing was sent')
    await set.runtime.remove?.(sent, set.context())
    expect(set.provider.messages).toEqual([])
    await set.runtime.remove?.(sent, set.context())
  })

  test('is not removed with an app that is none', async () => {
    await using set = await stage({ apps: [] })
    const error = await set.runtime
      .remove?.({ providerMessageIds: ['m1'] }, set.context())
      .catch((error) => error)
    expect(set.runtime.classify(error)).toMatchObject({ kind: 'auth', field: 'appId' })
  })
})

test('typing and reading are activities of the business', async () => {
  await using set = await stage()
  await set.runtime.indicateTyping?.(set.context())
  await set.runtime.markRead?.(set.context())
  expect(set.provider.calls.map(({ path, body }) => [path.split('/').at(-1), JSON.parse(body)])).toEqual([
    ['activity', { author: { type: 'business' }, type: 'typing:start' }],
    ['activity', { author: { type: 'business' }, type: 'conversation:read' }],
  ])
})

test.each([
  [{}, {}, 'https://api.smooch.io'],
  [{ region: 'us' as const }, {}, 'https://api.smooch.io'],
  [{ region: 'eu' as const }, {}, 'https://api.eu-1.smooch.io'],
  [{ subdomain: 'acme' }, {}, 'https://acme.zendesk.com/sc'],
  [{ subdomain: 'acme' }, { apiBaseUrl: 'https://hub.example' }, 'https://hub.example'],
])('the API for %j with the options %j is at %s', (change, options, url) => {
  expect(baseUrlOf({ ...config, ...change }, options)).toBe(url)
})
