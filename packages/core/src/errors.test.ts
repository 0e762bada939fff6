import { describe, expect, test } from 'vitest'
import { type ErrorCode, errorCodes, invalid, isPlugboardError, PlugboardError } from './errors.js'

describe.each(Object.entries(errorCodes) as [ErrorCode, string][])('%s', (code, meaning) => {
  test('says what it means in one sentence', () => {
    expect(code).toMatch(/^[A-Z_]+$/)
    expect(meaning).toMatch(/^[A-Z].*\.$/)
  })

  test('is recognised, and told from the other codes', () => {
    const error = new PlugboardError(code, 'why')
    expect(isPlugboardError(error)).toBe(true)
    const recognised = Object.keys(errorCodes).filter((other) => isPlugboardError(error, other as ErrorCode))
    expect(recognised).toEqual([code])
  })
})

test('an error keeps its message, cause, issues and the time to wait', () => {
  const cause = new Error('disk full')
  const error = new PlugboardError('UNAVAILABLE', 'the store is away', { cause, retryAfterMs: 500 })
  expect(error).toMatchObject({ message: 'the store is away', cause, retryAfterMs: 500, issues: [] })
  expect(String(error)).toBe('PlugboardError: the store is away')
  expect('cause' in new PlugboardError('INTERNAL', 'x')).toBe(false)
})

test('invalid names each field and what is wrong with it', () => {
  const issues = [
    { path: ['items', 0, 'title'], message: 'is required' },
    { path: ['type'], message: 'must be text' },
  ]
  const error = invalid(...issues)
  expect(error).toMatchObject({ code: 'INVALID', issues })
  expect(error.message).toBe('"items.0.title" is required. "type" must be text')
})

test.each([
  ['undefined', undefined],
  ['a text', 'INVALID'],
  ['another error', new Error('x')],
  ["Node's own error", Object.assign(new Error('x'), { code: 'ENOENT' })],
  ['an object that looks like one', { name: 'PlugboardError', code: 'INVALID', message: '' }],
  [
    'a code that is not in the table',
    Object.assign(new PlugboardError('INTERNAL', ''), { code: 'toString' }),
  ],
])('%s is no PlugboardError', (_, value) => {
  expect(isPlugboardError(value)).toBe(false)
})

test('an error of another copy of core is recognised', () => {
  class PlugboardErrorOfAnotherCopy extends Error {
    override readonly name = 'PlugboardError'
    readonly code = 'INVALID'
  }
  expect(isPlugboardError(new PlugboardErrorOfAnotherCopy(), 'INVALID')).toBe(true)
})
