import { describe, expect, test } from 'vitest'
import { failureOfStatus } from './failure.js'

describe('a message that WhatsApp accepted and then reports as failed', () => {
  test.each([
    [131026, { kind: 'recipient' }, false],
    [131047, { kind: 'window' }, false],
    [131053, { kind: 'invalid' }, true],
    [131052, { kind: 'invalid' }, true],
    [131031, { kind: 'auth' }, false],
  ])('with error %i is %j', (code, failure, isContentRefused) => {
    expect(failureOfStatus(code, undefined)).toMatchObject({
      failure: { ...failure, code: String(code) },
      isContentRefused,
    })
  })

  test('with an error that is new has the words of Meta, without a quotation', () => {
    expect(failureOfStatus(139999, 'Something new: "my text"').failure).toEqual({
      ...{ kind: 'ambiguous', code: '139999', message: 'WhatsApp could not deliver it: Something new:' },
    })
    expect(failureOfStatus(undefined, undefined).failure).toEqual({
      ...{ kind: 'ambiguous', message: 'WhatsApp could not deliver it: it gives no reason' },
    })
  })
})
