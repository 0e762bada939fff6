import { type Failure, FailureError, retryAfterMs } from '@plugboard/core'

/** README.md has the table. Calls throw nothing but {@link FailureError}. */
export function classify(error: unknown): Failure {
  if (error instanceof FailureError) return error.failure
  return { kind: 'ambiguous', message: 'an unexpected fault while calling Twilio' }
}

/** What Twilio answered instead of doing it. */
export interface Refusal {
  status: number
  /** Twilio's own number, https://www.twilio.com/docs/api/errors */
  code?: number | undefined
  retryAfter?: string | undefined
}

/** What an answer that is no success means. */
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
  // Every path begins with the account; Twilio knows no such one.
  if (status === 404) return { kind: 'auth', message, field: 'accountSID' }
  if (status === 403 || (code !== undefined && SENDER.has(code))) return { kind: 'auth', message }
  if (code !== undefined && RECIPIENT.has(code)) return { kind: 'recipient', message }
  if (status < 300) return { kind: 'ambiguous', message: `${message}, but not in JSON` }
  if (status < 400) return { kind: 'transient', message: `${message}; redirects are not followed` }
  return { kind: status === 408 || status === 425 ? 'transient' : 'invalid', message }
}

/** What Twilio's later word about a message means that it had taken. */
export function failureOfDelivery(code: number | undefined): Failure {
  if (code === undefined)
    return { kind: 'ambiguous', message: 'Twilio could not deliver it and gives no reason' }
  const message = `Twilio could not deliver it: ${named(code)}`
  if (RECIPIENT.has(code)) return { kind: 'recipient', message }
  if (SENDER.has(code)) return { kind: 'auth', message }
  return { kind: UNEXPLAINED.has(code) ? 'ambiguous' : 'invalid', message }
}

const named = (code: number): string => `https://www.twilio.com/docs/api/errors/${code}`

/** Too many requests; more messages queued for one number than Twilio keeps. Nothing was done. */
const LIMITED = new Set([20429, 21611, 14107])

/** The account, the number, the WhatsApp sender or the service is not one that may send. */
const SENDER = new Set([20005, 21606, 21659, 21703, 21704, 21705, 30002, 63007])

const RECIPIENT = new Set([
  // The number is none, may not be called from here, or has no messages.
  21211, 21217, 21401, 21408, 21421, 21608, 21612, 21614, 21635,
  // Opted out.
  21610,
  // Unreachable, blocked, unknown, a landline.
  30003, 30004, 30005, 30006,
  // WhatsApp: no such person, outside of the 24 hours, blocked, or Meta's limit for this person.
  63003, 63016, 63024, 63032, 63033, 63049,
])

/** Queue overflow, unknown error, lost segment, and a carrier that does not answer: it may or may not have come. */
const UNEXPLAINED = new Set([30001, 30008, 30009, 30017])
