/**
 * All error codes and their meaning. Each dialect maps every code to a status and a body, and does not compile if one is
 * missing.
 */
export const errorCodes = {
  INVALID: 'The input is invalid; the message names the field.',
  UNAUTHORIZED: 'Credentials are missing or invalid.',
  FORBIDDEN: 'The credentials are valid but do not allow this.',
  NOT_FOUND: 'The object does not exist for this client.',
  CONFLICT: 'The object already exists, or changed concurrently.',
  MISMATCH: 'The idempotency key was used with a different request.',
  TOO_LARGE: 'The input exceeds a size limit.',
  RATE_LIMITED: 'Too many requests; retry after `retryAfterMs` milliseconds.',
  UNAVAILABLE: 'The database, or another required service, is unreachable.',
  NO_SPACE: 'The disk is full, or the client has reached its storage limit; nothing was stored.',
  INTERNAL: 'An internal error.',
} as const

/** A key of {@link errorCodes}. */
export type ErrorCode = keyof typeof errorCodes

/** One fault of an input: its path, and a message that follows the field's name, such as `is required`. */
export interface Issue {
  path: readonly (string | number)[]
  message: string
}

/** Optional details of an error. */
export interface ErrorDetails {
  /** The faults of an input, if the code is INVALID. */
  issues?: readonly Issue[]
  cause?: unknown
  /** When to retry, in milliseconds from now. */
  retryAfterMs?: number
}

/** The only error class. Its message may be shown to callers, so it must not contain secrets or message texts. */
export class PlugboardError extends Error {
  readonly code: ErrorCode
  readonly retryAfterMs: number | undefined
  readonly issues: readonly Issue[]

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'PlugboardError'
    this.code = code
    this.retryAfterMs = details.retryAfterMs
    this.issues = details.issues ?? []
  }
}

/** Creates an INVALID error that names each field and its expected value. */
export function invalid(...issues: Issue[]): PlugboardError {
  const message = issues.map(({ path, message }) => `"${path.join('.')}" ${message}`).join('. ')
  return new PlugboardError('INVALID', message, { issues })
}

/**
 * Whether a caught value is a {@link PlugboardError}, optionally with a given code. It does not use `instanceof`, because
 * a channel may bring another copy of core.
 */
export function isPlugboardError(error: unknown, code?: ErrorCode): error is PlugboardError {
  if (!(error instanceof Error) || error.name !== 'PlugboardError' || !('code' in error)) return false
  return code === undefined ? Object.hasOwn(errorCodes, String(error.code)) : error.code === code
}
