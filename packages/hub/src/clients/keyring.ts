import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hash,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'
import { PlugboardError } from '@plugboard/core'
import type { Sealed } from '../ports/client-record.js'

const CIPHER = 'aes-256-gcm'
const IV_BYTES = 12
const TAG_BYTES = 16
const PREFIX = 'v1.'

/**
 * Encrypts secrets that must be read back (provider configuration, webhook tokens) with AES-256-GCM. The context (the
 * client's id) is authenticated, so that a sealed text of one client cannot be opened for another.
 */
export class Keyring {
  readonly #key: Buffer
  readonly #signingKey: Buffer
  /** Identifies the key without revealing it. */
  readonly fingerprint: string

  /** @throws INVALID when the key is not 32 bytes. */
  constructor(key: Uint8Array) {
    if (key.byteLength !== 32)
      throw new PlugboardError('INVALID', 'the encryption key must be 32 bytes in base64')
    const master = Buffer.from(key)
    this.#key = derive(master, 'seal')
    this.#signingKey = derive(master, 'sign')
    this.fingerprint = derive(master, 'fingerprint').toString('hex')
  }

  /** HMAC-SHA512 of a text, base64: a credential that need not be stored. The text starts with its purpose. */
  sign(text: string): string {
    return createHmac('sha512', this.#signingKey).update(text).digest('base64')
  }

  /** The first bytes of the HMAC of a text, which starts with its purpose. */
  mac(text: string, bytes: number): Buffer {
    return createHmac('sha512', this.#signingKey).update(text).digest().subarray(0, bytes)
  }

  /** Compares in constant time. */
  isMac(mac: Uint8Array, text: string): boolean {
    return timingSafeEqual(mac, this.mac(text, mac.byteLength))
  }

  /** Derives a key of 32 bytes for one purpose, for signatures of another library. */
  keyFor(purpose: string): Buffer {
    return derive(this.#signingKey, purpose)
  }

  seal(text: string, context: string): Sealed {
    const iv = randomBytes(IV_BYTES)
    const cipher = createCipheriv(CIPHER, this.#key, iv, { authTagLength: TAG_BYTES })
    cipher.setAAD(Buffer.from(context))
    const sealed = Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
    return (PREFIX + sealed.toString('base64url')) as Sealed
  }

  /** @throws INTERNAL if it was sealed with another key or for another context, or was modified */
  open(sealed: string, context: string): string {
    try {
      const bytes = Buffer.from(sealed.slice(PREFIX.length), 'base64url')
      // In a shorter text, a part of the nonce would be read as the tag.
      if (bytes.length < IV_BYTES + TAG_BYTES) throw new Error('it is too short')
      const iv = bytes.subarray(0, IV_BYTES)
      // Without the length, Node.js also accepts a tag of 4 bytes, which can be guessed.
      const decipher = createDecipheriv(CIPHER, this.#key, iv, { authTagLength: TAG_BYTES })
      decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(-TAG_BYTES))
      return decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
    } catch (cause) {
      throw new PlugboardError('INTERNAL', 'cannot decrypt a stored secret with this encryption key', {
        cause,
      })
    }
  }
}

/** Derives a key for one purpose (RFC 5869), so that no two purposes share a key. */
function derive(master: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', master, '', `plugboard:${purpose}`, 32))
}

/** A new secret: 64 random bytes in base64, 88 characters. */
export const newSecret = (): string => randomBytes(64).toString('base64')

/** SHA-256 of a secret, hex: enough for secrets of 256 random bits. */
export const hashSecret = (secret: string): string => hash('sha256', secret)

/** Compares two hashes in constant time. */
export function isSameHash(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
}
