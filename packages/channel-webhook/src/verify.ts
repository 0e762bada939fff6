import { isUtf8 } from 'node:buffer'
import type { InboundRequest, Integration, Verdict } from '@plugboard/core'
import type { Session } from './api.js'
import type { Config } from './config.js'

/**
 * Largest accepted difference between the sender's clock and the server's; equal to the library's, which enforces it.
 */
const TOLERANCE_MS = 5 * 60 * 1000

/**
 * Standard Webhooks: one of the signatures must match id, time and raw body. A body that is not UTF-8 is rejected
 * first, because the library verifies the decoded text, in which all invalid bytes are equal.
 */
export function verify(
  { headers, body }: InboundRequest,
  { session }: Integration<Config, Session>,
): Verdict {
  const id = headers['webhook-id']
  const timestamp = headers['webhook-timestamp']
  const signature = headers['webhook-signature']
  if (!id || !timestamp || !signature) return { ok: false, reason: 'missing' }
  if (!/^\d{1,12}$/.test(timestamp) || !isUtf8(body)) return { ok: false, reason: 'malformed' }
  const text = Buffer.from(body).toString()
  const signed = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature }
  for (const key of session) {
    try {
      key.verify(text, signed, { jsonParse: false })
      return { ok: true }
    } catch {
      // The library throws for a key that does not match.
    }
  }
  const isStale = Math.abs(Date.now() - Number(timestamp) * 1000) > TOLERANCE_MS
  return { ok: false, reason: isStale ? 'stale' : 'mismatch' }
}
