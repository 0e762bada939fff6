import { randomBytes } from 'node:crypto'

/**
 * An object id: 24 lower-case hex characters (96 bits: 48 of Unix milliseconds, 48 that are unique within a process).
 * The same value can be written as a version-7 UUID (RFC 9562), for APIs that use UUIDs. Ids can be guessed from other
 * ids: an id identifies an object and never grants access.
 */
export type Id = string & { readonly __id: unique symbol }

const HEX_24 = /^[0-9a-f]{24}$/
/** Version 7, RFC variant, and the last 26 random bits zero, so that each object has exactly one UUID. */
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{5}[048c]000000$/

/** The lower 22 bits of the counter are in the last group of a UUID, before its 26 zero bits. */
const LOW_22 = 0x3f_ffff
/** Half of the counter. Numbers stay below 2^31, because larger ones print ten times slower. */
const HALF = 2 ** 24

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')

/**
 * Creates a source of ids that increase strictly within the process, even if the clock is set back.
 * The lower 48 bits count up from a random start whose top bit is clear, so that they cannot overflow.
 */
export function createIdSource(now: () => number = Date.now): () => Id {
  let lastMs = -1
  let time = ''
  let high = randomBytes(3).readUIntBE(0, 3) % 2 ** 23
  let low = randomBytes(3).readUIntBE(0, 3)
  return () => {
    const ms = now()
    if (ms > lastMs) {
      lastMs = ms
      time = hex(ms, 12)
    }
    low += 1
    if (low === HALF) {
      low = 0
      high += 1
    }
    return (time + hex(high, 6) + hex(low, 6)) as Id
  }
}

/** Returns a new id from the process-wide source. */
export const newId = createIdSource()

/** Whether a text is an id of 24 hex characters. Upper case is rejected, so that each object has one id. */
export const isId = (text: string): text is Id => HEX_24.test(text)

/** When an id was created. */
export const idTime = (id: Id): Date => new Date(Number.parseInt(id.slice(0, 12), 16))

/** The id as a UUID. */
export function toUuid(id: Id): string {
  const middle = Number.parseInt(id.slice(15, 18), 16)
  const end = Number.parseInt(id.slice(18), 16)
  const variant = 0x8000 | (middle << 2) | (end >> 22)
  const head = `${id.slice(0, 8)}-${id.slice(8, 12)}-7${id.slice(12, 15)}`
  return `${head}-${hex(variant, 4)}-${hex((end & LOW_22) << 2, 6)}000000`
}

/**
 * The id of a UUID; undefined if the UUID is not an id (another version, or spare bits that are not zero). Ignores case,
 * as RFC 9562 requires.
 */
export function fromUuid(text: string): Id | undefined {
  if (!UUID_V7.test(text)) {
    const lower = text.toLowerCase()
    return lower === text ? undefined : fromUuid(lower)
  }
  const variant = Number.parseInt(text.slice(19, 23), 16)
  const end = ((variant & 3) << 22) | (Number.parseInt(text.slice(24, 30), 16) >> 2)
  const head = text.slice(0, 8) + text.slice(9, 13) + text.slice(15, 18)
  return (head + hex((variant >> 2) & 0xfff, 3) + hex(end, 6)) as Id
}

/** A short form of an id for names and logs, which differs between consecutive ids. */
export const shortId = (id: Id): string => id.slice(8, 12) + id.slice(20)
