import type { ApiErrorDetails, PlugboardApiError } from './errors.js'
import { parseRetryAfterMs } from './retry.js'

/**
 * The part of `fetch` that the client uses. The global `fetch` fits, and so does a wrapper that adds a proxy or
 * logging.
 */
export type FetchFunction = (url: string, init: RequestInit) => Promise<Response>

/** Creates the error of a call from the details of one attempt. */
export type Failure = (details: Omit<ApiErrorDetails, 'method' | 'path'>) => PlugboardApiError

/** A complete response, including its body. */
export interface Answer {
  response: Response
  text: string
}

/** The request of one attempt, and its time limit. */
export interface Attempt {
  url: string
  init: RequestInit
  timeoutMs: number
  signal: AbortSignal | undefined
}

const MAX_MESSAGE_LENGTH = 1_000

/**
 * Performs one attempt, including the body, within one time limit.
 * @throws PlugboardApiError without a complete response, or the reason of the caller's signal
 */
export async function exchange(send: FetchFunction, attempt: Attempt, failure: Failure): Promise<Answer> {
  const { url, init, timeoutMs, signal } = attempt
  signal?.throwIfAborted()
  const limit = new AbortController()
  const stop = () => limit.abort()
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    stop()
  }, timeoutMs)
  signal?.addEventListener('abort', stop, { once: true })
  try {
    const response = await send(url, { ...init, signal: limit.signal })
    return { response, text: await response.text() }
  } catch (cause) {
    signal?.throwIfAborted()
    const message = isLate ? `no answer within ${timeoutMs} ms` : `no answer: ${networkMessage(cause)}`
    throw failure({ reason: isLate ? 'timeout' : 'network', status: 0, message, cause })
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
  }
}

/**
 * Creates the error for a status other than 2xx. The server's errors are plain text, or JSON for a path that it does not
 * have; HTML pages of proxies are ignored.
 */
export function statusFailure({ response, text }: Answer, failure: Failure): PlugboardApiError {
  const { status, headers, type } = response
  const isRedirect = type === 'opaqueredirect' || (status >= 300 && status < 400)
  const isPage = headers.get('content-type')?.includes('html') ?? false
  const said = isPage ? '' : messageIn(text.trim()).slice(0, MAX_MESSAGE_LENGTH)
  return failure({
    reason: 'status',
    status,
    message: isRedirect ? 'redirected: give the address that it leads to as url' : said || `HTTP ${status}`,
    requestId: headers.get('x-request-id') ?? undefined,
    retryAfterMs: parseRetryAfterMs(headers.get('retry-after'), Date.now()),
  })
}

/** The `message` of an error in JSON (`msg` below `/api`), else the text itself. */
function messageIn(text: string): string {
  try {
    const { message, msg } = JSON.parse(text)
    return `${message ?? msg ?? text}`
  } catch {
    return text
  }
}

/**
 * Reads the body of a success. If `read` fails, its error is dropped, because it quotes the body, which may contain a
 * token.
 */
export function readAnswer<Result>(answer: Answer, read: (text: string) => Result, failure: Failure): Result {
  const { response, text } = answer
  try {
    return read(text)
  } catch {
    const requestId = response.headers.get('x-request-id') ?? undefined
    throw failure({ reason: 'answer', status: response.status, message: 'the answer is not JSON', requestId })
  }
}

/** undici says only "fetch failed" and keeps the useful text (ECONNREFUSED …) in its cause. */
export function networkMessage(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  if (cause.cause instanceof Error) return networkMessage(cause.cause)
  return cause.message || ('code' in cause ? String(cause.code) : cause.name)
}
