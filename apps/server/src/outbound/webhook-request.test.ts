import { describe, expect, test } from 'vitest'
import { answeredWith, brokenBy } from './webhook-request.js'

const now = new Date('2026-03-01T12:00:00Z')

describe('answeredWith', () => {
  test('honours Retry-After on 429 and 503 only', () => {
    expect(answeredWith(429, '7', now)).toEqual({
      kind: 'transient',
      status: 429,
      message: 'answered 429',
      retryAfterMs: 7000,
    })
    expect(answeredWith(503, '7', now)).toMatchObject({ retryAfterMs: 7000 })
    expect(answeredWith(500, '7', now)).not.toHaveProperty('retryAfterMs')
  })

  test('says that redirects are not followed', () => {
    expect(answeredWith(302, undefined, now).message).toContain('redirects are not followed')
  })
})

describe('brokenBy', () => {
  test('never repeats the text of an error', () => {
    const error = Object.assign(new Error('connect EWHATEVER 10.1.2.3:80'), { code: 'EWHATEVER' })
    expect(brokenBy(error, true)).toEqual({ kind: 'ambiguous', message: 'the request failed (EWHATEVER)' })
    expect(brokenBy('10.1.2.3', false)).toEqual({ kind: 'transient', message: 'the request failed' })
  })
})
