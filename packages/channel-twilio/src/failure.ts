import { type Failure, FailureError, retryAfterMs } from '@plugboard/core'

/** An error answer of Twilio. Calls throw only {@link FailureError}s. */
export class RefusedError extends FailureError {
  /** https://www.twilio.com/docs/api/errors */
  readonly code: number | undefined

  constructor(refusal: Refusal) {
    super(failureOfAnswer(refusal))
    this.code = refusal.code
  }
}

/** Says what an error means; README.md has the table. */
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
export const failureOfAnswer = (refusal: Refusal, now = new Date()): Failure => ({
  ...meaningOf(refusal, now),
  ...coded(refusal.code),
})

const coded = (code: number | undefined): { code?: string } =>
  code === undefined ? {} : { code: String(code) }

function meaningOf({ status, code, retryAfter }: Refusal, now: Date): Failure {
  const message =
    code === undefined ? `Twilio answered ${status}` : `Twilio answered ${status}: ${named(code)}`
  if (status === 429 || (code !== undefined && LIMITED.has(code))) {
    const wait = retryAfterMs(retryAfter, now)
    const forWait = wait === undefined ? {} : { retryAfterMs: wait }
    return {
      kind: 'rate-limited',
      scope: code === TO_ONE_PERSON ? 'endpoint' : 'integration',
      message,
      ...forWait,
    }
  }
  if (status >= 500) return { kind: 'ambiguous', message }
  if (status === 401 || code === 20003) return { kind: 'auth', message, field: 'authToken' }
  // Every path begins with the account, so the account does not exist.
  if (status === 404) return { kind: 'auth', message, field: 'accountSID' }
  if (status === 403 || (code !== undefined && SENDER.has(code))) return { kind: 'auth', message }
  if (code === WINDOW_CLOSED) return { kind: 'window', message }
  if (code !== undefined && RECIPIENT.has(code)) return { kind: 'recipient', message }
  if (status < 300) return { kind: 'ambiguous', message: `${message}, but not in JSON` }
  if (status < 400) return { kind: 'transient', message: `${message}; redirects are not followed` }
  return { kind: status === 408 || status === 425 ? 'transient' : 'invalid', message }
}

/** Says what a later error of an accepted message means. */
export function failureOfDelivery(code: number | undefined): Failure {
  if (code === undefined)
    return { kind: 'ambiguous', message: 'Twilio could not deliver it and gives no reason' }
  const failure = { message: `Twilio could not deliver it: ${named(code)}`, ...coded(code) }
  if (code === WINDOW_CLOSED) return { kind: 'window', ...failure }
  if (RECIPIENT.has(code)) return { kind: 'recipient', ...failure }
  if (SENDER.has(code)) return { kind: 'auth', ...failure }
  if (LIMITED.has(code)) return { kind: 'rate-limited', scope: 'integration', ...failure }
  return { kind: UNEXPLAINED.has(code) ? 'ambiguous' : 'invalid', ...failure }
}

function named(code: number): string {
  const link = `https://www.twilio.com/docs/api/errors/${code}`
  const reason = REASONS.get(code)
  return reason === undefined ? link : `${reason} (${link})`
}

/** What operators and clients read first, of the errors that they meet most. */
const REASONS: ReadonlyMap<number, string> = new Map([
  [11200, 'the file could not be downloaded'],
  [11751, 'the file is too large'],
  [12300, 'the type of the file is not supported'],
  [21211, 'the number is invalid'],
  [21408, 'the account may not send to this country'],
  [21606, 'the sending number cannot send messages'],
  [21608, 'a trial account sends to verified numbers only'],
  [21610, 'the person has opted out with STOP'],
  [21611, 'too many messages wait for this sending number'],
  [21612, 'the person cannot be reached from this sending number'],
  [21614, 'the number is not a mobile number'],
  [21617, 'the message is longer than 1600 characters'],
  [21620, 'the address of the file is invalid'],
  [21621, 'the sending number cannot send files'],
  [21655, 'the name of the template is no Content SID of this account (HX…)'],
  [21656, 'a parameter of the template is empty or malformed'],
  [30003, 'the telephone is off or out of reach'],
  [30004, 'the person or the carrier blocks messages'],
  [30005, 'the number is unknown or no longer in use'],
  [30006, 'the number is a landline, or its carrier is unreachable'],
  [30007, 'the carrier filtered the message'],
  [30011, 'the telephone cannot get files'],
  [30019, 'the message is too large for the carrier'],
  [63003, 'the person is not on this channel'],
  [63005, 'the channel did not accept this content'],
  [63007, 'the sender is not set up for this channel'],
  [63013, 'the message violates the policy of the channel'],
  [63016, 'more than 24 hours after the last message of the person, WhatsApp takes templates only'],
  [63018, 'too many messages from this sender'],
  [63019, 'the file could not be downloaded'],
  [63021, 'the channel did not accept this content'],
  [63024, 'the person cannot get messages on this channel'],
  [63034, 'the file is too large'],
])

/** Outside of the 24 hours after the last message of the person. */
const WINDOW_CLOSED = 63016
/** Too many replies to one person: nothing was sent. */
const TO_ONE_PERSON = 14107
/** Too many requests, or too many messages of one number. Nothing was sent. */
const LIMITED = new Set([20429, 21611, TO_ONE_PERSON, 63018])

/**
 * Twilio, the carrier or WhatsApp refused what is in the message, at once or after Twilio had accepted it, and may take it
 * in another form. The person got nothing.
 */
export const CONTENT_REFUSED: ReadonlySet<number> = new Set([
  // The address of the file does not lead to a file.
  11200, 11205, 11210, 11215, 11220, 11237, 21620, 63019,
  // Its type, its size or the number of files.
  11751, 12300, 21623, 30019, 63034,
  // The sending number, the region, the route or the telephone takes no files.
  21612, 21621, 21670, 30011,
  // WhatsApp refused the content without a better reason.
  63005, 63006, 63013, 63021,
])

/** The account, number, WhatsApp sender or service may not send. */
const SENDER = new Set([20005, 21606, 21659, 21703, 21704, 21705, 30002, 63007])

const RECIPIENT = new Set([
  // The number is invalid, is not reachable from here, or cannot get messages.
  21211, 21217, 21401, 21408, 21421, 21608, 21612, 21614, 21635,
  // Opted out.
  21610,
  // Unreachable, blocked, unknown, a landline.
  30003, 30004, 30005, 30006,
  // WhatsApp: no such person, blocked, or Meta's limit for this person.
  63003, 63014, 63015, 63024, 63032, 63033, 63049,
])

/** Queue overflow, unknown error, lost segment, or a carrier without an answer: possibly delivered. */
const UNEXPLAINED = new Set([30001, 30008, 30009, 30017])
