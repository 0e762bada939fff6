import fc from 'fast-check'
import { expect, test } from 'vitest'
import { previewOf, previewOfContent } from './preview.js'

test.each<[string, Parameters<typeof previewOfContent>[0], string]>([
  ['a text in one line', { type: 'text', text: ' Hi\n\n there\t! ' }, 'Hi there !'],
  ['the caption of a picture', { type: 'image', image: 'https://x', title: 'A cat' }, 'A cat'],
  ['a picture without one', { type: 'image', image: 'https://x' }, '[image]'],
  ['a question', { type: 'single-choice', text: 'Which?', choices: [{ title: 'A' }] }, 'Which?'],
  ['choices alone', { type: 'custom', choices: [{ title: 'A' }] }, 'A'],
  ['the first card', { type: 'carousel', items: [{ type: 'card', title: 'One' }, { title: 'Two' }] }, 'One'],
  ['something unknown', { type: 'x-form', fields: [1] }, '[x-form]'],
  ['something without a type', {}, '[message]'],
])('shows %s', (_, content, expected) => {
  expect(previewOfContent(content)).toBe(expected)
})

test.each<[string, object, string]>([
  ['an edit', { type: 'edited', payload: { type: 'text', text: 'new' } }, 'edited: new'],
  ['a reaction', { type: 'reaction', emoji: '👍', removed: false }, 'reacted with 👍'],
  [
    'why a provider could not deliver',
    { type: 'delivery', status: 'failed', failure: { kind: 'recipient', message: 'blocked' } },
    'failed: blocked',
  ],
  ['an activity without details', { type: 'closed' }, 'closed'],
  ['one that this version does not know', { type: 'later' }, ''],
])('shows %s', (_, activity, expected) => {
  expect(previewOf({ type: 'activity', payload: JSON.stringify(activity) })).toBe(expected)
})

test('is a short, well-formed line, whatever a message contains', () => {
  const content = fc.dictionary(
    fc.constantFrom('type', 'text', 'title', 'items', 'choices', 'other'),
    fc.oneof(fc.jsonValue(), fc.string({ unit: 'grapheme', minLength: 200, maxLength: 400 })),
  )
  fc.assert(
    fc.property(content, (payload) => {
      const preview = previewOf({ type: 'message', payload: JSON.stringify(payload) })
      expect(preview.length).toBeLessThanOrEqual(256)
      expect(preview.isWellFormed() || !JSON.stringify(payload).isWellFormed()).toBe(true)
      expect(preview).not.toMatch(/[\r\n]/)
    }),
  )
})
