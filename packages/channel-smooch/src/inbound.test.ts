import { describe, expect, test } from 'vitest'
import { ADA, CONVERSATION, messageEvent, webhookRequest } from '../test/smooch-requests.js'
import { config, endpoint } from '../test/stage.js'
import { connect } from './api.js'
import { parse } from './inbound.js'

const base = 'https://api.smooch.io'
const integration = { clientId: 'acme', id: 'integration-1', name: 'main', config, session: connect(config) }
const read = (request: Parameters<ReturnType<typeof parse>>[0]) => parse({})(request, integration)
const eventsOf = (...events: Parameters<typeof webhookRequest>[0]) => read(webhookRequest(events)).events
const said = (content: object, more = {}) => eventsOf(messageEvent(content, more))

describe('a request', () => {
  test('is thanked for with 200', () => {
    expect(read(webhookRequest([])).response).toEqual({ status: 200 })
  })

  test('of another app is refused', () => {
    expect(() => read(webhookRequest([], 'ffffffffffffffffffffffff'))).toThrow('app.id')
  })

  test.each(['{}', '[]', '{"app":{"id":"5d8cff3cd55b040010928b5b"}}', '{"app":', 'null'])(
    'that is %s is refused',
    (body) => {
      const request = { ...webhookRequest([]), body: Buffer.from(body) }
      expect(() => read(request)).toThrow(expect.objectContaining({ code: 'INVALID' }))
    },
  )

  test('has its events in order, and a malformed one harms no other', () => {
    const text = (text: string) => messageEvent({ type: 'text', text })
    const malformed = [
      { type: 'conversation:message', payload: {} },
      { type: 'conversation:message', payload: { conversation: CONVERSATION, message: null } },
      {
        type: 'conversation:postback',
        payload: { conversation: CONVERSATION, user: ADA, postback: { payload: 7 } },
      },
      { id: '', type: 'conversation:read', payload: {} },
    ]
    const events = eventsOf(text('one'), ...malformed, text('two'))
    expect(events).toMatchObject([{ content: { text: 'one' } }, { content: { text: 'two' } }])
  })

  test('of something that means nothing here has no events', () => {
    const types = [
      'client:add',
      'conversation:join',
      'switchboard:passControl',
      'user:update',
      'of:the:future',
    ]
    expect(eventsOf(...types.map((type) => ({ type, payload: {} })))).toEqual([])
  })
})

