import { AsyncLocalStorage } from 'node:async_hooks'
import { type CallContext, FailureError } from '@plugboard/core'
import { WebClient, type WebClientOptions } from '@slack/web-api'
import type { Config, Options } from './config.js'
import { failureErrorOf, RateLimitWithoutTime } from './failure.js'

/** Not needed: all integrations share one client of the SDK, and each call has its token. */
export type Session = undefined

export const connect = (_config: Config): Session => undefined

type Context = CallContext<Config, Session>

/** The fields of an answer. Slack may omit any of them. */
type Answer = { [field: string]: unknown }

/** Calls a method of the Web API for one integration, with its bot token or the token in `args`. @throws FailureError */
export type Call = (method: string, args: Record<string, unknown>, context: Context) => Promise<Answer>

/** Limit for a call that is not aborted. */
const TIMEOUT_MS = 30_000

const ignore = (): void => undefined
/** The SDK would print bodies and answers to the console. */
const silent: NonNullable<WebClientOptions['logger']> = {
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
  setLevel: ignore,
  setName: ignore,
  getLevel: () => 'error' as ReturnType<NonNullable<WebClientOptions['logger']>['getLevel']>,
}

/**
 * One client of the SDK for all integrations, because a client takes 44 KB; each call has its token. The SDK does not
 * accept a signal, so its `fetch` reads the signal of the call from the asynchronous context.
 */
export function sharedClient({ slackApiUrl }: Options): Call {
  const signals = new AsyncLocalStorage<AbortSignal>()
  const client = new WebClient(undefined, {
    slackApiUrl,
    fetch: (input, init) => guardedFetch(input, init, signals.getStore()),
    timeout: TIMEOUT_MS,
    // The host owns retries and rates. A queue would let tenants wait for each other.
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    maxRequestConcurrency: Number.POSITIVE_INFINITY,
    allowAbsoluteUrls: false,
    logger: silent,
  })
  return async (method, args, { integration, signal }) => {
    const token = typeof args.token === 'string' ? args.token : tokenOf(integration.config)
    try {
      const answer = await signals.run(signal, () => client.apiCall(method, { ...args, token }))
      return { ...answer }
    } catch (error) {
      throw failureErrorOf(error)
    }
  }
}

/** @throws FailureError for a token that cannot be in a header; the error of `fetch` would quote it. */
export const tokenOf = ({ botToken }: Config): string => checkedToken(botToken, 'botToken')

function checkedToken(token: string, field: 'botToken' | 'appToken'): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw new FailureError({
    kind: 'auth',
    field,
    message: 'the token contains characters that are not allowed in a token',
  })
}

/**
 * Opens a connection of Socket Mode, and answers its address, with the token of the app.
 * https://docs.slack.dev/reference/methods/apps.connections.open @throws FailureError
 */
export async function openConnection(call: Call, appToken: string, context: Context): Promise<unknown> {
  const token = checkedToken(appToken, 'appToken')
  try {
    return (await call('apps.connections.open', { token }, context)).url
  } catch (error) {
    if (!(error instanceof FailureError) || error.failure.kind !== 'auth') throw error
    throw new FailureError({
      ...{ kind: 'auth', field: 'appToken' },
      message: `${error.failure.message}; appToken must be an app-level token with the scope connections:write`,
    })
  }
}

async function guardedFetch(
  input: string | URL | Request,
  init: RequestInit = {},
  signal: AbortSignal | undefined,
): Promise<Response> {
  const signals = [init.signal, signal].filter((each) => each instanceof AbortSignal)
  // `manual` returns a redirect as an answer: nothing was sent. `error` would look like a lost connection.
  const response = await fetch(input, { ...init, redirect: 'manual', signal: AbortSignal.any(signals) })
  if (response.status !== 429 || Number.parseInt(response.headers.get('retry-after') ?? '', 10) >= 0)
    return response
  await response.body?.cancel()
  throw new RateLimitWithoutTime('429 without a time')
}
