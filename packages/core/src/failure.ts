/**
 * Why a delivery did not succeed. `message` is for operators: free of credentials and of the person's text.
 *
 * - `rate-limited`: certainly not done; pauses its scope and spends no attempt.
 * - `transient`: certainly not done; tried again.
 * - `ambiguous`: may have been done (timeout, lost answer); tried again with the same id.
 * - `auth`: the credentials do not work any more; pauses the integration until the next sync. `field` is that of the
 *   configuration which is wrong, where the provider says so.
 * - `recipient`: this person cannot be reached (blocked, unknown); never tried again.
 * - `invalid`: this message can never be sent; never tried again.
 */
export type Failure =
  | { kind: 'rate-limited'; message: string; scope: 'integration' | 'endpoint'; retryAfterMs?: number }
  | { kind: 'transient'; message: string; retryAfterMs?: number }
  | { kind: 'ambiguous'; message: string }
  | { kind: 'auth'; message: string; field?: string }
  | { kind: 'recipient'; message: string }
  | { kind: 'invalid'; message: string }

export type FailureKind = Failure['kind']

/** Every kind, to check what comes from outside. */
export const failureKinds = Object.keys({
  'rate-limited': true,
  transient: true,
  ambiguous: true,
  auth: true,
  recipient: true,
  invalid: true,
} satisfies Record<FailureKind, true>) as FailureKind[]

/**
 * An error that says what it means: a channel throws it where it knows, and its `classify` answers with `failure`. It has
 * no `cause`, for what SDKs throw often holds credentials, the person's text, or a page of a proxy.
 */
export class FailureError extends Error {
  override readonly name = 'FailureError'
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.message)
    this.failure = failure
  }
}
