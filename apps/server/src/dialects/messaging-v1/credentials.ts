import { PlugboardError } from '@plugboard/core'
import { assertEnabled, type ClientView, type Hub } from '@plugboard/hub'
import type { FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import type { Refusals } from '../wrong-credentials.js'
import { clientNameOf, parseToken } from './map.js'

const guid = z.guid()

const ID_HEADER = 'x-bp-messaging-client-id'
const TOKEN_HEADER = 'x-bp-messaging-client-token'

/** Maximum cached credentials, which need not be hashed for each request. */
const MAX_REMEMBERED = 2_000

const placeOf = (id: unknown, token: unknown): string => `${id}\n${token}`

/** The headers that name a client. */
export interface ClientHeaders {
  id: unknown
  token: unknown
}

/** The client headers of a request, when it has any. */
export function credentialsOf({ headers }: FastifyRequest): ClientHeaders | undefined {
  const id = headers[ID_HEADER]
  const token = headers[TOKEN_HEADER]
  return id === undefined && token === undefined ? undefined : { id, token }
}

/** Checks the client headers. */
export class Credentials {
  readonly #hub: Hub
  readonly #refusals: Refusals
  /** Valid headers and their client, until the client changes. */
  readonly #right = new LRUCache<string, ClientView>({ max: MAX_REMEMBERED })

  constructor(hub: Hub, refusals: Refusals) {
    this.#hub = hub
    this.#refusals = refusals
  }

  /** The client, if the same headers were valid before. Undefined: call {@link require}. */
  recall({ headers }: FastifyRequest): ClientView | undefined {
    const client = this.#right.get(placeOf(headers[ID_HEADER], headers[TOKEN_HEADER]))
    return client && this.#hub.clients.isCurrent(client) ? client : undefined
  }

  /** @throws UNAUTHORIZED for any error; FORBIDDEN for a disabled client; RATE_LIMITED */
  async require(request: FastifyRequest): Promise<ClientView> {
    const credentials = credentialsOf(request)
    if (!credentials) throw new PlugboardError('UNAUTHORIZED', 'Unauthorized')
    const client = await this.check(credentials)
    if (client) return client
    throw this.#refusals.of(request, 'UNAUTHORIZED')
  }

  /** The client of these headers; undefined if they are wrong. @throws FORBIDDEN for a disabled client */
  async check({ id, token }: ClientHeaders): Promise<ClientView | undefined> {
    const parsed = typeof token === 'string' ? parseToken(token) : undefined
    if (!parsed || !guid.safeParse(id).success) return undefined
    const client = await this.#hub.clients.authenticate(clientNameOf(String(id)), parsed.secret, parsed.id)
    if (!client) return undefined
    assertEnabled(client)
    this.#right.set(placeOf(id, token), client)
    return client
  }
}
