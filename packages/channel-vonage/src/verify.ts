import { createHash } from 'node:crypto'
import type { InboundRequest, Integration, Verdict } from '@plugboard/core'
import { errors, jwtVerify } from 'jose'
import { z } from 'zod'
import type { Session } from './api.js'
import type { Config } from './config.js'
import { MAX_REQUEST_BYTES } from './limits.js'

/** How far the time of a token may be from now, in seconds. */
const MAX_AGE_S = 300
/** Longest header that is looked at; Vonage's have about 500 characters. */
const MAX_HEADER = 4096

const BEARER = /^bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i

const claimsSchema = z.object({ api_key: z.string(), payload_hash: z.string(), iat: z.number() })

/**
 * Vonage signs a token with the signature secret (HS256), which has the hash of the body:
 * https://developer.vonage.com/en/getting-started/concepts/webhooks#decoding-signed-webhooks
 */
export async function verify(
  { method, headers, body }: InboundRequest,
  { config }: Integration<Config, Session>,
): Promise<Verdict> {
  const { authorization } = headers
  if (!authorization) return { ok: false, reason: 'missing' }
  const token = authorization.length > MAX_HEADER ? undefined : BEARER.exec(authorization)?.[1]
  if (token === undefined || method !== 'POST' || body.length > MAX_REQUEST_BYTES)
    return { ok: false, reason: 'malformed' }
  try {
    const secret = new TextEncoder().encode(config.signatureSecret)
    const { payload } = await jwtVerify(token, secret, { algorithms: ['HS256'], clockTolerance: MAX_AGE_S })
    return verdictOn(payload, token, body, config)
  } catch (error) {
    return { ok: false, reason: error instanceof errors.JWTExpired ? 'stale' : 'mismatch' }
  }
}

function verdictOn(payload: unknown, token: string, body: Uint8Array, { apiKey }: Config): Verdict {
  const { data: claims } = claimsSchema.safeParse(payload)
  if (!claims || !isCanonical(token)) return { ok: false, reason: 'malformed' }
  const hash = createHash('sha256').update(body).digest('hex')
  if (claims.api_key !== apiKey || claims.payload_hash.toLowerCase() !== hash)
    return { ok: false, reason: 'mismatch' }
  const isFresh = Math.abs(Date.now() / 1000 - claims.iat) <= MAX_AGE_S
  return isFresh ? { ok: true } : { ok: false, reason: 'stale' }
}

/** The last character of a signature has bits that do not count, and so other forms that decode to the same. */
function isCanonical(token: string): boolean {
  const signature = token.slice(token.lastIndexOf('.') + 1)
  return Buffer.from(signature, 'base64url').toString('base64url') === signature
}
