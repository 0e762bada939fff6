import { readFileSync } from 'node:fs'
import type { InboundRequest } from '@plugboard/core'
import { describe, expect, test } from 'vitest'
import { botToken, webhookUrl } from '../test/stage.js'
import { parse } from './inbound.js'

const fixtureOf = (name: string) =>
  JSON.parse(readFileSync(new URL(`./fixtures/forms/${name}.json`, import.meta.url), 'utf8'))
const { fields: serviceMessages } = fixtureOf('service-messages') as { fields: object }
const { updates: otherUpdates } = fixtureOf('other-updates') as { updates: object }

const config = { botToken }
const request = (body: unknown): InboundRequest => ({
  method: 'POST',
  publicUrl: webhookUrl,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
})
const read = (update: object) => parse(request({ update_id: 7, ...update }), { config })

const from = { id: 501, is_bot: false, first_name: 'Ada' }
const chat = { id: 501, type: 'private' }
const message = (fields: object) => ({
  message: { message_id: 1, date: 1_795_334_400, from, chat, ...fields },
})
const photoBlock = (_: unknown, i: number) => ({
  type: 'photo',
  photo: [{ file_id: `p${i}`, width: 1, height: 1 }],
})
const contentOf = (fields: object) =>
  read(message(fields)).events.map((event) => 'content' in event && event.content)

describe('a request', () => {
  test.each([
    ['no JSON', '{"update_id":'],
    ['a list', '[]'],
    ['no id', '{}'],
    ['an id that is a text', '{"update_id":"7"}'],
    ['a message without a room', '{"update_id":7,"message":{"message_id":1,"date":0}}'],
    ['a message beyond all time', '{"update_id":7,"message":{"message_id":1,"date":1e15,"chat":{"id":1}}}'],
  ])('that holds %s is invalid, and not quoted', (_, body) => {
    expect(() => parse(request(body), { config })).toThrow(expect.objectContaining({ code: 'INVALID' }))
  })
})

describe('a pressed button', () => {
  const pressed = (fields: object) => read({ callback_query: { id: '99', from, ...fields } })

  test('is answered in the answer to its update', () => {
    const { response } = pressed({ data: 'c:1', message: { message_id: 1, date: 0, chat } })
    expect(JSON.parse(response.body ?? '')).toEqual({
      method: 'answerCallbackQuery',
      callback_query_id: '99',
    })
    expect(response).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } })
  })

  test('of a message that is too old to be shown still counts', () => {
    const { events } = pressed({ data: 'c:1', message: { message_id: 1, date: 0, chat } })
    expect(events).toMatchObject([{ type: 'choice', token: 'c:1', at: new Date(0) }])
    expect(events[0]).not.toHaveProperty('label')
  })

  test('of another program has the value that it gave', () => {
    const markup = { inline_keyboard: [[{ text: 'Yes', callback_data: '{"a":1}' }]] }
    const message = { message_id: 1, date: 7, chat, reply_markup: markup }
    const { events } = pressed({ data: '{"a":1}', message })
    expect(events).toMatchObject([{ token: '{"a":1}', label: 'Yes', refersTo: `${chat.id}:1` }])
  })

  test('of a game has its name as the value', () => {
    const { events, response } = pressed({
      game_short_name: 'chess',
      message: { message_id: 1, date: 7, chat },
    })
    expect(events).toMatchObject([{ type: 'choice', token: 'chess' }])
    expect(response.body).toContain('answerCallbackQuery')
  })

  test('of a message that was sent in inline mode is one in the chat with the person', () => {
    const { events } = pressed({ inline_message_id: 'AAQ', data: 'c:1' })
    const endpoint = { identity: '*', sender: String(from.id), thread: String(from.id) }
    expect(events).toMatchObject([
      { type: 'choice', token: 'c:1', refersTo: 'AAQ', endpoint, at: new Date(0) },
    ])
  })

  test('without a value is answered, and means nothing', () => {
    const { events, response } = pressed({ message: { message_id: 1, date: 7, chat } })
    expect(events).toEqual([])
    expect(response.body).toContain('answerCallbackQuery')
  })
})

