import { createHmac } from 'node:crypto'
import { retryAfterMs } from '@plugboard/core/retry-after'
import {
  type AttemptReport,
  type DeliveryFailure,
  monotonicMs,
  type WebhookItem,
} from '@plugboard/hub/transport'
import type { Dispatcher } from 'undici'
import { TargetForbiddenError } from './guard.js'
import { EXCERPT_BYTES, excerptOf } from './response-excerpt.js'
import type { Route } from './target-routes.js'

/** An attempt without its outcome. */
export type AttemptFacts = Omit<AttemptReport, 'failure'>
/** Without `facts` nothing was sent. */
export type Done = (failure?: DeliveryFailure, facts?: AttemptFacts) => void
type AnswerHeaders = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2]

export interface AttemptLimits {
  /** From the call to the end of the answer's body, a connection included. */
  timeoutMs: number
  /** A longer body is cut off, together with its connection. */
  maxResponseBytes: number
}

/** What an answer may repeat. */
interface Sent {
  body: string
  secrets: readonly string[]
}

/** Makes one attempt and calls `done` once. Never throws, never resends, follows no redirect. */
export function attempt(route: Route, item: WebhookItem, limits: AttemptLimits, done: Done): void {
  if (item.body === '') return done()
  // `dispatch` is what undici's `request` is made of. It is the one that reports when the request gets written.
  route.pool.dispatch(
    { method: 'POST', path: route.path, headers: headersAt(new Date(), route, item), body: item.body },
    new Exchange(limits, { body: item.body, secrets: route.secrets }, done),
  )
}

/** The headers of one attempt: the target's, and those of Standard Webhooks. */
function headersAt(now: Date, route: Route, item: WebhookItem): string[] {
  const timestamp = String(Math.floor(now.getTime() / 1000))
  const headers = [...route.headers, 'webhook-id', item.id, 'webhook-timestamp', timestamp]
  if (route.signingKey === undefined) return headers
  const keys = [route.signingKey]
  if (route.former && now.getTime() < route.former.until) keys.push(route.former.key)
  // Standard Webhooks: several signatures are separated by spaces, and the receiver accepts any that it can verify.
  const signatures = keys.map((key) => {
    const hmac = createHmac('sha256', key).update(`${item.id}.${timestamp}.${item.body}`)
    return `v1,${hmac.digest('base64')}`
  })
  headers.push('webhook-signature', signatures.join(' '))
  return headers
}

