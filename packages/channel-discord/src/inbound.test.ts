import { readdirSync, readFileSync } from 'node:fs'
import type { InboundEvent, JsonObject } from '@plugboard/core'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { config, type Stage, stage } from '../test/stage.js'
import { Authors, parseDispatch } from './messages.js'

let on: Stage
beforeAll(async () => {
  on = await stage()
})
afterAll(() => on.close())

interface Recorded {
  messageContent?: boolean
  dispatches: { t: string; d: JsonObject }[]
  events: (Omit<InboundEvent, 'at'> & { at: string })[]
}

const folder = new URL('./fixtures/gateway/', import.meta.url)
const recordings = readdirSync(folder).map((file) => ({
  name: file.replace('.json', ''),
  ...(JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Recorded),
}))

/** What the events of one connection mean. */
function heard({ dispatches, messageContent: hasContent = true }: Recorded): InboundEvent[] {
  const authors = new Authors()
  return dispatches.flatMap(({ t, d }, i) =>
    parseDispatch(t, d, { self: '900001', id: `session-1:${i + 2}`, hasContent, authors }),
  )
}

describe('what the gateway sends means', () => {
  test.each(recordings)('$name', (recorded) => {
    expect(heard(recorded)).toEqual(
      recorded.events.map(({ at, ...event }) => ({ ...event, at: new Date(at) })),
    )
  })

  test('the same again, with the same keys', () => {
    for (const recorded of recordings) expect(heard(recorded)).toEqual(heard(recorded))
  })

  test('all that is well-formed, although something beside it is odd', () => {
    const file = (id: string, url: unknown) => ({ id, url, filename: `${id}.txt` })
    const web = 'https://cdn.discordapp.com/attachments/1/2/a.txt'
    const d = {
      ...{ id: '7', channel_id: '601', author: { id: '501', username: 'ada' }, content: 'Hi <@502>' },
      attachments: [file('1', web), file('2', null), null, file('3', web)],
      mentions: [{ id: 'odd' }, { id: '502', username: 'bob' }],
    }
    const about = { self: '900001', id: 's:1', hasContent: true, authors: new Authors() }
    expect(parseDispatch('MESSAGE_CREATE', d, about)).toMatchObject([
      { content: { title: 'Hi @bob', media: { name: '1.txt' } } },
      { content: { media: { name: '3.txt' } } },
    ])
  })

  test('something or INVALID, whatever is in it', () => {
    const names = [...new Set(recordings.flatMap(({ dispatches }) => dispatches.map(({ t }) => t)))]
    const fields = fc.dictionary(
      fc.constantFrom(
        'id',
        'channel_id',
        'author',
        'content',
        'attachments',
        'emoji',
        'user_id',
        'message_reference',
        'poll',
      ),
      fc.oneof(fc.jsonValue(), fc.constant('645027906669510667')),
    )
    fc.assert(
      fc.property(fc.constantFrom(...names), fields, (t, d) => {
        const about = { self: '1', id: 's:1', hasContent: true, authors: new Authors() }
        try {
          parseDispatch(t, d, about)
        } catch (error) {
          expect(error).toMatchObject({ code: 'INVALID' })
        }
      }),
    )
  })
})

describe('an interaction', () => {
  const parse = (body: object | string, method: 'POST' | 'GET' = 'POST') =>
    on.runtime.parse(
      {
        method,
        publicUrl: 'https://hub.example/',
        headers: { 'content-type': 'application/json' },
        body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
      },
      on.context().integration,
    )
  const interaction = (type: number, data: object, more: object = {}) => ({
    ...{
      id: '1443000004194304000',
      application_id: config.applicationId,
      type,
      token: 'a_token',
      version: 1,
      data,
    },
    ...{ channel_id: '601', user: { id: '501', username: 'ada' }, context: 1, ...more },
  })
  const answerTo = (body: object) => JSON.parse(parse(body).response.body ?? 'null')

  test('is answered at once, and replied to later', () => {
    expect(answerTo({ type: 1, application_id: config.applicationId })).toEqual({ type: 1 })
    expect(answerTo(interaction(2, { name: 'help', type: 1 }))).toEqual({ type: 5 })
    expect(answerTo(interaction(3, { custom_id: 'a', component_type: 2 }))).toEqual({ type: 6 })
    expect(answerTo(interaction(4, { name: 'help' }))).toEqual({ type: 8, data: { choices: [] } })
    expect(answerTo(interaction(5, { custom_id: 'form', components: [] }))).toEqual({ type: 5 })
    const message = { id: '7', channel_id: '601' }
    expect(answerTo(interaction(5, { custom_id: 'form', components: [] }, { message }))).toEqual({ type: 6 })
  })

  test('of another application is refused', () => {
    expect(() => parse(interaction(2, { name: 'help' }, { application_id: '1' }))).toThrow(/application_id/)
  })

  test('without a person is refused, and so is another method', () => {
    expect(() => parse(interaction(2, { name: 'help' }, { user: undefined }))).toThrow(/user/)
    expect(() => parse(interaction(2, { name: 'help' }), 'GET')).toThrow(/method/)
  })

  test('that clears a menu says nothing', () => {
    expect(parse(interaction(3, { custom_id: 'menu:0', component_type: 3, values: [] })).events).toEqual([])
  })

  test('keeps a token that cannot be part of an address to itself', () => {
    for (const token of ['..', 'a b', 'ümlaut', './x'])
      expect(parse(interaction(2, { name: 'help' }, { token })).events[0]).not.toHaveProperty('context')
  })

  test('without the data of its type is refused', () => {
    for (const type of [2, 3, 5]) expect(() => parse(interaction(type, {}))).toThrow(/data/)
  })
})

test('the author of a deleted message is known for the newest two thousand', () => {
  const authors = new Authors()
  for (let i = 0; i < 2001; i += 1) authors.add(`601:${i}`, '501')
  expect([authors.find('601:0'), authors.find('601:1'), authors.find('601:2000')]).toEqual([
    undefined,
    '501',
    '501',
  ])
})
