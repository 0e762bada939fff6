import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bodyLimits, formFault, jsonFault, readJson } from './body-limits.js'

const { jsonLevels, jsonValues, formFields } = bodyLimits
const faultOf = (json: string) => jsonFault(Buffer.from(json))
const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)

/** Counted the slow way. */
const levelsOf = (value: unknown): number =>
  typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(levelsOf)) : 0

describe('JSON', () => {
  test('may nest up to the maximum depth', () => {
    expect(faultOf(nested(jsonLevels))).toBeUndefined()
    expect(faultOf(nested(jsonLevels + 1))).toBe(`may nest ${jsonLevels} levels at most`)
    expect(faultOf('{"a":'.repeat(jsonLevels + 1))).toBe(`may nest ${jsonLevels} levels at most`)
  })

  test('may contain up to the maximum number of values, of any kind', () => {
    for (const value of ['0', '""', '{}', '{"a":[]}']) {
      const list = (length: number) => `[${Array(length).fill(value).join(',')}]`
      expect(faultOf(list(jsonValues / 4))).toBeUndefined()
      expect(faultOf(list(jsonValues + 1))).toBe(`may hold ${jsonValues} values at most`)
    }
    expect(faultOf(`[${Array(jsonValues).fill('0').join(',')}]`)).toBeUndefined()
  })

  test('may contain more values, or fewer, where a channel says so', () => {
    const list = JSON.stringify(Array(jsonValues + 1).fill(0))
    expect(readJson(list, 'body', { maxValues: jsonValues + 1 })).toHaveLength(jsonValues + 1)
    expect(() => readJson(list, 'body', { maxValues: 7 })).toThrow('"body" may hold 7 values at most')
  })

  test('may hold brackets, commas and quotes in its texts', () => {
    const texts = ['[{'.repeat(jsonLevels), ','.repeat(2 * jsonValues), '\\"'.repeat(100), '\\', '"']
    expect(faultOf(JSON.stringify({ texts, [texts.join()]: 1 }))).toBeUndefined()
  })

  test('within the limits is read as it is', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        fc.pre(levelsOf(JSON.parse(json)) <= jsonLevels)
        expect(readJson(json)).toEqual(JSON.parse(json))
      }),
    )
  })

  test('that is none, too much, or no UTF-8, is INVALID and not quoted', () => {
    const bodies = ['{"secret":', '', nested(jsonLevels + 1), Buffer.from([0x22, 0xff, 0x22])]
    for (const body of bodies) {
      expect(() => readJson(body, 'payload')).toThrow(
        expect.objectContaining({
          code: 'INVALID',
          message: expect.stringMatching(/^"payload" (must|may) /),
        }),
      )
    }
  })
})

test('a form may have up to the maximum number of fields', () => {
  const form = (fields: number) => Buffer.from(Array(fields).fill('a=1').join('&'))
  expect(formFault(form(formFields))).toBeUndefined()
  expect(formFault(form(formFields + 1))).toBe(`may have ${formFields} fields at most`)
})
