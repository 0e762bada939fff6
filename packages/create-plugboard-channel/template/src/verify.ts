import { createHmac, timingSafeEqual } from 'node:crypto'
import type { InboundRequest, Integration, Verdict } from '@plugboard/core'
import type { Session } from './api.js'
import type { Config } from './config.js'

/** Maximum difference between the signed time and now, so that recorded requests cannot be replayed later. */
const TOLERANCE_MS = 5 * 60 * 1000

/** Acme Chat signs `timestamp.body` with HMAC-SHA256. The host parses a request only if this succeeds. */
export function verify(
  { headers, body }: InboundRequest,
  { session }: Integration<Config, Session>,
): Verdict {
  const timestamp = headers['x-acme-chat-timestamp']
  const signature = headers['x-acme-chat-signature']
  if (!timestamp || !signature) return { ok: false, reason: 'missing' }
  if (!/^\d{1,12}$/.test(timestamp) || !/^[0-9a-f]{64}$/.test(signature))
    return { ok: false, reason: 'malformed' }
  const expected = createHmac('sha256', session.signingKey).update(`${timestamp}.`).update(body).digest()
  if (!timingSafeEqual(expected, Buffer.from(signature, 'hex'))) return { ok: false, reason: 'mismatch' }
  const isStale = Math.abs(Date.now() - Number(timestamp) * 1000) > TOLERANCE_MS
  return isStale ? { ok: false, reason: 'stale' } : { ok: true }
}
