import { fromUuid, type Id, isPlugboardError, PlugboardError } from '@plugboard/core'
import { assertEnabled, type ClientView, type Hub } from '@plugboard/hub'
import type { FastifyRequest } from 'fastify'
import type { Refusals } from '../wrong-credentials.js'
import { type Credentials, credentialsOf } from './credentials.js'
import { clientNameOf, parseToken } from './map.js'

const CLIENT_ID = 'x-bp-messaging-client-id'
const USER_ID = 'x-bp-messaging-user-id'
const USER_TOKEN = 'x-bp-messaging-user-token'

/** Who reads a stream: the client itself, or one of its users. */
export interface Reader {
  client: ClientView
  /** Not of the client itself. */
  userId?: Id
  /** Whether the credentials are still good. */
  isGood(): boolean | Promise<boolean>
}

/** The credentials of a disabled client are not valid. */
function orDisabled(error: unknown): undefined {
  if (!isPlugboardError(error, 'FORBIDDEN')) throw error
  return undefined
}

/** Checks the credentials of streams: those of a client, or the token of a user. */
export class StreamAccess {
  readonly #hub: Hub
  readonly #credentials: Credentials
  readonly #refusals: Refusals

  constructor(hub: Hub, credentials: Credentials, refusals: Refusals) {
    this.#hub = hub
    this.#credentials = credentials
    this.#refusals = refusals
  }

  /** @throws UNAUTHORIZED, RATE_LIMITED */
  async require(request: FastifyRequest): Promise<Reader> {
    const token = userTokenOf(request)
    return token === undefined ? this.#client(request) : this.#user(request, token)
  }

  async #client(request: FastifyRequest): Promise<Reader> {
    const given = credentialsOf(request)
    let client = this.#credentials.recall(request) ?? (await this.#credentials.require(request))
    const isGood = async (): Promise<boolean> => {
      const again = given && (await this.#credentials.check(given).catch(orDisabled))
      if (again) client = again
      return again !== undefined
    }
    return { client, isGood: () => this.#hub.clients.isCurrent(client) || isGood() }
  }

  async #user(request: FastifyRequest, text: string): Promise<Reader> {
    const { users, clients } = this.#hub
    const { id, secret } = parseToken(text) ?? {}
    const parts = id && secret !== undefined ? { id, secret } : undefined
    const said = parts && users.readToken(parts)
    const holder =
      parts && said && isNamed(request, said.userId) ? await users.authenticate(parts) : undefined
    if (!parts || !holder || !isOf(request, holder.client)) throw this.#refusals.of(request, 'UNAUTHORIZED')
    let { client } = holder
    assertEnabled(client)
    const { userId, expiresAt } = holder
    const isThere = async (): Promise<boolean> => {
      const again = await clients.find({ id: client.id })
      if (again) client = again
      return again !== undefined && !again.record.disabled
    }
    const hasExpired = () => expiresAt !== undefined && expiresAt.getTime() <= Date.now()
    return { client, userId, isGood: () => !hasExpired() && (clients.isCurrent(client) || isThere()) }
  }

  /**
   * Lets a reader follow a conversation. Returns how to find out whether it still may, where that can change.
   * @throws NOT_FOUND if it may not, also if there is none
   */
  async mayFollow(
    { client, userId }: Reader,
    conversationId: Id,
  ): Promise<(() => Promise<boolean>) | undefined> {
    if (userId === undefined) return undefined
    const { conversations, participants } = this.#hub
    const conversation = await conversations.get(client, conversationId)
    if (conversation.userId === userId) return undefined
    const isMember = () =>
      participants.assertMember(client, conversationId, userId).then(
        () => true,
        (error) => {
          if (isPlugboardError(error, 'FORBIDDEN') || isPlugboardError(error, 'NOT_FOUND')) return false
          throw error
        },
      )
    if (await isMember()) return isMember
    throw new PlugboardError('NOT_FOUND', 'conversation not found')
  }
}

/** The token of a user that a request has; undefined if it has the credentials of a client, or none. */
function userTokenOf({ headers }: FastifyRequest): string | undefined {
  const token = headers[USER_TOKEN]
  if (token !== undefined) return String(token)
  const [, bearer] = /^bearer +(\S+)$/i.exec(headers.authorization ?? '') ?? []
  return headers['x-bp-messaging-client-token'] === undefined ? bearer : undefined
}

/** Whether the headers name this user, or none. */
function isNamed({ headers }: FastifyRequest, userId: Id): boolean {
  const named = headers[USER_ID]
  return named === undefined || (typeof named === 'string' && fromUuid(named) === userId)
}

/** Whether the headers name this client, or none. */
function isOf({ headers }: FastifyRequest, { record }: ClientView): boolean {
  const named = headers[CLIENT_ID]
  if (named === undefined) return true
  if (typeof named !== 'string') return false
  const name = clientNameOf(named)
  return 'id' in name ? name.id === record.id : 'externalId' in name && name.externalId === record.externalId
}
