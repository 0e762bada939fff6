import { type Id, newId, PlugboardError, type User } from '@plugboard/core'
import { LRUCache } from 'lru-cache'
import type { Dispatcher } from './delivery/dispatcher.js'
import type { ClientView } from './directory.js'
import type { NewEntry } from './entry.js'
import { isSameHash, type Keyring } from './keyring.js'
import type { Owing } from './owing.js'
import type { Store } from './store.js'

export interface UsersOptions {
  store: Store
  owing: Owing
  keyring: Keyring
  dispatcher: Dispatcher
  now(): Date
  /** Users whose client is kept in memory, so that an author need not be looked up for each message. */
  maxCached: number
}

/** The people of a client. */
export class Users {
  readonly #options: UsersOptions
  readonly #owners: LRUCache<Id, Id>

  constructor(options: UsersOptions) {
    this.#options = options
    this.#owners = new LRUCache({ max: options.maxCached })
  }

  /** `id`: chosen before, so that a repetition answers the same user. */
  async create(client: ClientView, id: Id = newId()): Promise<User> {
    const { store, dispatcher, now } = this.#options
    const user: User = { id, clientId: client.id, createdAt: now() }
    const appended = await store.createUser(user, this.firstEntry(client, id))
    if (appended.duplicate) return this.get(client, id)
    this.#owners.set(id, client.id)
    dispatcher.appended(appended)
    return user
  }

  /** What tells of a new user. */
  firstEntry(client: ClientView, userId: Id, data?: Record<string, string>): NewEntry {
    const { owing, dispatcher, now } = this.#options
    return {
      id: newId(),
      type: 'user.new',
      payload: data ? JSON.stringify({ data }) : '{}',
      at: now(),
      owes: owing.webhooks(client, 'user.new'),
      claim: dispatcher.hasRoom(client.id, userId),
    }
  }

  /** @throws NOT_FOUND */
  async get(client: ClientView, id: Id): Promise<User> {
    const user = await this.#options.store.findUser(client.id, id)
    if (!user) throw notFound()
    this.#owners.set(id, client.id)
    return user
  }

  /** A credential for the user's own side, such as a chat in a browser. It is derived, not stored. @throws NOT_FOUND */
  async createToken(client: ClientView, userId: Id): Promise<{ id: Id; secret: string }> {
    await this.assertExists(client, userId)
    const id = newId()
    return { id, secret: this.#secretOf(client, userId, id) }
  }

  /** Whether a token was made by {@link createToken} for this user. */
  isToken(client: ClientView, userId: Id, token: { id: Id; secret: string }): boolean {
    return isSameHash(token.secret, this.#secretOf(client, userId, token.id))
  }

  #secretOf(client: ClientView, userId: Id, tokenId: Id): string {
    return this.#options.keyring.sign(`user-token ${client.id} ${userId} ${tokenId}`)
  }

  /** Whether the user is known to be one of the client; false where that has to be looked up. */
  isKnown(client: ClientView, id: Id): boolean {
    return this.#owners.get(id) === client.id
  }

  /** @throws NOT_FOUND when the client has no such user. */
  async assertExists(client: ClientView, id: Id): Promise<void> {
    if (!this.isKnown(client, id)) await this.get(client, id)
  }
}

const notFound = (): PlugboardError => new PlugboardError('NOT_FOUND', 'there is no such user')
