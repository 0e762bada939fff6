import { expect, test } from 'vitest'
import { endpoint, stage } from '../test/stage.js'

test('a person without a name has that of the account', async () => {
  await using staged = await stage()
  expect(await staged.runtime.describePerson?.(endpoint, staged.context())).toEqual({
    name: `ada_${endpoint.sender}`,
  })
})
