import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createIdSource, fromUuid, type Id, idTime, isId, newId, shortId, toUuid } from './id.js'

/** Any 96 bits. */
const ids = fc
  .uint8Array({ minLength: 12, maxLength: 12 })
  .map((bytes) => Buffer.from(bytes).toString('hex') as Id)

const bitsOf = (uuid: string): bigint => BigInt(`0x${uuid.replaceAll('-', '')}`)

describe('the two faces of an id', () => {
  test('are the same value, for all 96 bits', () => {
    fc.assert(fc.property(ids, (id) => fromUuid(toUuid(id)) === id))
    for (const id of ['0'.repeat(24), 'f'.repeat(24)] as Id[]) expect(fromUuid(toUuid(id))).toBe(id)
  })

  test('a UUID has the layout of RFC 9562: 48 bits of time, version 7, variant 10', () => {
    fc.assert(
      fc.property(ids, (id) => {
        const uuid = toUuid(id)
        expect(uuid).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
        expect(bitsOf(uuid) >> 80n).toBe(BigInt(`0x${id.slice(0, 12)}`))
        expect((bitsOf(uuid) >> 76n) & 0xfn).toBe(7n)
        expect((bitsOf(uuid) >> 62n) & 0b11n).toBe(0b10n)
      }),
    )
  })

  test('are in the same order', () => {
    fc.assert(fc.property(ids, ids, (a, b) => toUuid(a) < toUuid(b) === a < b))
  })
})

describe('fromUuid', () => {
  const uuid = toUuid('018f3a5b7c9d1234567890ab' as Id)

  test('knows an id by one name only: spare bits that are not zero are refused', () => {
    fc.assert(
      fc.property(ids, fc.integer({ min: 0, max: 25 }), (id, bit) => {
        const hex = (bitsOf(toUuid(id)) | (1n << BigInt(bit))).toString(16).padStart(32, '0')
        expect(fromUuid(hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'))).toBeUndefined()
      }),
    )
  })

  test('ignores case', () => {
    expect(fromUuid(uuid.toUpperCase())).toBe('018f3a5b7c9d1234567890ab')
  })

  test.each([
    ['another version', uuid.replace('-7123-', '-4123-')],
    ['another variant', uuid.replace(/-.(?=...-.{12}$)/, '-c')],
    ['the hex face', '018f3a5b7c9d1234567890ab'],
    ['no hyphens', uuid.replaceAll('-', '')],
    ['braces', `{${uuid}}`],
    ['a line break at the end', `${uuid}\n`],
    ['nothing', ''],
  ])('refuses %s', (_, text) => {
    expect(text).not.toBe(uuid)
    expect(fromUuid(text)).toBeUndefined()
  })

  test('answers for any text without throwing', () => {
    fc.assert(fc.property(fc.string(), (text) => fromUuid(text) === undefined))
  })
})

describe('a source of ids', () => {
  test('rises strictly, also when the clock goes back', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2 ** 47), { minLength: 2, maxLength: 50 }), (clock) => {
        const times = [...clock]
        const next = createIdSource(() => times.shift() ?? 0)
        const made = clock.map(next)
        expect(made).toEqual([...new Set(made)].sort())
      }),
    )
  })

  test('gives the time of the clock, or the latest that it has seen', () => {
    const times = [1000, 500, 2000]
    const next = createIdSource(() => times.shift() ?? 0)
    expect([next(), next(), next()].map((id) => idTime(id).getTime())).toEqual([1000, 1000, 2000])
  })

  test('starts at random, so that two processes do not meet', () => {
    const starts = Array.from({ length: 100 }, () => createIdSource(() => 0)())
    expect(new Set(starts).size).toBe(100)
  })

  test('of the process makes ids of now', () => {
    const before = Date.now()
    const time = idTime(newId()).getTime()
    expect(time).toBeGreaterThanOrEqual(before)
    expect(time).toBeLessThanOrEqual(Date.now())
  })
})

test('isId takes 24 lower-case hex characters and nothing else', () => {
  fc.assert(fc.property(ids, (id) => isId(id)))
  for (const text of [
    '',
    'a'.repeat(23),
    'a'.repeat(25),
    'A'.repeat(24),
    'g'.repeat(24),
    `${'a'.repeat(24)}\n`,
  ]) {
    expect(isId(text)).toBe(false)
  }
})

test('the short form differs between neighbours', () => {
  const next = createIdSource(() => 0)
  expect(shortId(next())).not.toBe(shortId(next()))
  expect(shortId(next())).toMatch(/^[0-9a-f]{8}$/)
})
