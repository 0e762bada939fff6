import { retryAfterMs } from '@plugboard/core'
import { TargetForbiddenError } from './guard.js'
import type { SendFailure } from './sender-port.js'

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

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' && /^\w{1,60}$/.test(error.code) ? error.code : undefined
}
