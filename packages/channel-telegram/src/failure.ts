import { type Failure, FailureError, networkFailure } from '@plugboard/core'
import { ApiError } from './api.js'

/** Says what an error means; README.md has the table. */
export function classify(error: unknown): Failure {
  if (error instanceof FailureError) return error.failure
  if (!(error instanceof ApiError))
    return { kind: 'ambiguous', message: 'unexpected error while calling Telegram' }
  const { status } = error.details
  return status === undefined ? unanswered(error) : { ...answered(error, status), code: String(status) }
}

function unanswered(error: ApiError): Failure {
  const { message, code } = error
  if (code === 'REDIRECTED') return { kind: 'transient', message: `${message}; redirects are not followed` }
  return { ...networkFailure(error, 'Telegram'), message }
}

/**
 * Descriptions of answers with status 400 that are about this person or room. Telegram does not list them; these are
 * from https://github.com/tdlib/telegram-bot-api, https://github.com/tdlib/td and the errors of MTProto.
 */
const RECIPIENT =
  /chat not found|user not found|chat_id is empty|(?:peer|chat)_id_invalid|user_is_(?:blocked|deactivated|bot)|you_blocked_user|input_user_deactivated|user is deactivated|user_banned_in_channel|chat_(?:guest_)?(?:write|send)_forbidden|chat_restricted|chat_send_\w+_forbidden|chat_admin_required|not enough rights|have no (?:write access|rights)|need administrator rights|can't access the (?:chat|topic)|(?:thread|topic) not found|topic_(?:closed|deleted|id_invalid)|topic identifier|group chat was (?:deactivated|upgraded)|channel_(?:private|invalid)|can't initiate conversation|bot was (?:kicked|blocked)|payment_required|premium_required/i

/** Whether a message cannot reach this person or room, whatever its content. */
export const isAboutRecipient = (error: unknown): boolean =>
  error instanceof ApiError &&
  (error.details.status === 403 ||
    error.details.migratedTo !== undefined ||
    (error.details.status === 400 && RECIPIENT.test(error.details.description ?? '')))

function answered(error: ApiError, status: number): Failure {
  const { message, details } = error
  const { retryAfterMs, isGroup } = details
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs }
  // A group accepts 20 messages a minute, which the host's rate does not cover; otherwise the limit is the bot's.
  if (status === 429)
    return { kind: 'rate-limited', scope: isGroup ? 'endpoint' : 'integration', message, ...wait }
  if (status >= 500) return { kind: 'ambiguous', message }
  if (status === 401 || status === 404)
    return { kind: 'auth', message: `${message}; is botToken right?`, field: 'botToken' }
  if (isAboutRecipient(error)) return { kind: 'recipient', message }
  if (status === 409) return { kind: 'transient', message }
  if (status < 400) return { kind: 'transient', message: `${message}; redirects are not followed` }
  return { kind: 'invalid', message }
}
