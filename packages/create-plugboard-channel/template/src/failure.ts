import { type Failure, FailureError, isForbiddenTarget, networkFailure } from '@plugboard/core'

/** An error response of Acme Chat. Its text is dropped, because it may quote the message. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number
  readonly retryAfterMs: number | undefined

  constructor({ status, headers }: Response) {
    super(`Acme Chat answered ${status}`)
    this.status = status
    const seconds = headers.get('retry-after')
    this.retryAfterMs = seconds !== null && /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1000 : undefined
  }
}

/** Decides whether a failed call certainly had no effect. A wrong answer loses or duplicates messages. */
export function classify(error: unknown): Failure {
  if (error instanceof FailureError) return error.failure
  if (error instanceof Refusal) return classifyStatus(error)
  if (isForbiddenTarget(error))
    return { kind: 'invalid', message: 'the server may not call the address of Acme Chat' }
  return networkFailure(error, 'Acme Chat')
}

function classifyStatus({ status, message, retryAfterMs }: Refusal): Failure {
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs }
  if (status < 400) return { kind: 'transient', message: `${message}; redirects are not followed` }
  switch (status) {
    case 401:
      return { kind: 'auth', message, field: 'apiToken' }
    case 403:
      return { kind: 'recipient', message: `${message}: the person has blocked the bot` }
    case 404:
      return { kind: 'recipient', message: `${message}: the chat is gone` }
    case 429:
      return { kind: 'rate-limited', scope: 'integration', message, ...wait }
    case 503:
      return { kind: 'transient', message, ...wait }
    default:
      return { kind: status < 500 ? 'invalid' : 'ambiguous', message }
  }
}
