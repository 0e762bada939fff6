import { AsyncLocalStorage } from 'node:async_hooks'
import { FailureError, networkFailure } from '@plugboard/core'
import twilio from 'twilio'
import type { Config } from './config.js'
import { RefusedError } from './failure.js'

/** Largest answer that is read; Twilio's have a few kilobytes. */
const MAX_ANSWER_BYTES = 1024 * 1024
/** Connections of all integrations together: enough that a few hanging calls do not delay others. */
const MAX_SOCKETS = 256

type RequestOptions<Data> = Parameters<typeof twilio.RequestClient.prototype.request<Data>>[0]

/**
 * The SDK's HTTP client, shared by all integrations so that they share its sockets. It calls the operator's base URL,
 * supports a signal, and throws a {@link FailureError}, so that Retry-After is kept and no error contains the
 * Authorization header.
 */
export class HttpClient extends twilio.RequestClient {
  readonly #baseUrl: string
  /** The SDK does not accept a signal, so the request reads it from here. */
  readonly #signals = new AsyncLocalStorage<AbortSignal>()

  constructor(baseUrl: string) {
    super({ maxSockets: MAX_SOCKETS, maxTotalSockets: MAX_SOCKETS })
    this.#baseUrl = baseUrl
    this.axios.defaults.maxContentLength = MAX_ANSWER_BYTES
    this.axios.interceptors.request.use((config) => {
      const signal = this.#signals.getStore()
      return signal ? Object.assign(config, { signal }) : config
    })
  }

  /** Runs calls of the SDK with a signal that aborts their requests. */
  within<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    return this.#signals.run(signal, call)
  }

  override async request<Data>(options: RequestOptions<Data>) {
    const { pathname, search } = new URL(options.uri)
    // At log level "debug" (TWILIO_LOG_LEVEL) the SDK prints the text of each message.
    const request = { ...options, uri: `${this.#baseUrl}${pathname}${search}`, logLevel: 'error' }
    const response = await super
      .request<Data>(request)
      .catch((error: unknown) => {
        throw new FailureError(networkFailure(error, 'Twilio'))
      })
      .finally(() => this.#forget())
    const { statusCode: status, body, headers } = response
    const isObject = typeof body === 'object' && body !== null
    if (status >= 200 && status < 300 && isObject) return response
    const code = isObject && 'code' in body && Number.isSafeInteger(body.code) ? Number(body.code) : undefined
    throw new RefusedError({ status, code, retryAfter: retryAfterOf(headers) })
  }

  /** Otherwise the credentials and the text of the last call would stay in memory. */
  #forget(): void {
    delete this.lastRequest
    delete this.lastResponse
  }
}

function retryAfterOf(headers: unknown): string | undefined {
  const value: unknown =
    typeof headers === 'object' && headers !== null ? Reflect.get(headers, 'retry-after') : undefined
  return typeof value === 'string' ? value : undefined
}

/** The SDK's client of one integration; undefined for an invalid account SID. */
export type Session = twilio.Twilio | undefined

/** Form of an account SID; the SDK's constructor throws for some others. */
const ACCOUNT_SID = /^AC\w+$/

export const connect =
  (httpClient: HttpClient) =>
  ({ accountSID, authToken }: Config): Session =>
    ACCOUNT_SID.test(accountSID) ? twilio(accountSID, authToken, { httpClient }) : undefined

/** @throws FailureError for an invalid account SID. */
export function clientOf(session: Session): twilio.Twilio {
  if (session) return session
  const message = 'accountSID is not that of a Twilio account, which begins with AC'
  throw new FailureError({ kind: 'auth', message, field: 'accountSID' })
}
