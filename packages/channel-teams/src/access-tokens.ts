import { type CallContext, FailureError, networkFailure } from '@plugboard/core'
import { z } from 'zod'
import { answerOf } from './answer.js'
import type { Config, Options } from './config.js'
import { failureOfLogin } from './failure.js'

/** A token for the Bot Connector. Times in milliseconds. */
const tokenSchema = z.object({ value: z.string().min(1), issuedAt: z.number(), expiresAt: z.number() })
type AccessToken = z.infer<typeof tokenSchema>

/** What an integration needs for its calls. */
export interface Session {
  token?: AccessToken
  /** A request that is under way, for all who need a token. */
  asking?: Promise<AccessToken>
}

type Context = CallContext<Config, Session>

/** A token is not used in the last minutes before it expires: clocks differ, and a call takes time. */
const MARGIN_MS = 5 * 60_000
/** A token that was refused so soon after it was issued has not expired: a new one would be refused too. */
const NEW_MS = 5 * 60_000
/** Longest wait for a token. */
const TIMEOUT_MS = 10_000
/** The tenant of bots that are in many tenants. */
const MANY_TENANTS = 'botframework.com'

/** https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication */
const answerSchema = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]+$/),
  expires_in: z.coerce
    .number()
    .min(60)
    .max(7 * 86_400),
})
const refusalSchema = z.object({ error_codes: z.array(z.number()).max(20) })

/** Gets and keeps access tokens: in the session for this process, in the state for the others. */
export class AccessTokens {
  readonly #options: Options
  readonly #fetch: typeof globalThis.fetch

  constructor(options: Options, fetch: typeof globalThis.fetch) {
    this.#options = options
    this.#fetch = fetch
  }

  /** @throws FailureError; never `ambiguous`, because nothing was sent to anybody */
  async find(context: Context): Promise<AccessToken> {
    const { session } = context.integration
    if (session.token && isFresh(session.token)) return session.token
    session.asking ??= this.#share(context).finally(() => {
      delete session.asking
    })
    return waitFor(session.asking, context.signal)
  }

  /** Another token, if the refused one may have expired; otherwise undefined. @throws FailureError as {@link find} */
  async renew(context: Context, refused: AccessToken): Promise<AccessToken | undefined> {
    const { session } = context.integration
    if (Date.now() - refused.issuedAt < NEW_MS) return undefined
    if (session.token === refused) delete session.token
    session.asking ??= this.#share(context, refused).finally(() => {
      delete session.asking
    })
    return waitFor(session.asking, context.signal)
  }

  /** Requests a token, whatever is known. @throws FailureError */
  async request({ integration, signal }: Pick<Context, 'integration' | 'signal'>): Promise<AccessToken> {
    const { appId, appPassword, tenantId = MANY_TENANTS } = integration.config
    const issuedAt = Date.now()
    let answer: unknown
    let response: Response
    try {
      response = await this.#fetch(`${this.#options.loginUrl}/${tenantId}/oauth2/v2.0/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: appId,
          client_secret: appPassword,
          scope: `${this.#options.issuer}/.default`,
        }).toString(),
        redirect: 'manual',
        signal,
      })
      answer = await answerOf(response)
    } catch (error) {
      throw new FailureError(networkFailure(error, 'Microsoft Entra ID'))
    }
    const { data } = answerSchema.safeParse(answer)
    if (!response.ok || !data) {
      const { status, headers } = response
      const codes = refusalSchema.safeParse(answer).data?.error_codes ?? []
      throw new FailureError(failureOfLogin({ status, retryAfter: headers.get('retry-after') }, codes))
    }
    const token = { value: data.access_token, issuedAt, expiresAt: issuedAt + data.expires_in * 1000 }
    integration.session.token = token
    return token
  }

  /** A token that another process has, or a new one. Not ended by the call that asks first: others wait for it too. */
  async #share({ integration, state }: Context, refused?: AccessToken): Promise<AccessToken> {
    const known = await state.read({ isFresh: refused !== undefined })
    const { data: kept } = tokenSchema.safeParse(known?.value)
    if (kept && isFresh(kept) && kept.value !== refused?.value) {
      integration.session.token = kept
      return kept
    }
    const token = await this.request({ integration, signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(unsent)
    await state.write({ ...token }, known?.version)
    return token
  }
}

const isFresh = ({ expiresAt }: AccessToken): boolean => Date.now() < expiresAt - MARGIN_MS

/** A request for a token shows nothing to a person, so a lost one may be repeated. */
function unsent(error: unknown): never {
  if (!(error instanceof FailureError) || error.failure.kind !== 'ambiguous') throw error
  throw new FailureError({ ...error.failure, kind: 'transient' })
}

/** Waits for a promise that others wait for too, until the signal ends this wait. */
function waitFor<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void =>
      reject(new FailureError({ kind: 'transient', message: 'no token from Microsoft Entra ID in time' }))
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
