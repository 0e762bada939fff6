import { type Failure, FailureError } from '@plugboard/core'
import { z } from 'zod'

/** Longest wait: a day. */
const MAX_WAIT_MS = 24 * 60 * 60 * 1000
/** Faults that a message of a failure names. */
const MAX_PATHS = 3

/** An answer with an error. */
export interface Refusal {
  status: number
  /** Discord's code, from https://docs.discord.com/developers/topics/opcodes-and-status-codes#json. */
  code?: number | undefined
  /** Fields that Discord refuses, such as `embeds.0.image.url`. */
  paths?: readonly string[]
  retryAfterMs?: number | undefined
  /** Whom a limit is about. `other`: not Discord answered, but what is in front of it. */
  scope?: 'route' | 'bot' | 'other'
}

/** A refusal by Discord: certainly not sent. */
export class RefusedError extends FailureError {
  readonly refusal: Refusal

  constructor(refusal: Refusal) {
    super(failureOf(refusal))
    this.refusal = refusal
  }
}

/** Discord's code of the refusal that an error stands for. */
export const codeOf = (error: unknown): number | undefined =>
  error instanceof RefusedError ? error.refusal.code : undefined

/** Says what an error means; README.md has the table. */
export function classify(error: unknown): Failure {
  if (error instanceof FailureError) return error.failure
  return { kind: 'ambiguous', message: 'unexpected error while calling Discord' }
}

/**
 * Discord's codes by kind of failure. Others are `invalid`.
 * https://docs.discord.com/developers/topics/opcodes-and-status-codes#json
 */
const CODES = {
  auth: [20012, 40001, 40002, 50010, 50014],
  recipient: [
    10003, 10004, 10013, 20009, 20024, 40007, 40058, 40067, 50001, 50003, 50007, 50008, 50009, 50013, 50024,
    50033, 50083, 50095, 50278, 160005,
  ],
  'rate-limited': [20016, 20022, 20028, 20029, 30046, 40003, 40062],
  transient: [40004, 40006, 40333, 130000],
} as const satisfies Partial<Record<Failure['kind'], readonly number[]>>

const kinds = new Map<number, keyof typeof CODES>(
  Object.entries(CODES).flatMap(([kind, codes]) =>
    codes.map((code) => [code, kind as keyof typeof CODES] as const),
  ),
)

/** What a code says, and what to do about it. */
const REASONS: ReadonlyMap<number, string> = new Map([
  [10003, 'there is no such channel any more'],
  [10004, 'the server is gone, or the bot was removed from it'],
  [10008, 'the message is gone'],
  [10013, 'there is no such person'],
  [10015, 'the reply to this command or button is no longer possible'],
  [10062, 'the reply to this command or button is no longer possible'],
  [20009, 'the person does not accept explicit content'],
  [20012, 'the token is of another application'],
  [20016, 'the channel is in slow mode'],
  [20022, 'announcements are limited'],
  [20024, 'the person is too young'],
  [20028, 'too many messages in this channel'],
  [20029, 'too many messages in this server'],
  [30046, 'too many edits of messages that are older than an hour'],
  [40001, 'the token is not valid'],
  [40002, 'the account of the bot must be verified'],
  [40003, 'the bot opens direct messages too fast'],
  [40004, 'Discord has disabled messages for a while'],
  [40005, 'the message or its file is too large'],
  [40006, 'Discord has disabled this for a while'],
  [40007, 'the person is banned from the server'],
  [40058, 'a forum takes posts in its threads only'],
  [40067, 'the forum requires a tag'],
  [40094, 'a command or button of an app that is not in the server may be answered with five messages'],
  [40333, 'Discord blocks the calls of this server'],
  [50001, 'the bot cannot see the channel: give it the permission View Channel'],
  [50003, 'this is not possible in direct messages'],
  [50005, 'the message is of somebody else'],
  [50006, 'the message shows nothing'],
  [50007, 'the person does not accept direct messages of the bot'],
  [50008, 'the channel takes no messages'],
  [50009, 'the verification level of the server is too high for the bot'],
  [50010, 'the app has no bot'],
  [50013, 'give the bot the permissions Send Messages, Embed Links and Attach Files in this channel'],
  [50014, 'the token is not valid'],
  [50024, 'this is not possible in a channel of this kind'],
  [50027, 'the reply to this command or button is no longer possible'],
  [50033, 'the person cannot get direct messages'],
  [50035, 'Discord does not take these fields'],
  [50045, 'the file is too large'],
  [50083, 'the thread is archived'],
  [50095, 'the server is not available in this country'],
  [50278, 'the person shares no server with the bot'],
  [130000, 'Discord is overloaded'],
  [160005, 'the thread is locked'],
  [200000, 'a rule of the server (AutoMod) blocks this message'],
  [240000, 'Discord takes a link in the message for harmful'],
  [400001, 'the server does not accept files'],
])

