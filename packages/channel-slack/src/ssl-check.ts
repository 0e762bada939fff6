import type { InboundRequest } from '@plugboard/core'

/** Longest form of a check, in bytes; Slack's has about 50. */
const MAX_BYTES = 1000

/**
 * Whether Slack only checks the certificate of the server. It does not sign this request, so nothing else may be in it.
 * https://docs.slack.dev/interactivity/implementing-slash-commands#ssl
 */
export function isSslCheck({ method, headers, body }: InboundRequest): boolean {
  const type = headers['content-type'] ?? ''
  if (method !== 'POST' || body.length > MAX_BYTES) return false
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type)) return false
  const form = new URLSearchParams(Buffer.from(body).toString())
  return form.get('ssl_check') === '1' && [...form.keys()].every((name) => FIELDS.has(name))
}

const FIELDS = new Set(['ssl_check', 'token'])
