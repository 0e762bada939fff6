import type { Failure } from '@plugboard/core'
import { classifierOf, GraphError, type Meaning, quotable } from '@plugboard/graph-api'

const auth = (reason: string, field?: string): Meaning => ({
  ...{ kind: 'auth', reason },
  ...(field !== undefined && { field }),
})
const recipient = (reason: string): Meaning => ({ kind: 'recipient', reason })
const invalid = (reason: string): Meaning => ({ kind: 'invalid', reason })
const transient = (reason: string): Meaning => ({ kind: 'transient', reason })
const limited = (reason: string): Meaning => ({ kind: 'rate-limited', scope: 'integration', reason })

/** The pause after too many messages to one person: the pace is one in six seconds. In milliseconds. */
const PAUSE_FOR_A_PERSON = 6_000

/** The pause after what people reported as spam, which lasts: each further message makes it worse. In milliseconds. */
const PAUSE_AFTER_SPAM = 5 * 60_000

/** https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  33: auth('the number was deleted', 'phoneNumberId'),
  368: auth('the account is restricted, because it violated a policy of WhatsApp'),
  130429: limited('too many messages of this number'),
  130472: recipient('the person is in an experiment of Meta, and gets no marketing messages'),
  130497: recipient('the account may not write to people in this country'),
  131000: { kind: 'ambiguous', reason: 'an unknown error of WhatsApp' },
  131005: auth('the access token lacks a permission, or was revoked', 'accessToken'),
  131008: invalid('a required parameter is missing'),
  131016: transient('a service of WhatsApp is overloaded'),
  131021: recipient('the number of the person is that of the business'),
  131026: recipient(
    'it cannot be delivered: no number on WhatsApp, an old version, or the terms were not accepted',
  ),
  131030: recipient('the number is not in the list of recipients of a test number'),
  131031: auth('the account is locked'),
  131037: auth('the display name of the number has not been approved', 'phoneNumberId'),
  131042: auth('the account has a problem with its method of payment'),
  131045: auth('the number is not registered', 'phoneNumberId'),
  131047: { kind: 'window', reason: 'more than 24 hours after the last message of the person' },
  131048: {
    ...{ kind: 'rate-limited', scope: 'integration', retryAfterMs: PAUSE_AFTER_SPAM },
    reason: 'too many messages of this number were blocked, or marked as spam',
  },
  131049: recipient('the person gets as many marketing messages as WhatsApp allows'),
  131050: recipient('the person has stopped marketing messages of this business'),
  131051: invalid('this type of message is not supported'),
  131052: invalid('the file could not be downloaded'),
  131053: invalid('the file was not accepted'),
  131056: {
    ...{ kind: 'rate-limited', scope: 'endpoint', retryAfterMs: PAUSE_FOR_A_PERSON },
    reason: 'too many messages to this person',
  },
  131057: transient('the account is in maintenance'),
  131062: invalid('this template needs the telephone number of the person'),
  132000: invalid('the number of parameters is not that of the template'),
  132001: invalid('there is no such template in this language, or it has not been approved'),
  132005: invalid('the template is too long with these parameters'),
  132007: invalid('the template violates a policy of WhatsApp'),
  132012: invalid('the format of a parameter is not that of the template'),
  132015: invalid('the template is paused, because of its quality'),
  132016: invalid('the template is disabled, because of its quality'),
  132068: invalid('the flow is blocked'),
  132069: { kind: 'rate-limited', scope: 'endpoint', reason: 'the flow is throttled' },
  133004: transient('a service of WhatsApp is unavailable'),
  133010: auth('the number is not registered', 'phoneNumberId'),
}

/** WhatsApp could not fetch a file, or does not take it: another form of the message may be shown. */
const CONTENT_REFUSED: ReadonlySet<number> = new Set([131051, 131052, 131053])

/** Says what an error means; README.md has the table. */
export const classify = classifierOf({
  provider: 'WhatsApp',
  codes: MEANINGS,
  accountField: 'phoneNumberId',
})

export const isContentRefused = (error: unknown): boolean =>
  error instanceof GraphError && error.details.code !== undefined && CONTENT_REFUSED.has(error.details.code)

/** What the error of a message means that WhatsApp had accepted; `words` are Meta's own. */
export function failureOfStatus(code: number | undefined, words: string | undefined) {
  const { reason = quotable(words) ?? 'it gives no reason', ...meaning } =
    (code === undefined ? undefined : MEANINGS[code]) ?? ({ kind: 'ambiguous' } as const)
  const named = code === undefined ? {} : { code: String(code) }
  const failure: Failure = { ...meaning, message: `WhatsApp could not deliver it: ${reason}`, ...named }
  return { failure, isContentRefused: code !== undefined && CONTENT_REFUSED.has(code) }
}
