import { apiRoot, pathOf, type Query, queryOf } from './address.js'
import { PlugboardApiError } from './errors.js'
import { exchange, type Failure, type FetchFunction, readAnswer, statusFailure } from './exchange.js'
import { parts } from './parts.js'
import { isRepeatable, pause, type RepeatRule, retryDelayMs } from './retry.js'

/** Options of every call, as its last argument. */
export interface CallOptions {
  /** Aborts the call and its retries; the call then throws the signal's `reason`. */
  signal?: AbortSignal | undefined
  /** Time limit of one attempt in milliseconds. Default: that of the client. */
  timeoutMs?: number | undefined
}

/** Options of calls that create something. */
export interface CreateOptions extends CallOptions {
  /**
   * Sent as `Idempotency-Key`. Default: a random UUID per call. Set your own (for example, derived from the id of the
   * event) to make the call repeatable across restarts: for 24 hours, the server returns the same object for the same
   * key.
   */
  idempotencyKey?: string | undefined
}

/** Address of one server, and the credentials for it. */
export interface TransportOptions {
  url: string
  headers: Readonly<Record<string, string>>
  /** Texts to remove from errors, in case the server's message quotes one. */
  secrets: readonly string[]
  fetch?: FetchFunction | undefined
  timeoutMs?: number | undefined
  retries?: number | undefined
}

/** The target of a call. */
interface Target {
  /** Segments after `/api/v1`, not encoded. */
  path: readonly string[]
  query?: Query
  body?: unknown
}

/** What is read in parts. */
interface StreamTarget extends Target {
  headers: Readonly<Record<string, string>>
  /** Time limit of each part after the first one, in milliseconds. */
  silenceMs: number
}

/** A complete call. */
interface ApiRequest extends Target {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  repeat: RepeatRule
  idempotencyKey?: string | undefined
  /** Default: `json`. With `none`, the body (empty or `OK`) is ignored. */
  answer?: 'json' | 'none'
  /**
   * Treats a 404 on a retried deletion as success, because an earlier attempt may have deleted the object.
   */
  isGoneDone?: boolean
}

/**
 * Sends requests with time limit, retries and error mapping. `Answer` is the type of the JSON response; it is not
 * validated.
 */
export interface Transport {
  send<Answer>(request: ApiRequest, options?: CallOptions): Promise<Answer>
  get<Answer>(target: Target, options?: CallOptions): Promise<Answer>
  /** A POST with an `Idempotency-Key`, so that retries create one object. */
  create<Answer>(target: Target, options?: CreateOptions): Promise<Answer>
  /** The deletion of one object; the response has no content. */
  delete(target: Target, options?: CallOptions): Promise<void>
  /** The body of a GET in parts, as they come. Is not retried. */
  read(target: StreamTarget, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, void>
  /** Time limit of one attempt in milliseconds. */
  readonly timeoutMs: number
}

const DEFAULT_TIMEOUT_MS = 10_000
const DEFAULT_RETRIES = 2
const LONGEST_TIMER_MS = 2 ** 31 - 1
const SHORTEST_SECRET = 8

/**
 * Creates the transport.
 * @throws TypeError or RangeError for an invalid option; the message names the option, never its value
 */
export function transport(options: TransportOptions): Transport {
  const { headers, secrets, timeoutMs = DEFAULT_TIMEOUT_MS, retries = DEFAULT_RETRIES } = options
  const fetchOne: FetchFunction = options.fetch ?? ((url, init) => fetch(url, init))
  const root = apiRoot(options.url)
  for (const [name, value] of Object.entries(headers)) checkHeader(name, value)
  checkTimeout(timeoutMs)
  if (!Number.isInteger(retries) || retries < 0) throw new RangeError('retries must be a whole number from 0')

  async function send<Answer>(request: ApiRequest, call: CallOptions = {}): Promise<Answer> {
    const attempt = {
      url: root + pathOf(request.path) + queryOf(request.query ?? {}),
      init: initOf(request, headers),
      timeoutMs: call.timeoutMs ?? timeoutMs,
      signal: call.signal,
    }
    checkTimeout(attempt.timeoutMs)
    const read = request.answer === 'none' ? () => undefined as Answer : JSON.parse
    const failure = failureOf(request, secrets)
    for (let done = 0; ; done++) {
      try {
        const answer = await exchange(fetchOne, attempt, failure)
        if (answer.response.ok) return readAnswer<Answer>(answer, read, failure)
        if (answer.response.status === 404 && request.isGoneDone && done > 0) return read('')
        throw statusFailure(answer, failure)
      } catch (error) {
        if (!(error instanceof PlugboardApiError)) throw error
        if (done >= retries || !isRepeatable(error, request, done)) throw error
        await pause(retryDelayMs(error, done), call.signal)
      }
    }
  }

  return {
    timeoutMs,
    send,
    get: (target, call) => send({ ...target, method: 'GET', repeat: 'always' }, call),
    create(target, { idempotencyKey = crypto.randomUUID(), ...call } = {}) {
      return send({ ...target, method: 'POST', repeat: 'always', idempotencyKey }, call)
    },
    delete: (target, call) =>
      send({ ...target, method: 'DELETE', repeat: 'always', answer: 'none', isGoneDone: true }, call),
    read({ silenceMs, headers: own, ...target }, signal) {
      const request: ApiRequest = { ...target, method: 'GET', repeat: 'always' }
      const url = root + pathOf(request.path) + queryOf(request.query ?? {})
      const init = initOf(request, { ...headers, ...own })
      return parts(fetchOne, { url, init, timeoutMs, silenceMs, signal }, failureOf(request, secrets))
    },
  }
}

function initOf(request: ApiRequest, fixed: Readonly<Record<string, string>>): RequestInit {
  const headers = new Headers(fixed)
  if (request.idempotencyKey !== undefined) headers.set('idempotency-key', request.idempotencyKey)
  // Redirects are not followed, because fetch would send the client token to any host.
  const init: RequestInit = { method: request.method, headers, redirect: 'manual' }
  if (request.body === undefined) return init
  headers.set('content-type', 'application/json')
  return { ...init, body: JSON.stringify(request.body) }
}

function failureOf(request: ApiRequest, secrets: readonly string[]): Failure {
  const path = `/api/v1${pathOf(request.path)}`
  return (details) => {
    const message = withoutSecrets(details.message, secrets)
    return new PlugboardApiError({ ...details, message, method: request.method, path })
  }
}

function withoutSecrets(message: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .reduce((text, secret) => text.replaceAll(secret, '[removed]'), message)
}

/** Validated here, because the error of `fetch` for an invalid header quotes its value, which may be a token. */
function checkHeader(name: string, value: unknown): void {
  if (typeof value === 'string' && /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value)) return
  throw new TypeError(`the value for ${name} must be a non-empty text of visible ASCII characters`)
}

function checkTimeout(timeoutMs: number): void {
  if (timeoutMs > 0 && timeoutMs <= LONGEST_TIMER_MS) return
  throw new RangeError(`timeoutMs must be above 0 and at most ${LONGEST_TIMER_MS}`)
}
