import type { InboundRequest } from '@plugboard/core'
import { handshakeUrl, signWebhook } from '@plugboard/graph-api/testing'
import { describe, expect, test } from 'vitest'
import { config, stage, webhookUrl } from '../test/stage.js'
import { parse } from './inbound.js'

const post = (body: unknown): InboundRequest => ({
  ...{ method: 'POST', publicUrl: webhookUrl, headers: {} },
  body: Buffer.from(JSON.stringify(body)),
})
const metadata = { display_phone_number: '15550783881', phone_number_id: config.phoneNumberId }
const notification = (value: object, field = 'messages'): { object: string; entry: object[] } => ({
  object: 'whatsapp_business_account',
  entry: [{ id: '102290129340398', changes: [{ field, value: { metadata, ...value } }] }],
})
const eventsOf = (value: object, field?: string) => parse(post(notification(value, field)), { config }).events
const text = {
  id: 'wamid.1',
  from: '16505551234',
  timestamp: '1749416383',
  type: 'text',
  text: { body: 'hi' },
}
const eventsOfMessage = (change: object) => eventsOf({ messages: [{ ...text, ...change }] })

describe('parse', () => {
  test('answers 200 without a body, and the handshake with its challenge', () => {
    expect(parse(post(notification({})), { config }).response).toEqual({ status: 200 })
    const get: InboundRequest = {
      ...{ method: 'GET', headers: {}, body: Buffer.alloc(0) },
      publicUrl: handshakeUrl(webhookUrl, config.verifyToken ?? '', '42'),
    }
    expect(parse(get, { config })).toMatchObject({ events: [], response: { status: 200, body: '42' } })
  })

  test.each([
    [{}],
    [{ object: 'page', entry: [] }],
    [[]],
    ['text'],
    [{ object: 'whatsapp_business_account' }],
  ])('refuses %j, which is no notification of WhatsApp', (body) => {
    expect(() => parse(post(body), { config })).toThrow(expect.objectContaining({ code: 'INVALID' }))
  })

  test.each([
    ['no id', { id: undefined }],
    ['an id with NUL', { id: 'wamid.\u0000' }],
    ['no sender', { from: undefined }],
    ['a sender that is none', { from: 'Ada' }],
    ['an endless sender', { from: '1'.repeat(300) }],
  ])('skips a message with %s, and keeps the next', (_, change) => {
    const events = eventsOf({
      messages: [
        { ...text, ...change },
        { ...text, id: 'wamid.2' },
      ],
    })
    expect(events).toMatchObject([{ dedupeKey: 'wamid.2' }])
  })

  test.each([
    ['a time that is none', { timestamp: 'soon' }, { at: new Date(0) }],
    ['a text that is none', { text: { body: 7 } }, { content: { type: 'text', text: '[text]' } }],
    ['an empty text', { text: { body: '' } }, { content: { type: 'text', text: '[text]' } }],
    ['a kind that is none', { type: '<b>' }, { content: { type: 'text', text: '[message]' } }],
    ['a kind that objects inherit', { type: 'constructor' }, { content: { text: '[constructor]' } }],
    [
      'a file with a path as its id',
      { type: 'image', image: { id: '../me' } },
      { content: { type: 'text', text: '[image]' } },
    ],
    [
      'a place outside of the world',
      { type: 'location', location: { latitude: 91, longitude: 0 } },
      { content: { type: 'text', text: '[location]' } },
    ],
    [
      'a form whose answers are no JSON',
      { type: 'interactive', interactive: { type: 'nfm_reply', nfm_reply: { response_json: '{' } } },
      { content: { type: 'form', text: '[form]', values: {} } },
    ],
    [
      'a form whose answers are nested too deep',
      {
        type: 'interactive',
        interactive: {
          type: 'nfm_reply',
          nfm_reply: { response_json: `${'{"a":'.repeat(200)}1${'}'.repeat(200)}` },
        },
      },
      { content: { type: 'text', text: '[nfm_reply]' } },
    ],
  ])('reads %s', (_, change, event) => {
    expect(eventsOfMessage(change)).toMatchObject([event])
  })

  test('knows a person by the id alone when the number is hidden', () => {
    const [event] = eventsOfMessage({ from: undefined, from_user_id: 'US.1349' })
    expect(event).toMatchObject({ endpoint: { sender: 'US.1349' } })
    expect(event).not.toHaveProperty('aliases')
    expect(event).not.toHaveProperty('person.phone')
  })

  test('takes a number only from a contact that the person shared as the own one', () => {
    const contacts = [{ phones: [{ phone: '+1 (650) 555-1234' }] }]
    const shared = { type: 'contacts', from: undefined, from_user_id: 'US.1349', contacts }
    const own = { sender: '16505551234', isReassignable: true }
    expect(eventsOfMessage({ ...shared, origin: 'contact_request' })[0]?.aliases).toContainEqual(own)
    expect(eventsOfMessage({ ...shared, origin: 'other' })[0]).not.toHaveProperty('aliases')
    expect(eventsOfMessage(shared)[0]).not.toHaveProperty('aliases')
    const two = { ...shared, origin: 'contact_request', contacts: [...contacts, ...contacts] }
    expect(eventsOfMessage(two)[0]).not.toHaveProperty('aliases')
  })

  test('takes the name of the person who wrote, not of another in the request', () => {
    const contacts = [
      { wa_id: '1999', profile: { name: 'Eve' } },
      { wa_id: '16505551234', profile: { name: 'Ada' } },
    ]
    expect(eventsOf({ contacts, messages: [text] })).toMatchObject([{ person: { name: 'Ada' } }])
    expect(
      eventsOf({ contacts: contacts.slice(0, 1), messages: [{ ...text, from: '15550000' }] }),
    ).toMatchObject([{ person: { name: 'Eve' } }])
  })
})

