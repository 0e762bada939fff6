import type { JsonObject } from '@plugboard/core'
import { describe, expect, test } from 'vitest'
import { payloadOf, saidIn } from './map-content.js'

const src = 'https://x.example/a'

describe('what Smartify says', () => {
  test.each<[string, Parameters<typeof payloadOf>[0], JsonObject]>([
    ['a text', { type: 'text', text: 'hi' }, { type: 'text', text: 'hi' }],
    ['a picture', { type: 'image', text: '', metadata: { src } }, { type: 'image', image: src }],
    [
      'a picture with words',
      { type: 'image', text: 'cat', metadata: { src } },
      { type: 'image', image: src, title: 'cat' },
    ],
    ['a film', { type: 'video', metadata: { src } }, { type: 'video', video: src }],
    [
      'a named file',
      { type: 'file', metadata: { src, name: 'a.pdf' } },
      { type: 'file', file: src, title: 'a.pdf' },
    ],
    [
      'a sound sent as a file',
      { type: 'file', metadata: { src, type: 'audio/ogg' } },
      { type: 'audio', audio: src },
    ],
    ['a frame', { type: 'frame', text: 'see', metadata: { src } }, { type: 'text', text: `see\n${src}` }],
    ['a picture without an address', { type: 'image', text: 'cat' }, { type: 'text', text: 'cat' }],
    ['a type of its own', { type: 'poll', metadata: { a: 1 } }, { type: 'poll', metadata: { a: 1 } }],
    ['a type of its own with words', { type: 'poll', text: 'Red?' }, { type: 'text', text: 'Red?' }],
    [
      'buttons',
      {
        ...{ type: 'text', text: 'Well?' },
        attributes: {
          attachment: { buttons: [{ type: 'text', value: 'Yes' }, { type: 'url', value: 'x' }, 7] },
        },
      },
      { type: 'text', text: 'Well?', choices: [{ title: 'Yes', value: 'Yes' }] },
    ],
  ])('is for bots: %s', (_, said, payload) => {
    expect(payloadOf(said)).toEqual(payload)
  })
})

describe('what a bot says', () => {
  const buttons = (...values: string[]) => ({
    attachment: { type: 'template', buttons: values.map((value) => ({ type: 'text', value })) },
  })

  test.each<[string, JsonObject, ReturnType<typeof saidIn>]>([
    ['a text', { type: 'text', text: 'hi' }, { type: 'text', text: 'hi' }],
    ['a picture', { type: 'image', image: src }, { type: 'image', text: '', metadata: { src } }],
    [
      'a voice',
      { type: 'voice', audio: src, title: 'hm' },
      { type: 'audio', text: 'hm', metadata: { src, name: 'hm' } },
    ],
    [
      'a place',
      { type: 'location', latitude: 1, longitude: 2, title: 'Here' },
      { type: 'text', text: expect.stringMatching(/^Here\nhttps:.*1.*2/) },
    ],
    [
      'choices',
      { type: 'single-choice', text: 'Well?', choices: [{ title: 'Yes', value: 'y' }] },
      { type: 'text', text: 'Well?', attributes: buttons('Yes') },
    ],
    [
      'cards, one message for all',
      {
        type: 'carousel',
        items: [
          { title: 'One', image: src, actions: [{ action: 'Say something', title: 'A', text: 'a' }] },
          { title: 'Two', image: `${src}2`, actions: [{ action: 'Say something', title: 'B', text: 'b' }] },
        ],
      },
      { type: 'image', text: `One\n${src}2\nTwo`, metadata: { src }, attributes: buttons('A', 'B') },
    ],
    ['a type of its own', { type: 'poll', options: [] }, { type: 'poll', text: '[poll]' }],
    ['cards that there are none of', { type: 'carousel' }, { type: 'text', text: '[carousel]' }],
    ['a type that is none', { type: { toString: 1 } }, { type: 'text', text: '[message]' }],
    ['a type of its own with words', { type: 'poll', text: 'Red?' }, { type: 'text', text: 'Red?' }],
    ['an empty text', { type: 'text', text: '' }, { type: 'text', text: '' }],
    ['nothing', {}, { type: 'text', text: '[message]' }],
  ])('is for Smartify: %s', (_, payload, said) => {
    expect(saidIn(payload)).toEqual(said)
  })
})
