import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buttonsOf, numberedAnswer, replaceButtons } from './buttons.js'
import type { Capabilities } from './channel.js'
import { type ContentType, contentTypes } from './content.js'
import { degrade } from './degrade.js'
import type { JsonObject } from './json.js'
import { contentFaults } from './read-content.js'
import { contentSamples } from './testing/content-samples.js'
import { hostilePayloads } from './testing/hostile-payloads.js'

const plain: Capabilities = { content: ['text'], maxTextLength: 1600 }
const buttons = { max: 3, maxLabel: 20 }
const withButtons: Capabilities = { content: ['text', 'single-choice'], maxTextLength: 1600, buttons }
const rich: Capabilities = { content: contentTypes, maxTextLength: 1600, buttons }

const only = (...content: ContentType[]): Capabilities => ({ ...plain, content })
const choices = [
  { title: 'Yes', value: 'y' },
  { title: 'No', value: 'n' },
]

const any: Capabilities = { content: 'any', maxTextLength: 10 }

describe('a channel that shows any payload', () => {
  test('gets it untouched', () => {
    const payload = { type: 'acme:form', fields: [1, null] }
    expect(degrade(payload, any)).toEqual({ contents: [payload], options: [] })
  })
})

describe('Markdown', () => {
  const can: Capabilities = { ...rich, maxTextLength: 3000 }
  const isMarkdown = (payload: JsonObject): unknown[] =>
    (degrade(payload, can)?.contents ?? []).map(({ markdown }) => markdown)

  test('is of the first 10,000 characters of a text, in whole messages', () => {
    const payload = { type: 'text', text: 'word '.repeat(4000).trim(), markdown: true }
    expect(isMarkdown(payload)).toEqual([true, true, true, false, false, false, false])
  })

  test('is of the question below a text when the text is not longer', () => {
    const question = (length: number) => ({
      type: 'text',
      text: 'x '.repeat(length / 2),
      choices,
      markdown: true,
    })
    expect(isMarkdown(question(100))).toEqual([true])
    expect(isMarkdown(question(12_000))).toEqual([true, true, true, false])
  })

  test('is of the first cards of a carousel', () => {
    const card = { title: 'x'.repeat(3000), subtitle: 'y'.repeat(1500), actions: [], markdown: true }
    const [carousel] = degrade({ type: 'carousel', items: [card, card, card] }, can)?.contents ?? []
    expect(carousel).toMatchObject({ items: [{ markdown: true }, { markdown: true }, { markdown: false }] })
  })

  test('is kept for a single longer card: the parser has its own limit', () => {
    const card = { type: 'card', title: 'x'.repeat(100_000), actions: [], markdown: true }
    expect(isMarkdown(card)).toEqual([true])
  })
})

/** An empty title is absent, and a button without a label shows its value. */
const asRead = (sample: object): object =>
  JSON.parse(JSON.stringify(sample), (_, value) => {
    if (typeof value !== 'object' || value?.title !== '') return value
    const { title: _title, ...rest } = value
    const label = rest.value ?? rest.payload
    return label === undefined ? rest : { ...rest, title: label }
  })

describe('a channel that shows every known type', () => {
  test.each(contentSamples.map((sample) => [sample.type, sample]))('shows %s as it is', (_, sample) => {
    expect(degrade(sample, { ...rich, buttons: { max: 100, maxLabel: 100 } })).toEqual({
      contents: [asRead(sample)],
      options: [],
    })
  })

  test('keeps extra fields', () => {
    const payload = { type: 'image', image: 'https://example.com/a.png', acme: { a: 1 } }
    expect(degrade(payload, rich)?.contents).toEqual([payload])
  })

  test('gets choices that hang on another type as a message of their own', () => {
    const image = { type: 'image', image: 'https://example.com/a.png', title: 'Which?' }
    expect(degrade({ ...image, choices }, rich)?.contents).toEqual([
      image,
      { type: 'single-choice', text: '…', choices },
    ])
  })

  test('gets a card with too many buttons as text', () => {
    const actions = ['a', 'b', 'c', 'd'].map((title) => ({ action: 'Postback', title, payload: `${title}!` }))
    expect(degrade({ type: 'card', title: 'T', actions }, rich)?.contents).toEqual([
      { type: 'text', text: 'T\n1. a\n2. b\n3. c\n4. d' },
    ])
  })
})

