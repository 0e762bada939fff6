import { createHash, createSecretKey, type KeyObject, randomUUID } from 'node:crypto'
import type { OpenWebhook } from '@plugboard/hub'
import type { JWTPayload } from 'jose'
import { jose } from '../../jose.js'
import { ALGORITHM, claimsOf } from '../signed-token.js'

/** Issuer and audience of tokens, which the clients of this API expect. */
const ISSUER = 'https://tiledesk.com'
const SUBSCRIPTION_AUDIENCE = /^https:\/\/tiledesk\.com\/subscriptions\/([0-9a-f]{24})$/

const HEADER = { alg: ALGORITHM, typ: 'JWT' }

/** Claimed type of a token, before its signature is verified. It selects the key for the verification. */
export type Claimed = { by: 'server' } | { by: 'subscription'; id: string }

/** The claimed subject of a token. Undefined if it is not a token of this API. */
export async function claimedIn(token: string): Promise<Claimed | undefined> {
  const { decodeJwt } = await jose()
  try {
    const { aud } = decodeJwt(token)
    if (aud === ISSUER) return { by: 'server' }
    const [, id] = SUBSCRIPTION_AUDIENCE.exec(typeof aud === 'string' ? aud : '') ?? []
    return id === undefined ? undefined : { by: 'subscription', id }
  } catch {
    return undefined
  }
}

/** Tokens that this server signs. */
export class ServerTokens {
  readonly #key: KeyObject
  readonly #now: () => number

  constructor(key: Uint8Array, now: () => number = Date.now) {
    this.#key = createSecretKey(key)
    this.#now = now
  }

  /** With the scheme in front, as sign-in answers it. */
  async sign(subject: 'guest' | 'user', claims: object, ttlMs: number): Promise<string> {
    const { SignJWT } = await jose()
    const seconds = Math.floor(this.#now() / 1000)
    const jws = await new SignJWT({ ...claims })
      .setProtectedHeader(HEADER)
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + Math.ceil(ttlMs / 1000))
      .setAudience(ISSUER)
      .setIssuer(ISSUER)
      .setSubject(subject)
      .setJti(randomUUID())
      .sign(this.#key)
    return `JWT ${jws}`
  }

  /** The claims of a token of ours that has not expired; undefined for any other. */
  verify(token: string): Promise<JWTPayload | undefined> {
    const currentDate = new Date(this.#now())
    return claimsOf(token, this.#key, { issuer: ISSUER, requiredClaims: ['exp', 'sub'], currentDate })
  }
}

/**
 * The secret of a subscription, a UUID as the clients of this API expect. It is derived from the webhook's own secret,
 * and so as secret as that, and can be told again.
 */
export function secretOf({ token }: Pick<OpenWebhook, 'token'>): string {
  const digest = createHash('sha256').update(`smartify-subscription ${token}`).digest()
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x40, 6)
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8)
  return digest.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

const keyOf = (webhook: Pick<OpenWebhook, 'token'>): KeyObject =>
  createSecretKey(Buffer.from(secretOf(webhook)))

/** Token in an event with which its receiver can call back as the subscription. Has no scheme prefix. */
export async function signForSubscription(webhook: OpenWebhook, claims: object, at: Date): Promise<string> {
  const { SignJWT } = await jose()
  return new SignJWT({ ...claims })
    .setProtectedHeader(HEADER)
    .setIssuedAt(Math.floor(at.getTime() / 1000))
    .setAudience(`${ISSUER}/subscriptions/${webhook.id}`)
    .setIssuer(ISSUER)
    .setSubject('subscription')
    .sign(keyOf(webhook))
}

/** The claims of a token signed with a subscription's secret. Checks the expiry if present. */
export const verifyForSubscription = (webhook: OpenWebhook, token: string): Promise<JWTPayload | undefined> =>
  claimsOf(token, keyOf(webhook))
