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
    'accesslimited',
    'account_inactive',
    'enterprise_is_restricted',
    'invalid_auth',
    'missing_scope',
    'not_allowed_token_type',
    'not_authed',
    'org_login_required',
    'team_access_not_granted',
    'token_expired',
    'token_revoked',
    'two_factor_setup_required',
  ],
  recipient: [
    'access_denied',
    'app_access_restricted',
    'cannot_dm_bot',
    'cannot_reply_to_message',
    'channel_is_limited_access',
    'channel_not_found',
    'channel_type_not_supported',
    'ekm_access_denied',
    'is_archived',
    'messages_tab_disabled',
    'no_permission',
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

/** What to do about a code, or what it says of the message, where the code alone does not. */
const hints: Readonly<Record<string, string>> = {
  access_denied: 'the bot may not write to this channel',
  accesslimited: 'the workspace does not accept calls from the network of this server',
  app_access_restricted: 'the person may not use this app',
  attachment_payload_limit_exceeded: 'the message is too large',
  cannot_dm_bot: 'the recipient is a bot',
  cannot_reply_to_message: 'the message takes no replies',
  channel_not_found: 'there is no such channel, or the bot is not in it',
  ekm_access_denied: 'the admins of the workspace have suspended messages to this channel',
  is_archived: 'the channel is archived',
  message_limit_exceeded: 'the workspace has reached the limit of its plan',
  messages_tab_disabled: 'turn on the Messages Tab on the page App Home of the app',
  msg_blocks_too_long: 'the message is too long',
  msg_too_long: 'the message is too long',
  no_permission: 'invite the bot to the channel with /invite',
  no_text: 'the message shows nothing',
  not_in_channel: 'invite the bot to the channel with /invite',
  restricted_action: 'a setting of the workspace prevents the bot from writing there',
  restricted_action_non_threadable_channel: 'the channel has no threads',
  restricted_action_read_only_channel: 'the channel is read-only',
  restricted_action_thread_locked: 'the admins have locked the thread',
  restricted_action_thread_only_channel: 'the channel takes replies in threads only',
  slack_connect_canvas_sharing_blocked: 'an admin has disabled links to canvases in Slack Connect',
  slack_connect_file_link_sharing_blocked: 'an admin has disabled links to files in Slack Connect',
  slack_connect_lists_sharing_blocked: 'an admin has disabled links to lists in Slack Connect',
  team_access_not_granted: 'the token is not valid for the workspace of the channel',
  thread_not_found: 'the thread was deleted',
  too_many_attachments: 'the message has too many parts',
  user_disabled: 'the account of the person is deactivated',
  user_not_found: 'there is no such person',
  user_not_visible: 'the bot may not see the person',
}

/** A refusal by Slack itself: certainly not sent. */
export interface Refusal {
  /** Slack's code, such as `invalid_blocks`. */
  code: string
  /** The places of the faults in the arguments, such as `/blocks/0/image_url`. */
  paths: readonly string[]
}

/** A failure with the refusal that caused it. */
class RefusedError extends FailureError {
  readonly refusal: Refusal

  constructor(failure: Failure, refusal: Refusal) {
    super(failure)
    this.refusal = refusal
  }
}

/** The refusal by Slack that an error stands for. */
export const refusalOf = (error: unknown): Refusal | undefined =>
  error instanceof RefusedError ? error.refusal : undefined

/** The error to throw for an error of the SDK. */
export function failureErrorOf(error: unknown): FailureError {
  const { data } = platformError.safeParse(error)
  const failure = classify(error)
  const code = data?.data.error
  return typeof code === 'string' && CODE.test(code) && data
    ? new RefusedError(failure, { code, paths: pathsOf(data.data) })
    : new FailureError(failure)
}

const rateLimited = z.object({ code: z.literal('slack_webapi_rate_limited_error'), retryAfter: z.number() })
const httpError = z.object({ code: z.literal('slack_webapi_http_error'), statusCode: z.number() })
const platformError = z.object({
  code: z.literal('slack_webapi_platform_error'),
  data: z.object({
    error: z.unknown(),
    /** The scope that is missing. */
    needed: z.unknown().optional(),
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

/** Longest code of a failure. */
const MAX_CODE = 64

/** Every code of Slack. Anything else is from a proxy. */
const CODE = /^[a-z0-9_]{1,100}$/

type Refused = z.infer<typeof platformError>['data']

function classifyCode(refused: Refused): Failure {
  const { error, needed } = refused
  // `error` is the whole page of a proxy: the message may have been sent.
  if (typeof error !== 'string' || !CODE.test(error)) {
    return { kind: 'ambiguous', message: 'the answer is not from Slack, but from a proxy' }
  }
  const scope =
    typeof needed === 'string' && /^[\w:.,-]{1,100}$/.test(needed) ? `add the scope ${needed}` : undefined
  const hint = (Object.hasOwn(hints, error) ? hints[error] : undefined) ?? scope
  const message = [`Slack answered ${error}`, hint].filter(Boolean).join(': ')
  if (error === 'ratelimited' || error === 'rate_limited') return limited()
  if (error === 'message_limit_exceeded') return { kind: 'rate-limited', scope: 'integration', message }
  const kind = kindOf.get(error)
  const code = error.slice(0, MAX_CODE)
  if (kind === 'auth') return { kind, message, code, field: 'botToken' }
  if (kind) return { kind, message, code }
  return { kind: 'invalid', code, message: [message, ...new Set(pathsOf(refused).slice(0, 3))].join(' ') }
}

/** Slack says where a fault is, with words that it may have taken from the message. */
const pathsOf = ({ response_metadata }: Refused): string[] =>
  (response_metadata?.messages ?? []).flatMap(
    (text) => /\[json-pointer:([\w/]{1,80})\]/.exec(text)?.[1] ?? [],
  )

/** An error and its causes, which may be a loop. */
function chain(error: unknown): Error[] {
  const causes: Error[] = []
  for (let each = error; each instanceof Error && causes.length < 10; each = each.cause) causes.push(each)
  return causes
}