describe('a channel that shows text only', () => {
  const text = (payload: Parameters<typeof degrade>[0]) =>
    degrade(payload, plain)?.contents.map((content) => content.text)

  test.each([
    [{ type: 'image', image: 'https://x/a.png', title: 'A cat' }, 'A cat\nhttps://x/a.png'],
    [{ type: 'image', image: 'https://x/a.png' }, 'https://x/a.png'],
    [{ type: 'audio', audio: 'https://x/a.mp3', title: '' }, 'https://x/a.mp3'],
    [{ type: 'voice', audio: 'https://x/a.ogg', title: 'Hm' }, 'Hm\nhttps://x/a.ogg'],
    [{ type: 'video', video: 'https://x/a.mp4' }, 'https://x/a.mp4'],
    [{ type: 'file', file: 'https://x/a.pdf', title: 'Bill' }, 'Bill\nhttps://x/a.pdf'],
    [
      { type: 'location', latitude: 0, longitude: 0, address: 'Null Island' },
      'Null Island\nhttps://www.google.com/maps/search/?api=1&query=0,0',
    ],
    [
      { type: 'location', latitude: -0.0000001, longitude: 179.123456789, title: 'T' },
      'T\nhttps://www.google.com/maps/search/?api=1&query=0,179.123457',
    ],
    [{ type: 'single-choice', text: 'Sure?', choices }, 'Sure?\n1. Yes\n2. No'],
    [{ type: 'text', text: 'Sure?', choices }, 'Sure?\n1. Yes\n2. No'],
    [{ type: 'image', image: 'https://x/a.png', choices }, 'https://x/a.png\n1. Yes\n2. No'],
    [{ type: 'dropdown', message: 'Size?', options: [{ label: 'S', value: 's' }] }, 'Size?\n1. S'],
    [{ type: 'acme:unknown', text: 'as text' }, 'as text'],
    [{ type: 'image', text: 'an image without its URL' }, 'an image without its URL'],
  ])('reads %j as text', (payload, expected) => {
    expect(text(payload)).toEqual([expected])
  })

  test('reads a card with its links, picture and numbered buttons', () => {
    const actions = [
      { action: 'Open URL', title: 'Shop', url: 'https://x' },
      { action: 'Open URL', title: '', url: 'https://y' },
      { action: 'Say something', title: 'Hello', text: 'hello!' },
      { action: 'Postback', title: 'Buy', payload: 'BUY_1' },
    ]
    const card = { type: 'card', title: 'Shoe', subtitle: 'Blue', image: 'https://x/a.png', actions }
    expect(degrade(card, plain)).toEqual({
      contents: [
        {
          type: 'text',
          text: 'Shoe\nBlue\nhttps://x/a.png\nShop: https://x\nhttps://y\n1. Hello\n2. Buy',
        },
      ],
      options: [
        { number: 1, title: 'Hello', value: 'hello!' },
        { number: 2, title: 'Buy', value: 'BUY_1' },
      ],
    })
  })

  test('numbers run through all cards of a carousel', () => {
    const card = (title: string) => ({
      title,
      actions: [{ action: 'Postback', title: 'Buy', payload: title }],
    })
    const degraded = degrade({ type: 'carousel', items: [card('A'), card('B')], choices }, plain)
    expect(degraded?.contents.map((content) => content.text)).toEqual([
      'A\n1. Buy',
      'B\n2. Buy',
      '3. Yes\n4. No',
    ])
    expect(degraded?.options.map((option) => option.value)).toEqual(['A', 'B', 'y', 'n'])
  })

  test('an extra field of a card that is called choices does no harm', () => {
    expect(text({ type: 'carousel', items: [{ title: 'A', choices: 'many' }] })).toEqual(['A'])
  })

  test.each([
    [{ type: 'acme:unknown' }],
    [{}],
    [{ type: 'text', text: ' \n' }],
    [{ type: 'card', title: '' }],
  ])('has nothing to say for %j', (payload) => {
    expect(degrade(payload, plain)).toBeUndefined()
  })
})

