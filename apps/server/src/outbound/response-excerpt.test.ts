import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EXCERPT_BYTES, excerptOf, REPEATS } from './response-excerpt.js'

const sent = (text: string): string =>
  JSON.stringify({
    type: 'message.new',
    data: { conversationId: '6f9619ff-8b86-d011-b42d-00cf4fc964ff', payload: { type: 'text', text } },
  })

const of = (answer: string, text = 'my card ends in 4242'): string | undefined =>
  excerptOf(Buffer.from(answer), sent(text))

describe('the start of an answer', () => {
  test('is kept as it is, also where it names what it failed at', () => {
    const answer = '{"error":"no conversation 6f9619ff-8b86-d011-b42d-00cf4fc964ff of type text"}'
    expect(of(answer)).toBe(answer)
  })

  test('ends after a kilobyte, between two characters', () => {
    const excerpt = of('é'.repeat(2000)) ?? ''
    expect(Buffer.byteLength(excerpt)).toBeLessThanOrEqual(EXCERPT_BYTES)
    expect(excerpt).toBe('é'.repeat(EXCERPT_BYTES / 2))
    expect(of(`x${'é'.repeat(2000)}`)).toBe(`x${'é'.repeat(EXCERPT_BYTES / 2 - 1)}`)
  })

  test.each(['', ' \n', '\u0000\u0001 binary'])('is left out if it is no text: %j', (answer) => {
    expect(of(answer)).toBeUndefined()
  })

  test.each([
    ['as it is', 'cannot parse: my card ends in 4242', 'my card ends in 4242'],
    ['escaped', '{"got":"line one\\nline two"}', 'line one\nline two'],
    [
      'cut off',
      `${'x'.repeat(EXCERPT_BYTES - 40)}my card number, which I should not say: ${'4'.repeat(99)}`,
      `my card number, which I should not say: ${'4'.repeat(99)}`,
    ],
    ['though it is short', '{"text":"ok"}', 'ok'],
  ])('is not kept if it repeats the text of the message %s', (_, answer, text) => {
    expect(of(answer, text)).toBe(REPEATS)
  })

  test('a short text that is part of a word does not count', () => {
    expect(of('token expired', 'ok')).toBe('token expired')
  })

  test('never has the text of the message, wherever an echo begins', () => {
    const text = fc
      .string({ minLength: 4, maxLength: 300, unit: 'grapheme' })
      .filter((each) => each.trim().length >= 4)
    fc.assert(
      fc.property(text, fc.string({ maxLength: 50 }), (said, before) => {
        const excerpt = of(`${before}${sent(said)}`, said)
        expect(excerpt).toBe(REPEATS)
      }),
    )
  })
})
