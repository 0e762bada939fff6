import { AsyncLocalStorage } from 'node:async_hooks'
import { FailureError, networkFailure } from '@plugboard/core'
import twilio from 'twilio'
import type { Config } from './config.js'
import { failureOfAnswer } from './failure.js'

/** Answers are a few kilobytes; a longer one is no answer of Twilio's. */
const MAX_ANSWER_BYTES = 1024 * 1024
/** Of all integrations together: enough that some which hang do not keep the others waiting. */
const MAX_SOCKETS = 256

type RequestOptions<Data> = Parameters<typeof twilio.RequestClient.prototype.request<Data>>[0]

/**
 * The SDK's HTTP client, one for all integrations because its sockets are what costs. It calls the operator's base
 * URL, can be aborted, and makes each failure a {@link FailureError} while Retry-After can still be seen and before
 * the Authorization header gets into an error.
 */
export class HttpClient extends twilio.RequestClient {
  readonly #baseUrl: string
  /** The SDK has no place for a signal, so it goes from the call to the request beside it. */
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

  /** Makes calls of the SDK that end when the signal says so. */
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
    throw new FailureError(failureOfAnswer({ status, code, retryAfter: retryAfterOf(headers) }))
  }

  /** Else the credentials and the words of whoever called last would stay here. */
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

/** The SDK's client of one integration; undefined for an account that Twilio cannot have. */
export type Session = twilio.Twilio | undefined

/** No account of Twilio's has another form, and the SDK's constructor throws at some others. */
const ACCOUNT_SID = /^AC\w+$/

export const connect =
  (httpClient: HttpClient) =>
  ({ accountSID, authToken }: Config): Session =>
    ACCOUNT_SID.test(accountSID) ? twilio(accountSID, authToken, { httpClient }) : undefined

/** @throws FailureError for an account that Twilio cannot have. */
export function clientOf(session: Session): twilio.Twilio {
  if (session) return session
  const message = 'accountSID is not that of a Twilio account, which begins with AC'
  throw new FailureError({ kind: 'auth', message, field: 'accountSID' })
}
