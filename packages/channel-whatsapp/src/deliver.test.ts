import { inspect } from 'node:util'
import { FailureError } from '@plugboard/core'
import { fakeProvider } from '@plugboard/core/testing'
import { describe, expect, test } from 'vitest'
import { config, endpoints, stage } from '../test/stage.js'

const hello = { type: 'text', text: 'hello' }
const thrown = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error) => error,
  )

describe('a message', () => {
  test('goes from the number of the integration, and carries the delivery that it is of', async () => {
    await using set = await stage()
    const [sent] = await set.send(hello)
    expect(set.provider.messages).toMatchObject([
      {
        ...{ by: config.phoneNumberId, recipient_type: 'individual', to: '16505551234' },
        ...{ type: 'text', text: { body: 'hello' }, biz_opaque_callback_data: 'delivery-1' },
      },
    ])
    expect(sent).toEqual({ providerMessageIds: [set.provider.messages[0]?.id] })
  })

  test.each([
    ['US.13491208655302741918', 'an id'],
    ['US.ENT.11815799212886844830', 'the id for linked businesses'],
  ])('to %s, which is %s, has it as the recipient and nothing in "to"', async (sender) => {
    await using set = await stage()
    await set.send(hello, { endpoint: { ...endpoints.person, sender } })
    expect(set.provider.messages[0]).toMatchObject({ recipient: sender })
    expect(set.provider.messages[0]).not.toHaveProperty('to')
  })

  test('to a group goes to the group', async () => {
    await using set = await stage()
    await set.send(hello, { endpoint: endpoints.group })
    expect(set.provider.messages).toMatchObject([{ recipient_type: 'group', to: endpoints.group.thread }])
  })

  test.each(['ada', '', 'us.123', 'US.1 2', 'US.'])(
    'to %j, which is no address, is not sent',
    async (sender) => {
      await using set = await stage()
      const error = await thrown(set.send(hello, { endpoint: { ...endpoints.person, sender } }))
      expect(set.runtime.classify(error)).toMatchObject({ kind: 'recipient' })
      expect(set.provider.calls).toEqual([])
    },
  )

  test('to a number that WhatsApp writes otherwise leads to how it writes it', async () => {
    await using set = await stage({ written: { 5511987654321: '551187654321' } })
    const endpoint = { ...endpoints.person, sender: '5511987654321' }
    expect(await set.send(hello, { endpoint })).toMatchObject([
      { movedTo: { ...endpoint, sender: '551187654321' } },
    ])
    const withPlus = { ...endpoints.person, sender: '+16505551234' }
    expect(await set.send(hello, { endpoint: withPlus })).toMatchObject([{ movedTo: endpoints.person }])
    for (const same of [endpoints.person, endpoints.hidden, endpoints.group])
      expect((await set.send(hello, { endpoint: same }))[0]).not.toHaveProperty('movedTo')
  })
})

