import { type Failure, FailureError, retryAfterMs } from '@plugboard/core'

/** Says what an error means; README.md has the table. Calls throw only {@link FailureError}. */
export function classify(error: unknown): Failure {
  if (error instanceof FailureError) return error.failure
  return { kind: 'ambiguous', message: 'unexpected error while calling Twilio' }
}

/** An error answer of Twilio. */
export interface Refusal {
  status: number
  /** Twilio's error code, https://www.twilio.com/docs/api/errors */
  code?: number | undefined
  retryAfter?: string | undefined
}

/** Says what an error answer means. */
export function failureOfAnswer({ status, code, retryAfter }: Refusal, now = new Date()): Failure {
  const message =
    code === undefined ? `Twilio answered ${status}` : `Twilio answered ${status}: ${named(code)}`
  if (status === 429 || (code !== undefined && LIMITED.has(code))) {
    const wait = retryAfterMs(retryAfter, now)
    const forWait = wait === undefined ? {} : { retryAfterMs: wait }
    return { kind: 'rate-limited', scope: 'integration', message, ...forWait }
  }
  if (status >= 500) return { kind: 'ambiguous', message }
  if (status === 401 || code === 20003) return { kind: 'auth', message, field: 'authToken' }
  // Every path begins with the account, so the account does not exist.
  if (status === 404) return { kind: 'auth', message, field: 'accountSID' }
  if (status === 403 || (code !== undefined && SENDER.has(code))) return { kind: 'auth', message }
  if (code !== undefined && RECIPIENT.has(code)) return { kind: 'recipient', message }
  if (status < 300) return { kind: 'ambiguous', message: `${message}, but not in JSON` }
  if (status < 400) return { kind: 'transient', message: `${message}; redirects are not followed` }
  return { kind: status === 408 || status === 425 ? 'transient' : 'invalid', message }
}

/** Says what a later error of an accepted message means. */
export function failureOfDelivery(code: number | undefined): Failure {
  if (code === undefined)
    return { kind: 'ambiguous', message: 'Twilio could not deliver it and gives no reason' }
  const message = `Twilio could not deliver it: ${named(code)}`
  if (RECIPIENT.has(code)) return { kind: 'recipient', message }
  if (SENDER.has(code)) return { kind: 'auth', message }
  return { kind: UNEXPLAINED.has(code) ? 'ambiguous' : 'invalid', message }
}

const named = (code: number): string => `https://www.twilio.com/docs/api/errors/${code}`

/** Too many requests, or too many queued messages for one number. Nothing was sent. */
const LIMITED = new Set([20429, 21611, 14107])

/** The account, number, WhatsApp sender or service may not send. */
const SENDER = new Set([20005, 21606, 21659, 21703, 21704, 21705, 30002, 63007])

const RECIPIENT = new Set([
  // The number is invalid, is not reachable from here, or cannot get messages.
  21211, 21217, 21401, 21408, 21421, 21608, 21612, 21614, 21635,
  // Opted out.
  21610,
  // Unreachable, blocked, unknown, a landline.
  30003, 30004, 30005, 30006,
  // WhatsApp: no such person, outside of the 24 hours, blocked, or Meta's limit for this person.
  63003, 63016, 63024, 63032, 63033, 63049,
])

/** Queue overflow, unknown error, lost segment, or a carrier without an answer: possibly delivered. */
const UNEXPLAINED = new Set([30001, 30008, 30009, 30017])
