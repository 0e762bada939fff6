/** Longer waits are cut to one day. */
const MAX_MS = 24 * 60 * 60 * 1000

const SECONDS = /^\d+$/
/** Start of all three HTTP date formats; `Date.parse` accepts more than those. */
const DATE = /^[A-Z][a-z]{2}/

/**
 * Parses a `Retry-After` header (seconds or an HTTP date, RFC 9110 §10.2.3) to milliseconds, at most one day. Undefined
 * if it has neither format.
 */
export function retryAfterMs(value: string | null | undefined, now: Date): number | undefined {
  const text = value?.trim() ?? ''
  if (SECONDS.test(text)) return Math.min(Number(text) * 1000, MAX_MS)
  const wait = DATE.test(text) ? Date.parse(text) - now.getTime() : Number.NaN
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), MAX_MS)
}
