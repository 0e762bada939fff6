import { type Failure, isForbiddenTarget, networkFailure } from '@plugboard/core'

/** The receiver rejected the message. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number
  readonly retryAfterMs: number | undefined

  constructor(status: number, retryAfterMs: number | undefined) {
    super(`the receiver answered ${status}`)
    this.status = status
    this.retryAfterMs = retryAfterMs
  }
}

/** Says what an error means; README.md has the table. */
export function classify(error: unknown): Failure {
  if (error instanceof Refusal) return classifyStatus(error)
  if (isForbiddenTarget(error)) {
    return {
      kind: 'invalid',
      message: 'the url leads to an address that the server may not call (ALLOW_PRIVATE_TARGETS)',
    }
  }
  return networkFailure(error, 'the url')
}

function classifyStatus({ status, message, retryAfterMs }: Refusal): Failure {
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs }
  if (status < 400) return { kind: 'transient', message: `${message}; redirects are not followed` }
  switch (status) {
    case 429:
      return { kind: 'rate-limited', scope: 'integration', message, ...wait }
    case 401:
    case 403:
      return { kind: 'auth', message }
    case 410:
      return { kind: 'auth', message: `${message}: the url is gone` }
    case 404:
    case 408:
    case 425:
    case 503:
      return { kind: 'transient', message, ...wait }
    default:
      return { kind: status < 500 ? 'invalid' : 'ambiguous', message }
  }
}
