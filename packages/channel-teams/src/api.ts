import { type CallContext, type DeliveryContext, FailureError, networkFailure } from '@plugboard/core'
import { z } from 'zod'
import { AccessTokens, type Session } from './access-tokens.js'
import { answerOf } from './answer.js'
import type { Config, Options } from './config.js'
import { RefusedError } from './failure.js'
import { GCC_SERVICE_URL, GLOBAL_SERVICE_URL, serviceUrlIn } from './service-url.js'

export type { Session } from './access-tokens.js'

export const connect = (_config: Config): Session => ({})

type Context = CallContext<Config, Session>

interface Call {
  method: 'POST' | 'PUT' | 'DELETE'
  /** Under the address of the Bot Connector: `/v3/conversations`. */
  path: string
  body?: object
}

/** Calls of the Bot Connector and of its login. */
export interface TeamsApi {
  /** Calls the Bot Connector of the endpoint's conversation. @throws FailureError, RefusedError */
  call(context: DeliveryContext<Config, Session>, call: Call): Promise<unknown>
  /** The header with the access token of the bot. @throws FailureError */
  authorization(context: Context): Promise<string>
  /** An address of a Bot Connector as it is to be called; undefined for any other address. */
  connectorUrl(url: string): URL | undefined
  /** Asks whether the credentials work. @throws FailureError */
  check(context: Context): Promise<void>
}

/** https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference#error-object */
const fault = z.object({ code: z.string().regex(/^[\w .-]{1,100}$/) })
const refusalSchema = z.union([z.object({ error: fault }), fault])

export function teamsApi(options: Options, fetch: typeof globalThis.fetch): TeamsApi {
  const tokens = new AccessTokens(options, fetch)

  /** @throws FailureError without an answer */
  async function send(url: string, { method, body }: Call, token: string, signal: AbortSignal) {
    try {
      const response = await fetch(url, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body && { 'content-type': 'application/json; charset=utf-8' }),
        },
        ...(body && { body: JSON.stringify(body) }),
        redirect: 'manual',
        signal,
      })
      return { response, answer: await answerOf(response) }
    } catch (error) {
      throw new FailureError(networkFailure(error, 'Teams'))
    }
  }

  /** The answer, or the refusal. @throws FailureError without an answer */
  async function attempt(base: string, call: Call, context: Context): Promise<unknown> {
    const token = await tokens.find(context)
    const url = `${base}${call.path}`
    let { response, answer } = await send(url, call, token.value, context.signal)
    if (response.status === 401) {
      const renewed = await tokens.renew(context, token)
      if (renewed) ({ response, answer } = await send(url, call, renewed.value, context.signal))
    }
    if (response.ok) return answer
    const { status, headers } = response
    return new RefusedError({ status, code: codeIn(answer), retryAfter: headers.get('retry-after') })
  }

  return {
    async call(context, call) {
      const known = options.connectorUrl ?? serviceUrlOf(context)
      const refused = await attempt(known, call, context)
      if (!(refused instanceof RefusedError)) return refused
      // Microsoft says how to go on: https://learn.microsoft.com/microsoftteams/platform/bots/build-conversational-capability#status-codes-retry-guidance
      const isElsewhere = refused.code === 'InvalidBotApiHost' && known === GLOBAL_SERVICE_URL
      const answer = isElsewhere ? await attempt(GCC_SERVICE_URL, call, context) : refused
      if (answer instanceof RefusedError) throw answer
      return answer
    },
    authorization: async (context) => `Bearer ${(await tokens.find(context)).value}`,
    connectorUrl(text) {
      if (serviceUrlIn(text) === undefined) return undefined
      const url = new URL(text)
      const at = url.pathname.indexOf('/v3/')
      if (options.connectorUrl === undefined) return url
      return new URL(options.connectorUrl + url.pathname.slice(Math.max(at, 0)))
    },
    async check(context) {
      await tokens.request(context)
    },
  }
}

/** Where the conversation is, as its newest event says. */
const serviceUrlOf = ({ context }: DeliveryContext<Config, Session>): string =>
  serviceUrlIn(context?.value.serviceUrl) ?? GLOBAL_SERVICE_URL

/** At most 64 letters, digits and some signs, as the code of a failure must be. */
function codeIn(answer: unknown): string | undefined {
  const { data } = refusalSchema.safeParse(answer)
  const code = data && ('error' in data ? data.error.code : data.code)
  return code?.replaceAll(' ', '').slice(0, 64) || undefined
}