/**
 * One request and its answer. A status decides the outcome, even if the rest of the answer never comes: a receiver that
 * answered 200 has the message, and a retry would be a duplicate. The body is awaited only so that the lane's next
 * request follows a finished one and the connection can be used again.
 */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #limits: AttemptLimits
  readonly #sent: Sent
  readonly #startedAt = Date.now()
  readonly #endsAt: number
  readonly #timer: NodeJS.Timeout
  #done: Done | undefined
  /** Set just before the request is written. */
  #controller: Dispatcher.DispatchController | undefined
  #status = 0
  #retryAfter: string | undefined
  #receivedBytes = 0
  /** The start of an answer that is no 2xx. */
  readonly #received: Buffer[] = []

  constructor(limits: AttemptLimits, sent: Sent, done: Done) {
    this.#limits = limits
    this.#sent = sent
    this.#done = done
    this.#endsAt = monotonicMs() + limits.timeoutMs
    this.#timer = setTimeout(() => this.#expire(), limits.timeoutMs)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // The connection took too long. The timer may be late: the process may have been suspended until now.
    if (this.#done === undefined || monotonicMs() >= this.#endsAt) {
      this.#settle(tooLate(this.#limits.timeoutMs, false))
      return controller.abort(new Error('too late'))
    }
    this.#controller = controller
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: AnswerHeaders): void {
    if (status < 200) return
    this.#status = status
    const retryAfter = headers['retry-after']
    this.#retryAfter = Array.isArray(retryAfter) ? retryAfter[0] : retryAfter
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#isTaken && this.#receivedBytes < EXCERPT_BYTES) this.#received.push(chunk)
    this.#receivedBytes += chunk.length
    if (this.#receivedBytes <= this.#limits.maxResponseBytes) return
    this.#settle(this.#answer())
    controller.abort(new Error('answer too long'))
  }

  onResponseEnd(): void {
    this.#settle(this.#answer())
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#settle(this.#status === 0 ? brokenBy(error, this.#controller !== undefined) : this.#answer())
  }

  #expire(): void {
    const isWritten = this.#controller !== undefined
    this.#settle(this.#status === 0 ? tooLate(this.#limits.timeoutMs, isWritten) : this.#answer())
    this.#controller?.abort(new Error('timed out'))
  }

  get #isTaken(): boolean {
    return this.#status >= 200 && this.#status < 300
  }

  #answer(): DeliveryFailure | undefined {
    return this.#isTaken ? undefined : answeredWith(this.#status, this.#retryAfter, new Date())
  }

  #settle(failure: DeliveryFailure | undefined): void {
    const done = this.#done
    if (done === undefined) return
    this.#done = undefined
    clearTimeout(this.#timer)
    done(failure, this.#facts())
  }

  #facts(): AttemptFacts {
    const durationMs = monotonicMs() - this.#endsAt + this.#limits.timeoutMs
    const facts: AttemptFacts = { startedAt: this.#startedAt, durationMs }
    if (this.#status !== 0) facts.status = this.#status
    const { body, secrets } = this.#sent
    const response =
      this.#received.length > 0 ? excerptOf(Buffer.concat(this.#received), body, secrets) : undefined
    if (response !== undefined) facts.response = response
    return facts
  }
}

/** What tenants read instead of a raw error, whose text may hold addresses of the inner network. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection reset',
  ENOTFOUND: 'host name not found',
  EAI_AGAIN: 'host name could not be looked up',
  ETIMEDOUT: 'connection timed out',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  UND_ERR_CONNECT_TIMEOUT: 'connection timed out',
  UND_ERR_SOCKET: 'connection closed before the answer',
  UND_ERR_HEADERS_OVERFLOW: 'the answer has too many headers',
  UND_ERR_INVALID_ARG: 'a header or the URL is invalid',
  HPE_INVALID_CONSTANT: 'the answer is not HTTP',
}

/**
 * The receiver answered with something other than a 2xx: it has the request, and did not take it. No status is final
 * here: that is for the webhook's dialect to decide.
 */
export function answeredWith(status: number, retryAfter: string | undefined, now: Date): DeliveryFailure {
  const hint = status >= 300 && status < 400 ? '; redirects are not followed' : ''
  const waitMs = status === 429 || status === 503 ? retryAfterMs(retryAfter, now) : undefined
  return {
    kind: 'transient',
    status,
    message: `answered ${status}${hint}`,
    ...(waitMs !== undefined && { retryAfterMs: waitMs }),
  }
}

/** There was no answer. Once the request has been written, it may have arrived. */
export function brokenBy(error: unknown, isWritten: boolean): DeliveryFailure {
  if (error instanceof TargetForbiddenError) return { kind: 'transient', message: error.message }
  const code = codeOf(error)
  const known = code === undefined ? undefined : REASONS[code]
  const fallback = code === undefined ? 'the request failed' : `the request failed (${code})`
  return { kind: isWritten ? 'ambiguous' : 'transient', message: known ?? fallback }
}

/** The timeout of the attempt is over. */
function tooLate(timeoutMs: number, isWritten: boolean): DeliveryFailure {
  const what = isWritten ? 'no complete answer' : 'no connection'
  return { kind: isWritten ? 'ambiguous' : 'transient', message: `${what} within ${timeoutMs} ms` }
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' && /^\w{1,60}$/.test(error.code) ? error.code : undefined
}
