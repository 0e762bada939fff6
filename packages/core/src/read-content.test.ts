import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contentSchema, contentTypes } from './content.js'
import type { Json, JsonObject } from './json.js'
import { contentFaults, readContent } from './read-content.js'
import { contentSamples } from './testing/content-samples.js'

const URL = 'https://x/a.png'
const actions = [
  { action: 'Postback', title: 'Buy', payload: 'buy' },
  { action: 'Open URL', title: 'More', url: 'https://x' },
]
const contentOf = (payload: JsonObject) => readContent(payload).content

describe('a field that is null or an empty text', () => {
  test.each<[JsonObject, JsonObject]>([
    [
      { type: 'card', title: 'T', subtitle: null, image: '', actions: null, markdown: null },
      { type: 'card', title: 'T', actions: [] },
    ],
    [
      { type: 'card', title: '', image: URL, actions },
      { type: 'card', title: '', image: URL, actions },
    ],
    [
      { type: 'image', image: URL, title: null, choices: null, typing: '', delay: null },
      { type: 'image', image: URL },
    ],
    [
      { type: 'voice', audio: URL, title: '' },
      { type: 'voice', audio: URL },
    ],
    [
      { type: 'location', latitude: 1, longitude: 2, title: null, address: '' },
      { type: 'location', latitude: 1, longitude: 2 },
    ],
    [
      { type: 'carousel', items: [{ title: 'T', subtitle: null, image: '', actions: null }] },
      { type: 'carousel', items: [{ title: 'T', actions: [] }] },
    ],
    [
      { type: 'text', text: 'T', markdown: null, choices: null },
      { type: 'text', text: 'T' },
    ],
  ])('is absent: %j', (payload, content) => {
    expect(contentOf(payload)).toEqual(content)
    expect(contentFaults(payload, contentTypes)).toEqual([])
  })

  test('may be any optional field of any type', () => {
    const nothing = fc.constantFrom<Json>(null, '')
    fc.assert(
      fc.property(fc.constantFrom(...contentSamples), nothing, (sample, value) => {
        const schema = contentSchema.options.find(({ shape }) => shape.type.value === sample.type)
        const optional = Object.entries(schema?.shape ?? {}).flatMap(([name, field]) =>
          field.safeParse(undefined).success && !(name in sample) ? [[name, value]] : [],
        )
        expect(contentOf({ ...sample, ...Object.fromEntries(optional) })).toEqual(contentOf(sample))
      }),
    )
  })
})

describe('a number', () => {
  test('is taken as text, and numeric text as a number', () => {
    expect(contentOf({ type: 'text', text: 42 })).toEqual({ type: 'text', text: '42' })
    expect(contentOf({ type: 'location', latitude: '52.5', longitude: '13.4', title: 1 })).toEqual({
      ...{ type: 'location', latitude: 52.5, longitude: 13.4, title: '1' },
    })
    expect(contentOf({ type: 'text', text: 'T', typing: 'true', delay: '500', markdown: 'false' })).toEqual({
      ...{ type: 'text', text: 'T', typing: true, delay: 500, markdown: false },
    })
  })

  test('is taken as the value and as the label of a button', () => {
    const choices = [
      { title: 'A', value: 1 },
      { title: 2, value: true },
    ]
    expect(contentOf({ type: 'single-choice', text: 'Q', choices })).toEqual({
      ...{ type: 'single-choice', text: 'Q' },
      choices: [
        { title: 'A', value: '1' },
        { title: '2', value: 'true' },
      ],
    })
    expect(contentOf({ type: 'dropdown', message: 'Q', options: [{ label: 1, value: 1 }] })).toMatchObject({
      options: [{ label: '1', value: '1' }],
    })
    const postback = { action: 'Postback', title: 'T', payload: 42 }
    expect(contentOf({ type: 'card', title: 'T', actions: [postback] })).toMatchObject({
      actions: [{ payload: '42' }],
    })
  })
})

