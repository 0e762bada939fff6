/**
 * Every way in which Plugboard refuses or fails, in one closed table: the code and what it means. A dialect maps
 * each code to a status and a body of its own, and does not compile until it has answered for a new one.
 */
export const errorCodes = {
  INVALID: 'The input does not have the form asked for; the message names the field.',
  UNAUTHORIZED: 'Credentials are missing or wrong.',
  FORBIDDEN: 'The credentials are right and do not allow this.',
  NOT_FOUND: 'There is no such object for this client.',
  CONFLICT: 'The object exists already, or changed in the meantime.',
  MISMATCH: 'The idempotency key was used for another request.',
  TOO_LARGE: 'The input is over a limit of size.',
  RATE_LIMITED: 'Too many requests; retryAfterMs says when to come again.',
  UNAVAILABLE: 'The store, or something else that is needed, cannot be reached now.',
  NO_SPACE: 'The disk is full, or the client has reached its storage limit; nothing was stored.',
  INTERNAL: 'A fault of ours.',
} as const

/** A key of {@link errorCodes}. */
export type ErrorCode = keyof typeof errorCodes

/** One fault of an input: where it is, and what is wrong, as a phrase that follows the field's name (`is required`). */
export interface Issue {
  path: readonly (string | number)[]
  message: string
}

/** What may come with an error beside its message. */
export interface ErrorDetails {
  /** The faults of an input, when code is INVALID. */
  issues?: readonly Issue[]
  cause?: unknown
  /** When to try again, in milliseconds from now. */
  retryAfterMs?: number
}

/** The one error class. Its message may be shown to the caller: it never holds a secret or the text of a message. */
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

/** An INVALID error that names each field and what was expected of it. */
export function invalid(...issues: Issue[]): PlugboardError {
  const message = issues.map(({ path, message }) => `"${path.join('.')}" ${message}`).join('. ')
  return new PlugboardError('INVALID', message, { issues })
}

/**
 * Whether a caught value is a {@link PlugboardError}, of this code when one is given. Not `instanceof`: a channel may
 * have come with a copy of core of its own.
 */
export function isPlugboardError(error: unknown, code?: ErrorCode): error is PlugboardError {
  if (!(error instanceof Error) || error.name !== 'PlugboardError' || !('code' in error)) return false
  return code === undefined ? Object.hasOwn(errorCodes, String(error.code)) : error.code === code
}
