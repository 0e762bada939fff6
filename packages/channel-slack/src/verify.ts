import { isUtf8 } from 'node:buffer'
import type { InboundRequest, Verdict } from '@plugboard/core'
import { verifySlackRequest } from '@slack/bolt/dist/receivers/verify-request.js'
import { isSslCheck } from './ssl-check.js'

/** Largest accepted difference between Slack's clock and the server's. */
const TOLERANCE_SECONDS = 5 * 60

/**
 * Slack signs `v0:{timestamp}:{raw body}`. The SDK compares in constant time but accepts any future time, so the time
 * is checked here. A body that is not UTF-8 is rejected first, because the SDK signs the decoded text, in which all
 * invalid bytes are equal. https://docs.slack.dev/authentication/verifying-requests-from-slack
 *
 * Without a secret, only requests that Slack does not sign are authentic.
 */
export function verify(request: InboundRequest, signingSecret: string | undefined): Verdict {
  const { headers, body } = request
  const timestamp = headers['x-slack-request-timestamp']
  const signature = headers['x-slack-signature']
  if (!timestamp && !signature && isSslCheck(request)) return { ok: true }
  if (!timestamp || !signature) return { ok: false, reason: 'missing' }
  if (signingSecret === undefined) return { ok: false, reason: 'mismatch' }
  if (!/^\d{1,12}$/.test(timestamp) || !/^v0=[0-9a-f]{64}$/.test(signature) || !isUtf8(body)) {
    return { ok: false, reason: 'malformed' }
  }
  const seconds = Number(timestamp)
  if (Math.abs(Date.now() / 1000 - seconds) > TOLERANCE_SECONDS) return { ok: false, reason: 'stale' }
  try {
    verifySlackRequest({
      signingSecret,
      body: Buffer.from(body).toString(),
      headers: { 'x-slack-signature': signature, 'x-slack-request-timestamp': seconds },
    })
    return { ok: true }
  } catch {
    // The SDK throws for a wrong signature.
    return { ok: false, reason: 'mismatch' }
  }
}
