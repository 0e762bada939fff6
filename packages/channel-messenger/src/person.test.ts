import { expect, test } from 'vitest'
import { endpoint, stage } from '../test/stage.js'

test('a person has the name of the profile', async () => {
  await using staged = await stage()
  expect(await staged.runtime.describePerson?.(endpoint, staged.context())).toEqual({
    name: `Ada No. ${endpoint.sender}`,
  })
})

test('a person whose profile has no name has none', async () => {
  await using staged = await stage({
    fetch: async () => Response.json({ id: endpoint.sender, first_name: 7 }),
  })
  expect(await staged.runtime.describePerson?.(endpoint, staged.context())).toBeUndefined()
})
