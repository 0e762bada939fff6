import { graphRefusal } from '@plugboard/graph-api/testing'
import { expect, test } from 'vitest'
import { endpoint, stage } from '../test/stage.js'

test.each([
  [10, 2_534_022, { kind: 'window', code: '10/2534022' }],
  [10, 2_018_278, { kind: 'window' }],
  [10, 2_534_048, { kind: 'recipient', message: expect.stringContaining('Advanced Access') }],
  [200, 2_534_048, { kind: 'recipient' }],
  [100, 2_534_037, { kind: 'recipient' }],
  [100, 2_534_014, { kind: 'recipient' }],
  [100, 2_534_001, { kind: 'recipient' }],
  [100, 33, { kind: 'auth', field: 'accountId' }],
  [100, undefined, { kind: 'invalid' }],
  [190, undefined, { kind: 'auth', field: 'accessToken' }],
  [200, 1_545_041, { kind: 'recipient' }],
  [551, 1_545_041, { kind: 'recipient' }],
  [613, undefined, { kind: 'rate-limited', scope: 'integration' }],
  [10, undefined, { kind: 'auth', code: '10' }],
  [230, undefined, { kind: 'auth' }],
  [4, undefined, { kind: 'rate-limited', scope: 'integration', retryAfterMs: 60_000 }],
  [2, 1_545_133, { kind: 'ambiguous' }],
])('error %s with subcode %s is %o', async (code, subcode, failure) => {
  const more = subcode === undefined ? {} : { error_subcode: subcode }
  await using staged = await stage({
    unreachable: { [endpoint.sender]: graphRefusal(400, code, 'as the test asks', more) },
  })
  const error = await staged.send({ type: 'text', text: 'Hello' }).catch((error: unknown) => error)
  const classified = staged.runtime.classify(error)
  expect(classified).toMatchObject(failure)
  expect(classified.message).toMatch(/^Instagram answered 400: \w.{5,}/)
})
