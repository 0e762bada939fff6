/**
 * Why a call failed: `status` = the server answered with an error, `timeout` = no whole answer within
 * `timeoutMs`, `network` = no connection or a broken one, `answer` = a success whose body is not what the API
 * promises.
 */
export type ApiErrorReason = 'status' | 'timeout' | 'network' | 'answer'

/** What a `PlugboardApiError` is made of. Give no secret to `message`. */
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
 * The one error that calls of the client throw (besides `TypeError`/`RangeError` for arguments that can never
 * work, and the `reason` of an `AbortSignal` of yours). It holds no token: neither the message nor a field
 * has one.
 */
export class PlugboardApiError extends Error {
  override readonly name = 'PlugboardApiError'
  readonly reason: ApiErrorReason
  /** HTTP status of the last attempt; 0 when no answer came (`timeout`, `network`). */
  readonly status: number
  /** HTTP method, `POST`. */
  readonly method: string
  /** Path without host and query, `/api/v1/messages`. */
  readonly path: string
  /** The server's `x-request-id`, to find the call in its log. */
  readonly requestId: string | undefined
  /** The server's `Retry-After` in milliseconds, when it sent one. */
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
