import fc from 'fast-check'
import { expect, test } from 'vitest'
import { match } from './pattern.js'

test('a pattern names parts of a path', () => {
  expect(match('clients/:clientId/people/:id', 'clients/a/people/b')).toEqual({ clientId: 'a', id: 'b' })
  expect(match('', '')).toEqual({})
  expect(match('clients', 'clients/a')).toBeUndefined()
  expect(match('clients/:clientId', 'clients')).toBeUndefined()
  expect(match('clients/:clientId/live', 'clients/a/people')).toBeUndefined()
})

test('any id comes back as it was, and no address breaks a page', () => {
  const id = fc.string({ minLength: 1, unit: 'grapheme' })
  fc.assert(
    fc.property(id, (text) => {
      expect(match('clients/:id', `clients/${encodeURIComponent(text)}`)).toEqual({ id: text })
    }),
  )
  expect(match('clients/:id', 'clients/%E0%A4%A')).toEqual({ id: '%E0%A4%A' })
})
