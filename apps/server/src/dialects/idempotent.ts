import { type Id, isStorable, newId, PlugboardError } from '@plugboard/core'
import type { ClientView, Hub } from '@plugboard/hub'
import type { FastifyRequest } from 'fastify'
import { pathParams } from '../http/path-params.js'

/** Maximum characters of an `Idempotency-Key`. */
export const MAX_KEY = 255

/**
 * Creates an object with the id of its `Idempotency-Key`, or with a new id without a key.
 * @throws INVALID for an invalid key
 */
export function idempotent<T>(
  hub: Hub,
  { request, client }: { request: FastifyRequest; client: ClientView },
  make: (id: Id) => Promise<T>,
): Promise<T> {
  const key = request.headers['idempotency-key']
  if (key === undefined) return make(newId())
  if (typeof key !== 'string' || key === '' || key.length > MAX_KEY || !isStorable(key)) {
    throw new PlugboardError('INVALID', `"headers.idempotency-key" must have 1 to ${MAX_KEY} characters`)
  }
  const route = `${request.method} ${request.routeOptions.url}`
  return hub.idempotency.run(client, { route, key, body: bodyOf(request) }, make)
}

/** What the path names is a part of the request, except the client. */
function bodyOf(request: FastifyRequest): string {
  const { body = {} } = request
  const { appId: _, clientId: __, ...named } = pathParams(request)
  return JSON.stringify(Object.keys(named).length === 0 ? body : [named, body])
}

/** For routes whose response has a secret, which is not stored and cannot be returned twice. @throws INVALID */
export function refuseKey({ request }: { request: FastifyRequest }): void {
  if (request.headers['idempotency-key'] === undefined) return
  throw new PlugboardError(
    'INVALID',
    '"headers.idempotency-key" is not allowed on a route whose response holds a secret',
  )
}
