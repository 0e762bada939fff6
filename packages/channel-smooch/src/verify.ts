import { createHash, timingSafeEqual } from 'node:crypto'
import type { InboundRequest, Integration, Verdict } from '@plugboard/core'
import type { Session } from './api.js'
import type { Config } from './config.js'

/**
 * Sunshine sends the secret of the webhook with each request, and signs nothing:
 * https://developer.zendesk.com/api-reference/conversations/#section/Webhooks. Replays are detected by the ids of events.
 */
export function verify(
  { method, headers }: InboundRequest,
  { config }: Integration<Config, Session>,
): Verdict {
  const key = headers['x-api-key']
  if (!key) return { ok: false, reason: 'missing' }
  if (method !== 'POST') return { ok: false, reason: 'malformed' }
  return isEqual(key, config.webhookSecret) ? { ok: true } : { ok: false, reason: 'mismatch' }
}

/** In a time that tells nothing of the secret, not even its length. */
const isEqual = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b))

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
