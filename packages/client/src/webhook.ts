import { toEvent, type WebhookEvent } from './events.js'
import { importKey, isSigned } from './signature.js'

/**
 * Why a webhook request was rejected: `missing-header` = one of the three signature headers is missing,
 * `bad-timestamp` = not a number of seconds, `too-old` and `too-new` = outside the tolerance, `bad-signature` = not
 * signed with a given token, `bad-body` = signed, but not an event.
 */
export type WebhookErrorReason =
  | 'missing-header'
  | 'bad-timestamp'
  | 'too-old'
  | 'too-new'
  | 'bad-signature'
  | 'bad-body'

/** The request is not an authentic event. The message contains neither token nor body. */
export class WebhookError extends Error {
  override readonly name = 'WebhookError'
  readonly reason: WebhookErrorReason
  /** Status to respond with: 400 for `bad-body`, otherwise 401. */
  readonly status: 400 | 401

  constructor(reason: WebhookErrorReason, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.reason = reason
    this.status = reason === 'bad-body' ? 400 : 401
  }
}

/** A `Headers` object, or the plain object of Node, Express, Fastify or a cloud function. Names in any case. */
export type WebhookHeaders =
  | { get(name: string): string | null }
  | { readonly [name: string]: string | readonly string[] | undefined }

/**
 * The unmodified request. `body` must be the raw body: JSON that was parsed and serialized again has another
 * signature.
 */
export interface WebhookRequest {
  headers: WebhookHeaders
  body: string | Uint8Array | ArrayBuffer
}

interface WebhookTolerance {
  /** Maximum difference between `webhook-timestamp` and now, in seconds. Default: 300. */
  toleranceSeconds?: number | undefined
}

/** Accepted secrets: the webhook's token from sync, or several during a rotation. */
export type WebhookOptions = WebhookTolerance &
  ({ token: string; tokens?: undefined } | { tokens: readonly string[]; token?: undefined })

const DEFAULT_TOLERANCE_SECONDS = 300

/**
 * Verifies that a request comes from Plugboard (Standard Webhooks: HMAC-SHA256 of `id.timestamp.body`) and returns its
 * event.
 *
 * Plugboard delivers at least once: remember the `id` of handled events, and respond with 2xx only after handling one.
 * Any other response causes a retry.
 * @throws WebhookError for a request to reject. TypeError for a programming error: a token that is not base64, a parsed
 * body.
 *
 * ```ts
 * const event = await receiveWebhook({ headers: request.headers, body: await request.text() }, { token })
 * if (event.type === 'message.new') console.log(event.data.message.payload)
 * ```
 */
export async function receiveWebhook(
  request: WebhookRequest,
  options: WebhookOptions,
): Promise<WebhookEvent> {
  if (!request?.headers) throw new TypeError('receiveWebhook needs a request: { headers, body }')
  if (!options?.token && !options?.tokens) throw new TypeError('receiveWebhook needs { token }')
  const keys = await Promise.all((options.tokens ?? [options.token]).map(importKey))
  if (keys.length === 0) throw new TypeError('tokens must hold at least one token')
  const body = toBytes(request.body)

  const id = requireHeader(request.headers, 'webhook-id')
  const timestamp = requireHeader(request.headers, 'webhook-timestamp')
  const signatures = requireHeader(request.headers, 'webhook-signature')
  checkTimestamp(timestamp, options.toleranceSeconds ?? DEFAULT_TOLERANCE_SECONDS)
  if (!(await isSigned({ id, timestamp, body }, signatures, keys))) {
    throw new WebhookError(
      'bad-signature',
      'no signature fits the token and the body, which must be unchanged: not parsed and serialized again',
    )
  }

  const event = toEvent(id, parseJson(body))
  if (event === undefined) throw new WebhookError('bad-body', 'the body is not an event of the Messaging API')
  return event
}

function checkTimestamp(timestamp: string, toleranceSeconds: number): void {
  if (!/^\d{1,12}$/.test(timestamp))
    throw new WebhookError('bad-timestamp', 'webhook-timestamp is not a number of seconds')
  const ageSeconds = Math.floor(Date.now() / 1000) - Number(timestamp)
  if (ageSeconds > toleranceSeconds)
    throw new WebhookError('too-old', `signed more than ${toleranceSeconds} s ago`)
  if (ageSeconds < -toleranceSeconds)
    throw new WebhookError('too-new', `signed more than ${toleranceSeconds} s ahead of this clock`)
}

function requireHeader(headers: WebhookHeaders, name: string): string {
  const value = findHeader(headers, name)
  if (!value) throw new WebhookError('missing-header', `the header ${name} is missing`)
  return value
}

function findHeader(headers: WebhookHeaders, name: string): string | undefined {
  if (isGetter(headers)) return headers.get(name) ?? undefined
  const value = headers[name] ?? Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1]
  return typeof value === 'string' ? value : value?.join(' ')
}

function isGetter(headers: WebhookHeaders): headers is { get(name: string): string | null } {
  return typeof headers.get === 'function'
}

function toBytes(body: unknown): Uint8Array {
  if (typeof body === 'string') return new TextEncoder().encode(body)
  if (body instanceof Uint8Array) return body
  if (body instanceof ArrayBuffer) return new Uint8Array(body)
  throw new TypeError(
    `the body ${faultOf(body)}: pass the raw body, as text or bytes (recipes: docs/receive-webhooks.md)`,
  )
}

/** What a framework does with a body, and what it leaves. */
function faultOf(body: unknown): string {
  if (body === undefined || body === null) return 'was not read'
  const { pipe, getReader } = Object(body)
  return pipe || getReader ? 'is a stream that was not read' : 'was already parsed'
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (cause) {
    // No cause: the parser's message quotes the body.
    throw new WebhookError(
      'bad-body',
      `the body is not JSON (${cause instanceof Error ? cause.name : 'unreadable'})`,
    )
  }
}