describe('a file that WhatsApp does not fetch', () => {
  /** A server with a file, where the host's fetch leads to. */
  async function hosted(mime: string, body: string, status = 200) {
    const provider = await fakeProvider({
      answer: () => ({ status, headers: { 'content-type': mime }, body }),
    })
    const hostFetch: typeof fetch = (input, init) =>
      fetch(String(input).startsWith('https://files.example/') ? `${provider.url}/a` : input, init)
    return { hostFetch, [Symbol.asyncDispose]: () => provider.close() }
  }

  const image = 'https://files.example/plan.png'
  const content = { type: 'image', image, title: 'The plan' }

  test('is downloaded and uploaded', async () => {
    await using files = await hosted('image/png', 'bytes of a picture')
    await using set = await stage({ refusedLinks: 131053, fetch: files.hostFetch })
    await set.send(content)
    const [[id, file] = []] = set.provider.files
    expect(file).toEqual({ mime: 'image/png', body: 'bytes of a picture', name: 'plan.png' })
    expect(set.provider.messages).toMatchObject([
      { type: 'image', image: { id, caption: 'The plan' }, biz_opaque_callback_data: 'delivery-1.second' },
    ])
  })

  test('is a document if it has another type than wanted', async () => {
    await using files = await hosted('image/webp', 'bytes')
    await using set = await stage({ refusedLinks: 131053, fetch: files.hostFetch })
    await set.send(content)
    expect(set.provider.messages).toMatchObject([
      { type: 'document', document: { caption: 'The plan', filename: 'plan.png' } },
    ])
  })

  test.each([
    ['cannot be downloaded', 'image/png', 404, 'gone'],
    ['is a page', 'text/html', 200, '<h1>Sign in</h1>'],
    ['is too large', 'image/png', 200, 'x'.repeat(5 * 1024 * 1024 + 1)],
  ])('and %s is a text with its address', async (_, mime, status, body) => {
    await using files = await hosted(mime, body, status)
    await using set = await stage({ refusedLinks: 131053, fetch: files.hostFetch })
    await set.send(content)
    expect(set.provider.messages).toMatchObject([
      { type: 'text', text: { body: `The plan\n${image}` }, biz_opaque_callback_data: 'delivery-1.second' },
    ])
  })

  test('and refuses as an upload too, is a text with its address', async () => {
    await using files = await hosted('image/png', 'bytes')
    await using set = await stage({ refusedLinks: 131053, refusedUploads: 131053, fetch: files.hostFetch })
    await set.send(content)
    expect(set.provider.messages).toMatchObject([{ type: 'text', text: { body: `The plan\n${image}` } }])
  })

  test('is known later: the host gets the upload as the second form', async () => {
    await using files = await hosted('image/png', 'bytes')
    await using set = await stage({ fetch: files.hostFetch })
    const [part] = set.runtime.render(content, endpoints.person)
    const second = part && set.runtime.secondForm?.(part)
    if (!second) throw new Error('there is no second form')
    await set.runtime.deliver(second, set.context())
    expect(set.provider.messages).toMatchObject([
      { type: 'image', image: { caption: 'The plan' }, biz_opaque_callback_data: 'delivery-1' },
    ])
  })

  test('above buttons is an address in the text, and the buttons stay', async () => {
    await using set = await stage({ refusedLinks: 131053 })
    const actions = [{ action: 'Postback', title: 'Take it', payload: 'blue' }]
    await set.send({ type: 'card', title: 'Blue', image, actions })
    expect(set.provider.messages).toMatchObject([
      { type: 'interactive', interactive: { type: 'button', body: { text: `Blue\n${image}` } } },
    ])
    expect(set.provider.messages[0]).not.toHaveProperty('interactive.header')
  })

  test.each([
    ['image', 'image/png', {}],
    ['video', 'video/mp4', {}],
    ['document', 'application/pdf', { filename: 'plan.png' }],
  ])('above a template is uploaded: %s', async (type, mime, more) => {
    await using files = await hosted(mime, 'bytes')
    await using set = await stage({ refusedLinks: 131053, fetch: files.hostFetch })
    await set.send(templateWith(type))
    const [[id, file] = []] = set.provider.files
    expect(file).toMatchObject({ mime, body: 'bytes' })
    const header = { type: 'header', parameters: [{ type, [type]: { id, ...more } }] }
    const body = { type: 'body', parameters: [{ type: 'text', text: 'Ada' }] }
    expect(set.provider.messages).toMatchObject([
      { type: 'template', template: { components: [header, body] } },
    ])
  })

  test.each([
    ['cannot be downloaded', 'image/png', 404],
    ['has another type', 'image/webp', 200],
  ])('above a template, and %s, says why', async (_, mime, status) => {
    await using files = await hosted(mime, 'bytes', status)
    await using set = await stage({ refusedLinks: 131053, fetch: files.hostFetch })
    const failure = set.runtime.classify(await thrown(set.send(templateWith('image'))))
    expect(failure).toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('cannot be downloaded'),
    })
    expect(set.provider.messages).toEqual([])
  })

  const templateWith = (type: string) => ({
    ...{ type: 'template', name: 'your_plan', language: 'en_US' },
    components: [
      { type: 'header', parameters: [{ type, [type]: { link: image } }] },
      { type: 'body', parameters: [{ type: 'text', text: 'Ada' }] },
    ],
  })

  test('and has an address that does not fit into a text, says why', async () => {
    await using files = await hosted('image/png', 'gone', 404)
    await using set = await stage({ refusedLinks: 131053, fetch: files.hostFetch })
    const long = { call: 'message', args: { type: 'image', image: { link: `${image}?${'a'.repeat(4096)}` } } }
    const error = await thrown(set.runtime.deliver(long, set.context()))
    expect(set.runtime.classify(error)).toMatchObject({ kind: 'invalid' })
  })
})

