/**
 * Why a call failed: `status` = the server returned an error status, `timeout` = no complete response within
 * `timeoutMs`, `network` = no connection, or it broke, `answer` = a success with an invalid body.
 */
export type ApiErrorReason = 'status' | 'timeout' | 'network' | 'answer'

/** Fields of a `PlugboardApiError`. `message` must not contain a secret. */
export interface ApiErrorDetails {
  reason: ApiErrorReason
  status: number
  message: string
  method: string
  path: string
  requestId?: string | undefined
  retryAfterMs?: number | undefined
  cause?: unknown
}

/**
 * The error of failed calls. Calls also throw `TypeError` or `RangeError` for invalid arguments, and the `reason` of
 * your `AbortSignal`. Neither its message nor its fields contain a token.
 */
export class PlugboardApiError extends Error {
  override readonly name = 'PlugboardApiError'
  readonly reason: ApiErrorReason
  /** HTTP status of the last attempt; 0 without a response (`timeout`, `network`). */
  readonly status: number
  /** HTTP method, `POST`. */
  readonly method: string
  /** Path without host and query, `/api/v1/messages`. */
  readonly path: string
  /** The server's `x-request-id`, which identifies the call in the server's log. */
  readonly requestId: string | undefined
  /** The server's `Retry-After` in milliseconds, if present. */
  readonly retryAfterMs: number | undefined

  constructor(details: ApiErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause })
    this.reason = details.reason
    this.status = details.status
    this.method = details.method
    this.path = details.path
    this.requestId = details.requestId
    this.retryAfterMs = details.retryAfterMs
  }
}
