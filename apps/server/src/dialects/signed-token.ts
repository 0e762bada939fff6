import { createHmac, type KeyObject } from 'node:crypto'
import type { JWTPayload, JWTVerifyOptions } from 'jose'
import { jose } from '../jose.js'

/** Keys sign with this one alone, so that no token can choose how it is checked. */
export const ALGORITHM = 'HS256'

/** A token (RFC 7515 §3.1) with these claims. Every start may make one, so that it does without the library, which is slow to load. */
export function tokenOf(claims: object, key: Uint8Array): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part({ alg: ALGORITHM })}.${part(claims)}`
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
}

/**
 * The claims of a token (RFC 7519) that this key signed and that is good now; undefined for any other, whatever is wrong
 * with it. Keys that a header brings or points to (`jwk`, `jku`, `x5u`) count for nothing.
 */
export async function claimsOf(
  token: string,
  key: KeyObject | Uint8Array,
  options: Omit<JWTVerifyOptions, 'algorithms'> = {},
): Promise<JWTPayload | undefined> {
  const { jwtVerify } = await jose()
  try {
    const { payload } = await jwtVerify(token, key, { ...options, algorithms: [ALGORITHM] })
    const { iat } = payload
    return iat === undefined || Number.isFinite(iat) ? payload : undefined
  } catch {
    // Why it is not good is nothing that a stranger should hear.
    return undefined
  }
}
