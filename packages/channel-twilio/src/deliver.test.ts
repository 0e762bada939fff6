import { inspect } from 'node:util'
import { FailureError } from '@plugboard/core'
import { describe, expect, test } from 'vitest'
import { fakeTwilio } from '../test/fake-twilio.js'
import { config, endpoints, stage, webhookUrl } from '../test/stage.js'
import { clientOf, connect, HttpClient } from './api.js'

const hello = { type: 'text', text: 'hello' }

describe('a message', () => {
  test('goes from the number that the person wrote to, and says where its status goes', async () => {
    await using set = await stage({ numbers: [endpoints.sms.identity] })
    await set.send(hello)
    expect(set.provider.messages).toMatchObject([
      {
        to: '+14155550123',
        from: '+15557122661',
        body: 'hello',
        messagingServiceSid: undefined,
        statusCallback: `${webhookUrl}?delivery=delivery-1`,
      },
    ])
    expect(set.provider.calls[0]).toMatchObject({
      method: 'POST',
      path: `/2010-04-01/Accounts/${config.accountSID}/Messages.json`,
    })
  })

  test.each([
    ['SMS', endpoints.sms, '+15550001111'],
    ['WhatsApp', endpoints.whatsApp, 'whatsapp:+15550001111'],
  ])('for an endpoint without a number of ours goes from the configured one by %s', async (_, base, from) => {
    await using set = await stage({ config: { from: '+15550001111' } })
    await set.send(hello, { endpoint: { ...base, identity: '*' } })
    expect(set.provider.messages).toMatchObject([{ from }])
  })

  test('goes through the messaging service, which picks the number if there is none', async () => {
    const messagingServiceSid = `MG${'0a'.repeat(16)}`
    await using set = await stage({ config: { messagingServiceSid } })
    await set.send(hello)
    await set.send(hello, { endpoint: { ...endpoints.sms, identity: '*' } })
    expect(set.provider.messages).toMatchObject([
      { messagingServiceSid, from: '+15557122661' },
      { messagingServiceSid, from: undefined },
    ])
  })

  test('without any number to go from is not sent', async () => {
    await using set = await stage()
    const sending = set.send(hello, { endpoint: { ...endpoints.sms, identity: '*' } })
    expect(set.runtime.classify(await sending.catch((error: unknown) => error))).toMatchObject({
      kind: 'invalid',
    })
    expect(set.provider.calls).toEqual([])
  })

  test.each([
    ['http://localhost:3100/webhooks/v1/acme/twilio'],
    ['http://127.0.0.1:3100/webhooks/v1/acme/twilio'],
    ['http://[::1]:3100/webhooks/v1/acme/twilio'],
    ['https://my_hub.example/webhooks/v1/acme/twilio'],
    ['no url'],
  ])('has no status callback where Twilio would refuse it: %s', async (url) => {
    await using set = await stage()
    await set.send(hello, { webhookUrl: url })
    expect(set.provider.messages).toMatchObject([{ statusCallback: undefined }])
  })

  test('has a delivery in the query of a webhook that has a query already', async () => {
    await using set = await stage()
    await set.send(hello, { webhookUrl: `${webhookUrl}?a=1`, deliveryId: 'a/b c' })
    expect(set.provider.messages).toMatchObject([{ statusCallback: `${webhookUrl}?a=1&delivery=a%2Fb%20c` }])
  })
})

