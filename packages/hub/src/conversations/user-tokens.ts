import { timingSafeEqual } from 'node:crypto'
import { type Id, isId, newId } from '@plugboard/core'
import type { Keyring } from '../clients/keyring.js'

/** A token of a user in two parts, of which only the second one is secret. */
export interface TokenParts {
  id: Id
  secret: string
}

/** What a token says. */
export interface UserToken {
  clientId: Id
  userId: Id
  issuedAt: Date
  /** Default: it does not expire. */
  expiresAt?: Date
}

/**
 * When a new token counts as issued. `revokedAt`: when all earlier ones were revoked, which may be in this millisecond.
 */
export function issueTime(now: Date, revokedAt: string | undefined): Date {
  return revokedAt === undefined ? now : new Date(Math.max(now.getTime(), Date.parse(revokedAt) + 1))
}

/** Whether a token was issued before its user's tokens were revoked. */
export const isRevoked = ({ issuedAt }: UserToken, revokedAt: string | undefined): boolean =>
  revokedAt !== undefined && issuedAt.getTime() <= Date.parse(revokedAt)

/** Bytes of a secret: the ids of client and user, two times in milliseconds, and a MAC of all that and the token's id. */
const ID_BYTES = 12
const TIME_BYTES = 6
const HEAD_BYTES = 2 * ID_BYTES + 2 * TIME_BYTES
const MAC_BYTES = 30

/** 66 bytes, as the tokens of Botpress Messaging have. */
const SECRET = /^[A-Za-z0-9+/]{88}$/

/**
 * Tokens of users. They say whose they are, so that one works alone, and are signed, so that they need not be stored.
 */
export class UserTokens {
  readonly #keyring: Keyring

  constructor(keyring: Keyring) {
    this.#keyring = keyring
  }

  make({ clientId, userId, issuedAt, expiresAt }: UserToken): TokenParts {
    const id = newId()
    const head = Buffer.alloc(HEAD_BYTES)
    head.write(clientId + userId, 'hex')
    head.writeUIntBE(issuedAt.getTime(), 2 * ID_BYTES, TIME_BYTES)
    head.writeUIntBE(expiresAt?.getTime() ?? 0, 2 * ID_BYTES + TIME_BYTES, TIME_BYTES)
    return { id, secret: Buffer.concat([head, this.#mac(id, head)]).toString('base64') }
  }

  /** Undefined for a token that {@link make} did not make with this key. It may have expired. */
  read({ id, secret }: TokenParts): UserToken | undefined {
    if (!SECRET.test(secret)) return undefined
    const bytes = Buffer.from(secret, 'base64')
    const head = bytes.subarray(0, HEAD_BYTES)
    if (!timingSafeEqual(bytes.subarray(HEAD_BYTES), this.#mac(id, head))) return undefined
    const [clientId, userId] = [idAt(head, 0), idAt(head, ID_BYTES)]
    if (!isId(clientId) || !isId(userId)) return undefined
    const expiresMs = head.readUIntBE(2 * ID_BYTES + TIME_BYTES, TIME_BYTES)
    return {
      ...{ clientId, userId, issuedAt: new Date(head.readUIntBE(2 * ID_BYTES, TIME_BYTES)) },
      ...(expiresMs > 0 && { expiresAt: new Date(expiresMs) }),
    }
  }

  #mac(id: Id, head: Buffer): Buffer {
    return this.#keyring.mac(`user-token ${id} ${head.toString('hex')}`, MAC_BYTES)
  }
}

const idAt = (bytes: Buffer, start: number): string => bytes.toString('hex', start, start + ID_BYTES)
