import type { InboundRequest } from '@plugboard/core'
import { slowness } from '@plugboard/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { webhookUrl } from '../test/stage.js'
import { textOfHtml } from './html.js'
import { parse } from './inbound.js'
import { emojiOf } from './reactions.js'

const bot = { id: '28:bot', name: 'Bot' }
const activity = (fields: object) => ({
  ...{ type: 'message', id: '1795334400000', timestamp: '2026-11-22T08:00:00.000Z', channelId: 'msteams' },
  ...{
    serviceUrl: 'https://smba.trafficmanager.net/emea/',
    from: { id: '29:ada', name: 'Ada' },
    recipient: bot,
  },
  ...{ conversation: { id: 'a:1', conversationType: 'personal' }, text: 'hi' },
  ...fields,
})
const request = (body: string, method: 'GET' | 'POST' = 'POST'): InboundRequest => ({
  method,
  publicUrl: webhookUrl,
  headers: {},
  body: Buffer.from(body),
})
const received = (fields: object) => parse(request(JSON.stringify(activity(fields))))
const events = (fields: object) => received(fields).events
const contents = (fields: object) =>
  events(fields).map((event) => ('content' in event ? event.content : undefined))

describe('a request', () => {
  test.each([
    ['that is a GET', request(JSON.stringify(activity({})), 'GET'), /method/],
    ['that is no JSON', request('{"type":'), /body/],
    ['that is a list', request('[]'), /body/],
    ['without a type', request(JSON.stringify(activity({ type: undefined }))), /body\.type.*required/],
    ['without an address', request(JSON.stringify(activity({ serviceUrl: undefined }))), /body\.serviceUrl/],
    [
      'without a conversation',
      request(JSON.stringify(activity({ conversation: undefined }))),
      /body\.conversation/,
    ],
    [
      'with an empty conversation',
      request(JSON.stringify(activity({ conversation: { id: '' } }))),
      /conversation\.id/,
    ],
    ['of another channel', request(JSON.stringify(activity({ channelId: 'webchat' }))), /channelId/],
    [
      'with a message without an id',
      request(JSON.stringify(activity({ id: undefined }))),
      /body\.id.*required/,
    ],
  ])('%s is INVALID, and its field is named', (_, bad, field) => {
    expect(() => parse(bad)).toThrow(
      expect.objectContaining({ code: 'INVALID', message: expect.stringMatching(field) }),
    )
  })

  test('without a person, or of a bot, is nothing', () => {
    for (const from of [undefined, null, {}, { id: '28:other' }, { id: '29:x', role: 'bot' }])
      expect(events({ from })).toEqual([])
  })

  test('has an empty 200 as its answer', () => {
    expect(received({}).response).toEqual({ status: 200 })
  })
})

describe('an event', () => {
  test('says where replies go, and who the person is', () => {
    const tenant = { id: 'tenant' }
    expect(events({ locale: 'de-DE', channelData: { tenant } })[0]).toMatchObject({
      endpoint: { identity: '*', sender: '29:ada', thread: 'a:1' },
      person: { name: 'Ada', locale: 'de-DE' },
      context: { serviceUrl: 'https://smba.trafficmanager.net/emea/', tenantId: 'tenant' },
      at: new Date('2026-11-22T08:00:00.000Z'),
    })
  })

  test('without a time that can be read has none', () => {
    for (const timestamp of [undefined, '', 'yesterday', 7])
      expect(events({ timestamp })[0]?.at).toEqual(new Date(0))
  })

  test('of an installation has the same key from both activities, and another one an hour later', () => {
    const added = (timestamp: string) =>
      events({ type: 'conversationUpdate', id: 'f:1', timestamp, membersAdded: [bot] })[0]?.dedupeKey
    const installed = (timestamp: string) =>
      events({ type: 'installationUpdate', id: 'f:2', timestamp, action: 'add' })[0]?.dedupeKey
    expect(added('2026-11-22T08:00:01Z')).toBe(installed('2026-11-22T08:00:02Z'))
    expect(added('2026-11-22T08:00:01Z')).not.toBe(installed('2026-11-22T09:00:02Z'))
  })

  test('of an installation by nobody is of the person of the chat', () => {
    const members = [bot, { id: '29:ada' }]
    expect(events({ type: 'conversationUpdate', from: bot, membersAdded: members })).toMatchObject([
      { type: 'started', endpoint: { sender: '29:ada' } },
    ])
  })

  test('of each edit has a key of its own', () => {
    const edit = (timestamp: string) => events({ type: 'messageUpdate', timestamp })[0]?.dedupeKey
    expect(edit('2026-11-22T08:00:01Z')).toBe(edit('2026-11-22T08:00:01Z'))
    expect(edit('2026-11-22T08:00:01Z')).not.toBe(edit('2026-11-22T08:00:02Z'))
  })

  test('of each edit has a key that can be stored, whatever its time is', () => {
    const times = ['x'.repeat(5000), '\ud800', '\u0000']
    for (const timestamp of times)
      expect(events({ type: 'messageUpdate', timestamp })).toMatchObject([
        { dedupeKey: 'a:1/1795334400000:edited:' },
      ])
  })

  test('in a channel is about the same message, with the thread or without it', () => {
    const inPlace = (id: string) =>
      events({
        type: 'messageReaction',
        conversation: { id },
        replyToId: '7',
        reactionsAdded: [{ type: 'like' }],
      })[0]
    const keys = ['19:a@thread.tacv2', '19:a@thread.tacv2;messageid=7'].map(inPlace)
    expect(keys).toMatchObject(Array(2).fill({ messageKey: '19:a@thread.tacv2/7' }))
  })
})

