import type { PlugboardApiError } from './errors.js'

/**
 * When a request may be retried. `always`: it is idempotent (reads, deletions, or a POST with an `Idempotency-Key`).
 * `refused`: only after a 429, the only failure with which the server certainly did nothing.
 */
export type RepeatRule = 'always' | 'refused'

const FIRST_DELAY_MS = 100
const MAX_BACKOFF_MS = 5_000
/** Longer waits are not retried: the call throws the error with its `retryAfterMs`. */
const MAX_RETRY_AFTER_MS = 30_000

const PASSING_STATUSES = new Set([429, 502, 503, 504])

/**
 * Whether to retry after a failed attempt. On a retry, a 409 for the `Idempotency-Key` means that an earlier attempt is
 * still in progress, so it is retried. On the first attempt, it is a real conflict.
 */
export function isRepeatable(
  error: PlugboardApiError,
  request: { repeat: RepeatRule; idempotencyKey?: string | undefined },
  attempt: number,
): boolean {
  if ((error.retryAfterMs ?? 0) > MAX_RETRY_AFTER_MS) return false
  if (error.status === 429) return true
  if (request.repeat === 'refused') return false
  if (error.status === 409) return attempt > 0 && request.idempotencyKey !== undefined
  return error.reason === 'timeout' || error.reason === 'network' || PASSING_STATUSES.has(error.status)
}

/**
 * Delay in milliseconds before the attempt after `attempt` (0 = the first). `Retry-After` is the minimum. Otherwise
 * 100 ms, doubling up to 5 s, minus a random part of up to half, so that clients do not retry simultaneously.
 */
export function retryDelayMs(
  error: PlugboardApiError,
  attempt: number,
  random: () => number = Math.random,
): number {
  if (error.retryAfterMs !== undefined) return error.retryAfterMs
  const ceiling = Math.min(FIRST_DELAY_MS * 2 ** attempt, MAX_BACKOFF_MS)
  return ceiling / 2 + (random() * ceiling) / 2
}

/**
 * `Retry-After` (seconds or an HTTP date) as milliseconds from `nowMs`; undefined if absent or invalid.
 */
export function parseRetryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined
  const text = header.trim()
  if (/^\d+$/.test(text)) return Number(text) * 1000
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs)
}

/** Waits, or throws the signal's reason when it is aborted. */
export function pause(delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, delayMs)
    if (signal?.aborted) stop()
    else signal?.addEventListener('abort', stop, { once: true })
  })
}