describe('a message', () => {
  test('is in the conversation and of the person', () => {
    expect(said({ type: 'text', text: 'hi' })).toMatchObject([
      { type: 'message', endpoint, at: new Date('2026-11-22T13:00:00.100Z'), person: { name: 'Ada' } },
    ])
  })

  test('of the business is its own', () => {
    const author = { type: 'business', displayName: 'Agent' }
    expect(said({ type: 'text', text: 'hi' }, { author })).toEqual([])
  })

  test.each<[string, object, object]>([
    ['an empty text', { type: 'text' }, { type: 'text', text: '[empty message]' }],
    ['a kind of the future', { type: 'hologram' }, { type: 'text', text: '[hologram]' }],
    ['a kind of the future with words', { type: 'hologram', text: 'hi' }, { type: 'text', text: 'hi' }],
    ['a kind with marks', { type: '*]()*<b>' }, { type: 'text', text: '[b]' }],
    [
      'a public file',
      {
        type: 'image',
        mediaUrl: 'https://media.smooch.io/a.jpg',
        mediaType: 'image/jpeg',
        mediaSize: 7,
        text: 'Look',
      },
      { type: 'image', url: 'https://media.smooch.io/a.jpg', mime: 'image/jpeg', size: 7, title: 'Look' },
    ],
    [
      'a file at the API',
      {
        type: 'file',
        mediaUrl: `${base}/attachments/a.pdf`,
        altText: 'bill.pdf',
        mediaType: 'application/pdf',
      },
      {
        type: 'file',
        media: { ref: `${base}/attachments/a.pdf`, mime: 'application/pdf', name: 'bill.pdf' },
      },
    ],
    [
      'a film',
      { type: 'file', mediaUrl: 'https://media.smooch.io/a.mp4', mediaType: 'video/mp4' },
      { type: 'video', url: 'https://media.smooch.io/a.mp4', mime: 'video/mp4' },
    ],
    [
      'a file at no web address',
      { type: 'file', mediaUrl: 'file:///etc/passwd' },
      { type: 'text', text: '[file]' },
    ],
    [
      'a file at an address with a password',
      { type: 'file', mediaUrl: 'https://a:b@api.smooch.io/x' },
      { type: 'text', text: '[file]' },
    ],
    [
      'a place outside of the world',
      { type: 'location', coordinates: { lat: 91, long: 0 } },
      { type: 'text', text: '[location]' },
    ],
    [
      'the place zero',
      { type: 'location', coordinates: { lat: 0, long: 0 } },
      { type: 'location', latitude: 0, longitude: 0 },
    ],
    [
      'a form without a summary',
      {
        type: 'formResponse',
        fields: [
          { type: 'email', name: 'mail', label: 'Mail', email: 'ada@acme.example' },
          { type: 'select', name: 'size', label: 'Size', select: [{ name: 'm', label: 'Medium' }] },
          null,
        ],
      },
      {
        type: 'text',
        text: 'Mail: ada@acme.example\nSize: Medium',
        form: { mail: 'ada@acme.example', size: ['m'] },
      },
    ],
    [
      'answers of a form that are no words',
      {
        type: 'formResponse',
        fields: [
          { type: 'text', name: 'a', label: 'A', text: { toString: 'x' } },
          { type: 'select', name: 'b', label: 'B', select: [{ name: 'm', label: { toString: 'x' } }, null] },
          { type: 'text', name: '__proto__', label: 'C', text: 7 },
        ],
      },
      { type: 'text', text: 'A: \nB: , \nC: 7', form: { a: { toString: 'x' }, b: ['m', null] } },
    ],
    ['an empty form', { type: 'formResponse', fields: [] }, { type: 'text', text: '[form]', form: {} }],
  ])('with %s is read', (_, content, expected) => {
    expect(said(content)).toMatchObject([{ type: 'message', content: expected }])
  })

  test('of another host than the API is not fetched with its credentials', () => {
    for (const url of ['https://api.smooch.io.evil.example/a', 'https://evil.example/api.smooch.io'])
      expect(said({ type: 'image', mediaUrl: url })).toMatchObject([{ content: { url } }])
  })

  test('names the message that it quotes', () => {
    const quotedMessage = { type: 'message', message: { id: '5d8cff3cd55b0400' } }
    expect(said({ type: 'text', text: 'this' }, { quotedMessage })).toMatchObject([
      { refersTo: '5d8cff3cd55b0400', content: { replyTo: '5d8cff3cd55b0400' } },
    ])
  })

  test('that was deleted is deleted', () => {
    expect(said({ type: 'text', text: '' }, { id: 'm1', deleted: true })).toMatchObject([
      { type: 'deleted', messageKey: 'm1' },
    ])
  })

  test('has the profile of the person, if the webhook includes it', () => {
    const profile = { givenName: 'Ada', surname: 'Lovelace', email: 'ada@acme.example', locale: 'en-GB' }
    const author = { type: 'user', userId: ADA.id, user: { ...ADA, profile } }
    expect(said({ type: 'text', text: 'hi' }, { author })[0]?.person).toEqual({
      ...{ name: 'Ada Lovelace', email: 'ada@acme.example', locale: 'en-GB' },
    })
  })
})

describe('two users who are one person', () => {
  const [surviving, discarded] = [{ id: 'a'.repeat(24) }, { id: 'b'.repeat(24) }]
  const merged = (more: object) =>
    eventsOf({
      type: 'user:merge',
      payload: { mergedUsers: { surviving, discarded }, reason: 'channelLinking', ...more },
    })

  test('have both ids from then on', () => {
    expect(merged({})).toMatchObject([
      {
        endpoint: { sender: surviving.id, thread: '*' },
        aliases: [{ sender: discarded.id }],
        until: new Date(0),
      },
    ])
  })

  test('have one conversation, if there were two', () => {
    const mergedConversations = { surviving: { id: 'c1' }, discarded: { id: 'c2' } }
    expect(merged({ mergedConversations })).toMatchObject([
      {
        type: 'renamed',
        endpoint: { sender: surviving.id, thread: 'c2' },
        to: { sender: surviving.id, thread: 'c1' },
      },
      { aliases: [{ sender: discarded.id }], endpoint: { thread: 'c1' } },
    ])
  })
})
