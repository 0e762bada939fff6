import { PlugboardError } from '@plugboard/core'
import type { ClientView, Hub } from '@plugboard/hub'
import type { FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import type { Refusals } from '../refusals.js'
import { clientNameOf, parseToken } from './map.js'

const guid = z.guid()

const ID_HEADER = 'x-bp-messaging-client-id'
const TOKEN_HEADER = 'x-bp-messaging-client-token'

/** Credentials that need not be hashed and compared for each request. */
const MAX_REMEMBERED = 2_000

const placeOf = (id: unknown, token: unknown): string => `${id}\n${token}`

/** The client headers of a request, when it has any. */
export function credentialsOf({ headers }: FastifyRequest): { id: unknown; token: unknown } | undefined {
  const id = headers[ID_HEADER]
  const token = headers[TOKEN_HEADER]
  return id === undefined && token === undefined ? undefined : { id, token }
}

/** Checks the client headers. */
export class Credentials {
  readonly #hub: Hub
  readonly #refusals: Refusals
  /** By the headers as they came: those that were right, for as long as their client stays as it was then. */
  readonly #right = new LRUCache<string, ClientView>({ max: MAX_REMEMBERED })

  constructor(hub: Hub, refusals: Refusals) {
    this.#hub = hub
    this.#refusals = refusals
  }

  /** Who it is, where the same headers were right before; undefined: ask {@link require}. */
  recall({ headers }: FastifyRequest): ClientView | undefined {
    const client = this.#right.get(placeOf(headers[ID_HEADER], headers[TOKEN_HEADER]))
    return client && this.#hub.clients.isCurrent(client) ? client : undefined
  }

  /** @throws UNAUTHORIZED, whatever is wrong; RATE_LIMITED */
  async require(request: FastifyRequest): Promise<ClientView> {
    const credentials = credentialsOf(request)
    if (!credentials) throw new PlugboardError('UNAUTHORIZED', 'Unauthorized')
    const { id, token } = credentials
    const parsed = typeof token === 'string' ? parseToken(token) : undefined
    if (parsed && guid.safeParse(id).success) {
      const client = await this.#hub.clients.authenticate(clientNameOf(String(id)), parsed.secret, parsed.id)
      if (client) {
        this.#right.set(placeOf(id, token), client)
        return client
      }
    }
    throw this.#refusals.of(request, 'UNAUTHORIZED')
  }
}
