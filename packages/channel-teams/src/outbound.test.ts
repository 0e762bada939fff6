import { readdirSync, readFileSync } from 'node:fs'
import { degrade, type JsonObject } from '@plugboard/core'
import { characters, contentSamples } from '@plugboard/core/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readMarkup } from '../test/adaptive-card-rules.js'
import { type Stage, stage } from '../test/stage.js'
import { teams } from './index.js'

const character = fc.nat(characters.max).map(characters.at, characters.indexOf)

/** A content as a bot posts it, and the messages that Teams gets. */
interface Sample {
  content: JsonObject
  messages: JsonObject[]
}

const folder = new URL('./fixtures/outbound/', import.meta.url)
const samples = readdirSync(folder).map((file): [string, Sample] => [
  file.replace('.json', ''),
  JSON.parse(readFileSync(new URL(file, folder), 'utf8')),
])

let on: Stage
beforeAll(async () => {
  on = await stage()
})
afterAll(() => on.provider.close())

/** Sends a payload as the host does, to a Teams that refuses what the real one refuses. */
async function messagesFor(payload: JsonObject): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const before = on.provider.messages.length
  for (const content of degrade(payload, teams.capabilities)?.contents ?? []) await on.send(content)
  return on.provider.messages.slice(before).map(({ activity }) => activity)
}

/** What a person reads, in order. */
const read = (activity: Readonly<Record<string, unknown>>): string => {
  const {
    text,
    textFormat,
    attachments = [],
  } = activity as {
    text?: string
    textFormat?: string
    attachments?: { content: { body: { inlines?: { text: string }[] }[] } }[]
  }
  if (text !== undefined) return textFormat === 'xml' ? readMarkup(text) : text
  return attachments
    .flatMap(({ content }) => content.body.map(({ inlines = [] }) => inlines.map((run) => run.text).join('')))
    .join('\n')
}

describe('a content becomes the messages of its fixture', () => {
  test.each(samples)('%s', async (_, { content, messages }) => {
    expect(await messagesFor(content)).toEqual(messages)
  })

  test('there is one for each content type', () => {
    const types = new Set(samples.map(([, { content }]) => content.type))
    for (const { type } of contentSamples) expect(types).toContain(type)
  })
})

describe('what is long', () => {
  const words = (count: number) => Array.from({ length: count }, (_, i) => `word${i}`).join(' ')
  const [few, many] = [words(20), words(1500)]
  const choices = Array.from({ length: 20 }, (_, i) => ({
    title: `${'"'.repeat(48)}${i}`,
    value: `${i}`.padEnd(40, 'x'),
  }))

  test.each<[string, JsonObject, string]>([
    ['a text', { type: 'text', text: many }, many],
    ['a Markdown text', { type: 'text', text: many, markdown: true }, many],
    [
      'a Markdown text of signs',
      { type: 'text', text: `${'&'.repeat(5900)} end`, markdown: true },
      `${'&'.repeat(5900)} end`,
    ],
    ['a title', { type: 'image', image: 'https://media.example/a.png', title: many }, many],
    ['the title of a file', { type: 'file', file: 'https://media.example/a.pdf', title: many }, many],
    ['the name of a place', { type: 'location', latitude: 1, longitude: 2, title: many }, many],
    ['a question', { type: 'single-choice', text: many, choices }, many],
    [
      'a question of many lines',
      { type: 'single-choice', text: few.replaceAll(' ', '\n\n\n\n'), choices },
      few,
    ],
    [
      'the question of a menu',
      { type: 'dropdown', message: many, options: [{ label: 'A', value: 'a' }] },
      many,
    ],
    [
      'the title of a card',
      { type: 'card', title: many, image: 'https://media.example/a.png', actions: [] },
      many,
    ],
    [
      'a card of a carousel',
      {
        type: 'carousel',
        items: [
          { title: 'A', actions: [] },
          { title: many, actions: [] },
        ],
      },
      many,
    ],
  ])('%s arrives whole, in messages that Teams takes', async (_, payload, expected) => {
    const said = (await messagesFor(payload)).map(read).join(' ')
    expect(said.replace(/\s+/g, '')).toContain(expected.replace(/\s+/g, ''))
  })

  test('a menu has as many messages as it needs, with all of its options', async () => {
    const options = Array.from({ length: 95 }, (_, i) => ({ label: `Option ${i}`, value: `${i}` }))
    const messages = await messagesFor({ type: 'dropdown', message: 'Which?', options })
    expect(messages).toHaveLength(3)
    for (const { label } of options) expect(JSON.stringify(messages)).toContain(`"${label}"`)
  })

  test('cards beyond ten, or of too many bytes, are in another message', async () => {
    const items = Array.from({ length: 12 }, (_, i) => ({ title: `Card ${i + 1}.`, actions: [] }))
    const counts = (messages: readonly Readonly<Record<string, unknown>>[]) =>
      messages.map(({ attachments }) => Array.isArray(attachments) && attachments.length)
    expect(counts(await messagesFor({ type: 'carousel', items }))).toEqual([10, 2])
    const large = items.slice(0, 4).map((item) => ({ ...item, subtitle: 'x'.repeat(4000) }))
    expect(counts(await messagesFor({ type: 'carousel', items: large }))).toEqual([3, 1])
  })
})

