/** Who asks for more than a day gets a day. */
const MAX_MS = 24 * 60 * 60 * 1000

const SECONDS = /^\d+$/
/** How all three forms of a date in HTTP begin; `Date.parse` takes more than those. */
const DATE = /^[A-Z][a-z]{2}/

/**
 * How long the header `Retry-After` asks to wait, in milliseconds, a day at most: it has seconds or an HTTP date
 * (RFC 9110 §10.2.3). Undefined where it says neither.
 */
export function retryAfterMs(value: string | null | undefined, now: Date): number | undefined {
  const text = value?.trim() ?? ''
  if (SECONDS.test(text)) return Math.min(Number(text) * 1000, MAX_MS)
  const wait = DATE.test(text) ? Date.parse(text) - now.getTime() : Number.NaN
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), MAX_MS)
}
