import type { Id } from '@plugboard/core'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type ClientSlots, releaseAtEnd } from './client-slots.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** For large bodies of all dialects. */
    largeBodySlots: ClientSlots
  }
}

/** A body of more bytes than this is large. */
const LARGE = 32_768

/**
 * Limits the concurrent requests with large bodies per client, before any body is read: they would take memory and delay
 * others. Files are streamed and not counted. `clientOf`: the client that the dialect found by its credentials.
 */
export function limitLargeBodies(
  scope: FastifyInstance,
  clientOf: (request: FastifyRequest) => Id | undefined,
): void {
  scope.addHook('preParsing', (request, reply, _, done) => {
    const clientId = isLarge(request) ? clientOf(request) : undefined
    if (clientId === undefined) return done()
    scope.largeBodySlots.take(clientId).then((release) => {
      releaseAtEnd(reply.raw, release)
      done()
    }, done)
  })
}

function isLarge({ headers }: FastifyRequest): boolean {
  const length = headers['content-length']
  if (length === undefined ? headers['transfer-encoding'] === undefined : Number(length) <= LARGE)
    return false
  return !headers['content-type']?.startsWith('multipart/')
}
