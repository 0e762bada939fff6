import { verify as verifySignature } from 'node:crypto'
import type { InboundRequest, Integration, Verdict } from '@plugboard/core'
import type { Session } from './api.js'
import type { Config } from './config.js'

/** Largest accepted difference between Discord's clock and the server's. */
const TOLERANCE_SECONDS = 5 * 60

/**
 * Discord signs the time and the body with Ed25519.
 * https://docs.discord.com/developers/interactions/overview#validating-security-request-headers
 */
export function verify(
  { headers, body }: InboundRequest,
  { session }: Integration<Config, Session>,
): Verdict {
  const { 'x-signature-ed25519': signature, 'x-signature-timestamp': timestamp } = headers
  if (!signature || !timestamp) return { ok: false, reason: 'missing' }
  if (!/^[0-9a-fA-F]{128}$/.test(signature) || !/^\d{1,12}$/.test(timestamp))
    return { ok: false, reason: 'malformed' }
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_SECONDS)
    return { ok: false, reason: 'stale' }
  const { publicKey } = session
  if (!publicKey) return { ok: false, reason: 'mismatch' }
  try {
    const signed = Buffer.concat([Buffer.from(timestamp), body])
    const isGenuine = verifySignature(null, signed, publicKey, Buffer.from(signature, 'hex'))
    return isGenuine ? { ok: true } : { ok: false, reason: 'mismatch' }
  } catch {
    return { ok: false, reason: 'mismatch' }
  }
}