describe('a button that lacks something', () => {
  test('shows its value where it has no label, and means its label where it has no value', () => {
    const choices = ['A', 7, { title: 'B' }, { value: 'c' }, { title: '', value: 'd' }]
    expect(contentOf({ type: 'single-choice', text: 'Q', choices })).toMatchObject({
      choices: ['A', '7', 'B', 'c', 'd'].map((text) => ({ title: text, value: text })),
    })
    const cut = [
      { action: 'Say something', title: 'Hi' },
      { action: 'Postback', payload: 'p' },
      { action: 'Open URL', url: 'https://x' },
    ]
    expect(contentOf({ type: 'card', title: 'T', actions: cut })).toMatchObject({
      actions: [
        { title: 'Hi', text: 'Hi' },
        { title: 'p', payload: 'p' },
        { title: '', url: 'https://x' },
      ],
    })
  })

  test('is shown as words where nobody knows what it does', () => {
    const odd = [{ action: 'Call', title: 'Call us' }, { action: 'Open URL', title: 'Where?' }, 'Just words']
    const card = { title: 'T', subtitle: 'S', actions: [...odd, ...actions] }
    const read = { title: 'T', subtitle: 'S\nCall us\nWhere?\nJust words', actions }
    expect(contentOf({ type: 'card', ...card })).toEqual({ type: 'card', ...read })
    expect(contentOf({ type: 'carousel', items: [card] })).toEqual({ type: 'carousel', items: [read] })
  })

  test('and says nothing is skipped and named, and the others stay', () => {
    const choices = [null, { title: 'A', value: 'a' }, {}, []]
    expect(readContent({ type: 'text', text: 'Q', choices })).toEqual({
      content: { type: 'text', text: 'Q', choices: [{ title: 'A', value: 'a' }] },
      faults: [],
      skipped: [0, 2, 3].map((i) => ({ path: ['choices', i], message: 'says nothing' })),
    })
    const items = [null, { title: 'T', actions: [null, ...actions] }, { subtitle: { a: 1 } }, {}, 'Words']
    expect(readContent({ type: 'carousel', items })).toEqual({
      content: {
        type: 'carousel',
        items: [
          { title: 'T', actions },
          { title: 'Words', actions: [] },
        ],
      },
      faults: [],
      skipped: [
        { path: ['items', 0], message: 'says nothing' },
        { path: ['items', 1, 'actions', 0], message: 'says nothing' },
        { path: ['items', 2], message: 'says nothing' },
        { path: ['items', 3], message: 'says nothing' },
      ],
    })
  })
})

test('a question without answers is a text', () => {
  for (const payload of [
    { type: 'single-choice', text: 'Q', choices: [] },
    { type: 'single-choice', text: 'Q' },
    { type: 'dropdown', message: 'Q', options: null },
  ])
    expect(contentOf(payload)).toMatchObject({ type: 'text', text: 'Q' })
})

test('answers without a question are shown', () => {
  const choices = [{ title: 'A', value: 'a' }]
  expect(contentOf({ type: 'single-choice', choices })).toMatchObject({ text: '', choices })
  expect(contentOf({ type: 'text', text: null, choices })).toMatchObject({ text: '', choices })
})

test.each([
  ['image', 'image'],
  ['audio', 'audio'],
  ['voice', 'audio'],
  ['video', 'video'],
  ['file', 'file'],
])('%s has its address as url, too, as in what people send', (type, field) => {
  expect(contentOf({ type, url: URL, mime: 'x/y' })).toMatchObject({ type, [field]: URL })
})

