/**
 * Why a delivery failed. `message` is for operators and must not contain credentials or message texts. `code` is the
 * provider's own code, if it has one: at most 64 letters, digits and `_.:-`.
 *
 * - `rate-limited`: certainly not sent; pauses its scope and does not count as an attempt.
 * - `transient`: certainly not sent; retried.
 * - `ambiguous`: may have been sent (time-out, lost response); retried with the same id.
 * - `auth`: the credentials stopped working; pauses the integration until the next sync. `field` is the invalid field of
 *   the configuration, if the provider names it.
 * - `recipient`: the person is unreachable (blocked, unknown); not retried.
 * - `invalid`: the message can never be sent; not retried.
 * - `window`: the reply window of the provider is closed, so only some messages are allowed; not retried.
 */
export type Failure = { code?: string } & (
  | { kind: 'rate-limited'; message: string; scope: 'integration' | 'endpoint'; retryAfterMs?: number }
  | { kind: 'transient'; message: string; retryAfterMs?: number }
  | { kind: 'ambiguous'; message: string }
  | { kind: 'auth'; message: string; field?: string }
  | { kind: 'recipient'; message: string }
  | { kind: 'invalid'; message: string }
  | { kind: 'window'; message: string }
)

export type FailureKind = Failure['kind']

/** All kinds, to validate input. */
export const failureKinds = Object.keys({
  'rate-limited': true,
  transient: true,
  ambiguous: true,
  auth: true,
  recipient: true,
  invalid: true,
  window: true,
} satisfies Record<FailureKind, true>) as FailureKind[]

/**
 * An error with a known classification: a channel throws it, and its `classify` returns `failure`. It has no `cause`,
 * because errors of SDKs often contain credentials, message texts, or the HTML page of a proxy.
 */
export class FailureError extends Error {
  override readonly name = 'FailureError'
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.message)
    this.failure = failure
  }
}
