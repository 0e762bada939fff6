import { type Id, newId } from '@plugboard/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parsePositions, printPositions } from './positions.js'

const id = fc.integer({ min: 0, max: 0xffff_ffff }).map((n) => n.toString(16).padStart(24, '0') as Id)
const seq = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })

test('positions are read as they were printed', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(id, seq), { selector: ([key]) => key, maxLength: 50 }), (pairs) => {
      const text = printPositions(new Map(pairs))
      expect([...(parsePositions(text) ?? [])]).toEqual(pairs)
      expect(text).toMatch(/^[\w-]*$/)
    }),
  )
})

test('any other text gives nothing, or some positions', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.base64String().map((text) => `p${text}`),
      ),
      (text) => {
        for (const [key, number] of parsePositions(text) ?? []) {
          expect(key).toMatch(/^[0-9a-f]{24}$/)
          expect(Number.isSafeInteger(number)).toBe(true)
        }
      },
    ),
  )
})

test('a few conversations make a short text', () => {
  const positions = new Map([newId(), newId(), newId()].map((key, i) => [key, 100 * i]))
  expect(printPositions(positions).length).toBeLessThan(64)
})
