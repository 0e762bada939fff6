import { type Id, newId, PlugboardError } from '@plugboard/core'
import { LRUCache } from 'lru-cache'
import { atMost } from '../cache.js'
import { Collection } from '../documents/collection.js'
import type { Range } from '../log/page.js'
import type { Sealed } from '../ports/client-record.js'
import type { Store } from '../ports/store.js'
import { NO_CLIENT } from '../ports/stored-document.js'
import { type Keyring, newSecret } from './keyring.js'

/** Scope of an API key: everything, one client, or one integration of a client. */
export type KeyScope = 'account' | 'app' | 'integration'

/** A program that acts for a client. */
export interface KeyAccount {
  kind: 'key'
  scope: KeyScope
  clientId?: Id
  integrationId?: Id
  displayName: string
  secret: Sealed
  /** Index below a maximum count. Unique, so that concurrent requests cannot exceed the maximum. */
  place?: number
  createdAt: string
}

/** Role of a person for a client. */
export type Role = 'agent' | 'admin' | 'owner'

/** A person who acts for clients. */
export interface PersonAccount {
  kind: 'person'
  /** In lower case. */
  email: string
  /** In the format of the hashing library. */
  passwordHash: string
  firstName?: string
  lastName?: string
  memberships: { clientId: Id; role: Role }[]
  /** Networks of earlier sign-ins, hashed with a key. */
  knownNetworks?: string[]
  createdAt: string
}

export type Account = KeyAccount | PersonAccount

/** An account and its id. */
export type WithId<A extends Account> = A & { id: Id }

export interface AccountsOptions {
  store: Store
  keyring: Keyring
  now(): Date
  /** Maximum number of cached accounts. */
  maxCached: number
  /** Maximum age of a cache entry, in milliseconds. 0: no limit (single process only). */
  maxAgeMs: number
}

const COLLECTION = 'account'
const PAGE = 100

const clientTerm = (clientId: Id): string => `client ${clientId}`
const integrationTerm = (integrationId: Id): string => `integration ${integrationId}`
const placeName = ({ clientId, integrationId, place }: KeyAccount): string | undefined =>
  place === undefined ? undefined : `key ${integrationId ?? clientId} ${place}`
const emailName = (email: string): string => `email ${email.toLowerCase()}`

export const accountCollection = (store: Store): Collection<Account> =>
  new Collection<Account>(store, COLLECTION, {
    nameOf: (account) => (account.kind === 'person' ? emailName(account.email) : placeName(account)),
    termsOf: (account) =>
      account.kind === 'person'
        ? account.memberships.map(({ clientId }) => clientTerm(clientId))
        : [
            ...(account.clientId ? [clientTerm(account.clientId)] : ['account']),
            ...(account.integrationId ? [integrationTerm(account.integrationId)] : []),
          ],
  })

/** People and keys that act for clients. */
export class Accounts {
  readonly #accounts: Collection<Account>
  readonly #options: AccountsOptions
  readonly #cache: LRUCache<Id, WithId<Account>>

  constructor(options: AccountsOptions) {
    this.#options = options
    this.#accounts = accountCollection(options.store)
    this.#cache = new LRUCache({ ...atMost(options.maxCached), ttl: options.maxAgeMs })
  }

