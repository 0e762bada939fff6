import { randomBytes } from 'node:crypto'

/**
 * An id of one of our objects: 24 lower-case hex characters (96 bits: 48 of Unix milliseconds, 48 that are unique
 * in their process). The same value has a second face, a version-7 UUID (RFC 9562), for wire APIs that want UUIDs.
 */
export type Id = string & { readonly __id: unique symbol }

const HEX_24 = /^[0-9a-f]{24}$/
/** Version 7, RFC variant, and the last 26 of the random bits zero, so that no two UUIDs name one object. */
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{5}[048c]000000$/

/** 2^22: the random bits that the last group of a UUID holds. The 26 bits after them are zero. */
const LOW_BITS = 0x40_0000
const ZERO_TAIL = 0x400_0000

/**
 * Makes a source of ids that rise strictly within the process, also when the clock is set back.
 * The lower 48 bits count up from a random start whose top bit is clear, so that they cannot overflow.
 */
export function createIdSource(now: () => number = Date.now): () => Id {
  let lastMs = 0
  let counter = randomBytes(6).readUIntBE(0, 6) % 2 ** 47
  return () => {
    lastMs = Math.max(lastMs, now())
    counter += 1
    return (lastMs.toString(16).padStart(12, '0') + counter.toString(16).padStart(12, '0')) as Id
  }
}

/** A new id from the process's own source. */
export const newId = createIdSource()

/** Whether a text is an id in its 24-hex face. Upper case is refused: one object has one name. */
export const isId = (text: string): text is Id => HEX_24.test(text)

/** When an id was made. */
export const idTime = (id: Id): Date => new Date(Number.parseInt(id.slice(0, 12), 16))

/** The UUID face of an id. */
export function toUuid(id: Id): string {
  const low = Number.parseInt(id.slice(15), 16)
  const variant = 0x8000 + Math.floor(low / LOW_BITS)
  const tail = ((low % LOW_BITS) * ZERO_TAIL).toString(16).padStart(12, '0')
  return `${id.slice(0, 8)}-${id.slice(8, 12)}-7${id.slice(12, 15)}-${variant.toString(16)}-${tail}`
}

/**
 * The id that a UUID is the other face of; undefined when it is the face of none (another version, or spare bits
 * that are not zero). Case is ignored, as RFC 9562 asks of readers.
 */
export function fromUuid(text: string): Id | undefined {
  const uuid = text.toLowerCase()
  if (!UUID_V7.test(uuid)) return undefined
  const high = Number.parseInt(uuid.slice(19, 23), 16) % 0x4000
  const tail = Number.parseInt(uuid.slice(24), 16) / ZERO_TAIL
  const low = (high * LOW_BITS + tail).toString(16).padStart(9, '0')
  return (uuid.slice(0, 8) + uuid.slice(9, 13) + uuid.slice(15, 18) + low) as Id
}

/** The middle of an id, which varies between neighbours, for names and logs. */
export const shortId = (id: Id): string => id.slice(8, 12) + id.slice(20)
