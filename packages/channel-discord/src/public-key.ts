import { createPublicKey, type KeyObject } from 'node:crypto'
import type { Config } from './config.js'

/** What comes before the 32 bytes of an Ed25519 key in DER: RFC 8410, section 4. */
const DER_HEAD = Buffer.from('302a300506032b6570032100', 'hex')

/** Undefined for a text that is not a key. */
export function publicKeyOf({ publicKey }: Config): KeyObject | undefined {
  if (publicKey === undefined) return undefined
  try {
    const key = Buffer.concat([DER_HEAD, Buffer.from(publicKey, 'hex')])
    return createPublicKey({ key, format: 'der', type: 'spki' })
  } catch {
    return undefined
  }
}