describe('the words of a message', () => {
  const mention = (who: { id: string; name: string }, text = `<at>${who.name}</at>`) => ({
    ...{ type: 'mention', mentioned: who, text },
  })

  test.each([
    ['leave out the bot, wherever it is', '<at>Bot</at> help <at>Bot</at>', 'help'],
    ['name others', '<at>Bot</at> ask <at>Ada L.</at>!', 'ask @Ada L.!'],
    ['keep a tag that nobody sent as a mention', 'a <at>Eve</at>', 'a @Eve'],
    ['keep signs', '1 < 2 && <b>', '1 < 2 && <b>'],
    ['have line feeds', 'a\r\nb\rc', 'a\nb\nc'],
  ])('%s', (_, text, expected) => {
    const entities = [mention(bot), mention({ id: '29:ada', name: 'Ada L.' })]
    expect(contents({ text, entities })).toEqual([{ type: 'text', text: expected }])
  })

  test('leave out the bot also where Teams does not repeat its tag, as for a name with an ampersand', () => {
    const recipient = { id: '28:bot', name: 'R&D Bot' }
    const entities = [
      { type: 'mention', mentioned: recipient },
      { type: 'mention', mentioned: { id: '29:ada', name: 'Ada & Co' } },
    ]
    for (const tag of ['<at>R&amp;D Bot</at>', '<at>R&D Bot</at>'])
      expect(contents({ recipient, entities, text: `${tag} ask <at>Ada &amp; Co</at>` })).toEqual([
        { type: 'text', text: 'ask @Ada & Co' },
      ])
  })

  test('do not repeat the message that they quote', () => {
    const quote = '<blockquote itemtype="http://schema.skype.com/Reply" itemid="7"><p>Which?</p></blockquote>'
    expect(contents({ text: `${quote}This` })).toEqual([{ type: 'text', text: 'This', replyTo: 'a:1/7' }])
  })

  test('are read from the markup if there are no others', () => {
    const content = '<p>One &lt; two</p><ul><li>a</li></ul><emoji alt="👍"></emoji>'
    expect(contents({ text: '', attachments: [{ contentType: 'text/html', content }] })).toEqual([
      { type: 'text', text: 'One < two\na\n👍' },
    ])
  })
})

