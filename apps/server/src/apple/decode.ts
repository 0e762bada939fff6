import { createDecipheriv } from 'node:crypto'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { type Json, type JsonObject, jsonFault } from '@plugboard/core'
import { AppleDataError } from './apple-data-error.js'
import { isPropertyList, readPropertyList } from './property-list.js'

const GZIP = Buffer.from([0x1f, 0x8b])

/** Counts from zero. */
const IV = Buffer.alloc(16)

/** A key as Apple writes it: hex, with two zeros before its 32 bytes. @throws AppleDataError */
export function keyOf(text: string): Buffer {
  const hex = text.length === 66 && text.startsWith('00') ? text.slice(2) : text
  if (!/^[0-9a-f]{64}$/i.test(hex)) throw new AppleDataError('the key must be 32 bytes in hex')
  return Buffer.from(hex, 'hex')
}

/** Decrypts (AES-256-CTR, as for attachments of Apple Messages for Business) and decompresses. @throws AppleDataError */
export async function decrypt(bytes: Buffer, key: Buffer, maxBytes: number): Promise<Buffer> {
  const decipher = createDecipheriv('aes-256-ctr', key, IV)
  const data = Buffer.concat([decipher.update(bytes), decipher.final()])
  if (!data.subarray(0, 2).equals(GZIP)) return data
  try {
    return await promisify(gunzip)(data, { maxOutputLength: maxBytes })
  } catch {
    throw new AppleDataError('the data cannot be decompressed, or is too large')
  }
}

/** The object of a JSON text; undefined if it is none. @throws AppleDataError if it has too many values or levels */
export function readJson(bytes: Buffer): JsonObject | undefined {
  // What cannot be an object need not be parsed.
  if (!/^\s*\{/.test(bytes.subarray(0, 100).toString('latin1'))) return undefined
  const fault = jsonFault(bytes)
  if (fault !== undefined) throw new AppleDataError(`the data ${fault}`)
  try {
    return objectOf(JSON.parse(bytes.toString('utf8')) as Json)
  } catch {
    return undefined
  }
}

/** @throws AppleDataError */
export function decode(bytes: Buffer): JsonObject {
  const object = readJson(bytes) ?? (isPropertyList(bytes) ? objectOf(readPropertyList(bytes)) : undefined)
  if (object) return object
  throw new AppleDataError('the data is neither JSON nor a property list: check the key')
}

function objectOf(value: Json): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new AppleDataError('the data is not an object')
  return value
}
