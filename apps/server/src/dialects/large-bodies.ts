import type { Id } from '@plugboard/core'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type ClientSlots, releaseAtEnd } from './client-slots.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** For large bodies, of all dialects together. */
    largeBodySlots: ClientSlots
  }
}

/** A body of more bytes than this is large. */
const LARGE = 32_768

/**
 * Holds each client to a number of requests with large bodies under way, before any of them is read: together they would
 * take memory, and hold up what others post. Files are streamed, and so not counted. `clientOf`: as the dialect found
 * it from the credentials.
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