test('a link to no address of the web is a line of the card', async () => {
  const actions = [{ action: 'Open URL', title: 'Call', url: 'javascript:alert(1)' }]
  expect((await messagesFor({ type: 'card', title: 'Help', actions })).map(read)).toEqual([
    'Help\nCall: javascript:alert(1)',
  ])
})

describe('any text', () => {
  const text = fc.oneof(
    fc.string({ unit: character, maxLength: 1000 }),
    fc.string({
      unit: fc.constantFrom(...'*_~`[]()<>#|\\-+!&;"\n >.1Aش😀\u202e\u0000\ud83d'),
      maxLength: 400,
    }),
    fc.constantFrom(
      '<at>x</at>',
      '<b>',
      '&amp;',
      '</a>',
      '- a\n  - b',
      '```\n<x>\n```',
      '[a](javascript:1)',
      '![](x)',
    ),
  )
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Teams cannot show them
  const shown = (said: string) => said.toWellFormed().replace(/[\s\u0000-\u001f\ufffe\uffff]/g, '')

  test.each(['\u0000', '\u0001\n\u0002', '\ufffe'])('of controls alone, %j, is three dots', async (text) => {
    expect((await messagesFor({ type: 'text', text })).map(read)).toEqual(['…'])
    expect((await messagesFor({ type: 'text', text, markdown: true })).map(read)).toEqual(['…'])
  })

  test('is what the person reads', async () => {
    await fc.assert(
      fc.asyncProperty(text, async (value) => {
        const said = (await messagesFor({ type: 'text', text: value })).map(read).join('')
        // Core leaves out a text that is blank; one of controls alone is three dots.
        expect(shown(value) === '' ? ['', '…'] : [shown(value)]).toContain(shown(said))
      }),
    )
  })

  test('is taken by Teams, wherever it is', async () => {
    await fc.assert(
      fc.asyncProperty(text, fc.boolean(), async (value, markdown) => {
        const title = `a${value}`
        const card = {
          title,
          subtitle: value,
          markdown,
          actions: [{ action: 'Postback', title: value, payload: 'a' }],
        }
        for (const payload of [
          { type: 'text', text: title, markdown },
          { type: 'single-choice', text: value, markdown, choices: [{ title, value: 'a' }] },
          { type: 'dropdown', message: value, markdown, options: [{ label: title, value: 'a' }] },
          { type: 'card', ...card },
          { type: 'carousel', items: [card, card] },
          { type: 'image', image: 'https://media.example/a.png', title: value },
          { type: 'image', image: `https://media.example/${value}`, title: value },
          { type: 'file', file: title, title: value },
          { type: 'location', latitude: 1, longitude: 2, title: value, address: value },
        ])
          expect((await messagesFor(payload)).length).toBeGreaterThan(0)
      }),
    )
  })
})
