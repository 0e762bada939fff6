import { apiRoot, pathOf, type Query, queryOf } from './address.js'
import { PlugboardApiError } from './errors.js'
import { exchange, type Failure, type FetchFunction, readAnswer, statusFailure } from './exchange.js'
import { isRepeatable, pause, type RepeatRule, retryDelayMs } from './retry.js'

/** Options of every call, as its last argument. */
export interface CallOptions {
  /** Ends the call, its retries included; the call then throws the signal's `reason`. */
  signal?: AbortSignal | undefined
  /** Longest time of one attempt in milliseconds; default: that of the client. */
  timeoutMs?: number | undefined
}

/** Options of calls that create something. */
export interface CreateOptions extends CallOptions {
  /**
   * Sent as `Idempotency-Key`; default: a random UUID for each call. Give your own (say, one made from the id
   * of the event that you answer) to make the call repeatable across restarts: for 24 hours the server
   * answers the same key with the same object.
   */
  idempotencyKey?: string | undefined
}

/** How to reach one server, and as whom. */
export interface TransportOptions {
  url: string
  headers: Readonly<Record<string, string>>
  /** Texts that no error may hold, in case the server's message quotes one. */
  secrets: readonly string[]
  fetch?: FetchFunction | undefined
  timeoutMs?: number | undefined
  retries?: number | undefined
}

/** What a call asks for. */
interface Target {
  /** Segments after `/api/v1`, not encoded. */
  path: readonly string[]
  query?: Query
  body?: unknown
}

/** A call in full. */
interface ApiRequest extends Target {
  method: 'GET' | 'POST' | 'DELETE'
  repeat: RepeatRule
  idempotencyKey?: string | undefined
  /** Default `json`. With `none` the body, empty or `OK`, is passed over. */
  answer?: 'json' | 'none'
  /**
   * A repeated deletion may find nothing because its first attempt did the work: take that 404 as success.
   */
  isGoneDone?: boolean
}

/**
 * Sends requests with time limit, retries and error mapping. `Answer` is the JSON of the answer; its shape is
 * what the API promises and is not checked.
 */
export interface Transport {
  send<Answer>(request: ApiRequest, options?: CallOptions): Promise<Answer>
  get<Answer>(target: Target, options?: CallOptions): Promise<Answer>
  /** A POST with an `Idempotency-Key`: it may be repeated, and makes one thing. */
  create<Answer>(target: Target, options?: CreateOptions): Promise<Answer>
  /** The deletion of one thing, answered without content. */
  delete(target: Target, options?: CallOptions): Promise<void>
  /** Time limit of one attempt in milliseconds. */
  readonly timeoutMs: number
}

const DEFAULT_TIMEOUT_MS = 10_000
const DEFAULT_RETRIES = 2
const LONGEST_TIMER_MS = 2 ** 31 - 1
const SHORTEST_SECRET = 8

/**
 * Builds the transport.
 * @throws TypeError or RangeError for an option that can never work; the text names the option and never its
 * value.
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
  }
}

function initOf(request: ApiRequest, fixed: Readonly<Record<string, string>>): RequestInit {
  const headers = new Headers(fixed)
  if (request.idempotencyKey !== undefined) headers.set('idempotency-key', request.idempotencyKey)
  // Not followed: fetch would carry the client token to whatever host the redirect names.
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

/** Checked here since the error of `fetch` for a bad header quotes its value, which may be a token. */
function checkHeader(name: string, value: unknown): void {
  if (typeof value === 'string' && /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value)) return
  throw new TypeError(`the value for ${name} must be a non-empty text of visible ASCII characters`)
}

function checkTimeout(timeoutMs: number): void {
  if (timeoutMs > 0 && timeoutMs <= LONGEST_TIMER_MS) return
  throw new RangeError(`timeoutMs must be above 0 and at most ${LONGEST_TIMER_MS}`)
}
