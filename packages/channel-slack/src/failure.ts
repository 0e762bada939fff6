import { type Failure, FailureError, networkFailure } from '@plugboard/core'
import { z } from 'zod'

/** Longest wait: a day. Slack asks for minutes. */
const MAX_RETRY_AFTER_MS = 24 * 60 * 60 * 1000

/** Slack answered 429 without a `Retry-After`. The SDK's error for it looks like others. */
export class RateLimitWithoutTime extends Error {
  override readonly name = 'RateLimitWithoutTime'
}

/**
 * Error codes of Slack by kind of failure. All other codes are `invalid`.
 * https://docs.slack.dev/reference/methods/chat.postMessage#errors
 */
const codes = {
  auth: [
    'access_denied',
    'account_inactive',
    'ekm_access_denied',
    'enterprise_is_restricted',
    'invalid_auth',
    'missing_scope',
    'no_permission',
    'not_allowed_token_type',
    'not_authed',
    'org_login_required',
    'team_access_not_granted',
    'token_expired',
    'token_revoked',
    'two_factor_setup_required',
  ],
  recipient: [
    'cannot_dm_bot',
    'cannot_reply_to_message',
    'channel_is_limited_access',
    'channel_not_found',
    'is_archived',
    'messages_tab_disabled',
    'not_in_channel',
    'restricted_action',
    'restricted_action_non_threadable_channel',
    'restricted_action_read_only_channel',
    'restricted_action_thread_locked',
    'restricted_action_thread_only_channel',
    'thread_not_found',
    'user_disabled',
    'user_not_found',
    'user_not_visible',
    'users_not_found',
  ],
  ambiguous: ['fatal_error', 'internal_error', 'request_timeout', 'service_unavailable'],
  transient: ['team_added_to_org'],
} as const

const kindOf = new Map<string, keyof typeof codes>(
  Object.entries(codes).flatMap(([kind, all]) =>
    all.map((code) => [code, kind as keyof typeof codes] as const),
  ),
)

const rateLimited = z.object({ code: z.literal('slack_webapi_rate_limited_error'), retryAfter: z.number() })
const httpError = z.object({ code: z.literal('slack_webapi_http_error'), statusCode: z.number() })
const platformError = z.object({
  code: z.literal('slack_webapi_platform_error'),
  data: z.object({
    error: z.unknown(),
    response_metadata: z.object({ messages: z.array(z.string()).optional() }).optional(),
  }),
})

/** Says what an error means; README.md has the table. */
export function classify(error: unknown): Failure {
  if (error instanceof FailureError) return error.failure
  const limit = rateLimited.safeParse(error)
  if (limit.success) return limited(Math.max(limit.data.retryAfter, 0) * 1000)
  if (chain(error).some((each) => each instanceof RateLimitWithoutTime)) return limited()
  const http = httpError.safeParse(error)
  if (http.success) return classifyStatus(http.data.statusCode)
  const platform = platformError.safeParse(error)
  if (platform.success) return classifyCode(platform.data.data)
  return networkFailure(error, 'Slack')
}

/** Slack counts messages for each channel. */
function limited(retryAfterMs?: number): Failure {
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs: Math.min(retryAfterMs, MAX_RETRY_AFTER_MS) }
  return { kind: 'rate-limited', scope: 'endpoint', message: 'Slack asks to wait', ...wait }
}

/** Says what a status other than 200 means. Slack itself uses only 429; others are from proxies. */
export function classifyStatus(status: number): Failure {
  const message = `Slack answered ${status}`
  if (status < 400) return { kind: 'transient', message: `${message}; redirects are not followed` }
  if (status === 429) return limited()
  if (status === 401 || status === 403) return { kind: 'auth', message, field: 'botToken' }
  if (status === 404 || status === 408 || status === 425) return { kind: 'transient', message }
  return { kind: status < 500 ? 'invalid' : 'ambiguous', message }
}

function classifyCode({ error, response_metadata }: z.infer<typeof platformError>['data']): Failure {
  // `error` is the whole page of a proxy: the message may have been sent.
  if (typeof error !== 'string' || !/^[a-z0-9_]{1,100}$/.test(error)) {
    return { kind: 'ambiguous', message: 'the answer is not from Slack, but from a proxy' }
  }
  const message = `Slack answered ${error}`
  if (error === 'ratelimited' || error === 'rate_limited') return limited()
  if (error === 'message_limit_exceeded') return { kind: 'rate-limited', scope: 'integration', message }
  const kind = kindOf.get(error)
  if (kind === 'auth') return { kind, message, field: 'botToken' }
  if (kind) return { kind, message }
  const paths = (response_metadata?.messages ?? []).flatMap(
    (text) => /\[json-pointer:([\w/]{1,80})\]/.exec(text)?.[1] ?? [],
  )
  return { kind: 'invalid', message: [message, ...new Set(paths.slice(0, 3))].join(' ') }
}

/** An error and its causes, which may be a loop. */
function chain(error: unknown): Error[] {
  const causes: Error[] = []
  for (let each = error; each instanceof Error && causes.length < 10; each = each.cause) causes.push(each)
  return causes
}
