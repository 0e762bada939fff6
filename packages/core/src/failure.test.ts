import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { FailureError } from './failure.js'

test('a failure that is thrown says what it means, and nothing else', () => {
  const failure = { kind: 'auth', message: 'Acme answered 401', field: 'apiToken' } as const
  const error = new FailureError(failure)
  expect(error.failure).toBe(failure)
  expect(error.cause).toBeUndefined()
  expect(inspect(error)).toMatch(/^FailureError: Acme answered 401/)
})
