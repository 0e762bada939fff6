import { PlugboardError } from '@plugboard/core'
import type { ClientView, Hub } from '@plugboard/hub'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { clientNameOf, parseToken } from './map.js'

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

  constructor(hub: Hub) {
    this.#hub = hub
  }

  /** @throws UNAUTHORIZED, whatever is wrong */
  async require(request: FastifyRequest): Promise<ClientView> {
    const { id, token } = credentialsOf(request) ?? {}
    const parsed = typeof token === 'string' ? parseToken(token) : undefined
    if (parsed && guid.safeParse(id).success) {
      const client = await this.#hub.clients.authenticate(clientNameOf(String(id)), parsed.secret, parsed.id)
      if (client) return client
    }
    throw new PlugboardError('UNAUTHORIZED', 'Unauthorized')
  }
}
