import type { Json } from '@plugboard/core'
import { AppleDataError } from './apple-data-error.js'

const HEADER = 'bplist00'
const TRAILER_BYTES = 32
/** From 1970 to 2001, when Apple's time begins. */
const EPOCH_MS = 978_307_200_000

/** What a list may come to when it is written out: one object may be meant by many others, and they by many more. */
const LIMITS = { depth: 100, values: 20_000, bytes: 16_777_216 }

export const isPropertyList = (bytes: Buffer): boolean =>
  bytes.subarray(0, HEADER.length).toString('latin1') === HEADER

/**
 * Reads a binary property list as JSON: data as base64, times in ISO 8601, references of an archive as `{ "CF$UID": n }`.
 * Our own implementation, because the npm libraries expand shared objects without a limit, which allows denial of service.
 * @throws AppleDataError
 */
export function readPropertyList(bytes: Buffer): Json {
  try {
    return new Reader(bytes).read()
  } catch (error) {
    if (error instanceof RangeError) throw new AppleDataError('the property list is malformed')
    throw error
  }
}

class Reader {
  readonly #bytes: Buffer
  readonly #refSize: number
  readonly #offsetSize: number
  readonly #table: number
  readonly #top: number
  #values = 0
  #length = 0

  constructor(bytes: Buffer) {
    const trailer = bytes.byteLength - TRAILER_BYTES
    this.#bytes = bytes
    this.#offsetSize = bytes.readUInt8(trailer + 6)
    this.#refSize = bytes.readUInt8(trailer + 7)
    this.#top = this.#uint(trailer + 16, 8)
    this.#table = this.#uint(trailer + 24, 8)
  }

  read(): Json {
    return this.#object(this.#top, 0)
  }

  #object(ref: number, depth: number): Json {
    this.#values += 1
    if (depth > LIMITS.depth || this.#values > LIMITS.values) throw tooLarge()
    const at = this.#uint(this.#table + ref * this.#offsetSize, this.#offsetSize)
    const marker = this.#bytes.readUInt8(at)
    const info = marker & 0x0f
    switch (marker >> 4) {
      case 0x0:
        return SIMPLE.get(info) ?? null
      case 0x1:
        return this.#integer(at + 1, 2 ** info)
      case 0x2:
        return finite(info === 2 ? this.#bytes.readFloatBE(at + 1) : this.#bytes.readDoubleBE(at + 1))
      case 0x3:
        return this.#time(at + 1)
      case 0x8:
        return { CF$UID: this.#uint(at + 1, info + 1) }
    }
    const { count, start } = this.#count(at, info)
    switch (marker >> 4) {
      case 0x4:
        return this.#slice(start, count).toString('base64')
      case 0x5:
        return this.#slice(start, count).toString('latin1')
      case 0x6:
        return Buffer.from(this.#slice(start, 2 * count))
          .swap16()
          .toString('utf16le')
      case 0xa:
      case 0xc:
        return this.#refs(start, count).map((each) => this.#object(each, depth + 1))
      case 0xd:
        return this.#dictionary(this.#refs(start, 2 * count), depth)
      default:
        throw new AppleDataError('the property list is malformed')
    }
  }

  /** Keys first, then values. */
  #dictionary(refs: readonly number[], depth: number): Json {
    const count = refs.length / 2
    const entries = refs.slice(0, count).map((key, i): [string, Json] => {
      const name = this.#object(key, depth + 1)
      return [String(name), this.#object(refs[count + i] ?? Number.NaN, depth + 1)]
    })
    return Object.fromEntries(entries)
  }

  /** A count of 15 says that the count itself stands behind, as an integer. */
  #count(at: number, info: number): { count: number; start: number } {
    if (info !== 0x0f) return { count: info, start: at + 1 }
    const size = 2 ** (this.#bytes.readUInt8(at + 1) & 0x0f)
    return { count: this.#uint(at + 2, size), start: at + 2 + size }
  }

  #refs(start: number, count: number): number[] {
    if (count > LIMITS.values) throw tooLarge()
    return Array.from({ length: count }, (_, i) => this.#uint(start + i * this.#refSize, this.#refSize))
  }

  #slice(start: number, length: number): Buffer {
    if (start + length > this.#bytes.byteLength) throw new RangeError()
    this.#length += length
    if (this.#length > LIMITS.bytes) throw tooLarge()
    return this.#bytes.subarray(start, start + length)
  }

  #uint(at: number, size: number): number {
    if (size <= 6) return this.#bytes.readUIntBE(at, size)
    if (size !== 8) throw new RangeError()
    return Number(this.#bytes.readBigUInt64BE(at))
  }

  /** As a text where a number would not be exact. */
  #integer(at: number, size: number): Json {
    if (size < 8) return this.#bytes.readUIntBE(at, size)
    // Of 16 bytes those of high value tell the sign alone.
    if (size > 16) throw new RangeError()
    const value = this.#bytes.readBigInt64BE(at + size - 8)
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  }

  #time(at: number): Json {
    const ms = EPOCH_MS + 1000 * this.#bytes.readDoubleBE(at)
    return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : null
  }
}

const SIMPLE: ReadonlyMap<number, boolean> = new Map([
  [8, false],
  [9, true],
])

const finite = (value: number): Json => (Number.isFinite(value) ? value : null)

const tooLarge = (): AppleDataError => new AppleDataError('the property list is too large')
