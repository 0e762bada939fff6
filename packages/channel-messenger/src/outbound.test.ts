import { readdirSync, readFileSync } from 'node:fs'
import { degrade, type JsonObject } from '@plugboard/core'
import { characters, contentSamples } from '@plugboard/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { endpoint, stage } from '../test/stage.js'
import { messenger } from './index.js'

const character = fc.nat(characters.max).map(characters.at, characters.indexOf)

/** A content as a bot posts it, and what Messenger is asked for, without the recipient. */
interface Sample {
  content: JsonObject
  requests: JsonObject[]
}

const folder = new URL('./fixtures/outbound/', import.meta.url)
const samples = readdirSync(folder).map((file): [string, Sample] => [
  file.replace('.json', ''),
  JSON.parse(readFileSync(new URL(file, folder), 'utf8')),
])

/** Sends a payload as the host does, to a Messenger that refuses what the real one refuses, and tells what it was asked. */
async function requestsFor(payload: JsonObject): Promise<JsonObject[]> {
  await using staged = await stage()
  for (const content of degrade(payload, messenger.capabilities)?.contents ?? []) await staged.send(content)
  const { calls, shown } = staged.provider
  expect(shown).toHaveLength(calls.length)
  return calls.map(({ body }) => {
    const { recipient, ...request } = JSON.parse(body)
    expect(recipient).toEqual({ id: endpoint.sender })
    return request
  })
}

describe('a content becomes the requests of its fixture', () => {
  test.each(samples)('%s', async (_, { content, requests }) => {
    expect(await requestsFor(content)).toEqual(requests)
  })

  test('there is one for each content type', () => {
    const types = new Set(samples.map(([, { content }]) => content.type))
    for (const { type } of contentSamples) expect(types).toContain(type)
  })
})

/** The texts that a person reads, in order. */
const textsIn = (requests: JsonObject[]): string[] =>
  requests.flatMap((request) => {
    const strings: string[] = []
    JSON.stringify(request.message, (key, value) => {
      if (['text', 'title', 'subtitle'].includes(key) && typeof value === 'string') strings.push(value)
      return value
    })
    return strings
  })

describe('words that are too long', () => {
  const words = (count: number) => Array.from({ length: count }, (_, i) => `word${i}`).join(' ')

  test.each([
    ['of a text', { type: 'text', text: words(600) }],
    ['of a Markdown text', { type: 'text', text: words(600), markdown: true }],
    ['of a title', { type: 'image', image: 'https://media.example/picture.png', title: words(600) }],
    ['of a question', { type: 'single-choice', text: words(600), choices: [{ title: 'Yes', value: 'y' }] }],
    [
      'of a card',
      {
        type: 'card',
        title: words(600),
        actions: [{ action: 'Postback', title: 'Yes', payload: 'y' }],
      },
    ],
  ])('%s are several messages, and all of them arrive', async (_, payload) => {
    const texts = textsIn(await requestsFor(payload)).filter((text) => text !== 'Yes')
    expect(texts.length).toBeGreaterThan(1)
    expect(texts.join(' ').split(/\s+/)).toEqual(words(600).split(' '))
  })
})

describe('a card', () => {
  const actions = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ action: 'Postback', title: `No. ${i}`, payload: `n${i}` }))

  test('with more buttons than three continues in further messages', async () => {
    const requests = await requestsFor({ type: 'card', title: 'Which?', actions: actions(7) })
    const labels = textsIn(requests).filter((text) => text.startsWith('No.'))
    expect(requests).toHaveLength(3)
    expect(labels).toEqual(actions(7).map(({ title }) => title))
  })

  test('is beside at most nine others', async () => {
    const items = Array.from({ length: 12 }, (_, i) => ({ title: `Card ${i}`, actions: actions(1) }))
    const requests = await requestsFor({ type: 'carousel', items })
    expect(
      requests.map((request) => textsIn([request]).filter((text) => text.startsWith('Card')).length),
    ).toEqual([10, 2])
  })

  test('with a link that no button can have has it in its text', async () => {
    const card = {
      type: 'card',
      title: 'Write to us',
      actions: [{ action: 'Open URL', title: 'Mail', url: 'mailto:us@shop.example' }],
    }
    expect(textsIn(await requestsFor(card))).toEqual(['Write to us\nMail: mailto:us@shop.example'])
  })
})

test('any payload is taken by Messenger', async () => {
  await using staged = await stage()
  // The fake takes a replacement character for bytes that are not UTF-8.
  const text = fc
    .oneof(
      fc.string({ unit: character, maxLength: 100 }),
      fc.string({ unit: 'grapheme', minLength: 600, maxLength: 700 }),
      fc.string({ unit: fc.constantFrom(...'*_~`[]()<>#|\\-+!&;\n >.1Aش😀\u202e'), maxLength: 900 }),
    )
    .map((text) => text.toWellFormed().replaceAll('\ufffd', '?'))
  const url = fc.oneof(fc.webUrl(), text)
  const action = fc.oneof(
    fc.record({ action: fc.constant('Postback'), title: text, payload: fc.constant('t'.repeat(40)) }),
    fc.record({ action: fc.constant('Open URL'), title: text, url }),
  )
  const card = fc.record({
    ...{ title: text, subtitle: text, image: url, markdown: fc.boolean() },
    actions: fc.array(action, { maxLength: 5 }),
  })
  const choices = fc.array(fc.record({ title: text, value: fc.constant('v'.repeat(40)) }), {
    minLength: 1,
    maxLength: 14,
  })
  const payload = fc.oneof(
    fc.record({ type: fc.constant('text'), text, markdown: fc.boolean() }),
    fc.record({ type: fc.constant('image'), image: url, title: text }),
    fc.record({ type: fc.constant('single-choice'), text, choices }),
    card.map((fields) => ({ ...fields, type: 'card' })),
    fc.record({ type: fc.constant('carousel'), items: fc.array(card, { minLength: 1, maxLength: 4 }) }),
  )
  const property = fc.asyncProperty(payload, async (sent) => {
    const before = staged.provider.shown.length
    const parts = (degrade(sent as JsonObject, messenger.capabilities)?.contents ?? []).flatMap((content) =>
      staged.runtime.render(content, endpoint),
    )
    for (const part of parts) await staged.runtime.deliver(part, staged.context())
    // No second form was needed.
    expect(staged.provider.shown.length - before).toBe(parts.length)
  })
  await fc.assert(property)
  expect(staged.provider.shown).toHaveLength(staged.provider.calls.length)
})
