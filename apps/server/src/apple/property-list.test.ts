import { expect, test } from 'vitest'
import { readPropertyList } from './property-list.js'

/** Written by Python's plistlib. */
const WRITTEN = Buffer.from(
  'YnBsaXN0MDDYAQIDBAUGBwgJCgsVFhcYG1R0ZXh0VWFzY2lpUW5UZGF0YVJhdFN1aWRZX19wcm90b19fVGxvbmdoAEcAcgD8AN8AZQAg2D3eAFVwbGFpbqkMDQ4PEBESExQQABD/EQEAEgABEXAT//////////sTACAAAAAAAAEjP/gAAAAAAAAJCEIA/zNBx4O2koAAAIAD0RkaUXgQAa8QFAwaHB0eHyAhIiMkJSYnKCkqKywtEAIQAxAEEAUQBhAHEAgQCRAKEAsQDBANEA4QDxAQEBEQEhATCBkeJCYrLjI8QVJYYmRmaW53gImKi46XmZyeoLe5u72/wcPFx8nLzc/R09XX2QAAAAAAAAEBAAAAAAAAAC4AAAAAAAAAAAAAAAAAAADb',
  'base64',
)

/** A list of these objects, each with an offset of two bytes and references of one. The first one is the top. */
function listOf(objects: readonly Buffer[]): Buffer {
  const header = Buffer.from('bplist00')
  const body = Buffer.concat([header, ...objects])
  const table = Buffer.alloc(2 * objects.length)
  let at = header.byteLength
  for (const [i, object] of objects.entries()) {
    table.writeUInt16BE(at, 2 * i)
    at += object.byteLength
  }
  const trailer = Buffer.alloc(32)
  trailer.set([2, 1], 6)
  trailer.writeBigUInt64BE(BigInt(objects.length), 8)
  trailer.writeBigUInt64BE(BigInt(body.byteLength), 24)
  return Buffer.concat([body, table, trailer])
}

const array = (...refs: number[]): Buffer => Buffer.from([0xa0 | refs.length, ...refs])

test('reads every kind of value', () => {
  const list = readPropertyList(WRITTEN)
  const expected: unknown = JSON.parse(
    JSON.stringify({
      text: 'Grüße 😀',
      ascii: 'plain',
      n: [0, 255, 256, 70_000, -5, '9007199254740993', 1.5, true, false],
      data: 'AP8=',
      at: '2026-01-02T03:04:05.000Z',
      uid: { CF$UID: 3 },
      PROTO: { x: 1 },
      long: Array.from({ length: 20 }, (_, i) => i),
    }).replace('PROTO', '__proto__'),
  )
  expect(JSON.stringify(list)).toBe(JSON.stringify(expected))
})

test('refuses what would never end, or never fit', () => {
  expect(() => readPropertyList(listOf([array(0)]))).toThrow('too large')
  // Each of these is twice the next one: 2^60 values in all.
  const doubling = Array.from({ length: 60 }, (_, i) => array(i + 1, i + 1))
  expect(() => readPropertyList(listOf([...doubling, Buffer.from([0x09])]))).toThrow('too large')
  const long = Buffer.concat([Buffer.from([0x5f, 0x12, 0, 0x0f, 0xff, 0xff]), Buffer.alloc(0x0f_ffff, 'x')])
  const refs = Array.from({ length: 14 }, () => 2)
  const lists = [array(1, 1, 1, 1), array(...refs), long]
  expect(() => readPropertyList(listOf(lists))).toThrow('too large')
})

test('refuses what is broken, wherever it is', () => {
  for (const length of [0, 8, 20, 39]) {
    expect(() => readPropertyList(WRITTEN.subarray(0, length))).toThrow('malformed')
  }
  for (let at = 8; at < WRITTEN.byteLength; at += 1) {
    for (const byte of [0x00, 0x7f, 0xa5, 0xdf, 0xff]) {
      const changed = Buffer.from(WRITTEN)
      changed[at] = byte
      try {
        readPropertyList(changed)
      } catch (error) {
        expect(error).toMatchObject({ name: 'AppleDataError' })
      }
    }
  }
})
