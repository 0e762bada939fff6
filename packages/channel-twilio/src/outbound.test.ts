import { readdirSync, readFileSync } from 'node:fs'
import { degrade, type Endpoint, type JsonObject, splitText } from '@plugboard/core'
import { characters, contentSamples } from '@plugboard/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { endpoints, stage } from '../test/stage.js'
import { twilio } from './index.js'
import { render } from './outbound.js'

const character = fc.nat(characters.max).map(characters.at, characters.indexOf)

/** A content as a bot posts it, and what Twilio is asked for, by where it goes. */
interface Sample {
  content: JsonObject
  requests: { [name in keyof typeof endpoints]?: Record<string, string>[] }
}

const folder = new URL('./fixtures/outbound/', import.meta.url)
const samples = readdirSync(folder).map((file): [string, Sample] => {
  return [file.replace('.json', ''), JSON.parse(readFileSync(new URL(file, folder), 'utf8'))]
})

const contentsOf = (payload: JsonObject) => degrade(payload, twilio.capabilities)?.contents ?? []

/** Sends a payload as the host does, to a Twilio that refuses what the real one refuses, and tells what it was asked. */
async function requestsFor(payload: JsonObject, endpoint: Endpoint): Promise<Record<string, string>[]> {
  await using twilioStage = await stage()
  const { send, provider } = twilioStage
  for (const content of contentsOf(payload)) await send(content, { endpoint })
  expect(provider.messages).toHaveLength(provider.calls.length)
  return provider.calls.map(({ body }) => {
    const form = new URLSearchParams(body)
    expect(form.get('To')).toBe(endpoint.sender)
    expect(form.get('From')).toBe(endpoint.identity)
    return Object.fromEntries([...form].filter(([name]) => !['To', 'From', 'StatusCallback'].includes(name)))
  })
}

describe('a content becomes the requests of its fixture', () => {
  for (const [name, { content, requests }] of samples) {
    for (const [to, expected] of Object.entries(requests)) {
      test(`${name} to ${to}`, async () => {
        expect(await requestsFor(content, endpoints[to as keyof typeof endpoints])).toEqual(expected)
      })
    }
  }

  test('there is one for each content type, for SMS and for WhatsApp', () => {
    const types = new Set(samples.map(([, { content }]) => content.type))
    for (const { type } of contentSamples) expect(types).toContain(type)
    for (const [, { requests }] of samples) expect(requests).toMatchObject({ sms: {}, whatsApp: {} })
  })

  test.each(Object.entries(endpoints))('and %s takes the samples of core', async (_, endpoint) => {
    for (const sample of contentSamples) {
      // A post of a template without a text is refused.
      if (sample.type === 'template' && !('text' in sample)) continue
      expect((await requestsFor(sample, endpoint)).length).toBeGreaterThan(0)
    }
  })
})

describe('what is long', () => {
  const words = (count: number) => Array.from({ length: count }, (_, i) => `word${i}`).join(' ')
  const said = async (payload: JsonObject, endpoint: Endpoint) =>
    (await requestsFor(payload, endpoint)).map(({ Body = '' }) => Body).join(' ')

  test.each([
    ['a text', { type: 'text', text: words(900) }],
    ['a Markdown text', { type: 'text', text: words(900), markdown: true }],
    ['a title', { type: 'image', image: 'https://media.example/picture.png', title: words(900) }],
    ['the title of a file', { type: 'file', file: 'https://media.example/a.pdf', title: words(900) }],
    ['the name of a place', { type: 'location', latitude: 1, longitude: 2, title: words(200) }],
    ['a question', { type: 'single-choice', text: words(900), choices: [{ title: 'Yes', value: 'y' }] }],
  ])('%s is several messages, and all words arrive', async (_, payload) => {
    for (const endpoint of Object.values(endpoints)) {
      const text = await said(payload, endpoint)
      const expected = words(payload.type === 'location' ? 200 : 900)
      expect(text.split(/\s+/).filter((word) => word.startsWith('word'))).toEqual(expected.split(' '))
    }
  })

  test('a Markdown text that gets longer by its links is cut once more', async () => {
    const text = `${'[a] '.repeat(300)}\n\n[a]: https://shop.example/a/rather/long/path`
    const { length } = text
    const requests = await requestsFor({ type: 'text', text, markdown: true }, endpoints.sms)
    expect(length).toBeLessThan(1600)
    expect(requests.length).toBeGreaterThan(5)
    expect(
      requests
        .map(({ Body }) => Body)
        .join(' ')
        .match(/long\/path/g),
    ).toHaveLength(300)
  })

  test('a place with a long name keeps its map', async () => {
    const place = { type: 'location', latitude: 1, longitude: 2, title: words(200) }
    const requests = await requestsFor(place, endpoints.whatsApp)
    expect(requests.at(-1)).toEqual({ Body: '1,2', PersistentAction: 'geo:1,2' })
  })
})

describe('any text', () => {
  const anyText = fc.oneof(
    fc.string({ unit: character, maxLength: 4000 }),
    fc.string({ unit: 'grapheme', minLength: 1500, maxLength: 2500 }),
    fc.string({ unit: fc.constantFrom(...'*_~`[]()<>#|\\-+!&;\n >.1Aش😀\u202e'), maxLength: 3000 }),
  )
  /** What is left at the cuts, and of halves of surrogate pairs, which no provider can show. */
  const visible = (text: string) => text.toWellFormed().replace(/\s+/g, '')

  test('is taken by Twilio, and is what the person reads', async () => {
    await using twilioStage = await stage()
    const { send, provider } = twilioStage
    const property = fc.asyncProperty(
      anyText,
      fc.constantFrom(...Object.values(endpoints)),
      async (text, endpoint) => {
        const before = provider.messages.length
        for (const content of contentsOf({ type: 'text', text: text.toWellFormed() }))
          await send(content, { endpoint })
        const bodies = provider.messages.slice(before).map(({ body = '' }) => body)
        expect(visible(bodies.join(''))).toBe(visible(text))
      },
    )
    await fc.assert(property)
  })

  test('is taken by Twilio as Markdown', async () => {
    await using twilioStage = await stage()
    const { send, provider } = twilioStage
    const property = fc.asyncProperty(
      anyText,
      fc.constantFrom(...Object.values(endpoints)),
      async (text, endpoint) => {
        const contents = contentsOf({ type: 'text', text: text.toWellFormed(), markdown: true })
        const before = provider.messages.length
        for (const content of contents) await send(content, { endpoint })
        expect(provider.messages.length - before).toBeGreaterThanOrEqual(contents.length)
      },
    )
    await fc.assert(property)
  })

  test('with half of a surrogate pair harms nothing but that half', async () => {
    const requests = await requestsFor({ type: 'text', text: 'before \ud83d after' }, endpoints.sms)
    expect(requests).toEqual([{ Body: 'before \ufffd after' }])
    expect(render({ type: 'text', text: 'a\ud83d b' }, endpoints.sms)).toEqual([
      { call: 'message', args: { body: 'a\ufffd b' } },
    ])
  })

  test('is cut where core cuts', async () => {
    const text = 'a sentence of words. '.repeat(200)
    const requests = await requestsFor({ type: 'text', text }, endpoints.sms)
    expect(requests.map(({ Body }) => Body)).toEqual(splitText(text, 1600))
  })
})
