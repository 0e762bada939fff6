import { type Id, newId, PlugboardError, type User } from '@plugboard/core'
import { LRUCache } from 'lru-cache'
import { atMost } from '../cache.js'
import type { ClientView } from '../clients/directory.js'
import type { Keyring } from '../clients/keyring.js'
import type { Usage } from '../clients/storage-usage.js'
import type { Dispatcher } from '../delivery/dispatcher.js'
import type { Recipients } from '../delivery/recipients.js'
import type { Collection } from '../documents/collection.js'
import {
  type ExternalId,
  emailTerm,
  nameOfExternal,
  type UserFacts,
  type UserView,
} from '../documents/facts.js'
import type { NewEntry } from '../log/entry.js'
import type { MergedUser } from '../log/merged-user.js'
import type { Append, Store } from '../ports/store.js'
import { isRevoked, issueTime, type TokenParts, type UserToken, UserTokens } from './user-tokens.js'

export interface UsersOptions {
  store: Store
  facts: Collection<UserFacts>
  recipients: Recipients
  keyring: Keyring
  dispatcher: Dispatcher
  usage: Usage
  now(): Date
  /** Maximum number of users whose client is cached, to avoid a lookup of each author. */
  maxCached: number
  /** Maximum age of a cache entry, in milliseconds. 0: no limit (single process only). */
  maxAgeMs: number
  findClient(id: Id): Promise<ClientView | undefined>
  /** The tokens of a user were revoked. */
  revoked(client: ClientView, id: Id): void
  /** Removes what is kept of the addresses of a user. */
  forgetAddresses(client: ClientView, id: Id): Promise<void>
}

/** The people of a client. */
export class Users {
  readonly #options: UsersOptions
  readonly #tokens: UserTokens
  readonly #owners: LRUCache<Id, Id>
  readonly #shown: LRUCache<Id, UserView>
  /** Incremented by each change, so that a value read before the change is not cached after it. */
  #changes = 0

  constructor(options: UsersOptions) {
    this.#options = options
    this.#tokens = new UserTokens(options.keyring)
    const recent = { ...atMost(options.maxCached), ttl: options.maxAgeMs }
    this.#owners = new LRUCache(recent)
    this.#shown = new LRUCache(recent)
  }

  /**
   * `id`: given by the caller, so that a repetition returns the same user as created first.
   * @throws CONFLICT if another user has the external id
   */
  async create(client: ClientView, { id = newId(), data, facts: given }: NewUser = {}): Promise<UserView> {
    const facts = data ? { ...factsOf({ data }), data, ...given } : given
    const collection = this.#options.facts
    await this.#options.usage.take(client, 0)
    // The facts are stored first, so that a reader that finds the user also finds them.
    const isFresh = !facts || (await collection.insert(client.id, id, facts))
    const named = isFresh ? undefined : await this.#holderOf(client, facts?.externalId)
    const user: User = { id: named ?? id, clientId: client.id, createdAt: this.#options.now() }
    const { store, dispatcher } = this.#options
    const creating = store.createUser(user, this.firstEntry(client, user.id, facts?.data))
    const appended = await dispatcher.claiming({ clientId: client.id, streamId: user.id }, creating)
    if (!appended.duplicate) {
      // The creator of this user did not finish: its process ended, or is slower.
      if (facts && user.id !== id) await collection.change(client.id, user.id, () => facts)
      this.#owners.set(user.id, client.id)
      dispatcher.appended(appended)
      return { ...user, facts: facts ?? {} }
    }
    const isThere = await store.findUser(client.id, user.id)
    if (isThere && user.id === id && (!isFresh || !facts)) return this.view(client, id)
    if (isThere) throw new PlugboardError('CONFLICT', 'another user already has this external id')
    // The name of a deleted user.
    await collection.remove(client.id, user.id)
    return this.create(client, { id: newId(), ...(facts && { facts }) })
  }

  async #holderOf(client: ClientView, externalId: ExternalId | undefined): Promise<Id | undefined> {
    if (!externalId) return undefined
    return (await this.#options.facts.find(client.id, { name: nameOfExternal(externalId) }))?.id
  }

  /** The first entry of a user: its creation event. */
  firstEntry(client: ClientView, userId: Id, data?: Record<string, string>): NewEntry {
    return this.#entry(client, userId, 'user.new', data ? JSON.stringify({ data }) : '{}')
  }

  /** The last entry of a user that is merged into another. */
  mergedEntry(client: ClientView, userId: Id, merged: MergedUser): NewEntry {
    return this.#entry(client, userId, 'user.merged', JSON.stringify(merged))
  }

  #entry(
    client: ClientView,
    userId: Id,
    type: 'user.new' | 'user.updated' | 'user.deleted' | 'user.merged',
    payload: string,
  ): NewEntry {
    const { recipients, dispatcher, now } = this.#options
    const owes = recipients.webhooks(client, type)
    return { id: newId(), type, payload, at: now(), owes, claim: dispatcher.hasRoom(client.id, userId) }
  }