  /**
   * Creates a key. {@link secretOf} returns its secret again later. `max`: maximum keys of the same client or integration.
   * @throws CONFLICT if there are too many
   */
  async createKey(
    of: Pick<KeyAccount, 'scope' | 'clientId' | 'integrationId' | 'displayName'>,
    { max }: { max?: number } = {},
  ): Promise<{ key: WithId<KeyAccount>; secret: string }> {
    const id = newId()
    const secret = newSecret().replace(/[^A-Za-z0-9]/g, '')
    const sealed = this.#options.keyring.seal(secret, id)
    const key: KeyAccount = { kind: 'key', ...of, secret: sealed, createdAt: this.#now() }
    for (;;) {
      if (max !== undefined) key.place = await this.#freePlace(of, max)
      // A concurrent request may have taken the place.
      if (await this.#accounts.insert(NO_CLIENT, id, key)) return { key: { ...key, id }, secret }
    }
  }

  /** @throws CONFLICT */
  async #freePlace(
    { clientId, integrationId }: Pick<KeyAccount, 'clientId' | 'integrationId'>,
    max: number,
  ): Promise<number> {
    const siblings = integrationId ? { integrationId } : clientId && { clientId }
    const keys = siblings ? await this.listKeys(siblings) : []
    const taken = new Set(keys.map(({ place }) => place))
    const free = Array.from({ length: max }, (_, place) => place).find((place) => !taken.has(place))
    if (keys.length < max && free !== undefined) return free
    throw new PlugboardError('CONFLICT', `at most ${max} keys are allowed`)
  }

  secretOf(key: WithId<KeyAccount>): string {
    return this.#options.keyring.open(key.secret, key.id)
  }

  /** @throws CONFLICT if another person has the e-mail address */
  async createPerson(
    of: Pick<PersonAccount, 'email' | 'passwordHash' | 'firstName' | 'lastName' | 'memberships'>,
  ): Promise<WithId<PersonAccount>> {
    const id = newId()
    const email = of.email.toLowerCase()
    const person: PersonAccount = { kind: 'person', ...of, email, createdAt: this.#now() }
    if (await this.#accounts.insert(NO_CLIENT, id, person)) return { ...person, id }
    throw new PlugboardError('CONFLICT', 'another account already has this e-mail address')
  }

  async find(id: Id): Promise<WithId<Account> | undefined> {
    const known = this.#cache.get(id)
    if (known) return known
    const kept = await this.#accounts.find(NO_CLIENT, { id })
    if (!kept) return undefined
    const account = { ...kept.data, id }
    this.#cache.set(id, account)
    return account
  }

  /** Whether an account that was read before is still current. */
  isCurrent(account: WithId<Account>): boolean {
    return this.#cache.get(account.id) === account
  }

  async findKey(id: Id): Promise<WithId<KeyAccount> | undefined> {
    const account = await this.find(id)
    return account?.kind === 'key' ? account : undefined
  }

  async findPerson(by: { id: Id } | { email: string }): Promise<WithId<PersonAccount> | undefined> {
    const account = 'id' in by ? await this.find(by.id) : await this.#findByEmail(by.email)
    return account?.kind === 'person' ? account : undefined
  }

  async #findByEmail(email: string): Promise<WithId<Account> | undefined> {
    const kept = await this.#accounts.find(NO_CLIENT, { name: emailName(email) })
    return kept && { ...kept.data, id: kept.id }
  }

  /** Keys of a client itself, or of one of its integrations, in creation order. */
  async listKeys(of: { clientId: Id } | { integrationId: Id }): Promise<WithId<KeyAccount>[]> {
    const term = 'clientId' in of ? clientTerm(of.clientId) : integrationTerm(of.integrationId)
    const keys: WithId<KeyAccount>[] = []
    for await (const account of this.#walk(term)) {
      const isWanted = account.kind === 'key' && ('clientId' in of ? !account.integrationId : true)
      if (isWanted) keys.push(account)
    }
    return keys
  }

  /** People who act for a client, in creation order. */
  async listPeople(clientId: Id): Promise<WithId<PersonAccount>[]> {
    const people: WithId<PersonAccount>[] = []
    for await (const account of this.#walk(clientTerm(clientId))) {
      if (account.kind === 'person') people.push(account)
    }
    return people
  }

  /** A page of all keys and people, or of those that act for one client, in creation order. */
  async list({ clientId, ...range }: Range & { clientId?: Id | undefined }): Promise<WithId<Account>[]> {
    const term = clientId && { term: clientTerm(clientId) }
    const page = await this.#accounts.list(NO_CLIENT, { ...range, ...term })
    return page.map(({ id, data }) => ({ ...data, id }))
  }

  /** @throws NOT_FOUND */
  async changePerson(
    id: Id,
    change: (person: PersonAccount) => PersonAccount,
  ): Promise<WithId<PersonAccount>> {
    const account = await this.#accounts.change(NO_CLIENT, id, (known) =>
      known?.kind === 'person' ? change(known) : undefined,
    )
    this.#cache.delete(id)
    if (account?.kind !== 'person') throw new PlugboardError('NOT_FOUND', 'account not found')
    return { ...account, id }
  }

  /** @throws NOT_FOUND */
  async remove(id: Id): Promise<void> {
    this.#cache.delete(id)
    const isRemoved = await this.#accounts.remove(NO_CLIENT, id)
    if (!isRemoved) throw new PlugboardError('NOT_FOUND', 'account not found')
  }

  /** Removes all keys and memberships of a client or an integration. People stay. */
  async removeOf(of: { clientId: Id } | { integrationId: Id }): Promise<void> {
    const term = 'clientId' in of ? clientTerm(of.clientId) : integrationTerm(of.integrationId)
    for await (const account of this.#walk(term)) {
      if (account.kind === 'key') await this.remove(account.id).catch(() => undefined)
      else if ('clientId' in of) {
        await this.changePerson(account.id, (person) => ({
          ...person,
          memberships: person.memberships.filter(({ clientId }) => clientId !== of.clientId),
        }))
      }
    }
  }

  async *#walk(term: string): AsyncIterable<WithId<Account>> {
    for (let after: Id | undefined; ; ) {
      const range = { term, limit: PAGE, ...(after && { after }) }
      const page = await this.#accounts.list(NO_CLIENT, range)
      for (const { id, data } of page) yield { ...data, id }
      after = page.at(-1)?.id
      if (page.length < PAGE) return
    }
  }

  #now(): string {
    return this.#options.now().toISOString()
  }
}
