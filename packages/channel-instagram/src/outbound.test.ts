import { readdirSync, readFileSync } from 'node:fs'
import { degrade, type JsonObject } from '@plugboard/core'
import { characters, contentSamples } from '@plugboard/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { endpoint, stage } from '../test/stage.js'
import { instagram } from './index.js'

const character = fc.nat(characters.max).map(characters.at, characters.indexOf)

/** A content as a bot posts it, and what Instagram is asked for, without the recipient. */
interface Sample {
  content: JsonObject
  requests: JsonObject[]
}

const folder = new URL('./fixtures/outbound/', import.meta.url)
const samples = readdirSync(folder).map((file): [string, Sample] => [
  file.replace('.json', ''),
  JSON.parse(readFileSync(new URL(file, folder), 'utf8')),
])

/** Sends a payload as the host does, to a Instagram that refuses what the real one refuses, and tells what it was asked. */
async function requestsFor(payload: JsonObject): Promise<JsonObject[]> {
  await using staged = await stage()
  for (const content of degrade(payload, instagram.capabilities)?.contents ?? []) await staged.send(content)
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

test('any payload is taken by Instagram', async () => {
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
    const parts = (degrade(sent as JsonObject, instagram.capabilities)?.contents ?? []).flatMap((content) =>
      staged.runtime.render(content, endpoint),
    )
    for (const part of parts) await staged.runtime.deliver(part, staged.context())
    // No second form was needed.
    expect(staged.provider.shown.length - before).toBe(parts.length)
  })
  await fc.assert(property)
  expect(staged.provider.shown).toHaveLength(staged.provider.calls.length)
})

test('no text has more than 1000 bytes, and all of it arrives', async () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', minLength: 300, maxLength: 1200 }),
    fc.string({
      unit: fc.constantFrom('a', 'ä', '語', '👩🏽‍🚀', ' ', '\n', '.'),
      minLength: 300,
      maxLength: 2000,
    }),
  )
  const visible = (words: string) => words.replace(/\s+/g, '')
  await using staged = await stage()
  const property = fc.asyncProperty(text, async (words) => {
    const contents = degrade({ type: 'text', text: words }, instagram.capabilities)?.contents ?? []
    const parts = contents.flatMap((content) => staged.runtime.render(content, endpoint))
    const pieces = textsIn(parts.map(({ args }) => args as JsonObject))
    for (const piece of pieces) expect(Buffer.byteLength(piece)).toBeLessThanOrEqual(1000)
    expect(visible(pieces.join(''))).toBe(visible(words))
  })
  await fc.assert(property)
})