describe('an attachment', () => {
  const attached = (attachment: object) => contents({ text: '', attachments: [attachment] })[0]

  test.each([
    [
      'a video',
      { contentType: 'video/mp4', contentUrl: 'https://a.example/a' },
      { type: 'video', media: { mime: 'video/mp4' } },
    ],
    [
      'a picture without TLS',
      { contentType: 'image/png', contentUrl: 'http://a.example/a', name: 'a.png' },
      { type: 'text', text: '[png] a.png' },
    ],
    [
      'a picture in the message itself',
      { contentType: 'image/png', contentUrl: 'data:image/png;base64,AA==' },
      { type: 'text', text: '[png]' },
    ],
    [
      'a file without an address',
      { contentType: 'application/vnd.microsoft.teams.file.download.info', name: 'a.pdf' },
      { type: 'text', text: '[info] a.pdf' },
    ],
    [
      'a forwarded message that cannot be read',
      { contentType: 'messageReference', content: '{"' },
      { type: 'text', text: '[messagereference]' },
    ],
    [
      'a card of a kind that nobody knows',
      { contentType: 'application/vnd.microsoft.card.poll' },
      { type: 'text', text: '[poll card]' },
    ],
  ])('that is %s', (_, attachment, expected) => {
    expect(attached(attachment)).toMatchObject(expected)
  })

  test('that is odd costs nothing else', () => {
    expect(
      contents({ attachments: [7, null, {}, { contentType: 7 }], entities: [7, { type: 'mention' }] }),
    ).toEqual([{ type: 'text', text: 'hi' }])
  })
})

describe('an invoke', () => {
  const answer = (name: string | undefined, value: unknown = {}) => {
    const { status, body } = received({ type: 'invoke', name, value }).response
    return [status, body === undefined ? undefined : JSON.parse(body)]
  }

  test.each([
    ['adaptiveCard/action', 200, { statusCode: 200, type: 'application/vnd.microsoft.activity.message' }],
    ['task/fetch', 200, { task: { type: 'message' } }],
    ['composeExtension/query', 200, { composeExtension: { type: 'result', attachments: [] } }],
    ['application/search', 200, { statusCode: 200, value: { results: [] } }],
    ['signin/tokenExchange', 412, {}],
    ['unknown/invoke', 200, {}],
  ])('%s gets the answer of its kind', (name, status, body) => {
    expect(answer(name)).toMatchObject([status, body])
  })

  test.each(['task/submit', 'fileConsent/invoke', 'signin/verifyState'])(
    '%s gets an empty answer',
    (name) => {
      expect(answer(name)).toEqual([200, undefined])
    },
  )

  test('of a kind that nobody knows is a press, which names it', () => {
    expect(
      events({ type: 'invoke', name: 'unknown/invoke', value: undefined, text: undefined }),
    ).toMatchObject([{ type: 'choice', token: 'unknown/invoke' }])
  })
})

describe('what a button sends', () => {
  test.each([
    ['its token', { plugboard: 'token' }, 'token'],
    ['its token among what else a form has', { plugboard: 'token', note: 'a' }, 'token'],
    ['a text', 'yes', 'yes'],
    ['a number', 7, '7'],
    ['a token that is none', { plugboard: 7 }, '{"plugboard":7}'],
    ['an empty form', {}, '{}'],
    ['a text that cannot be stored', 'a\u0000', '"a\\u0000"'],
    ['half of a character', { plugboard: '\ud83d' }, '{"plugboard":"\\ud83d"}'],
  ])('is %s', (_, value, token) => {
    expect(events({ value })).toMatchObject([{ type: 'choice', token, label: 'hi' }])
  })

  test.each([[null], ['']])('may be nothing, and then it is a message: %s', (value) => {
    expect(events({ value })).toMatchObject([{ type: 'message', content: { text: 'hi' } }])
  })
})

test.each([
  ['like', '👍'],
  ['heart', '❤️'],
  ['1f440_eyes', '👀'],
  ['2705_whiteheavycheckmark', '✅'],
  ['1f44b_wavinghand-tone1', '👋🏻'],
  ['1f468-200d-1f4bb_mantechnologist', '👨‍💻'],
  ['d83d_half', ':d83d_half:'],
  ['ffffff_none', ':ffffff_none:'],
  ['custom<emoji>', ':customemoji:'],
  ['', ':reaction:'],
])('the reaction %s is %s', (type, emoji) => {
  expect(emojiOf(type)).toBe(emoji)
})

test('markup of any form is read in time', () => {
  const piece = fc.constantFrom(
    '<',
    '>',
    '<at>',
    '</at>',
    '<img alt="',
    '<blockquote ',
    '"',
    '&',
    '&#',
    ';',
    'x',
    '\n',
    ' ',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const text = pieces.join('').repeat(2000).slice(0, 60_000)
      const started = performance.now()
      contents({ text, attachments: [{ contentType: 'text/html', content: text }] })
      textOfHtml(text)
      const taken = performance.now() - started
      if (taken > 500) expect(taken / slowness()).toBeLessThan(500)
    }),
    { numRuns: 30 },
  )
})
