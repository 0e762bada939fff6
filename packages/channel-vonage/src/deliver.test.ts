import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { application } from '../test/keys.js'
import { config, contentsOf, endpoints, stage, webhookUrl } from '../test/stage.js'
import { secondForm } from './second-form.js'

const text = { type: 'text', text: 'hi' } as const
const app = application('11111111-aaaa-4bbb-8ccc-222222222222')
const withApplication = {
  config: { applicationId: app.applicationId, privateKey: app.privateKey },
  applications: { [app.applicationId]: app.publicKey },
  accounts: { [config.apiKey]: config.apiSecret },
}
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
  test('goes out with the number of the endpoint, its own reference, and the address for its statuses', async () => {
    await using set = await stage({ accounts: { [config.apiKey]: config.apiSecret } })
    await set.send(text, { deliveryId: 'delivery-7' })
    expect(set.provider.messages).toMatchObject([
      {
        ...{
          channel: 'whatsapp',
          message_type: 'text',
          text: 'hi',
          from: '447700900000',
          to: '4915112345678',
        },
        ...{ client_ref: 'delivery-7', webhook_url: webhookUrl, webhook_version: 'v1' },
      },
    ])
  })

  test.each([
    'http://hub.example/w',
    'https://localhost/w',
    'https://127.0.0.1/w',
    'https://[::1]/w',
    'no address',
  ])('names no address for its statuses that Vonage cannot call: %s', async (webhookUrl) => {
    await using set = await stage()
    await set.send(text, { webhookUrl })
    expect(set.provider.messages[0]).not.toHaveProperty('webhook_url')
  })

  test('to an id on WhatsApp goes there', async () => {
    await using set = await stage()
    const endpoint = { ...endpoints.whatsApp, sender: 'US.13491208655302741918' }
    await set.send(text, { endpoint })
    expect(set.provider.messages).toMatchObject([{ to: 'US.13491208655302741918' }])
  })

  test('to a number with a plus goes to the number', async () => {
    await using set = await stage()
    const endpoint = { identity: 'sms:+447700900000', sender: 'sms:+4915112345678', thread: '*' }
    await set.send(text, { endpoint })
    expect(set.provider.messages).toMatchObject([
      { channel: 'sms', from: '447700900000', to: '4915112345678' },
    ])
  })

  test('without a number of the business is not tried', async () => {
    const endpoint = { ...endpoints.whatsApp, identity: '*' }
    expect(await failureOf({}, { endpoint })).toMatchObject({ kind: 'invalid' })
  })

  test('to a person who cannot be reached is not tried again', async () => {
    const unreachable = { [endpoints.whatsApp.sender]: '1430' }
    expect(await failureOf({ unreachable })).toMatchObject({ kind: 'recipient', code: '1430' })
  })

  test('with wrong credentials pauses the integration', async () => {
    expect(await failureOf({ accounts: {} })).toMatchObject({ kind: 'auth', field: 'apiSecret' })
  })

  test('of the sandbox goes there, and leaves the address for statuses to its settings', async () => {
    const calls: string[] = []
    await using set = await stage({
      config: { useTestingApi: true },
      fetch: (input, init) => {
        calls.push(String(input))
        return fetch(input, init)
      },
    })
    await set.send(text)
    expect(set.provider.messages[0]).not.toHaveProperty('webhook_url')
    expect(calls).toEqual([`${set.provider.url}/v1/messages`])
  })

  test.each([
    ['not JSON', '<html>'],
    ['no id', '{}'],
    ['an id that is none', '{"message_uuid":7}'],
    ['too much', `"${'x'.repeat(1_100_000)}"`],
  ])('of which the answer has %s may have been sent', async (_, body) => {
    await using set = await stage()
    set.provider.answerWith({ status: 202, headers: { 'content-type': 'application/json' }, body })
    const error: unknown = await set.send(text).catch((error: unknown) => error)
    expect(set.runtime.classify(error)).toMatchObject({ kind: 'ambiguous' })
  })
})

describe('an application', () => {
  test('sends with a token of its own, which is used again while it is valid', async () => {
    await using set = await stage(withApplication)
    await set.send(text)
    await set.send(text)
    const tokens = set.provider.calls.map(({ headers }) => headers.authorization)
    expect(set.provider.messages.map(({ apiKey }) => apiKey)).toEqual([app.applicationId, app.applicationId])
    expect(new Set(tokens).size).toBe(1)
  })

  test('takes a key with line breaks as two characters, and one of the older form', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const older = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
    const oneLine = app.privateKey.replaceAll('\n', '\\n')
    await using set = await stage({
      ...withApplication,
      config: { ...withApplication.config, privateKey: oneLine },
    })
    await set.send(text)
    expect(set.provider.messages).toHaveLength(1)
    const strange = { ...withApplication, config: { ...withApplication.config, privateKey: older } }
    expect(await failureOf(strange)).toMatchObject({ kind: 'auth', field: 'privateKey' })
  })
})

