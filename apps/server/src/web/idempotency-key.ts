import { invalid } from '@plugboard/core'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'

const KEY = /^[\w.~-]{1,64}$/
const MUST = 'must be 1 to 64 letters, digits and "._~-", such as a UUID'

/** For the API document. */
export function idempotencyKeySchema(isRequired: boolean) {
  const key = z.string().regex(KEY).meta({
    description: 'Made by the chat, such as a UUID: a request with the same key has no second effect',
  })
  return z.object({ 'idempotency-key': isRequired ? key : key.optional() })
}

/** The key of a request; undefined if it has none. @throws INVALID */
export function idempotencyKeyIn({ headers }: FastifyRequest): string | undefined {
  const key = headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key === 'string' && KEY.test(key)) return key
  throw invalid({ path: ['idempotency-key'], message: MUST })
}

/** @throws INVALID, also if there is none */
export function requiredKeyIn(request: FastifyRequest): string {
  const key = idempotencyKeyIn(request)
  if (key === undefined) throw invalid({ path: ['idempotency-key'], message: 'is required' })
  return key
}
