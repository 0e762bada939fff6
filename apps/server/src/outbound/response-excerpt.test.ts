import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EXCERPT_BYTES, excerptOf, REPEATS, secretsIn } from './response-excerpt.js'

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
    [
      'from its middle on',
      'near "card number is 4111 1111 1111 1111"',
      'My card number is 4111 1111 1111 1111',
    ],
    ['as Python writes it', '{"got": "\\u041f\\u0440\\u0438\\u0432\\u0435\\u0442"}', 'Привет'],
    ['in HTML', '<pre>&#1055;&#x440;&#1080;&#1074;&#1077;&#1090;</pre>', 'Привет'],
    ['as a form does', 'text=%D0%9F%D1%80%D0%B8%D0%B2%D0%B5%D1%82', 'Привет'],
  ])('is not kept if it repeats the text of the message %s', (_, answer, text) => {
    expect(of(answer, text)).toBe(REPEATS)
  })

  test('has nothing that grants access, also where it is cut off', () => {
    const secrets = secretsIn('/hook/s3cr3t-of-shop/x?key=a%20b+cdef&v=1', ['a-token-in-a-header'])
    const of = (answer: string) => excerptOf(Buffer.from(answer), sent('hello'), secrets)
    expect(of('Cannot POST /hook/s3cr3t-of-shop/x')).toBe('Cannot POST /hook/…/x')
    expect(of('{"x-api-key":"a-token-in-a-header","key":"a b cdef"}')).toBe('{"x-api-key":"…","key":"…"}')
    expect(of('no route /x?key=a%20b+cdef&v=1')).toBe('no route /x?…')
    const filler = 'x'.repeat(EXCERPT_BYTES - 12)
    expect(of(`${filler} a-token-in-a-header`)).toBe(`${filler} …`)
  })

  test('a short text that is part of a word does not count', () => {
    expect(of('token expired', 'ok')).toBe('token expired')
  })

  test('has no longer run of the text of the message, wherever an echo begins and ends', () => {
    const words = fc.string({ minLength: 60, maxLength: 300, unit: fc.constantFrom(...'abcdefgh ij') })
    fc.assert(
      fc.property(words, fc.nat(30), fc.string({ maxLength: 50 }), (said, from, before) => {
        const part = said.trim().slice(from, from + 24)
        if (part.trim().length < 24) return
        expect(of(`${before}${part}.`, said)).toBe(REPEATS)
      }),
    )
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
