import { PlugboardError } from '@plugboard/core'
import type { ClientView, Hub } from '@plugboard/hub'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { clientNameOf, parseToken } from './map.js'
import type { Refusals } from './refusals.js'

const guid = z.guid()

/** The client headers of a request, when it has any. */
export function credentialsOf({ headers }: FastifyRequest): { id: unknown; token: unknown } | undefined {
  const id = headers['x-bp-messaging-client-id']
  const token = headers['x-bp-messaging-client-token']
  return id === undefined && token === undefined ? undefined : { id, token }
}

/** Checks the client headers. */
export class Credentials {
  readonly #hub: Hub
  readonly #refusals: Refusals

  constructor(hub: Hub, refusals: Refusals) {
    this.#hub = hub
    this.#refusals = refusals
  }

  /** @throws UNAUTHORIZED, whatever is wrong; RATE_LIMITED */
  async require(request: FastifyRequest): Promise<ClientView> {
    const credentials = credentialsOf(request)
    if (!credentials) throw new PlugboardError('UNAUTHORIZED', 'Unauthorized')
    const { id, token } = credentials
    const parsed = typeof token === 'string' ? parseToken(token) : undefined
    if (parsed && guid.safeParse(id).success) {
      const client = await this.#hub.clients.authenticate(clientNameOf(String(id)), parsed.secret, parsed.id)
      if (client) return client
    }
    throw this.#refusals.of(request, 'UNAUTHORIZED')
  }
}
