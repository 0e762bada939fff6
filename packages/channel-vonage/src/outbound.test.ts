import { readdirSync, readFileSync } from 'node:fs'
import type { Endpoint, JsonObject } from '@plugboard/core'
import { characters, contentSamples } from '@plugboard/core/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { contentsOf, endpoints, stage } from '../test/stage.js'

const character = fc.nat(characters.max).map(characters.at, characters.indexOf)

interface Sample {
  about: string
  content: JsonObject
  requests: Record<keyof typeof endpoints, JsonObject[]>
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

/** Fields that are about the delivery, and not about the content. */
const DELIVERY = ['to', 'from', 'client_ref', 'webhook_url', 'webhook_version']

/** Sends a payload as the host does, to a Vonage that refuses what the real one refuses, and tells what it was asked. */
async function requestsFor(payload: JsonObject, endpoint: Endpoint): Promise<Record<string, unknown>[]> {
  const before = set.provider.calls.length
  for (const content of contentsOf(payload, endpoint)) await set.send(content, { endpoint })
  expect(set.provider.messages).toHaveLength(set.provider.calls.length)
  return set.provider.calls
    .slice(before)
    .map(({ body }) =>
      Object.fromEntries(Object.entries(JSON.parse(body)).filter(([name]) => !DELIVERY.includes(name))),
    )
}

describe('a content becomes the requests of its fixture', () => {
  for (const [name, { content, requests }] of samples) {
    test(name, async () => {
      for (const [to, expected] of Object.entries(requests))
        expect(await requestsFor(content, endpoints[to as keyof typeof endpoints]), to).toEqual(expected)
    })
  }

  test('there is one for each content type, and for each channel of Vonage', () => {
    const types = new Set(samples.map(([, { content }]) => content.type))
    for (const { type } of contentSamples) expect(types).toContain(type)
    for (const [, { requests }] of samples) expect(Object.keys(requests)).toEqual(Object.keys(endpoints))
  })

  test.each(Object.entries(endpoints))('and %s takes the samples of core', async (_, endpoint) => {
    for (const sample of contentSamples) {
      // A post of a template without a text is refused where there are no templates.
      const isRefused = sample.type === 'template' && !('text' in sample) && endpoint !== endpoints.whatsApp
      if (!isRefused) expect((await requestsFor(sample, endpoint)).length).toBeGreaterThan(0)
    }
  })
})

describe('what is long', () => {
  const words = (count: number) => Array.from({ length: count }, (_, i) => `word${i}`).join(' ')

  test.each<[string, JsonObject]>([
    ['a text', { type: 'text', text: words(900) }],
    ['a Markdown text', { type: 'text', text: words(900), markdown: true }],
    ['a title', { type: 'image', image: 'https://media.example/picture.png', title: words(900) }],
    ['a question', { type: 'single-choice', text: words(900), choices: [{ title: 'Yes', value: 'y' }] }],
    [
      'a card',
      { type: 'card', title: words(900), actions: [{ action: 'Postback', title: 'Yes', payload: 'y' }] },
    ],
    ['the name of a place', { type: 'location', latitude: 1, longitude: 2, title: words(900) }],
  ])('%s is several messages, and all words arrive in order', async (_, payload) => {
    for (const [name, endpoint] of Object.entries(endpoints)) {
      const said = JSON.stringify(await requestsFor(payload, endpoint)).match(/word\d+/g)
      expect(said, name).toEqual(words(900).split(' '))
    }
  })

  test('a Markdown text that gets longer by its links is cut once more', async () => {
    const text = `${'[a] '.repeat(200)}\n\n[a]: https://shop.example/a/rather/long/path`
    const requests = await requestsFor({ type: 'text', text, markdown: true }, endpoints.sms)
    expect(requests.length).toBeGreaterThan(3)
    expect(JSON.stringify(requests).match(/long\/path/g)).toHaveLength(200)
  })
})

describe('any text', () => {
  const anyText = fc.oneof(
    fc.string({ unit: character, maxLength: 6000 }),
    fc.string({ unit: 'grapheme', minLength: 900, maxLength: 1200 }),
    fc.string({ unit: fc.constantFrom(...'*_~`[]()<>#|\\-+!&;\n >.1Aش😀\u202e'), maxLength: 3000 }),
  )
  const anyEndpoint = fc.constantFrom(...Object.values(endpoints))
  /** What is left at the cuts, and of halves of surrogate pairs, which no provider can show. */
  const visible = (text: string) => text.toWellFormed().replace(/\s+/g, '')

  test('is taken by Vonage, and is what the person reads', async () => {
    const property = fc.asyncProperty(anyText, anyEndpoint, async (text, endpoint) => {
      const before = set.provider.messages.length
      for (const content of contentsOf({ type: 'text', text }, endpoint))
        await set.send(content, { endpoint })
      const said = set.provider.messages
        .slice(before)
        .map((message) => ('text' in message ? message.text : ''))
      expect(visible(said.join(''))).toBe(visible(text))
    })
    await fc.assert(property, { numRuns: 40 })
  })

  test('is taken by Vonage in every other part of a content', async () => {
    const label = fc.string({ unit: 'grapheme', maxLength: 40 })
    const property = fc.asyncProperty(
      anyText,
      fc.array(label, { minLength: 1, maxLength: 12 }),
      fc.boolean(),
      anyEndpoint,
      async (text, labels, markdown, endpoint) => {
        const image = 'https://media.example/picture.png'
        const choices = labels.map((title, i) => ({ title, value: `value-${i}` }))
        const actions = labels.map((title, i) => {
          const url = `https://shop.example/${i}`
          return i % 3 === 2
            ? { action: 'Open URL', title, url }
            : { action: 'Postback', title, payload: `value-${i}` }
        })
        const payloads = [
          { type: 'image', image, title: text },
          { type: 'single-choice', text, choices, markdown },
          { type: 'card', title: text, subtitle: text, image, actions, markdown },
          { type: 'card', title: text, image, actions: actions.slice(2, 3), markdown },
          { type: 'location', latitude: 1, longitude: 2, title: text, address: labels.join() },
        ]
        for (const payload of payloads)
          for (const content of contentsOf(payload, endpoint)) await set.send(content, { endpoint })
      },
    )
    await fc.assert(property, { numRuns: 40 })
    expect(set.provider.messages).toHaveLength(set.provider.calls.length)
  })

  test('with half of a surrogate pair harms nothing but that half', async () => {
    const payload = { type: 'text', text: 'before \ud83d after' }
    expect(await requestsFor(payload, endpoints.sms)).toMatchObject([{ text: 'before \ufffd after' }])
  })
})
