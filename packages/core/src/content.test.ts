import { describe, expect, test } from 'vitest'
import { contentSchema, contentTypes } from './content.js'
import { contentSamples } from './testing/content-samples.js'

test('the types are those of the Messaging API', () => {
  const known = 'text image audio voice video file location card carousel single-choice dropdown template'
  expect(contentTypes).toEqual(known.split(' '))
})

describe.each(contentTypes)('%s', (type) => {
  const samples = contentSamples.filter((sample) => sample.type === type)

  test('has a sample', () => {
    expect(samples).not.toEqual([])
  })

  test('is taken as it stands, with extra fields kept and with choices', () => {
    for (const sample of samples) {
      const payload = {
        choices: [{ title: 'A', value: 'a', icon: 1 }],
        typing: true,
        delay: 0,
        acme: {},
        ...sample,
      }
      expect(contentSchema.parse(payload)).toEqual(payload)
    }
  })

  test('needs each of its fields', () => {
    expect(contentSchema.safeParse({ type }).success).toBe(false)
  })
})

test('a card without actions has none', () => {
  expect(contentSchema.parse({ type: 'card', title: 'T' })).toEqual({ type: 'card', title: 'T', actions: [] })
  expect(contentSchema.parse({ type: 'carousel', items: [{ title: 'T' }] })).toMatchObject({
    items: [{ actions: [] }],
  })
})

test.each([
  ['an unknown type', { type: 'acme:form' }],
  ['no type', { text: 'hi' }],
  ['an empty URL', { type: 'image', image: '' }],
  ['a number for a text', { type: 'text', text: 1 }],
  ['a place off the map', { type: 'location', latitude: 91, longitude: 0 }],
  ['an empty carousel', { type: 'carousel', items: [] }],
  ['a choice of nothing', { type: 'single-choice', text: 'T', choices: [] }],
  ['an unknown action', { type: 'card', title: 'T', actions: [{ action: 'Call', title: 'T' }] }],
  ['a negative delay', { type: 'text', text: 'T', delay: -1 }],
  ['null', null],
])('%s is not known content', (_, payload) => {
  expect(contentSchema.safeParse(payload).success).toBe(false)
})
