import { isUtf8 } from 'node:buffer'
import { formFault, type InboundRequest, type Integration, isUrl, type Verdict } from '@plugboard/core'
import twilio from 'twilio'
import type { Session } from './api.js'
import type { Config } from './config.js'
import { MAX_REQUEST_BYTES } from './limits.js'

/**
 * Twilio signs the public address and the fields of the form, or the address alone with a hash of the body in its
 * query when the body is JSON: https://www.twilio.com/docs/usage/security#validating-requests. It signs no time, so
 * replays are detected by the dedupe key of the event.
 */
export function verify(
  { method, headers, body, publicUrl }: InboundRequest,
  { config }: Integration<Config, Session>,
): Verdict {
  const signature = headers['x-twilio-signature']
  if (!signature) return { ok: false, reason: 'missing' }
  // Limits the cost of sorting the fields; Twilio sends a few dozen. Invalid UTF-8 bytes would be equal once decoded.
  if (body.length > MAX_REQUEST_BYTES || formFault(body) !== undefined || !isUtf8(body))
    return { ok: false, reason: 'malformed' }
  if (method !== 'POST' || !isUrl(publicUrl)) return { ok: false, reason: 'malformed' }
  const text = Buffer.from(body).toString()
  const isGenuine = new URL(publicUrl).searchParams.has('bodySHA256')
    ? twilio.validateRequestWithBody(config.authToken, signature, publicUrl, text)
    : twilio.validateRequest(config.authToken, signature, publicUrl, fieldsWithRepeats(text))
  return isGenuine ? { ok: true } : { ok: false, reason: 'mismatch' }
}

/** Each name with all of its values. `fromEntries` keeps a field named `__proto__`. */
function fieldsWithRepeats(form: string): Record<string, string[]> {
  const fields = new Map<string, string[]>()
  for (const [name, value] of new URLSearchParams(form)) {
    const values = fields.get(name)
    if (values) values.push(value)
    else fields.set(name, [value])
  }
  return Object.fromEntries(fields)
}