describe('a refusal', () => {
  test.each([
    [131047, { kind: 'window' }],
    [131026, { kind: 'recipient' }],
    [131056, { kind: 'rate-limited', scope: 'endpoint', retryAfterMs: 6_000 }],
    [130429, { kind: 'rate-limited', scope: 'integration' }],
    [131049, { kind: 'recipient' }],
    [131031, { kind: 'auth' }],
    [133010, { kind: 'auth', field: 'phoneNumberId' }],
    [131016, { kind: 'transient' }],
    [131000, { kind: 'ambiguous' }],
    [131009, { kind: 'invalid' }],
  ])('with error %i is %j', async (code, failure) => {
    await using set = await stage({ unreachable: { [endpoints.person.sender]: code } })
    expect(set.runtime.classify(await thrown(set.send(hello)))).toMatchObject({
      ...failure,
      code: String(code),
    })
  })

  test('of a template says why', async () => {
    await using set = await stage({ templates: { order_update: 2 } })
    const send = (name: string, parameters: string[]) =>
      thrown(set.send({ type: 'template', name, language: 'de', parameters }))
    expect(set.runtime.classify(await send('order_update', ['one']))).toMatchObject({
      ...{ kind: 'invalid', code: '132000' },
      message: 'WhatsApp answered 400: the number of parameters is not that of the template',
    })
    expect(set.runtime.classify(await send('unknown', []))).toMatchObject({ kind: 'invalid', code: '132001' })
    expect(await send('order_update', ['one', 'two'])).toBeUndefined()
  })

  test.each(['unauthorized', 'server-error', 'reset', 'garbage', 'rate-limited'] as const)(
    'after %s leaves no trace of credentials or words in what is thrown',
    async (fault) => {
      await using set = await stage()
      set.provider.failWith(fault)
      const error = await thrown(set.send({ type: 'text', text: 'a private text' }))
      const all = inspect(error, { depth: 20, showHidden: true })
      for (const secret of [config.accessToken, config.appSecret ?? '', 'a private text'])
        expect(all).not.toContain(secret)
    },
  )

  test('of an answer without an id is ambiguous, because it may have been sent', async () => {
    const provider = await fakeProvider()
    const { whatsapp } = await import('./index.js')
    const options = { graphUrl: provider.url }
    const runtime = await whatsapp.load({ options, fetch, logger: console })
    await using set = await stage()
    const [part] = runtime.render(hello, endpoints.person)
    if (!part) throw new Error('no part')
    const error = await thrown(runtime.deliver(part, set.context()))
    expect(error).toBeInstanceOf(FailureError)
    expect(runtime.classify(error)).toMatchObject({ kind: 'ambiguous' })
    await provider.close()
  })
})

describe('a read mark', () => {
  const context = { value: { messageId: 'wamid.of-the-person' }, at: new Date() }

  test('is of the last message of the person', async () => {
    await using set = await stage()
    await set.runtime.markRead?.(set.context({ context }))
    await set.runtime.indicateTyping?.(set.context({ context }))
    expect(set.provider.reads).toEqual([
      { id: 'wamid.of-the-person', isTyping: false },
      { id: 'wamid.of-the-person', isTyping: true },
    ])
  })

  test('is not sent before the person has written, nor in a group', async () => {
    await using set = await stage()
    await set.runtime.markRead?.(set.context())
    await set.runtime.indicateTyping?.(set.context())
    await set.runtime.markRead?.(set.context({ context, endpoint: endpoints.group }))
    expect(set.provider.calls).toEqual([])
  })
})
