import { readdirSync, readFileSync } from 'node:fs'
import {
  type Card,
  capabilitiesAt,
  degrade,
  type Endpoint,
  type Json,
  type JsonObject,
} from '@plugboard/core'
import { characters, contentSamples } from '@plugboard/core/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { messageFault } from '../test/message-rules.js'
import { endpoints, stage } from '../test/stage.js'
import { recipientOf } from './endpoint.js'
import { whatsapp } from './index.js'

const character = fc.nat(characters.max).map(characters.at, characters.indexOf)

/** A content as a bot posts it, and what WhatsApp is asked for, by where it goes. */
interface Sample {
  content: JsonObject
  requests: { person: JsonObject[]; group: JsonObject[] }
}

const folder = new URL('./fixtures/outbound/', import.meta.url)
const samples = readdirSync(folder).map((file): [string, Sample] => {
  return [file.replace('.json', ''), JSON.parse(readFileSync(new URL(file, folder), 'utf8'))]
})

let set: Awaited<ReturnType<typeof stage>>
beforeAll(async () => {
  set = await stage()
})
afterAll(() => set.provider.close())

/** Sends a payload as the host does, to a WhatsApp that refuses what the real one refuses, and tells what it was asked. */
async function requestsFor(payload: JsonObject, endpoint: Endpoint): Promise<JsonObject[]> {
  const before = set.provider.calls.length
  const capabilities = capabilitiesAt(whatsapp.capabilities, endpoint)
  for (const content of degrade(payload, capabilities)?.contents ?? []) await set.send(content, { endpoint })
  const common = ['messaging_product', 'recipient_type', 'to', 'biz_opaque_callback_data']
  return set.provider.calls.slice(before).map(({ body }) => {
    const request: JsonObject = JSON.parse(body)
    return Object.fromEntries(Object.entries(request).filter(([name]) => !common.includes(name)))
  })
}

describe('a content becomes the requests of its fixture', () => {
  for (const [name, { content, requests }] of samples) {
    test.each(['person', 'group'] as const)(`${name} to a %s`, async (to) => {
      expect(await requestsFor(content, endpoints[to])).toEqual(requests[to])
    })
  }

  test('there is one for each content type', () => {
    const types = new Set(samples.map(([, { content }]) => content.type))
    for (const { type } of contentSamples) expect(types).toContain(type)
  })
})

describe('what is long', () => {
  const words = (count: number) => Array.from({ length: count }, (_, i) => `word${i}`).join(' ')
  const choices = [{ title: 'Yes', value: 'y' }]

  test.each([
    ['a text', { type: 'text', text: words(2000) }],
    ['a Markdown text', { type: 'text', text: words(1200), markdown: true }],
    ['a caption', { type: 'image', image: 'https://media.example/picture.png', title: words(300) }],
    ['a question for buttons', { type: 'single-choice', text: words(300), choices }],
    ['a question for a list', { type: 'single-choice', text: words(900), choices }],
    ['a card', { type: 'card', title: words(300), image: 'https://media.example/picture.png', actions: [] }],
    [
      'a card with a link',
      {
        ...{ type: 'card', title: words(300) },
        actions: [{ action: 'Open URL', title: 'More', url: 'https://shop.example' }],
      },
    ],
    ['the name of a place', { type: 'location', latitude: 1, longitude: 2, title: words(200) }],
  ])('%s arrives whole', async (_, payload) => {
    const said = JSON.stringify(await requestsFor(payload, endpoints.person))
    const expected = JSON.stringify(payload).match(/word\d+/g)
    expect(said.match(/word\d+/g)).toEqual(expected)
  })

  test('a Markdown text that gets longer by its links is cut once more', async () => {
    const text = `${'[a] '.repeat(300)}\n\n[a]: https://shop.example/a/rather/long/path`
    const requests = await requestsFor({ type: 'text', text, markdown: true }, endpoints.person)
    expect(requests.length).toBeGreaterThan(3)
    expect(JSON.stringify(requests).match(/long\/path/g)).toHaveLength(300)
  })
})

describe('an interactive message in the words of the API', () => {
  const interactive = { type: 'request_contact_info', action: { name: 'request_contact_info' } }

  test('with a text that is too long is not sent, and says why', async () => {
    const long = { type: 'text', text: 'a'.repeat(1025), interactive }
    await expect(requestsFor(long, endpoints.person)).rejects.toThrow('at most 1024 characters')
  })

  test.each([
    ['no object', 'flow'],
    ['no type', { action: {} }],
    ['no action', { type: 'flow' }],
    ['a type that cannot be one', { type: 'Flow 7', action: {} }],
    ['a header that is none', { ...interactive, header: 'Hello' }],
  ])('that is none is a text: %s', async (_, given) => {
    const requests = await requestsFor({ type: 'text', text: 'Hello', interactive: given }, endpoints.person)
    expect(requests).toEqual([{ type: 'text', text: { body: 'Hello' } }])
  })
})

