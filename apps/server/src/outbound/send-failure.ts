import { TargetForbiddenError } from './guard.js'
import type { SendFailure } from './sender-port.js'

/** Longer than any schedule of retries; keeps the number sane. */
const MAX_RETRY_AFTER_MS = 24 * 60 * 60 * 1000

/** What tenants read in place of a raw error, whose text may hold addresses of the inner network. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection reset',
  ENOTFOUND: 'host name not found',
  EAI_AGAIN: 'host name could not be looked up',
  ETIMEDOUT: 'connection timed out',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  UND_ERR_CONNECT_TIMEOUT: 'connection timed out',
  UND_ERR_SOCKET: 'connection closed before the answer',
  UND_ERR_HEADERS_OVERFLOW: 'the answer has too many headers',
  UND_ERR_INVALID_ARG: 'a header or the URL is invalid',
  HPE_INVALID_CONSTANT: 'the answer is not HTTP',
}

/** The receiver answered with something other than a 2xx: it has the request, and did not take it. */
export function answeredWith(status: number, retryAfter: string | undefined, now: Date): SendFailure {
  const hint = status >= 300 && status < 400 ? '; redirects are not followed' : ''
  const failure: SendFailure = { status, message: `answered ${status}${hint}`, ambiguous: false }
  const waitMs = status === 429 || status === 503 ? retryAfterMs(retryAfter, now) : undefined
  if (waitMs !== undefined) failure.retryAfterMs = waitMs
  return failure
}

/** There was no answer. Once the request has been written, nobody can tell whether it arrived. */
export function brokenBy(error: unknown, isWritten: boolean): SendFailure {
  if (error instanceof TargetForbiddenError) return { message: error.message, ambiguous: false }
  const code = codeOf(error)
  const known = code === undefined ? undefined : REASONS[code]
  const fallback = code === undefined ? 'the request failed' : `the request failed (${code})`
  return { message: known ?? fallback, ambiguous: isWritten }
}

/** The time for the whole attempt is over. */
export function tooLate(timeoutMs: number, isWritten: boolean): SendFailure {
  const what = isWritten ? 'no complete answer' : 'no connection'
  return { message: `${what} within ${timeoutMs} ms`, ambiguous: isWritten }
}

/** RFC 9110 §10.2.3: seconds or an HTTP date. Anything else counts as absent. */
export function retryAfterMs(value: string | undefined, now: Date): number | undefined {
  if (value === undefined) return undefined
  const text = value.trim()
  const waitMs = /^\d+$/.test(text)
    ? Number(text) * 1000
    : /^[A-Z][a-z]{2}/.test(text)
      ? Date.parse(text) - now.getTime()
      : Number.NaN
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), MAX_RETRY_AFTER_MS)
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' && /^\w{1,60}$/.test(error.code) ? error.code : undefined
}