describe('a channel that shows some types', () => {
  const audio = { type: 'audio', audio: 'https://x/a.mp3', title: 'Song' }

  test('gets a voice message as audio, else as a file', () => {
    expect(degrade({ ...audio, type: 'voice' }, only('text', 'audio'))?.contents).toEqual([audio])
    expect(degrade({ ...audio, type: 'voice' }, only('text', 'file'))?.contents).toEqual([
      { type: 'file', file: 'https://x/a.mp3', title: 'Song' },
    ])
  })

  test('gets a carousel as cards', () => {
    const card = { title: 'A', actions: [] }
    expect(degrade({ type: 'carousel', items: [card, card] }, only('text', 'card'))?.contents).toEqual([
      { ...card, type: 'card' },
      { ...card, type: 'card' },
    ])
  })

  test('gets a card as a picture with the words below it, and with the buttons when there are any', () => {
    const card = { type: 'card', title: 'Shoe', subtitle: 'Blue', image: 'https://x/a.png', markdown: true }
    const can = { ...withButtons, content: ['text', 'image', 'single-choice'] as const }
    expect(degrade(card, can)?.contents).toEqual([
      { type: 'image', image: 'https://x/a.png', title: 'Shoe\nBlue' },
    ])
    const actions = [{ action: 'Postback', title: 'Buy', payload: 'B' }]
    expect(degrade({ ...card, actions }, can)?.contents).toEqual([
      { type: 'image', image: 'https://x/a.png' },
      { type: 'single-choice', text: 'Shoe\nBlue', markdown: true, choices: [{ title: 'Buy', value: 'B' }] },
    ])
  })

  test('gets a dropdown as buttons while they fit', () => {
    const options = ['S', 'M', 'L', 'XL'].map((label) => ({ label, value: label }))
    const dropdown = (count: number) => ({
      type: 'dropdown',
      message: 'Size?',
      options: options.slice(0, count),
    })
    expect(degrade(dropdown(3), withButtons)?.contents[0]).toMatchObject({
      type: 'single-choice',
      text: 'Size?',
    })
    expect(degrade(dropdown(4), withButtons)?.contents).toEqual([
      { type: 'text', text: 'Size?\n1. S\n2. M\n3. L\n4. XL' },
    ])
  })

  test('gets a label that is too long for a button as a number', () => {
    const long = [{ title: 'x'.repeat(21), value: 'v' }]
    expect(degrade({ type: 'text', text: 'T', choices: long }, withButtons)?.contents[0]?.type).toBe('text')
  })

  test('never gets buttons below an empty text', () => {
    expect(degrade({ type: 'single-choice', text: '', choices }, withButtons)?.contents).toEqual([
      { type: 'single-choice', text: '…', choices },
    ])
  })
})

describe('long texts', () => {
  const long = 'word '.repeat(1000).trim()
  const all = (payload: Parameters<typeof degrade>[0], can = withButtons) =>
    degrade(payload, can)?.contents ?? []

  test('are split, and the indicator and the delay stand before the first piece only', () => {
    const contents = all({ type: 'text', text: long, typing: true, delay: 5, markdown: true })
    expect(contents.length).toBe(4)
    expect(contents.map((content) => content.typing)).toEqual([true, undefined, undefined, undefined])
    expect(contents.every((content) => content.markdown === true)).toBe(true)
    expect(contents.map((content) => content.text).join(' ')).toBe(long)
  })

  test('keep their buttons on the last piece', () => {
    expect(all({ type: 'text', text: long, choices }).map((content) => content.type)).toEqual([
      'text',
      'text',
      'text',
      'single-choice',
    ])
  })

  test('leave a picture whose title they are', () => {
    const contents = all({ type: 'image', image: 'https://x', title: long }, rich)
    expect(contents[0]).toEqual({ type: 'image', image: 'https://x' })
    expect(
      contents
        .slice(1)
        .map((content) => content.text)
        .join(' '),
    ).toBe(long)
  })
})

describe('a template', () => {
  const all = (payload: JsonObject, can: Capabilities) => degrade(payload, can)?.contents
  const template = { type: 'template', name: 'order_sent', language: 'en_US' }

  test('is unchanged where there are templates', () => {
    expect(all(template, only('text', 'template'))).toEqual([template])
  })

  test('is its text elsewhere, with its buttons', () => {
    const words = { ...template, text: 'It is **sent**', markdown: true }
    expect(all(words, only('text'))).toEqual([{ type: 'text', text: 'It is **sent**', markdown: true }])
    const choices = [{ title: 'Thanks', value: 't' }]
    expect(all({ ...words, choices }, only('text'))).toEqual([
      { type: 'text', text: 'It is **sent**\n1. Thanks', markdown: true },
    ])
  })

  test('without a text is nothing elsewhere, not even its buttons', () => {
    const choices = [{ title: 'Thanks', value: 't' }]
    for (const payload of [template, { ...template, choices }, { ...template, text: ' ' }])
      expect(degrade(payload, only('text'))).toBe(undefined)
  })
})