  /** The user, or the one that it was merged into. @throws NOT_FOUND */
  async get(client: ClientView, id: Id): Promise<User> {
    const user = await this.#options.store.findUser(client.id, id)
    if (!user) throw notFound()
    this.#owners.set(user.id, client.id)
    return user
  }

  /** As {@link get}; undefined if there is none. */
  find(client: ClientView, id: Id): Promise<User | undefined> {
    return this.#options.store.findUser(client.id, id)
  }

  /** A user with its facts. @throws NOT_FOUND */
  async view(client: ClientView, id: Id): Promise<UserView> {
    const [user, kept] = await Promise.all([
      this.get(client, id),
      this.#options.facts.find(client.id, { id }),
    ])
    if (user.id !== id) return this.view(client, user.id)
    return { ...user, facts: kept?.data ?? factsOf(user) }
  }

  /** These users from a short-lived cache, for display only. */
  async shown(client: ClientView, ids: ReadonlySet<Id>): Promise<ReadonlyMap<Id, UserView>> {
    const known = new Map<Id, UserView>()
    const others: Id[] = []
    for (const id of ids) {
      const view = this.#shown.get(id)
      if (view?.clientId === client.id) known.set(id, view)
      else others.push(id)
    }
    if (others.length === 0) return known
    const changes = this.#changes
    for (const [id, view] of await this.views(client, others)) {
      if (changes === this.#changes) this.#shown.set(id, view)
      known.set(id, view)
    }
    return known
  }

  /** The existing ones of these users, each by the id that it was asked for with. */
  async views(client: ClientView, ids: readonly Id[]): Promise<ReadonlyMap<Id, UserView>> {
    const facts = await this.#options.facts.findAll(client.id, ids)
    const views = await Promise.all(
      [...new Set(ids)].map(async (id): Promise<[Id, UserView][]> => {
        const user = await this.#options.store.findUser(client.id, id)
        if (!user) return []
        if (user.id !== id) return [[id, await this.view(client, user.id)]]
        return [[id, { ...user, facts: facts.get(id) ?? factsOf(user) }]]
      }),
    )
    return new Map(views.flat())
  }

  /** @throws NOT_FOUND */
  async getExternal(client: ClientView, externalId: ExternalId): Promise<UserView> {
    const kept = await this.#options.facts.find(client.id, { name: nameOfExternal(externalId) })
    const user = kept && (await this.#options.store.findUser(client.id, kept.id))
    if (!user) throw notFound()
    this.#owners.set(user.id, client.id)
    return user.id === kept.id ? { ...user, facts: kept.data } : this.view(client, user.id)
  }

  /** The users with this e-mail address, in order of id. */
  async listByEmail(client: ClientView, email: string, limit: number): Promise<UserView[]> {
    const kept = await this.#options.facts.list(client.id, { term: emailTerm(email), limit })
    const users = await this.views(
      client,
      kept.map(({ id }) => id),
    )
    return [...users.values()]
  }

  /** Updates the facts of a user. @throws NOT_FOUND */
  async change(client: ClientView, id: Id, change: (facts: UserFacts) => UserFacts): Promise<UserView> {
    const user = await this.get(client, id)
    const facts = await this.#options.facts.change(client.id, user.id, (known) =>
      change(known ?? factsOf(user)),
    )
    this.#forget(user.id)
    return { ...user, facts: facts ?? {} }
  }

  /**
   * Replaces the data of a user if it differs, and notifies the webhooks. Returns whether it did. `entryId`: of the event.
   * @throws NOT_FOUND, NO_SPACE
   */
  async setData(
    client: ClientView,
    id: Id,
    data: Record<string, string>,
    entryId: Id = newId(),
  ): Promise<boolean> {
    const { usage, store, dispatcher } = this.#options
    const user = await this.view(client, id)
    if (isSameData(user.facts.data ?? user.data ?? {}, data)) return false
    await usage.take(client, 0)
    // Before the change, so that a process that dies in between leaves a difference, and the event is repeated.
    const { owes, ...entry } = this.#entry(client, user.id, 'user.updated', JSON.stringify({ data }))
    const append: Append = {
      ...{ clientId: client.id, streamId: user.id, kind: 'user' },
      entry: { ...entry, id: entryId },
      resolve: () => ({ owes }),
    }
    const appended = await dispatcher.claiming(append, store.append(append))
    if (!appended) throw notFound()
    if (!appended.duplicate) dispatcher.appended(appended)
    await this.change(client, user.id, (known) => ({ ...known, ...factsOf({ data }), data }))
    return true
  }

  /**
   * Gives a user what another one has that was merged into it, where it has nothing of its own. May be called again. An
   * external id that finds no place there stays with the merged one, and still finds the user.
   */
  async takeFacts(client: ClientView, younger: Id, older: User): Promise<void> {
    const { facts } = this.#options
    this.#owners.delete(younger)
    this.#forget(younger)
    const theirs = (await facts.find(client.id, { id: younger }))?.data
    if (!theirs) return
    const { externalId, ...rest } = theirs
    const own = (await facts.find(client.id, { id: older.id }))?.data ?? factsOf(older)
    const takesName = externalId !== undefined && own.externalId === undefined
    // A name is in one document at a time. What else is there stays until the other user has it.
    if (takesName)
      await facts.change(client.id, younger, (known) => known && { ...rest, movedExternalId: externalId })
    const name = takesName ? externalId : theirs.movedExternalId
    const staysNamed = externalId !== undefined && !takesName
    await facts.change(client.id, older.id, (known = factsOf(older)) => {
      const { movedExternalId: _, ...filled } = filledWith(known, rest)
      if (name && !filled.externalId) filled.externalId = name
      if (staysNamed) filled.mergedIds = [...new Set([...(filled.mergedIds ?? []), younger])]
      return filled
    })
    if (staysNamed) await facts.change(client.id, younger, (known) => known && { externalId })
    else await facts.remove(client.id, younger)
    this.#forget(older.id)
  }

  /** Replaces a deleted default conversation by the oldest remaining one. */
  async forgetDefault(client: ClientView, id: Id, conversationId: Id): Promise<void> {
    await this.#options.facts.change(client.id, id, (known) => {
      if (known?.defaultConversationId !== conversationId) return known
      const { defaultConversationId: _, ...rest } = known
      return rest
    })
    this.#forget(id)
  }

  #forget(id: Id): void {
    this.#changes += 1
    this.#shown.delete(id)
  }

  /** Deletes a user immediately. The next message from the same address creates a new user. @throws NOT_FOUND */
  async delete(client: ClientView, userId: Id): Promise<void> {
    const { store, facts, dispatcher } = this.#options
    const view = await this.view(client, userId)
    const { id } = view
    const { externalId, mergedIds = [] } = view.facts
    const payload = externalId ? JSON.stringify({ externalId }) : '{}'
    const deleting = store.deleteUser(client.id, id, this.#entry(client, id, 'user.deleted', payload))
    const appended = await dispatcher.claiming({ clientId: client.id, streamId: id }, deleting)
    this.#owners.delete(id)
    this.#forget(id)
    for (const each of [id, ...mergedIds]) await facts.remove(client.id, each)
    await this.#options.forgetAddresses(client, id)
    if (!appended) throw notFound()
    dispatcher.streamChanged(id)
    dispatcher.appended(appended)
  }

  /**
   * Creates a credential for the user, such as for a chat in a browser. Derived, not stored. @throws NOT_FOUND
   */
  async createToken(
    client: ClientView,
    userId: Id,
    { expiresAt }: { expiresAt?: Date } = {},
  ): Promise<TokenParts> {
    await this.idOf(client, userId)
    const validFrom = (await this.#options.facts.find(client.id, { id: userId }))?.data.tokensValidFrom
    const issuedAt = issueTime(this.#options.now(), validFrom)
    return this.#tokens.make({ clientId: client.id, userId, issuedAt, ...(expiresAt && { expiresAt }) })
  }

  /** What a token says, if {@link createToken} made it and it has not expired. It may be revoked. */
  readToken(token: TokenParts): UserToken | undefined {
    const read = this.#tokens.read(token)
    return read?.expiresAt && read.expiresAt <= this.#options.now() ? undefined : read
  }

  /** Whether this is a token of this user. It may be revoked. */
  isToken(client: ClientView, userId: Id, token: TokenParts): boolean {
    const read = this.readToken(token)
    return read?.clientId === client.id && read.userId === userId
  }

  /** The client and the user of a token that is good now; the user may be the one that its own was merged into. */
  async authenticate(
    token: TokenParts,
  ): Promise<{ client: ClientView; userId: Id; expiresAt?: Date } | undefined> {
    const read = this.readToken(token)
    if (!read) return undefined
    const { clientId, expiresAt } = read
    const client = await this.#options.findClient(clientId)
    const user = client && (await this.find(client, read.userId))
    if (!user) return undefined
    const validFrom = (await this.#options.facts.find(clientId, { id: user.id }))?.data.tokensValidFrom
    if (isRevoked(read, validFrom)) return undefined
    return { client, userId: user.id, ...(expiresAt && { expiresAt }) }
  }

  /** Ends all tokens of a user that were created so far, also where they are in use. @throws NOT_FOUND */
  async revokeTokens(client: ClientView, userId: Id): Promise<void> {
    const tokensValidFrom = this.#options.now().toISOString()
    const { id } = await this.change(client, userId, (facts) => ({ ...facts, tokensValidFrom }))
    this.#options.revoked(client, id)
    if (id !== userId) this.#options.revoked(client, userId)
  }

  /** Whether the cache knows the user of this client; false requires a lookup. */
  isKnown(client: ClientView, id: Id): boolean {
    return this.#owners.get(id) === client.id
  }

  /** The id of the user, or of the one that it was merged into. @throws NOT_FOUND if it does not exist for the client */
  async idOf(client: ClientView, id: Id): Promise<Id> {
    return this.isKnown(client, id) ? id : (await this.get(client, id)).id
  }
}

/** Data of a new user. */
export interface NewUser {
  id?: Id
  /** What its page says of it, see {@link Users.setData}. */
  data?: Record<string, string>
  facts?: UserFacts
}

/** Facts from a provider's data of a user. */
export function factsOf({ data = {} }: Pick<User, 'data'>): UserFacts {
  const { name, email, locale } = data
  return {
    ...(name !== undefined && { givenName: name }),
    ...(email !== undefined && { email }),
    ...(locale !== undefined && { locale }),
  }
}

/** The facts of a user, and those of another that it lacks. Metadata and data of dialects are filled field by field. */
function filledWith(own: UserFacts, others: UserFacts): UserFacts {
  const metadata = { ...others.metadata, ...own.metadata }
  const dialect = { ...others.dialect, ...own.dialect }
  // The later one, so that no revoked token becomes good again.
  const [tokensValidFrom] = [own.tokensValidFrom, others.tokensValidFrom].filter(Boolean).sort().reverse()
  return {
    ...others,
    ...own,
    ...(Object.keys(metadata).length > 0 && { metadata }),
    ...(Object.keys(dialect).length > 0 && { dialect }),
    ...(tokensValidFrom !== undefined && { tokensValidFrom }),
  }
}

const isSameData = (a: Record<string, string>, b: Record<string, string>): boolean =>
  Object.keys(a).length === Object.keys(b).length &&
  Object.entries(b).every(([key, value]) => Object.hasOwn(a, key) && a[key] === value)

const notFound = (): PlugboardError => new PlugboardError('NOT_FOUND', 'user not found')