describe('a refusal', () => {
  test.each([
    [21610, 'recipient'],
    [63016, 'window'],
    [21614, 'recipient'],
  ] as const)('with error %i is %s', async (code, kind) => {
    await using set = await stage({ unreachable: { [endpoints.sms.sender]: code } })
    const error: unknown = await set.send(hello).catch((thrown: unknown) => thrown)
    expect(set.runtime.classify(error)).toMatchObject({ kind })
  })

  test.each([
    ['sms', 'auth'],
    ['whatsApp', 'auth'],
  ] as const)('of a sender that is not ours by %s is %s', async (to, kind) => {
    await using set = await stage({ numbers: ['+19999999999'] })
    const error: unknown = await set
      .send(hello, { endpoint: endpoints[to] })
      .catch((thrown: unknown) => thrown)
    expect(set.runtime.classify(error)).toMatchObject({ kind })
  })

  const title = 'The blue one'
  const files = ['image', 'audio', 'video', 'file'].map((type) => ({
    type,
    [type]: 'https://x.example/a',
    title,
  }))
  test.each(
    [11751, 12300, 21620, 21621, 21670, 63005, 63019, 63021, 63034].flatMap((code) =>
      files.map((file) => [code, file] as const),
    ),
  )('of a file with error %i is followed by its address as text: %j', async (code, content) => {
    await using set = await stage({ refusedContent: code })
    await set.send(content, { endpoint: endpoints.whatsApp })
    const said = set.provider.messages.map(({ body }) => body).join('\n')
    expect(said).toBe(`${title}\nhttps://x.example/a`)
    expect(set.provider.messages.at(-1)).toMatchObject({
      ...{ mediaUrls: [], statusCallback: `${webhookUrl}?delivery=delivery-1&second=1` },
    })
  })

  test('of a place is followed by its name and a map as text', async () => {
    await using set = await stage({ refusedContent: 63005 })
    const place = { type: 'location', latitude: 52.5, longitude: 13.4, title: 'Hauptbahnhof' }
    await set.send(place, { endpoint: endpoints.whatsApp })
    const map = 'https://www.google.com/maps/search/?api=1&query=52.5,13.4'
    expect(set.provider.messages).toMatchObject([
      { body: `Hauptbahnhof\n${map}`, persistentAction: undefined },
    ])
  })

  test('of an address that is none is followed by it as text', async () => {
    await using set = await stage()
    await set.send({ type: 'image', image: 'picture.png' })
    expect(set.provider.messages).toMatchObject([{ body: 'picture.png' }])
  })

  test('of a text, or of its second form, says why', async () => {
    await using set = await stage({ refusedContent: 63013, unreachable: { [endpoints.sms.sender]: 63013 } })
    for (const content of [hello, { type: 'image', image: 'https://x.example/a.png' }]) {
      const calls = set.provider.calls.length
      const error: unknown = await set.send(content).catch((thrown: unknown) => thrown)
      const reason = 'the message violates the policy of the channel'
      expect(set.runtime.classify(error)).toMatchObject({
        kind: 'invalid',
        message: expect.stringContaining(reason),
      })
      expect(set.provider.calls.length - calls).toBe(content === hello ? 1 : 2)
    }
  })

  test('of a file whose address does not fit into a text is final', async () => {
    await using set = await stage({ refusedContent: 63019 })
    const image = `https://x.example/${'a'.repeat(1600)}.png`
    const error: unknown = await set.send({ type: 'image', image }).catch((thrown: unknown) => thrown)
    expect(set.runtime.classify(error)).toMatchObject({ kind: 'invalid' })
    expect(set.provider.calls).toHaveLength(1)
  })

  test.each(['unauthorized', 'server-error', 'reset', 'garbage', 'rate-limited'] as const)(
    'after %s leaves no trace of credentials or words in what is thrown',
    async (fault) => {
      await using set = await stage()
      set.provider.failWith(fault)
      const error: unknown = await set
        .send({ type: 'text', text: 'a private text' })
        .catch((thrown) => thrown)
      expect(error).toBeInstanceOf(FailureError)
      const basic = Buffer.from(`${config.accountSID}:${config.authToken}`).toString('base64')
      const all = inspect(error, { depth: 20, showHidden: true })
      for (const secret of [config.authToken, basic, 'a private text']) expect(all).not.toContain(secret)
    },
  )
})

test('an account that Twilio cannot have is refused without a call, with the name of its field', async () => {
  for (const accountSID of ['my-twilio-account-sid', 'AC/../../x', 'SK123']) {
    await using set = await stage({ config: { accountSID } })
    const error: unknown = await set.send(hello).catch((thrown: unknown) => thrown)
    expect(set.runtime.classify(error)).toMatchObject({ kind: 'auth', field: 'accountSID' })
    expect(set.provider.calls).toEqual([])
  }
})

test('an aborted delivery ends at once, and one that goes on beside it does not', async () => {
  await using set = await stage()
  set.provider.failWith('hang')
  const controller = new AbortController()
  const aborted = set.send(hello, { signal: controller.signal })
  const other = new AbortController()
  const beside = set.send(hello, { signal: other.signal }).catch((thrown: unknown) => thrown)
  controller.abort()
  const error: unknown = await aborted.catch((thrown: unknown) => thrown)
  expect(set.runtime.classify(error)).toMatchObject({ kind: 'ambiguous' })
  expect(await Promise.race([beside, 'goes on'])).toBe('goes on')
  other.abort()
  expect(await beside).toBeInstanceOf(FailureError)
})

test('a base URL with a path keeps it', async () => {
  await using set = await stage()
  const { twilio } = await import('./index.js')
  const host = { options: { apiBaseUrl: `${set.provider.url}/proxy` }, fetch, logger: console }
  const runtime = await twilio.load(host)
  const integration = {
    clientId: 'acme',
    id: 'integration-1',
    name: 'main',
    config,
    session: runtime.connect(config),
  }
  const [part] = runtime.render(hello, endpoints.sms)
  if (!part) throw new Error('no part')
  await expect(runtime.deliver(part, set.context({ integration }))).rejects.toBeInstanceOf(FailureError)
  expect(set.provider.calls[0]?.path).toBe(`/proxy/2010-04-01/Accounts/${config.accountSID}/Messages.json`)
})

test('the HTTP client that all share keeps neither credentials nor words of a call', async () => {
  const provider = await fakeTwilio()
  const http = new HttpClient(provider.url)
  const client = clientOf(connect(http)(config))
  const send = () =>
    client.messages.create({ to: '+14155550123', from: '+15557122661', body: 'a private text' })
  const traces = () => [http.lastRequest, http.lastResponse]
  await send()
  expect(traces()).toEqual([undefined, undefined])
  provider.failWith('reset')
  await expect(send()).rejects.toBeInstanceOf(FailureError)
  expect(traces()).toEqual([undefined, undefined])
  await provider.close()
})