/** Codes about a reply whose time is over. */
const ENDED_REPLY = new Set([10015, 10062, 50027])

/** Says what an answer with an error means. */
function failureOf(refusal: Refusal): Failure {
  const { code } = refusal
  return { ...meaningOf(refusal), ...(code !== undefined && code > 0 && { code: String(code) }) }
}

function meaningOf(refusal: Refusal): Failure {
  const { status, code = 0, scope = 'route', paths = [] } = refusal
  const reason = REASONS.get(code)
  const details = [reason, paths.slice(0, MAX_PATHS).join(', ')].filter(Boolean).join(': ')
  const message = `Discord answered ${status}${code > 0 ? ` (${code})` : ''}${details && `: ${details}`}`
  const known = kinds.get(code)
  if (status === 429) return limited(message, refusal, scope === 'route' ? 'endpoint' : 'integration')
  if (known === 'rate-limited') return limited(message, refusal, 'endpoint')
  // The token of an interaction was refused, and not that of the bot.
  if (status === 401 && ENDED_REPLY.has(code)) return { kind: 'invalid', message }
  if (known === 'auth' || status === 401) return { kind: 'auth', message, field: 'botToken' }
  if (known) return { kind: known, message }
  if (status >= 500) return { kind: 'ambiguous', message }
  if (status < 400) return { kind: 'transient', message: `${message}; redirects are not followed` }
  if (status === 403 && scope === 'other')
    return { kind: 'transient', message: `${message}; the answer is from a proxy in front of Discord` }
  if (status === 403) return { kind: 'recipient', message }
  return { kind: status === 408 || status === 425 ? 'transient' : 'invalid', message }
}

function limited(message: string, { retryAfterMs }: Refusal, scope: 'endpoint' | 'integration'): Failure {
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs: Math.min(retryAfterMs, MAX_WAIT_MS) }
  return { kind: 'rate-limited', scope, message, ...wait }
}

const bodySchema = z.object({
  code: z.int().optional().catch(undefined),
  errors: z.unknown().optional(),
  retry_after: z.number().min(0).optional().catch(undefined),
  global: z.boolean().optional().catch(undefined),
})

/** Reads an answer with an error. `retryAfterMs` is that of its header. */
export function refusalOf(
  status: number,
  body: unknown,
  headers: Headers,
  retryAfterMs: number | undefined,
): Refusal {
  const { data } = bodySchema.safeParse(body)
  const wait = data?.retry_after === undefined ? retryAfterMs : Math.ceil(data.retry_after * 1000)
  const isOfBot = data?.global === true || headers.get('x-ratelimit-scope') === 'global'
  return {
    status,
    code: data?.code,
    paths: pathsIn(data?.errors),
    retryAfterMs: wait,
    scope: data === undefined ? 'other' : isOfBot ? 'bot' : 'route',
  }
}

/** Deepest field of a message that is named. */
const MAX_DEPTH = 10

/** The fields that are wrong. Discord nests them as in the request, each with its `_errors`. */
function pathsIn(errors: unknown, path: readonly string[] = []): string[] {
  if (typeof errors !== 'object' || errors === null || path.length > MAX_DEPTH) return []
  if (Object.hasOwn(errors, '_errors')) return path.length > 0 ? [path.join('.')] : []
  return Object.entries(errors)
    .filter(([name]) => /^\w{1,40}$/.test(name))
    .slice(0, MAX_PATHS)
    .flatMap(([name, inner]) => pathsIn(inner, [...path, name]))
}
