import { type Failure, FailureError, networkFailure } from '@plugboard/core'
import { GraphError, type GraphErrorDetails } from './graph-error.js'

/** What a code means. `reason` says it in words, after "… answered 400: ". */
export type Meaning = { reason: string } & (
  | { kind: 'rate-limited'; scope: 'integration' | 'endpoint'; retryAfterMs?: number }
  | { kind: 'auth'; field?: string }
  | { kind: 'transient' | 'ambiguous' | 'recipient' | 'invalid' | 'window' }
)

/** How a channel reads errors. */
export interface FailureTable {
  /** Name of the provider in messages: `WhatsApp`. */
  provider: string
  /** Meanings of the channel's own codes, by `code` or by `code/subcode`; they come before those of the API. */
  codes?: Readonly<Record<string, Meaning>>
  /** The field of the configuration with the id in the path of each call, which may be that of nothing. */
  accountField?: string
}

/**
 * Makes the `classify` of a channel. Codes of the channel come first, then those of the API, then the status.
 *
 * ```ts
 * const classify = classifierOf({
 *   provider: 'WhatsApp',
 *   codes: { 131047: { kind: 'window', reason: 'more than 24 hours after the last message of the person' } },
 * })
 * ```
 */
export const classifierOf =
  (table: FailureTable) =>
  (error: unknown): Failure => {
    if (error instanceof FailureError) return error.failure
    return error instanceof GraphError
      ? failureOf(error.details, table)
      : networkFailure(error, table.provider)
  }

function failureOf(details: GraphErrorDetails, table: FailureTable): Failure {
  const { status, code, subcode, words } = details
  const meaning = meaningOf(details, table)
  const message = `${table.provider} answered ${status}: ${meaning?.reason ?? words ?? 'no reason given'}`
  const named = code === undefined ? {} : { code: subcode === undefined ? `${code}` : `${code}/${subcode}` }
  const wait = details.retryAfterMs === undefined ? {} : { retryAfterMs: details.retryAfterMs }
  if (!meaning) return { ...byStatus(details), message, ...named, ...wait } as Failure
  const { reason: _, ...kind } = meaning
  const isWaiting = kind.kind === 'rate-limited' || kind.kind === 'transient'
  return { ...kind, message, ...named, ...(isWaiting && wait) }
}

function meaningOf(
  details: GraphErrorDetails,
  { codes = {}, accountField }: FailureTable,
): Meaning | undefined {
  const { code, subcode, isProofRefused } = details
  if (code === undefined) return undefined
  const own = codes[`${code}/${subcode}`] ?? codes[`${code}`]
  if (own) return own
  if (isProofRefused)
    return {
      kind: 'auth',
      field: 'appSecret',
      reason: 'appSecret is not that of the app of the access token',
    }
  if (code === 100 && subcode === NO_OBJECT) {
    const reason = 'it does not exist, or the access token may not use it'
    return { kind: 'auth', reason, ...(accountField !== undefined && { field: accountField }) }
  }
  if (code >= 200 && code < 300) return NO_PERMISSION
  if (code >= 80_000 && code <= 80_014) return TOO_MANY_IN_AN_HOUR
  return COMMON[code]
}

/** https://developers.facebook.com/docs/graph-api/guides/error-handling: "Unsupported get request". */
const NO_OBJECT = 33

const NO_PERMISSION: Meaning = { kind: 'auth', reason: 'the access token lacks a permission' }
const DEAD_TOKEN: Meaning = {
  ...{ kind: 'auth', field: 'accessToken' },
  reason: 'the access token is invalid, expired or revoked',
}
const TOO_MANY: Meaning = { kind: 'rate-limited', scope: 'integration', reason: 'too many calls' }
/** Limits of an hour, which calls meanwhile prolong. Meta does not always say how long. A pause in milliseconds. */
const TOO_MANY_IN_AN_HOUR: Meaning = { ...TOO_MANY, retryAfterMs: 60_000 }

/** https://developers.facebook.com/docs/graph-api/guides/error-handling and …/overview/rate-limiting */
const COMMON: Readonly<Record<number, Meaning>> = {
  0: DEAD_TOKEN,
  1: { kind: 'ambiguous', reason: 'an unknown error of Meta' },
  2: { kind: 'ambiguous', reason: 'a service of Meta is down' },
  3: NO_PERMISSION,
  4: TOO_MANY_IN_AN_HOUR,
  10: NO_PERMISSION,
  17: TOO_MANY_IN_AN_HOUR,
  32: TOO_MANY_IN_AN_HOUR,
  102: DEAD_TOKEN,
  190: DEAD_TOKEN,
  341: TOO_MANY_IN_AN_HOUR,
  368: { kind: 'auth', reason: 'Meta has blocked the account for a time, for a violation of its policies' },
  613: TOO_MANY,
}

/** What a status means, without a code that says more. */
function byStatus({ status, code, isTransient }: GraphErrorDetails) {
  if (status === 429) return { kind: 'rate-limited', scope: 'integration' } as const
  if (status === 401) return { kind: 'auth', field: 'accessToken' } as const
  if (status === 403) return { kind: 'auth' } as const
  if (status >= 500) return { kind: 'ambiguous' } as const
  if (status === 408 || status === 425 || isTransient) return { kind: 'transient' } as const
  // No answer of Meta: a page with the status 200 may hide that it was sent, and a redirect is not followed.
  if (code === undefined && status < 300) return { kind: 'ambiguous' } as const
  if (status < 400 && status >= 300) return { kind: 'transient' } as const
  return { kind: 'invalid' } as const
}
