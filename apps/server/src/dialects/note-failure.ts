import { isPlugboardError } from '@plugboard/core'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** `Retry-After` while the database is unreachable, in milliseconds. */
const RETRY_MS = 1000

/** What was asked for is left out (RFC 9110 §15.6.2), which is no fault. */
export const NOT_IMPLEMENTED = 501

/** There is no room (RFC 4918 §11.5). */
const INSUFFICIENT_STORAGE = 507

/** Common handling of failures in all dialects: logs internal errors, and sets `Retry-After`. */
export function noteFailure(
  error: Error,
  status: number,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  // A full disk has a cause. A client above its storage limit has none, and is not an internal error.
  const isRefusal = status === NOT_IMPLEMENTED || (status === INSUFFICIENT_STORAGE && !error.cause)
  if (status >= 500 && !isRefusal) request.log.error({ err: error, reqId: request.id }, 'request failed')
  const retryAfterMs = isPlugboardError(error) ? error.retryAfterMs : undefined
  if (retryAfterMs === undefined && status !== 503) return
  void reply.header('retry-after', Math.ceil((retryAfterMs ?? RETRY_MS) / 1000))
}

/** The value at a path; undefined if there is none. */
export function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = Reflect.get(value, key)
  }
  return value
}
