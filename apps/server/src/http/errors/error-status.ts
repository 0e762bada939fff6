import type { ErrorCode } from '@plugboard/core'

/** HTTP status of each error code, where an API has no other of its own. */
export const statusOf = {
  INVALID: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  MISMATCH: 422,
  TOO_LARGE: 413,
  RATE_LIMITED: 429,
  UNAVAILABLE: 503,
  NO_SPACE: 507,
  INTERNAL: 500,
} as const satisfies Record<ErrorCode, number>
