import { readdirSync, readFileSync } from 'node:fs'
import type { JsonObject } from '@plugboard/core'
import { characters, contentSamples } from '@plugboard/core/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { contentsOf, stage } from '../test/stage.js'

const character = fc.nat(characters.max).map(characters.at, characters.indexOf)

interface Sample {
  about: string
  content: JsonObject
  messages: JsonObject[]
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

/** Sends a payload as the host does, to a Sunshine that refuses what the real one refuses, and tells what it was asked. */
async function messagesFor(payload: JsonObject): Promise<JsonObject[]> {
  const before = set.provider.calls.length
  for (const content of contentsOf(payload)) await set.send(content)
  return set.provider.calls.slice(before).map(({ body }) => {
    const { author: _, ...message } = JSON.parse(body)
    return message
  })
}

describe('a content becomes the messages of its fixture', () => {
  test.each(samples)('%s', async (_, { content, messages }) => {
    expect(await messagesFor(content)).toEqual(messages)
  })

  test('there is one for each content type', () => {
    const types = new Set(samples.map(([, { content }]) => content.type))
    for (const { type } of contentSamples) expect(types).toContain(type)
  })

  test('and Sunshine takes the samples of core', async () => {
    for (const sample of contentSamples) expect((await messagesFor(sample)).length).toBeGreaterThan(0)
  })
})

describe('what is long', () => {
  const words = (count: number) => Array.from({ length: count }, (_, i) => `word${i}`).join(' ')

  test.each<[string, JsonObject]>([
    ['a text', { type: 'text', text: words(1200) }],
    ['a Markdown text', { type: 'text', text: words(1200), markdown: true }],
    ['a title', { type: 'image', image: 'https://media.example/picture.png', title: words(1200) }],
    ['a question', { type: 'single-choice', text: words(1200), choices: [{ title: 'Yes', value: 'y' }] }],
    [
      'a card',
      { type: 'card', title: words(1200), actions: [{ action: 'Postback', title: 'Yes', payload: 'y' }] },
    ],
  ])('%s is several messages, and all words arrive in order', async (_, payload) => {
    const messages = await messagesFor(payload)
    expect(messages.length).toBeGreaterThan(1)
    // Markdown is there beside the text.
    const plain = messages.map(({ content }) => ({ ...(content as JsonObject), markdownText: '' }))
    expect(JSON.stringify(plain).match(/word\d+/g)).toEqual(words(1200).split(' '))
  })

  test('a carousel is one message for each ten cards', async () => {
    const items = Array.from({ length: 23 }, (_, i) => ({
      title: `Card ${i}`,
      actions: [{ action: 'Postback', title: 'Buy', payload: `buy-${i}` }],
    }))
    const messages = await messagesFor({ type: 'carousel', items })
    expect(messages.map(({ content }) => (content as { items: unknown[] }).items.length)).toEqual([10, 10, 3])
  })
})

describe('any text', () => {
  const anyText = fc.oneof(
    fc.string({ unit: character, maxLength: 6000 }),
    fc.string({ unit: 'grapheme', maxLength: 200 }),
    fc.string({ unit: fc.constantFrom(...'*_~`[]()<>#|\\-+!&;\n >.1Aش😀\u202e'), maxLength: 3000 }),
  )
  const visible = (text: string) => text.toWellFormed().replace(/\s+/g, '')

  test('is taken by Sunshine, and is what the person reads', async () => {
    const property = fc.asyncProperty(anyText, async (text) => {
      const said = (await messagesFor({ type: 'text', text })).map(
        ({ content }) => (content as { text: string }).text,
      )
      expect(visible(said.join(''))).toBe(visible(text))
    })
    await fc.assert(property, { numRuns: 60 })
  })

  test('is taken by Sunshine in every other part of a content', async () => {
    const label = fc.string({ unit: 'grapheme', maxLength: 140 })
    const property = fc.asyncProperty(
      anyText,
      fc.array(label, { minLength: 1, maxLength: 12 }),
      fc.boolean(),
      fc.oneof(fc.webUrl(), anyText),
      async (text, labels, markdown, url) => {
        const choices = labels.map((title, i) => ({ title, value: `value-${i}` }))
        const actions = labels.map((title, i) =>
          i % 3 === 2
            ? { action: 'Open URL', title, url }
            : { action: 'Postback', title, payload: `value-${i}` },
        )
        const few = { image: url, actions: actions.slice(0, 3), markdown }
        const payloads: JsonObject[] = [
          { type: 'image', image: url, title: text },
          { type: 'single-choice', text, choices, markdown },
          { type: 'card', title: text, subtitle: text, image: url, actions, markdown },
          {
            type: 'carousel',
            items: [
              { title: text, subtitle: labels[0] ?? '', ...few },
              { title: labels[0] ?? '', ...few },
            ],
          },
          { type: 'location', latitude: 1, longitude: 2, title: text, address: labels.join() },
        ]
        for (const payload of payloads) await messagesFor(payload)
      },
    )
    await fc.assert(property, { numRuns: 60 })
  })
})