test.each([
  ['an image', { type: 'image', image: 'picture.png', title: 'The shirt' }, ['The shirt\npicture.png']],
  ['a file', { type: 'file', file: 'ftp://media.example/a.pdf' }, ['ftp://media.example/a.pdf']],
  ['sound', { type: 'audio', audio: 'song', title: 'The song' }, ['The song', 'song']],
])('%s without a web address is a text', async (_, payload, bodies) => {
  const requests = await requestsFor(payload, endpoints.person)
  expect(requests.map(({ text }) => text)).toMatchObject(bodies.map((body) => ({ body })))
})

test('a link that is no web address is a line, not a button', async () => {
  const card = {
    type: 'card',
    title: 'Call us',
    actions: [{ action: 'Open URL', title: 'Call', url: 'tel:+1555' }],
  }
  expect(await requestsFor(card, endpoints.person)).toEqual([
    { type: 'text', text: { body: 'Call us\nCall: tel:+1555' } },
  ])
})

describe('anything', () => {
  const anyText = fc.oneof(
    fc.string({ unit: character, maxLength: 3000 }),
    fc.string({ unit: 'grapheme', minLength: 900, maxLength: 1500 }),
    fc.string({ unit: fc.constantFrom(...'*_~`[]()<>#|\\-+!&;\n >.1Aש😀\u202e'), maxLength: 3000 }),
  )
  const anyLabel = fc.string({ unit: 'grapheme', maxLength: 30 })
  const anyAddress = fc.oneof(
    fc.webUrl(),
    fc.constantFrom(
      'https://media.example/a.png',
      'https://media.example/a.gif',
      'no address',
      'ftp://a.example',
    ),
  )
  const choices = (min: number) =>
    fc.array(fc.record({ title: anyLabel, value: fc.uuid() }), { minLength: min, maxLength: 12 })
  const actions: fc.Arbitrary<Card['actions']> = fc.array(
    fc.oneof(
      fc.record({ action: fc.constant('Postback' as const), title: anyLabel, payload: fc.uuid() }),
      fc.record({ action: fc.constant('Open URL' as const), title: anyLabel, url: anyAddress }),
    ),
    { maxLength: 5 },
  )
  const anyContent: fc.Arbitrary<object> = fc.oneof(
    fc.record({ type: fc.constant('text'), text: anyText, markdown: fc.boolean() }),
    fc.record({
      type: fc.constant('single-choice'),
      text: anyText,
      markdown: fc.boolean(),
      choices: choices(1),
    }),
    fc.record({ type: fc.constant('card'), title: anyText, subtitle: anyText, image: anyAddress, actions }),
    fc.record({ type: fc.constant('image'), image: anyAddress, title: anyText }),
    fc.record({ type: fc.constant('file'), file: anyAddress, title: anyText, choices: choices(0) }),
    fc.record({
      ...{ type: fc.constant('location'), title: anyText, address: anyText },
      latitude: fc.double({ min: -90, max: 90, noNaN: true }),
      longitude: fc.double({ min: -180, max: 180, noNaN: true }),
    }),
  )
  // The fake looks at the ending of an address in place of the file.
  const isShown = (payload: object): boolean => !/\.(mp[34]|pdf|og[ag])/i.test(JSON.stringify(payload))

  test('that a bot posts is taken by WhatsApp, and something is shown', () => {
    const property = fc.property(
      anyContent.filter(isShown),
      fc.constantFrom(endpoints.person, endpoints.group),
      (payload, endpoint) => {
        const degraded = degrade({ ...payload }, capabilitiesAt(whatsapp.capabilities, endpoint))
        for (const content of degraded?.contents ?? []) {
          const parts = set.runtime.render(content, endpoint)
          expect(parts.length).toBeGreaterThan(0)
          for (const { args } of parts) expect(faultIn(args, endpoint)).toBeUndefined()
        }
      },
    )
    fc.assert(property)
  })

  const faultIn = (args: Json, endpoint: Endpoint) => {
    const message = { messaging_product: 'whatsapp', ...recipientOf(endpoint), ...Object(args) }
    return messageFault(message, { files: new Map() })
  }

  test('with half of a surrogate pair harms nothing but that half', async () => {
    expect(await requestsFor({ type: 'text', text: 'before \ud83d after' }, endpoints.person)).toEqual([
      { type: 'text', text: { body: 'before \ufffd after' } },
    ])
  })
})
