import type { DeliveryContext, Part } from '@plugboard/core'
import { type Answer, fakeProvider, memoryState } from '@plugboard/core/testing'
import { Webhook } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
import { connect, type Session } from './api.js'
import type { Config } from './config.js'
import { deliver, edit, remove } from './deliver.js'
import { classify } from './failure.js'
import { render } from './outbound.js'

const secret = `whsec_${Buffer.alloc(32, 'n').toString('base64')}`
const previousSecret = Buffer.alloc(24, 'o').toString('base64')
const parts = render({ type: 'acme:form', fields: ['größe'] })

const context = (config: Config, deliveryId = 'delivery-1'): DeliveryContext<Config, Session> => ({
  endpoint: { identity: '*', sender: 'ada', thread: 'room-7' },
  integration: { clientId: 'acme', id: 'integration-1', name: 'main', config, session: connect(config) },
  state: memoryState(),
  webhookUrl: 'https://hub.example/webhooks/v1/acme/webhook',
  deliveryId,
  signal: AbortSignal.timeout(5000),
})

/** Delivers one part to a receiver that answers so. */
async function post(answer: Answer, config: Partial<Config> = {}) {
  const provider = await fakeProvider({ answer: () => answer })
  try {
    const delivering = deliver(fetch)(
      parts[0] as Part,
      context({ url: `${provider.url}/hook?a=1`, secret, ...config }),
    )
    const result = await delivering.catch((error: unknown) => classify(error))
    return { result, calls: [...provider.calls] }
  } finally {
    await provider.close()
  }
}

describe('a message that is posted', () => {
  test('has the form of README.md and the path of the url', async () => {
    const { calls } = await post({})
    expect(calls).toHaveLength(1)
    expect(calls[0]).toMatchObject({ method: 'POST', path: '/hook?a=1' })
    expect(calls[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      'webhook-id': 'delivery-1',
    })
    expect(JSON.parse(calls[0]?.body ?? '')).toEqual({
      type: 'message',
      id: 'delivery-1',
      identity: '*',
      sender: 'ada',
      thread: 'room-7',
      payload: { type: 'acme:form', fields: ['größe'] },
    })
  })

  test('is signed with both secrets while one is being changed', async () => {
    const { calls } = await post({}, { previousSecret })
    const { body = '', headers } = calls[0] ?? {}
    const signed = headers as Record<string, string>
    expect(signed['webhook-signature']?.split(' ')).toHaveLength(2)
    for (const each of [secret, previousSecret])
      expect(() => new Webhook(each).verify(body, signed)).not.toThrow()
  })
})

describe('a change of a message', () => {
  const sent = { providerMessageIds: ['theirs-7'] }
  const about = { id: 'delivery-1', identity: '*', sender: 'ada', thread: 'room-7', messageId: 'theirs-7' }
  const bodyOf = async (change: (to: DeliveryContext<Config, Session>) => unknown) => {
    const provider = await fakeProvider({ answer: () => ({ body: '{"id":"another"}' }) })
    try {
      const result = await change(context({ url: provider.url, secret }))
      const [{ body = '', headers = {} } = {}] = provider.calls
      new Webhook(secret).verify(body, headers as Record<string, string>)
      return { body: JSON.parse(body), result }
    } finally {
      await provider.close()
    }
  }

  test('names the message by its id, which stays whatever the receiver answers', async () => {
    const { body, result } = await bodyOf((to) => edit(fetch)(sent, parts[0] as Part, to))
    expect(body).toEqual({ type: 'edited', ...about, payload: { type: 'acme:form', fields: ['größe'] } })
    expect(result).toEqual({ providerMessageIds: [] })
  })

  test('that is removed has no payload', async () => {
    const { body } = await bodyOf((to) => remove(fetch)(sent, to))
    expect(body).toEqual({ type: 'removed', ...about })
  })
})

describe('the id of a message', () => {
  test.each([
    ['the receiver gives', { body: '{"id":"theirs-7","more":1}' }, 'theirs-7'],
    ['of the delivery, for an answer without one,', {}, 'delivery-1'],
    ['of the delivery, for an answer that is no JSON,', { body: 'OK' }, 'delivery-1'],
    ['of the delivery, for a number,', { body: '{"id":7}' }, 'delivery-1'],
    ['of the delivery, for 204,', { status: 204 }, 'delivery-1'],
    ['of the delivery, for an endless answer,', { body: `{"id":"${'x'.repeat(1e7)}"}` }, 'delivery-1'],
  ])('that %s is kept', async (_, answer, id) => {
    expect((await post(answer)).result).toEqual({ providerMessageIds: [id] })
  })
})

describe('an answer that is no 2xx', () => {
  const statuses = { auth: [401, 403, 410], transient: [301, 302, 307, 404, 408, 425, 503] }
  const others = { invalid: [400, 405, 409, 413, 415, 422, 451], ambiguous: [500, 501, 502, 504, 507, 520] }
  const table = Object.entries({ ...statuses, ...others }).flatMap(([kind, all]) =>
    all.map((status) => [status, kind]),
  )

  test.each([...table, [429, 'rate-limited']] as [number, string][])('%i is %s', async (status, kind) => {
    const { result } = await post({ status, headers: { location: '/elsewhere' }, body: 'a private text' })
    expect(result).toMatchObject({
      kind,
      message: expect.stringContaining(`the receiver answered ${status}`),
    })
  })

  test.each([
    [429, '7', 7000],
    [503, '7', 7000],
    [429, '0', 0],
    [429, '99999999999', 86_400_000],
    [429, 'Thu, 01 Jan 1970 00:00:00 GMT', 0],
    [429, 'soon', undefined],
  ])('%i with Retry-After: %s waits %s ms', async (status, value, retryAfterMs) => {
    const { result } = await post({ status, headers: { 'retry-after': value } })
    expect(result).toHaveProperty('kind')
    expect('retryAfterMs' in result ? result.retryAfterMs : undefined).toBe(retryAfterMs)
  })

  test('a Retry-After that is a date waits until then', async () => {
    const { result } = await post({
      status: 429,
      headers: { 'retry-after': new Date(Date.now() + 60_000).toUTCString() },
    })
    const wait = 'retryAfterMs' in result ? (result.retryAfterMs ?? 0) : 0
    expect(wait).toBeGreaterThan(55_000)
    expect(wait).toBeLessThanOrEqual(60_000)
  })
})