describe('what no channel can show', () => {
  test.each<[JsonObject, string, string]>([
    [{ type: 'image' }, 'image', 'is required'],
    [{ type: 'image', image: null, text: 'T' }, 'image', 'is required'],
    [{ type: 'image', image: { a: 1 } }, 'image', 'must be text'],
    [{ type: 'text' }, 'text', 'is required'],
    [{ type: 'text', text: ' \n' }, 'text', 'must not be empty'],
    [{ type: 'text', text: 'T', choices: { map: 1 } }, 'choices', 'must be a list'],
    [{ type: 'text', text: 'T', markdown: 'yes' }, 'markdown', 'must be true or false'],
    [{ type: 'text', text: 'T', delay: -1 }, 'delay', 'must be a number of at least 0'],
    [{ type: 'card', title: null }, 'title', 'must not be empty'],
    [{ type: 'card', title: 'T', subtitle: ['S'] }, 'subtitle', 'must be text'],
    [{ type: 'carousel' }, 'items', 'is required'],
    [{ type: 'carousel', items: [null, {}] }, 'items', 'must not be empty'],
    [{ type: 'dropdown', options: [] }, 'options', 'must not be empty'],
    [{ type: 'single-choice' }, 'choices', 'is required'],
    [{ type: 'location', latitude: 91, longitude: 0 }, 'latitude', 'must be a number from -90 to 90'],
    [{ type: 'location', latitude: 1, longitude: null }, 'longitude', 'is required'],
    [{}, 'type', 'is required'],
    [{ type: 'carusel' }, 'type', `must be one of ${contentTypes.join(', ')}, or there must be a "text"`],
  ])('is named: %j', (payload, field, message) => {
    expect(contentFaults(payload, contentTypes)[0]).toEqual({ path: [field], message })
  })

  test('is not a type of somebody else with a text', () => {
    expect(contentFaults({ type: 'acme:form', text: 'T' }, contentTypes)).toEqual([])
    expect(contentFaults({ type: 'acme:form', text: 1 }, contentTypes)).toEqual([])
  })

  test('is content with too many members', () => {
    const choices = Array.from({ length: 3000 }, () => ({ title: 'A', value: 'a' }))
    expect(contentFaults({ type: 'text', text: 'T', choices }, contentTypes)[0]?.message).toContain('2000')
  })
})

describe('a template', () => {
  const template = { type: 'template', name: 'order_sent', language: 'en_US' }

  test('has its parameters as text, each in its place', () => {
    expect(contentOf({ ...template, parameters: ['Ada', 7, '', true] })).toEqual({
      ...template,
      parameters: ['Ada', '7', '', 'true'],
    })
    expect(contentOf({ ...template, parameters: null })).toEqual(template)
  })

  test.each<[JsonObject, string]>([
    [{ ...template, name: '' }, 'name'],
    [{ ...template, language: null }, 'language'],
    [{ ...template, parameters: 'Ada' }, 'parameters'],
    [{ ...template, parameters: [null] }, 'parameters'],
    [{ ...template, parameters: Array(3000).fill('x') }, ''],
  ])('%j is none', (payload, field) => {
    expect(contentFaults(payload, contentTypes)[0]?.path[0] ?? '').toBe(field)
  })

  test('needs a text where there are no templates', () => {
    const noText = { path: ['text'], message: 'is required, because the channel shows no templates' }
    expect(contentFaults(template, ['text', 'template'])).toEqual([])
    expect(contentFaults(template, ['text'])).toEqual([noText])
    expect(contentFaults({ ...template, text: ' ' }, ['text'])).toEqual([noText])
    expect(contentFaults({ ...template, text: 'It is sent' }, ['text'])).toEqual([])
  })
})

test('reading what was read changes nothing, whatever the payload', () => {
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.constantFrom(
          'text',
          'title',
          'image',
          'choices',
          'items',
          'actions',
          'options',
          'name',
          'parameters',
        ),
        fc.jsonValue(),
      ),
      fc.constantFrom(...contentTypes),
      (fields, type) => {
        const payload: JsonObject = JSON.parse(JSON.stringify({ ...fields, type }))
        const { content, faults } = readContent(payload)
        expect(faults.length > 0).toBe(content === undefined)
        if (content) {
          expect(readContent(content as JsonObject)).toEqual({ content, faults: [], skipped: [] })
          expect(contentSchema.safeParse(content).success).toBe(true)
        }
      },
    ),
  )
})