describe('a message', () => {
  test.each([
    'dice',
    'poll',
    'game',
    'invoice',
    'story',
    'paid_media',
    'checklist',
    'giveaway',
    'web_app_data',
    'rich_message',
    'hologram',
  ])('of the kind %s without its content is said to be one', (kind) => {
    expect(contentOf({ [kind]: 7 })).toEqual([{ type: 'text', text: `[${kind}]` }])
  })

  test('that is sent again is the same one, though its parts are many', () => {
    const blocks = [{ type: 'paragraph', text: 'Look' }, ...Array.from({ length: 60 }, photoBlock)]
    const keysOf = () => read(message({ rich_message: { blocks } })).events.map(({ dedupeKey }) => dedupeKey)
    expect(keysOf()).toEqual(keysOf())
    expect(new Set(keysOf()).size).toBe(51)
  })

  test('is read as deep as Telegram nests blocks and formatting', () => {
    let text: unknown = 'deep'
    let block: object = { type: 'paragraph', text: 'inner' }
    for (let i = 0; i < 16; i += 1) {
      text = [{ type: 'bold', text }]
      block = { type: 'list', items: [{ label: '•', blocks: [block] }] }
    }
    const blocks = [{ type: 'paragraph', text }, block]
    expect(contentOf({ rich_message: { blocks } })).toEqual([
      { type: 'text', text: `deep\n\n${'• '.repeat(16)}inner` },
    ])
  })

  test('that does not look as its kind should is said to be of it', () => {
    expect(contentOf({ photo: [] })).toEqual([{ type: 'text', text: '[photo]' }])
    expect(contentOf({ document: { file_id: '../../etc/passwd' } })).toEqual([
      { type: 'text', text: '[document]' },
    ])
    expect(contentOf({ location: { latitude: 'x' } })).toEqual([{ type: 'text', text: '[location]' }])
    expect(contentOf({ 'a b"c': 1 })).toEqual([{ type: 'text', text: '[message]' }])
    expect(contentOf({})).toEqual([{ type: 'text', text: '[message]' }])
  })

  test('of a contact with a card of its own is that card', () => {
    const vcard = 'BEGIN:VCARD\nVERSION:3.0\nFN:Charles\nEND:VCARD'
    expect(contentOf({ contact: { phone_number: '1', first_name: 'C', vcard } })).toEqual([
      { type: 'text', text: vcard },
    ])
  })

  test('of a sticker that moves and has no preview says so', () => {
    expect(contentOf({ sticker: { file_id: 'x', is_video: true } })).toEqual([
      { type: 'text', text: '[sticker]' },
    ])
  })

  test('of a gif that is one is an image', () => {
    const animation = { file_id: 'x', mime_type: 'image/gif' }
    expect(contentOf({ animation })).toEqual([{ type: 'image', media: { ref: 'x', mime: 'image/gif' } }])
  })

  test('that looks like a command, and is none, is a text', () => {
    for (const text of ['/starting', 'please /start', '/help', '/start/now']) {
      expect(read(message({ text })).events).toMatchObject([
        { type: 'message', content: { type: 'text', text } },
      ])
    }
  })

  test('of another bot, or of nobody, means nothing', () => {
    expect(read(message({ text: 'x', from: { ...from, is_bot: true } })).events).toEqual([])
    expect(read(message({ text: 'x', from: undefined })).events).toEqual([])
    expect(read({ edited_message: { ...message({ text: 'x' }).message, from: undefined } }).events).toEqual(
      [],
    )
  })
})

describe('a service message', () => {
  test.each(Object.entries(serviceMessages))('of the kind %s is no message', (field, value) => {
    for (const kind of ['message', 'edited_message']) {
      const { events } = read({ [kind]: message({ [field]: value }).message })
      expect(events.filter(({ type }) => type !== 'renamed')).toEqual([])
    }
  })

  test('is none although Telegram repeats it in fields of old versions', () => {
    const bob = { id: 502, is_bot: false, first_name: 'Bob' }
    const joined = { new_chat_participant: bob, new_chat_member: bob, new_chat_members: [bob] }
    expect(contentOf(joined)).toEqual([])
    expect(contentOf({ left_chat_participant: bob, left_chat_member: bob })).toEqual([])
  })

  test('is a message if it has words that a person wrote to the bot', () => {
    expect(contentOf({ an_event_that_is_added: {}, caption: 'For you' })).toEqual([
      { type: 'text', text: '[an_event_that_is_added] For you' },
    ])
  })
})

describe('an update', () => {
  test.each(Object.entries(otherUpdates))('of the kind %s means nothing', (kind, value) => {
    expect(read({ [kind]: value })).toEqual({ events: [], response: { status: 200 } })
  })

  test('that the bot was taken out of a group counts as blocked, and that it got rights does not', () => {
    const member = (status: string) => ({
      my_chat_member: {
        chat: { id: -4001 },
        from,
        date: 1,
        old_chat_member: {},
        new_chat_member: { status },
      },
    })
    expect(read(member('left')).events).toMatchObject([{ type: 'blocked', endpoint: { thread: '-4001' } }])
    for (const status of ['member', 'administrator', 'restricted'])
      expect(read(member(status)).events).toEqual([])
  })

  test('of a reaction in the name of a channel is of that channel', () => {
    const reaction = {
      chat: { id: -4001 },
      message_id: 3,
      date: 1,
      old_reaction: [],
      new_reaction: [{ type: 'paid' }],
    }
    const { events } = read({ message_reaction: { ...reaction, actor_chat: { id: -100, title: 'News' } } })
    expect(events).toMatchObject([
      {
        type: 'reaction',
        emoji: 'paid',
        messageKey: '-4001:3',
        person: { name: 'News' },
        endpoint: { sender: '-100' },
      },
    ])
    expect(read({ message_reaction: { ...reaction, user: { ...from, is_bot: true } } }).events).toEqual([])
  })

  test('of more reactions than a person can have is read as far as it is likely', () => {
    const reactions = (prefix: string) =>
      Array.from({ length: 1_000 }, (_, i) => ({ type: 'emoji', emoji: `${prefix}${i}` }))
    const reaction = { chat: { id: 1 }, message_id: 3, date: 1, user: from }
    const { events } = read({
      message_reaction: { ...reaction, old_reaction: reactions('a'), new_reaction: reactions('b') },
    })
    expect(events).toHaveLength(200)
  })
})