describe('a file', () => {
  const image = { type: 'image', image: 'https://media.example/plan.png', title: 'The plan' } as const

  test('that Vonage refuses at once goes as its address', async () => {
    await using set = await stage({ refusesFiles: true })
    await set.send(image)
    expect(set.provider.calls).toHaveLength(2)
    expect(set.provider.messages).toMatchObject([
      { message_type: 'text', text: 'The plan\nhttps://media.example/plan.png', client_ref: 'delivery-1.2' },
    ])
  })

  test('has a second form for when it is refused later, which has none', async () => {
    await using set = await stage()
    const [part] = set.runtime.render(image, endpoints.whatsApp)
    const second = part && secondForm(part)
    expect(second?.args).toEqual({
      ...{ channel: 'whatsapp', message_type: 'text' },
      text: 'The plan\nhttps://media.example/plan.png',
    })
    expect(second && secondForm(second)).toBeUndefined()
  })

  test.each([
    ['sms:447700900000', 'sms'],
    ['sms:Acme', 'sms'],
    ['sms:15557122661', 'mms'],
    ['sms:12345', 'mms'],
  ])('from %s to a person in the United States goes by %s', async (identity, channel) => {
    await using set = await stage()
    const endpoint = { ...endpoints.mms, identity }
    const [content] = contentsOf({ ...image }, endpoint)
    const parts = content ? set.runtime.render(content, endpoint) : []
    expect(parts).toMatchObject([{ args: { channel } }])
  })

  test('by MMS has an SMS as its second form', async () => {
    await using set = await stage()
    const [part] = set.runtime.render(image, endpoints.mms)
    expect(part?.args).toMatchObject({ channel: 'mms' })
    expect(part && secondForm(part)?.args).toMatchObject({ channel: 'sms', message_type: 'text' })
  })

  test('above buttons is left out in the second form', async () => {
    await using set = await stage()
    const actions = [{ action: 'Postback' as const, title: 'Buy', payload: 'buy' }]
    const card = { type: 'card', title: 'Mug', image: image.image, actions } as const
    const [content] = contentsOf({ ...card, actions: [...actions] }, endpoints.whatsApp)
    const [part] = content ? set.runtime.render(content, endpoints.whatsApp) : []
    const second = part && secondForm(part)
    expect(second?.args).toMatchObject({ custom: { interactive: { type: 'button', body: { text: 'Mug' } } } })
    expect(JSON.stringify(second)).not.toContain('plan.png')
    expect(second && secondForm(second)).toBeUndefined()
  })
})

describe('a message of a person', () => {
  const said = (value: { message: string; host?: string }) => ({ context: { value, at: new Date() } })

  test('is marked as read, at the region that has it, and with an indicator', async () => {
    await using set = await stage()
    const context = set.context(said({ message: 'a-b-c', host: 'api-eu.nexmo.com' }))
    await set.runtime.markRead?.(context)
    await set.runtime.indicateTyping?.(context)
    expect(set.provider.calls.map(({ method, path, body }) => [method, path, JSON.parse(body)])).toEqual([
      ['PATCH', '/v1/messages/a-b-c', { status: 'read' }],
      ['PATCH', '/v1/messages/a-b-c', { status: 'read', replying_indicator: { show: true, type: 'text' } }],
    ])
  })

  test('is marked where its region is, unless the operator has another address', async () => {
    const asked: string[] = []
    const options = {
      apiBaseUrl: 'https://api.nexmo.com',
      sandboxBaseUrl: 'https://messages-sandbox.nexmo.com',
    }
    const { runtime } = await import('./runtime.js')
    const { markRead } = runtime({
      ...{ options, logger: { ...console } },
      fetch: async (input) => {
        asked.push(String(input))
        return new Response('{}')
      },
    })
    await using set = await stage()
    for (const host of ['api-eu.nexmo.com', 'evil.example', undefined])
      await markRead?.(set.context(said({ message: 'a/../b', ...(host !== undefined && { host }) })))
    expect(asked).toEqual([
      'https://api-eu.nexmo.com/v1/messages/a%2F..%2Fb',
      'https://api.nexmo.com/v1/messages/a%2F..%2Fb',
      'https://api.nexmo.com/v1/messages/a%2F..%2Fb',
    ])
  })

  test('is not marked before there is one, and not elsewhere than on WhatsApp', async () => {
    await using set = await stage()
    await set.runtime.markRead?.(set.context())
    await set.runtime.markRead?.(set.context({ ...said({ message: 'a-b-c' }), endpoint: endpoints.sms }))
    expect(set.provider.calls).toEqual([])
  })
})
