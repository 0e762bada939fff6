import { isPlugboardError, type JsonObject, newId, toUuid } from '@plugboard/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { storedPayload, type VisitorPayload, visitorPayload } from './payloads.js'

const file = { url: 'https://hub.example/attachments/v1/a/b/c/shirt.png', type: 'image/png', size: 7 }
const [offering, card] = [newId(), newId()]
const sources = {
  upload: async (id: string) =>
    id === 'upload'
      ? { ...file, name: 'shirt.png' }
      : id === 'not a picture'
        ? { ...file, type: 'application/octet-stream' }
        : undefined,
  payloadOf: async (id: string) => {
    if (id === offering)
      return JSON.stringify({ type: 'single-choice', text: 'Size?', choices: [{ title: 'M', value: 'm' }] })
    if (id !== card) return undefined
    const actions = [{ action: 'Say something', title: 'Hi', text: 'hello' }]
    return JSON.stringify({ type: 'card', title: 'Shirt', actions })
  },
}

const FIELDS = new Set(
  'type text payload messageId foreign latitude longitude title address url mime size name'.split(' '),
)

describe('what a visitor sends', () => {
  test('is stored with fields of what people send alone, or refused', async () => {
    const value = fc.oneof(
      fc.string(),
      fc.double(),
      fc.boolean(),
      fc.constantFrom('upload', toUuid(offering)),
    )
    const type = fc.constantFrom(
      ...[
        'text',
        'quick_reply',
        'postback',
        'say_something',
        'location',
        'image',
        'file',
        'audio',
        'video',
        'card',
        'carousel',
      ],
    )
    const keys = fc.constantFrom(...FIELDS, 'upload', 'markdown', 'choices', 'image', 'actions')
    const payload = fc.tuple(type, fc.dictionary(keys, value)).map(([type, fields]) => ({ ...fields, type }))
    await fc.assert(
      fc.asyncProperty(payload, async (given) => {
        const { data } = visitorPayload.safeParse(given)
        if (!data) return
        const stored = await storedPayload(data, sources).catch((error: unknown) => {
          expect(isPlugboardError(error, 'INVALID')).toBe(true)
          return { type: data.type }
        })
        expect(stored.type).toBe(data.type)
        for (const name of Object.keys(stored)) expect(FIELDS).toContain(name)
      }),
    )
  })

  const press = (payload: string, messageId?: string): VisitorPayload => ({
    ...{ type: 'quick_reply', text: 'M', payload },
    ...(messageId !== undefined && { messageId }),
  })

  test.each<[string, VisitorPayload, JsonObject]>([
    ['a text', { type: 'text', text: ' hello ' }, { type: 'text', text: ' hello ' }],
    [
      'a file',
      { type: 'image', upload: 'upload', title: 'Mine' },
      { type: 'image', url: file.url, mime: 'image/png', size: 7, name: 'shirt.png', title: 'Mine' },
    ],
    [
      'a file, if it is called a picture and is none',
      { type: 'image', upload: 'not a picture' },
      { type: 'file', url: file.url, mime: 'application/octet-stream', size: 7 },
    ],
    [
      'a place',
      { type: 'location', latitude: 1, longitude: 2 },
      { type: 'location', latitude: 1, longitude: 2 },
    ],
    [
      'a press of what was offered',
      press('m', toUuid(offering)),
      { type: 'quick_reply', text: 'M', payload: 'm', messageId: toUuid(offering) },
    ],
    [
      'a press of what was not offered',
      press('x', toUuid(offering)),
      { type: 'quick_reply', text: 'M', payload: 'x', messageId: toUuid(offering), foreign: true },
    ],
    [
      'a press under a message of another conversation',
      press('m', toUuid(newId())),
      { type: 'quick_reply', text: 'M', payload: 'm', foreign: true },
    ],
    [
      'what a button says that was offered',
      { type: 'say_something', text: 'hello', messageId: toUuid(card) },
      { type: 'say_something', text: 'hello', messageId: toUuid(card) },
    ],
    [
      'what no button says',
      { type: 'say_something', text: 'bye', messageId: toUuid(card) },
      { type: 'say_something', text: 'bye', messageId: toUuid(card), foreign: true },
    ],
    [
      'a press of another kind than was offered',
      { type: 'postback', payload: 'm', messageId: toUuid(offering) },
      { type: 'postback', payload: 'm', messageId: toUuid(offering), foreign: true },
    ],
  ])('is %s', async (_, given, stored) => {
    expect(await storedPayload(given, sources)).toEqual(stored)
  })
})