test('a status comes back for a message that was sent', async () => {
  await using set = await stage()
  await set.send({ type: 'text', text: 'hi' }, { deliveryId: '0123abc-def_9' })
  const [message] = set.provider.messages
  const status = {
    ...{ id: message?.id, status: 'read', timestamp: '1749416383', recipient_id: message?.to },
    biz_opaque_callback_data: message?.biz_opaque_callback_data,
  }
  expect(eventsOf({ statuses: [status] })).toMatchObject([
    { type: 'delivery', deliveryId: '0123abc-def_9', status: 'read' },
  ])
  expect(eventsOf({ statuses: [{ ...status, biz_opaque_callback_data: 'of another program' }] })).toEqual([])
})

describe('the one URL of the operator', () => {
  const operator = { appSecret: '0123456789abcdef', verifyToken: 'of the operator' }
  const signed = (body: unknown) => signWebhook(post(body), operator.appSecret)

  test('finds the numbers of a request, each once', async () => {
    await using set = await stage({ options: operator })
    const body = notification({ messages: [text, text] })
    const other = { ...metadata, phone_number_id: '7' }
    body.entry.push({
      id: '2',
      changes: [{ field: 'messages', value: { metadata: other, messages: [text] } }],
    })
    expect(await set.runtime.route?.(signed(body))).toEqual({
      ...{ verdict: { ok: true }, accounts: [config.phoneNumberId, '7'] },
    })
  })

  test('finds none in what is no notification of WhatsApp', async () => {
    await using set = await stage({ options: operator })
    for (const body of [{}, 'text', { object: 'page', entry: [] }])
      expect(await set.runtime.route?.(signed(body))).toEqual({ verdict: { ok: true }, accounts: [] })
  })

  test('answers the handshake with its own verify token', async () => {
    await using set = await stage({ options: operator })
    const get = (token: string): InboundRequest => ({
      ...{ method: 'GET', publicUrl: handshakeUrl(webhookUrl, token, '42'), headers: {} },
      body: Buffer.alloc(0),
    })
    expect(await set.runtime.route?.(get(operator.verifyToken))).toMatchObject({
      ...{ verdict: { ok: true }, response: { status: 200, body: '42' } },
    })
    expect(await set.runtime.route?.(get(config.verifyToken ?? ''))).toMatchObject({ verdict: { ok: false } })
  })

  test('does not exist without an app of the operator', async () => {
    await using set = await stage()
    expect(await set.runtime.route?.(signed(notification({})))).toBeUndefined()
  })
})

test('a configuration without a secret has no requests of its own', async () => {
  await using set = await stage({ config: { appSecret: undefined, verifyToken: undefined } })
  for (const secret of ['', 'undefined', config.appSecret ?? '']) {
    const request = signWebhook(post(notification({})), secret)
    expect(await set.runtime.verify(request, set.integration)).toEqual({ ok: false, reason: 'mismatch' })
  }
})
