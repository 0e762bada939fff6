import { graphRefusal } from '@plugboard/graph-api/testing'
import { expect, test } from 'vitest'
import { endpoint, stage } from '../test/stage.js'

test.each([
  [10, 2_018_278, { kind: 'window', code: '10/2018278' }],
  [10, 2_018_065, { kind: 'window' }],
  [10, 2_018_108, { kind: 'recipient' }],
  [10, 2_018_300, { kind: 'recipient' }],
  [10, undefined, { kind: 'auth', code: '10' }],
  [100, 2_018_001, { kind: 'recipient' }],
  [100, 33, { kind: 'auth', field: 'pageId' }],
  [100, undefined, { kind: 'invalid' }],
  [190, 463, { kind: 'auth', field: 'accessToken' }],
  [200, 1_545_041, { kind: 'recipient' }],
  [200, 2_018_028, { kind: 'recipient' }],
  [200, undefined, { kind: 'auth' }],
  [230, undefined, { kind: 'auth' }],
  [368, undefined, { kind: 'auth' }],
  [551, 1_545_041, { kind: 'recipient' }],
  [4, undefined, { kind: 'rate-limited', scope: 'integration' }],
  [32, undefined, { kind: 'rate-limited', scope: 'integration' }],
  [613, undefined, { kind: 'rate-limited', scope: 'integration' }],
  [1200, undefined, { kind: 'transient' }],
  [2, undefined, { kind: 'ambiguous' }],
])('error %s with subcode %s is %o', async (code, subcode, failure) => {
  const more = subcode === undefined ? {} : { error_subcode: subcode }
  await using staged = await stage({
    unreachable: { [endpoint.sender]: graphRefusal(400, code, 'as the test asks', more) },
  })
  const error = await staged.send({ type: 'text', text: 'Hello' }).catch((error: unknown) => error)
  const classified = staged.runtime.classify(error)
  expect(classified).toMatchObject(failure)
  expect(classified.message).toMatch(/^Messenger answered 400: \w.{5,}/)
})

test('the secret of another app is named', async () => {
  await using staged = await stage({ config: { appSecret: 'of-another-app' } })
  const error = await staged.send({ type: 'text', text: 'Hello' }).catch((error: unknown) => error)
  expect(staged.runtime.classify(error)).toMatchObject({ kind: 'auth', field: 'appSecret' })
})