test('whatever the content and the channel: nothing is undefined, over the limit or of a type not shown', () => {
  const capabilities = fc.record({
    content: fc.subarray(contentTypes).map((types) => [...new Set<ContentType>(['text', ...types])]),
    maxTextLength: fc.integer({ min: 2, max: 60 }),
    buttons: fc.option(fc.record({ max: fc.integer({ min: 1, max: 5 }), maxLabel: fc.nat(20) })),
  })
  const hanging = fc.array(fc.record({ title: fc.string(), value: fc.string() }), { maxLength: 4 })
  fc.assert(
    fc.property(
      fc.constantFrom(...contentSamples),
      hanging,
      capabilities,
      (sample, extra, { buttons, ...can }) => {
        const payload =
          extra.length > 0 && sample.type !== 'single-choice' ? { ...sample, choices: extra } : sample
        const degraded = degrade(payload, { ...can, ...(buttons && { buttons }) })
        const contents = degraded?.contents ?? []
        const isShown = contentFaults(payload, can.content).length === 0
        expect(contents.length > 0).toBe(isShown)
        expect(JSON.stringify(contents)).not.toContain('undefined')
        expect(JSON.parse(JSON.stringify(contents))).toEqual(contents)
        for (const content of contents) {
          expect(can.content).toContain(content.type)
          if (content.type === 'text')
            expect(String(content.text).length).toBeLessThanOrEqual(can.maxTextLength)
          if (content.type !== 'single-choice') expect(content).not.toHaveProperty('choices')
        }
        const numbers = degraded?.options.map((option) => option.number)
        expect(numbers).toEqual(degraded?.options.map((_, i) => i + 1))
      },
    ),
  )
})

describe('any payload', () => {
  const channels: Capabilities[] = [
    any,
    plain,
    rich,
    only('text', 'card', 'image'),
    { content: [...contentTypes], maxTextLength: 60, buttons: { max: 2, maxLabel: 5 }, maxCaptionLength: 10 },
  ]
  // By hand: there are thousands of payloads.
  const isJson = (value: unknown) =>
    isDeepStrictEqual(JSON.parse(JSON.stringify(value)), value) || expect.fail(JSON.stringify(value))

  function isDegraded(payload: JsonObject): void {
    for (const channel of channels) {
      const degraded = degrade(payload, channel)
      isJson(degraded?.contents ?? [])
      const shown: readonly unknown[] = channel.content === 'any' ? [payload.type] : channel.content
      for (const { type } of degraded?.contents ?? [])
        if (!shown.includes(type)) expect.fail(`shows ${JSON.stringify(type)}`)
      numberedAnswer(payload, channel, '1')
    }
    const replaced = replaceButtons(payload, (index) => `token-${index}`)
    isJson(replaced)
    expect(buttonsOf(replaced)).toHaveLength(buttonsOf(payload).length)
  }

  test('degrades, whatever stands in the fields of a known type', () => {
    for (const payload of hostilePayloads()) isDegraded(payload)
  })

  test('degrades, whatever object it is', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.constantFrom(...contentTypes, undefined),
        (payload, type) => isDegraded(JSON.parse(JSON.stringify({ ...payload, type }))),
      ),
    )
  })

  test.each<[string, JsonObject]>([
    ['choices that are none', { type: 'text', text: 'hi', choices: Array(160_000).fill({}) }],
    ['cards that are none', { type: 'carousel', text: 'hi', items: Array(100_000).fill(null) }],
    ['cards', { type: 'carousel', text: 'hi', items: Array(40_000).fill({ title: '' }) }],
    ['actions that are none', { type: 'card', text: 'hi', title: '', actions: Array(200_000).fill(1) }],
    [
      'fields',
      {
        type: 'text',
        text: 'hi',
        ...Object.fromEntries(Array.from({ length: 40_000 }, (_, i) => [`${i}`, i])),
      },
    ],
    [
      'lists in lists',
      { type: 'text', text: 'hi', choices: JSON.parse('['.repeat(5000) + ']'.repeat(5000)) },
    ],
  ])('with too many %s says no more than its text, and is degraded in no time', (_, payload) => {
    const times = Array.from({ length: 3 }, () => {
      const start = performance.now()
      expect(degrade(payload, rich)?.contents).toEqual([{ type: 'text', text: 'hi' }])
      expect(buttonsOf(payload)).toEqual([])
      return performance.now() - start
    })
    expect(Math.min(...times)).toBeLessThan(50)
  })
})
