import { type Failure, FailureError, retryAfterMs } from '@plugboard/core'
import { z } from 'zod'

/** An error answer of Sunshine. Calls throw only {@link FailureError}s. */
export class RefusedError extends FailureError {
  readonly status: number
  readonly code: string | undefined

  constructor(refusal: Refusal) {
    super(failureOfAnswer(refusal))
    this.status = refusal.status
    this.code = refusal.code
  }
}

/** Says what an error means; README.md has the table. */
export function classify(error: unknown): Failure {
  if (error instanceof FailureError) return error.failure
  return { kind: 'ambiguous', message: 'unexpected error while calling Sunshine' }
}

/** An error answer of Sunshine. */
export interface Refusal {
  status: number
  /** Such as `conversation_not_found`. */
  code?: string | undefined
  retryAfter?: string | undefined
}

const CODE = /^[\w.:-]{1,64}$/
const errorsSchema = z.object({ errors: z.array(z.object({ code: z.string().regex(CODE) })).min(1) })

/** The code of the first error of an answer: https://developer.zendesk.com/api-reference/conversations/#section/Errors */
export const codeIn = (answer: unknown): string | undefined =>
  errorsSchema.safeParse(answer).data?.errors[0]?.code

/** Says what an error answer means. */
export const failureOfAnswer = (refusal: Refusal, now = new Date()): Failure => ({
  ...meaningOf(refusal, now),
  ...coded(refusal.code),
})

const coded = (code: string | undefined): { code?: string } => (code === undefined ? {} : { code })

/** The person or the conversation is not there any more. */
const GONE = new Set(['conversation_not_found', 'user_not_found', 'client_not_found'])

function meaningOf({ status, code = '', retryAfter }: Refusal, now: Date): Failure {
  const message = `Sunshine answered ${status}${code && `: ${code}`}`
  if (status === 429) {
    const wait = retryAfterMs(retryAfter, now)
    const forWait = wait === undefined ? {} : { retryAfterMs: wait }
    return { kind: 'rate-limited', scope: 'integration', message, ...forWait }
  }
  if (status >= 500) return { kind: 'ambiguous', message }
  if (status === 401) return { kind: 'auth', message, field: 'keySecret' }
  if (status === 402) return { kind: 'auth', message }
  if (GONE.has(code)) return { kind: 'recipient', message }
  if (status === 403) return { kind: 'auth', message, field: 'keyId' }
  if (code === 'app_not_found') return { kind: 'auth', message, field: 'appId' }
  if (status < 300) return { kind: 'ambiguous', message: `${message}, but not as documented` }
  if (status < 400) return { kind: 'transient', message: `${message}; redirects are not followed` }
  if (status === 423) return { kind: 'invalid', message: `${message}: the conversation has 30,000 messages` }
  return { kind: status === 408 || status === 425 ? 'transient' : 'invalid', message }
}

/** Codes of channels that say what happened, in part those that a server of Plugboard gives as reasons. */
const LATER: Readonly<Record<string, 'recipient' | 'window' | 'auth' | 'invalid'>> = {
  recipient: 'recipient',
  blocked: 'recipient',
  user_blocked: 'recipient',
  user_not_found: 'recipient',
  unauthorized: 'auth',
  auth: 'auth',
  window: 'window',
  'window-closed': 'window',
  message_window_closed: 'window',
  bad_request: 'invalid',
  invalid: 'invalid',
}

/** Says what a later error of an accepted message means. `underlying` is the code of the channel that it went to. */
export function failureOfDelivery(code: string | undefined, underlying: string | undefined): Failure {
  const codes = [code, underlying].filter((each) => each !== undefined && CODE.test(each))
  const message = `Sunshine could not deliver it${codes.length > 0 ? `: ${codes.join(', ')}` : ' and gives no reason'}`
  const kind = LATER[code ?? ''] ?? 'ambiguous'
  // The credentials are those of the channel at Sunshine, and not those of the integration.
  return { kind: kind === 'auth' ? 'invalid' : kind, message, ...coded(codes.at(-1)) }
}
