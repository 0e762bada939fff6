import { type MessageDetails, newId } from '@plugboard/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { messageDetailsOf } from './message-details.js'

const whole: MessageDetails = {
  author: { accountId: newId(), name: 'Ann', avatarUrl: 'https://a.example', kind: 'agent' },
  edit: newId(),
  metadata: { a: [1, { b: null }] },
  dialect: { 'sunshine-v2': { content: { type: 'text' } }, smartify: {} },
}

test('details are read as they were written', () => {
  expect(messageDetailsOf({ details: JSON.stringify(whole) })).toEqual(whole)
  expect(messageDetailsOf({})).toEqual({})
})

test.each([
  ['no JSON', '{', {}],
  ['no object', '[1]', {}],
  ['no author', '{"author":"Ann","metadata":null,"dialect":[]}', {}],
  [
    'an author of wrong fields',
    '{"author":{"name":{"toString":1},"kind":"robot","accountId":"x"}}',
    { author: {} },
  ],
  ['a dialect that is none', '{"dialect":{"a":1,"b":{"c":2}}}', { dialect: { b: { c: 2 } } }],
])('what is not as it should be is left out: %s', (_, details, read) => {
  expect(messageDetailsOf({ details })).toEqual(read)
})

test('whatever the details are, they are read', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom('author', 'metadata', 'dialect', '__proto__'), fc.jsonValue()),
      (json) => {
        const read = messageDetailsOf({ details: JSON.stringify(json) })
        expect(JSON.parse(JSON.stringify(read))).toEqual(read)
      },
    ),
  )
})
