import type { KeyObject } from 'node:crypto'
import {
  AnswerTooLarge,
  type CallContext,
  FailureError,
  type Json,
  jsonInAnswer,
  type Logger,
  networkFailure,
  readAnswer,
  retryAfterMs,
} from '@plugboard/core'
import type { Config, Options } from './config.js'
import { RefusedError, refusalOf } from './failure.js'
import { InvalidRequests } from './invalid-requests.js'
import { publicKeyOf } from './public-key.js'
import { RateLimits } from './rate-limits.js'

/** What one integration needs for its calls. */
export interface Session {
  /** Verifies requests of Discord. */
  publicKey: KeyObject | undefined
  limits: RateLimits
  /** Calls that Discord refused to this bot. */
  refused: InvalidRequests
}

/** Part of the refused calls of the server that one bot may cause, so that it does not stop the bots of other clients. */
const SHARE = 1 / 5

export const connect =
  ({ maxInvalidRequests }: Options) =>
  (config: Config): Session => ({
    publicKey: publicKeyOf(config),
    limits: new RateLimits(),
    refused: new InvalidRequests(Math.ceil(maxInvalidRequests * SHARE)),
  })

type Context = Pick<CallContext<Config, Session>, 'integration' | 'signal'>

/** One call of the API. */
export interface Request {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** With its ids, after the version: `/channels/1/messages`. */
  path: string
  body?: Json
  /** Goes with the body, as a form. */
  file?: { blob: Blob; name: string }
}

/** Calls Discord for one integration. Undefined for an answer without content. @throws FailureError */
export type Call = (request: Request, context: Context) => Promise<unknown>

/** Largest answer that is read, in bytes. The largest is a message with its embeds. */
const MAX_ANSWER_BYTES = 1024 * 1024
/** Most values in the JSON of an answer. */
const MAX_ANSWER_VALUES = 100_000

/** Discord blocks calls without one of this form. https://docs.discord.com/developers/reference#user-agent */
const USER_AGENT = 'DiscordBot (https://github.com/plugboard/plugboard, 1.0.0)'

interface Parts {
  options: Options
  fetch: typeof globalThis.fetch
  invalidRequests: InvalidRequests
  logger: Logger
}

/**
 * Calls of the API keep to the limits that Discord reports: a call that must wait is not made, and fails as `rate-limited`
 * with the time to wait. After too many refused calls of one bot, or of all clients together, none is made for a while.
 */
export function caller(parts: Parts): Call {
  const { options, fetch } = parts
  return async (request, context) => {
    const { method, path } = request
    const { integration, signal } = context
    const route = `${method} ${path.replace(/\/messages\/[^/]+$/, '/messages/*')}`
    assertMayCall(parts, integration.session)
    const isInteraction = hasOwnToken(path)
    const wait = integration.session.limits.take(route, isInteraction)
    if (wait)
      throw new FailureError({
        ...{ kind: 'rate-limited', scope: wait.scope, retryAfterMs: wait.ms },
        message: 'Discord accepts no further call yet',
      })
    const headers = { ...(!isInteraction && authorizationOf(integration.config)), 'user-agent': USER_AGENT }
    const response = await fetch(options.apiUrl + path, {
      method,
      redirect: 'manual',
      signal,
      ...bodyOf(request, headers),
    }).catch((error: unknown) => {
      throw new FailureError(networkFailure(error, 'Discord'))
    })
    integration.session.limits.learn(route, response.headers)
    countIfInvalid(response, parts, integration)
    return answerOf(response)
  }
}

/** Whether a path has the token of an interaction, which is all that the call needs. */
const hasOwnToken = (path: string): boolean => /^\/(?:webhooks|interactions)\//.test(path)

function assertMayCall({ invalidRequests }: Parts, { refused }: Session): void {
  const whose: [InvalidRequests, string][] = [
    [invalidRequests, 'this server'],
    [refused, 'this bot'],
  ]
  for (const [{ waitMs, max }, name] of whose) {
    if (waitMs === 0) continue
    throw new FailureError({
      ...{ kind: 'rate-limited', scope: 'integration', retryAfterMs: waitMs },
      message: `Discord refused ${max} calls of ${name} in ten minutes, and bans an IP address after 10,000: waiting`,
    })
  }
}

function countIfInvalid(
  { status, headers }: Response,
  { invalidRequests, logger }: Parts,
  { clientId, session }: Context['integration'],
): void {
  if (status !== 401 && status !== 403 && status !== 429) return
  // A limit of a resource that several bots share does not count.
  if (headers.get('x-ratelimit-scope') === 'shared') return
  if (session.refused.count())
    logger.warn(
      { clientId, refused: session.refused.max },
      'Discord refused too many calls of this bot in ten minutes; it makes no more for a while',
    )
  if (invalidRequests.count())
    logger.error(
      { refused: invalidRequests.max },
      'Discord refused too many calls in ten minutes; no more are made for a while, or it would ban the IP address of this server',
    )
}

/** @throws FailureError for a token that cannot be in a header; the error of `fetch` would quote it. */
function authorizationOf({ botToken }: Config): { authorization: string } {
  if (/^[\x21-\x7e]+$/.test(botToken)) return { authorization: `Bot ${botToken}` }
  throw new FailureError({
    ...{ kind: 'auth', field: 'botToken' },
    message: 'the token contains characters that are not allowed in a token',
  })
}

function bodyOf({ body, file }: Request, headers: Record<string, string>): RequestInit {
  if (body === undefined) return { headers }
  const json = JSON.stringify(body)
  if (!file) return { headers: { ...headers, 'content-type': 'application/json' }, body: json }
  const form = new FormData()
  form.set('payload_json', json)
  form.set('files[0]', file.blob, file.name)
  return { headers, body: form }
}

async function answerOf(response: Response): Promise<unknown> {
  const { status, headers } = response
  const bytes = await bytesOf(response)
  const body = bytes && jsonInAnswer(bytes, { maxValues: MAX_ANSWER_VALUES })
  if (status >= 200 && status < 300) {
    if (body !== undefined || bytes?.length === 0) return body
    throw new FailureError({ kind: 'ambiguous', message: `Discord answered ${status}, but not in JSON` })
  }
  const wait = retryAfterMs(headers.get('retry-after'), new Date())
  throw new RefusedError(refusalOf(status, body, headers, wait))
}

/** Undefined for an answer that is too large. @throws FailureError */
async function bytesOf(response: Response): Promise<Uint8Array | undefined> {
  try {
    return await readAnswer(response, MAX_ANSWER_BYTES)
  } catch (error) {
    if (error instanceof AnswerTooLarge) return undefined
    throw new FailureError(networkFailure(error, 'Discord'))
  }
}
