import { type Failure, FailureError, retryAfterMs } from '@plugboard/core'

/** Says what an error means; README.md has the table. Calls throw only {@link FailureError}s. */
export function classify(error: unknown): Failure {
  if (error instanceof FailureError) return error.failure
  return { kind: 'ambiguous', message: 'unexpected error while calling Teams' }
}

/** An error answer. */
export interface Refusal {
  status: number
  /** Microsoft's own code, such as `ConversationBlockedByUser` or `AADSTS7000215`. */
  code?: string | undefined
  retryAfter?: string | null | undefined
}

/** An error answer of the Bot Connector. */
export class RefusedError extends FailureError {
  readonly status: number
  /** The code of the answer, if it has one. */
  readonly code: string | undefined

  constructor(refusal: Refusal) {
    super(failureOfAnswer(refusal))
    this.status = refusal.status
    this.code = refusal.code
  }
}

/**
 * Codes about this person or conversation, in words.
 * https://learn.microsoft.com/microsoftteams/platform/bots/build-conversational-capability#status-codes-from-bot-conversational-apis
 */
const RECIPIENT: ReadonlyMap<string, string> = new Map([
  ['BotDisabledByAdmin', 'an administrator of the tenant has disabled the bot for the person'],
  [
    'BotNotInConversationRoster',
    'the bot is not in the conversation any more: the app must be installed there again',
  ],
  ['ConversationBlockedByUser', 'the person has blocked the bot'],
  ['ConversationNotFound', 'the conversation does not exist, or is deleted'],
  ['ForbiddenOperationException', 'the person has not installed the app'],
  ['MessageWritesBlocked', 'the person has blocked or removed the bot'],
  ['NotEnoughPermissions', 'the bot may not do this in the conversation'],
])

/** Codes about the message or the call, in words. */
const INVALID: ReadonlyMap<string, string> = new Map([
  ['ActivityNotFoundInConversation', 'the message is not there any more'],
  [
    'InvalidBotApiHost',
    'the conversation is in another cloud: set the option connectorUrl to its Bot Connector',
  ],
  ['MessageSizeTooBig', 'the message is too large'],
])

/** Says what an error answer of the Bot Connector means. */
export const failureOfAnswer = (refusal: Refusal, now = new Date()): Failure => ({
  ...meaningOf(refusal, now),
  ...(refusal.code !== undefined && { code: refusal.code }),
})

function meaningOf({ status, code, retryAfter }: Refusal, now: Date): Failure {
  const about = code === undefined ? undefined : (RECIPIENT.get(code) ?? INVALID.get(code) ?? code)
  const message = about === undefined ? `Teams answered ${status}` : `Teams answered ${status}: ${about}`
  const wait = waitOf(retryAfter, now)
  // Mostly of one conversation; that of a whole tenant is reached by few bots.
  if (status === 429) return { kind: 'rate-limited', scope: 'endpoint', message, ...wait }
  if (code !== undefined && RECIPIENT.has(code)) return { kind: 'recipient', message }
  if (code !== undefined && INVALID.has(code)) return { kind: 'invalid', message }
  if (status === 401 && code === 'BotNotRegistered') return { kind: 'auth', message, field: 'appId' }
  // Microsoft names a reason that is about the conversation; a proxy or a firewall names none.
  if (status === 404 || (status === 403 && code !== undefined)) return { kind: 'recipient', message }
  if (status === 401 || status === 403) return { kind: 'auth', message }
  // Two calls at once for one conversation, or a service that did not take the call.
  if (status === 412 || status === 503) return { kind: 'transient', message, ...wait }
  if (status >= 500) return { kind: 'ambiguous', message }
  if (status < 300) return { kind: 'ambiguous', message: `${message}, but not as documented` }
  if (status < 400) return { kind: 'transient', message: `${message}; redirects are not followed` }
  return { kind: status === 408 || status === 425 ? 'transient' : 'invalid', message }
}

/**
 * Errors of Microsoft Entra ID about the configuration: its field, and why.
 * https://learn.microsoft.com/entra/identity-platform/reference-error-codes
 */
const ENTRA: ReadonlyMap<number, { field: string; why: string }> = new Map([
  [7000215, { field: 'appPassword', why: 'the client secret is wrong: enter its Value, not its Secret ID' }],
  [7000222, { field: 'appPassword', why: 'the client secret has expired: create a new one' }],
  [7000216, { field: 'appPassword', why: 'there is no client secret' }],
  [700016, { field: 'appId', why: 'the app is not in this tenant: check appId and tenantId' }],
  [700038, { field: 'appId', why: 'the app id is not an id' }],
  [90002, { field: 'tenantId', why: 'the tenant does not exist' }],
  [900021, { field: 'tenantId', why: 'the tenant is not an id' }],
  [900023, { field: 'tenantId', why: 'the tenant is neither an id nor a domain' }],
  [7000112, { field: 'appId', why: 'the app registration is disabled' }],
  [700027, { field: 'appPassword', why: 'the credential does not belong to the app' }],
])

/** Says what an error answer to a request for an access token means. */
export function failureOfLogin(
  { status, retryAfter }: Refusal,
  codes: readonly number[],
  now = new Date(),
): Failure {
  const known = codes.find((code) => ENTRA.has(code))
  const { field, why } = (known !== undefined && ENTRA.get(known)) || { field: undefined, why: undefined }
  const [number = known] = codes
  const code = number === undefined ? {} : { code: `AADSTS${known ?? number}` }
  const reason = [code.code, why].filter(Boolean).join(': ')
  const message = `Microsoft Entra ID answered ${status} to the request for a token${reason && `: ${reason}`}`
  if (status === 429)
    return { kind: 'rate-limited', scope: 'integration', message, ...waitOf(retryAfter, now), ...code }
  if (status >= 500) return { kind: 'ambiguous', message, ...code }
  if (status >= 400 && status !== 408 && status !== 425)
    return { kind: 'auth', message, ...(field !== undefined && { field }), ...code }
  return { kind: status < 300 ? 'ambiguous' : 'transient', message, ...code }
}

function waitOf(retryAfter: string | null | undefined, now: Date): { retryAfterMs?: number } {
  const wait = retryAfterMs(retryAfter, now)
  return wait === undefined ? {} : { retryAfterMs: wait }
}
