import { type Id, isStorable, newId, PlugboardError } from '@plugboard/core'
import type { Collection } from '../documents/collection.js'
import type { ClientFacts } from '../documents/facts.js'
import type { Range } from '../log/page.js'
import type { BlobOwner } from '../ports/blob-store.js'
import type { ClientRecord, TokenRecord } from '../ports/client-record.js'
import type { Store } from '../ports/store.js'
import type { Accounts } from './accounts.js'
import type { ClientName, ClientView, Directory } from './directory.js'
import { hashSecret, isSameHash, newSecret } from './keyring.js'

/** A new credential of a client. The secret cannot be read again: the store only has its hash. */
export interface NewToken {
  id: Id
  secret: string
}

/** What is decided about a client before it exists. */
interface NewClient {
  id?: Id
  externalId?: string
  name?: string
  acceptsGuests?: boolean
}

/** Limits that the operator sets for a client. */
export interface ClientPolicy {
  acceptsGuests?: boolean | undefined
  /** Null: the default of the installation. */
  maxStoredBytes?: number | null | undefined
}

export interface ClientsOptions {
  store: Store
  facts: Collection<ClientFacts>
  directory: Directory
  attachments: { removeOf(owner: BlobOwner): Promise<void> }
  accounts: Pick<Accounts, 'removeOf'>
  now(): Date
}

/** Maximum length of a client name. */
const MAX_NAME = 200
/** Maximum tokens per client: a caller's token is compared with each. */
const MAX_TOKENS = 20
const PURGE_AT_ONCE = 1000
const PAGE = 100

/** @throws FORBIDDEN, with the reason, for a client that an operator disabled */
export function assertEnabled({ record: { disabled } }: Pick<ClientView, 'record'>): void {
  if (!disabled) return
  const why = disabled.reason === undefined ? '' : `: ${disabled.reason}`
  throw new PlugboardError('FORBIDDEN', `the operator of this server disabled the client${why}`)
}

/** Clients and their credentials. */
export class Clients {
  readonly #store: Store
  readonly #facts: Collection<ClientFacts>
  readonly #directory: Directory
  readonly #attachments: ClientsOptions['attachments']
  readonly #accounts: Pick<Accounts, 'removeOf'>
  readonly #now: () => Date

  constructor({ store, facts, directory, attachments, accounts, now }: ClientsOptions) {
    this.#store = store
    this.#facts = facts
    this.#directory = directory
    this.#attachments = attachments
    this.#accounts = accounts
    this.#now = now
  }

  /** Creates a client with its first token. @throws CONFLICT if the given id or name is in use */
  async create({
    facts,
    ...options
  }: NewClient & { facts?: ClientFacts } = {}): Promise<{ client: ClientView; token: NewToken }> {
    const { record, token } = newClient(options, this.#now())
    // First, so that a reader that finds the client also finds its facts.
    if (facts) await this.#facts.insert(record.id, record.id, facts)
    return { client: await this.#directory.insert(record), token }
  }

  /** Finds the client of these credentials. `tokenId` restricts the check to one token. */
  async authenticate(name: ClientName, secret: string, tokenId?: Id): Promise<ClientView | undefined> {
    const client = await this.#directory.find(name)
    if (!client) return undefined
    const hash = hashSecret(secret)
    const tokens = client.record.tokens.filter((token) => tokenId === undefined || token.id === tokenId)
    return tokens.some((token) => isSameHash(token.hash, hash)) ? client : undefined
  }

  /** Whether a client that was read before is still current. */
  isCurrent(client: ClientView): boolean {
    return this.#directory.peek(client.id) === client
  }

  /** The cached client, without waiting. */
  peek(id: Id): ClientView | undefined {
    return this.#directory.peek(id)
  }

  find(name: ClientName): Promise<ClientView | undefined> {
    return this.#directory.find(name)
  }

  /** Data of a client besides its configuration. */
  async facts(id: Id): Promise<ClientFacts> {
    return (await this.#facts.find(id, { id }))?.data ?? {}
  }

  /** Updates the facts of a client. @throws NOT_FOUND */
  async changeFacts(id: Id, change: (facts: ClientFacts) => ClientFacts): Promise<ClientFacts> {
    await this.#directory.get(id)
    return (await this.#facts.change(id, id, (known) => change(known ?? {}))) ?? {}
  }

  /**
   * Clients whose name begins with a text, in order of their names, as it was typed or in another of the usual spellings.
   * `after`: the `next` of the page before.
   */
  async search(
    text: string,
    { limit, after }: { limit: number; after?: string },
  ): Promise<{ records: ClientRecord[]; next?: string }> {
    const pages = await Promise.all(
      spellingsOf(text).map((prefix) =>
        this.#store.findClients(prefix, { limit: limit + 1, ...(after !== undefined && { after }) }),
      ),
    )
    const found = [...new Map(pages.flat().map((record) => [record.id, record])).values()]
    found.sort((a, b) => Buffer.compare(Buffer.from(a.name ?? ''), Buffer.from(b.name ?? '')))
    const page = found.slice(0, limit)
    const next = found.length > limit ? page.at(-1)?.name : undefined
    const records = page.filter(({ deletedAt }) => !deletedAt)
    return { records, ...(next !== undefined && { next }) }
  }

  /** In creation order, without clients that are being purged. */
  async list(range: Range): Promise<ClientRecord[]> {
    const { limit, fromEnd } = range
    const clients: ClientRecord[] = []
    for (let rest = range; ; ) {
      const page = await this.#store.listClients(rest)
      const there = page.filter((client) => !client.deletedAt)
      if (fromEnd) clients.unshift(...there)
      else clients.push(...there)
      const last = fromEnd ? page[0]?.id : page.at(-1)?.id
      if (page.length < limit || clients.length >= limit || !last)
        return fromEnd ? clients.slice(-limit) : clients.slice(0, limit)
      rest = { ...rest, ...(fromEnd ? { before: last } : { after: last }) }
    }
  }

  /**
   * Names a client. Another client with this name loses it, falls back to its id, and keeps its channels.
   * @returns whether the name changed. @throws NOT_FOUND, INVALID
   */
  async rename(id: Id, name: string): Promise<boolean> {
    assertName(name)
    const client = await this.#directory.get(id)
    if (client.record.name === name) return false
    const holder = await this.#directory.find({ name })
    if (holder) await this.#directory.change(holder.id, ({ name: _, ...record }) => record)
    await this.#directory.change(id, (record) => ({ ...record, name }))
    return true
  }

  /** Takes the name of a client, which is found by its id then. @throws NOT_FOUND */
  async unname(id: Id): Promise<ClientView> {
    return this.#directory.change(id, (record) => {
      const { name, ...rest } = record
      return name === undefined ? record : rest
    })
  }

  /** Updates the limits of a client; omitted members stay unchanged. @throws NOT_FOUND */
  configure(id: Id, policy: ClientPolicy): Promise<ClientView> {
    return this.#directory.change(id, (record) => {
      const { maxStoredBytes = record.maxStoredBytes, acceptsGuests = record.acceptsGuests } = policy
      const { maxStoredBytes: _, ...rest } = record
      return {
        ...rest,
        ...(acceptsGuests !== undefined && { acceptsGuests }),
        ...(typeof maxStoredBytes === 'number' && { maxStoredBytes }),
      }
    })
  }

  /**
   * Closes the API of a client, holds its deliveries, and refuses its events until it is enabled; or enables it. A reason
   * is shown to its callers. @throws NOT_FOUND
   */
  disable(id: Id, reason?: string): Promise<ClientView> {
    const disabled = { at: this.#now(), ...(reason !== undefined && { reason }) }
    return this.#directory.change(id, (record) =>
      record.disabled && record.disabled.reason === reason ? record : { ...record, disabled },
    )
  }

  /** @throws NOT_FOUND */
  enable(id: Id): Promise<ClientView> {
    return this.#directory.change(id, (record) => {
      if (!record.disabled) return record
      const { disabled: _, ...enabled } = record
      return enabled
    })
  }

  /** Deletes a client and its keys immediately, and its data in the background. @throws NOT_FOUND */
  async delete(id: Id): Promise<void> {
    await this.#directory.change(id, ({ name: _, externalId: __, ...record }) => ({
      ...record,
      tokens: [],
      integrations: [],
      webhooks: [],
      deletedAt: this.#now(),
    }))
    await this.#accounts.removeOf({ clientId: id })
  }

  /** Removes the data of deleted clients, in slices, while `mayGoOn` returns true. */
  async purge(mayGoOn: () => boolean = () => true): Promise<void> {
    let after: Id | undefined
    for (;;) {
      const page = await this.#store.listClients({ limit: PAGE, ...(after && { after }) })
      for (const { id, deletedAt } of page) {
        if (!deletedAt) continue
        // Again, because the process that deleted it may have ended before this step.
        await this.#accounts.removeOf({ clientId: id })
        await this.#attachments.removeOf({ clientId: id })
        while (mayGoOn() && !(await this.#store.purgeClient(id, PURGE_AT_ONCE)));
      }
      after = page.at(-1)?.id
      if (page.length < PAGE || !mayGoOn()) return
    }
  }

  /** Adds a token, so that another can be revoked without downtime. @throws NOT_FOUND, CONFLICT */
  async addToken(id: Id): Promise<NewToken> {
    const { token, record } = newToken(this.#now())
    await this.#directory.change(id, (client) => {
      if (client.tokens.length >= MAX_TOKENS)
        throw new PlugboardError(
          'CONFLICT',
          `a client can have at most ${MAX_TOKENS} tokens; revoke an unused one`,
        )
      return { ...client, tokens: [...client.tokens, record] }
    })
    return token
  }

  /** @throws NOT_FOUND, and CONFLICT for the last token, because the client would become inaccessible */
  async revokeToken(id: Id, tokenId: Id): Promise<void> {
    await this.#directory.change(id, (client) => {
      const tokens = client.tokens.filter((token) => token.id !== tokenId)
      if (tokens.length === client.tokens.length) throw new PlugboardError('NOT_FOUND', 'token not found')
      if (tokens.length === 0) throw new PlugboardError('CONFLICT', 'the last token cannot be revoked')
      return { ...client, tokens }
    })
  }
}

/** The record of a client without a configuration, with its first token. @throws INVALID for its name */
export function newClient(options: NewClient, now: Date): { record: ClientRecord; token: NewToken } {
  if (options.name !== undefined) assertName(options.name)
  const { token, record } = newToken(now)
  const { id = newId() } = options
  return {
    token,
    record: { ...options, id, version: 1, createdAt: now, tokens: [record], integrations: [], webhooks: [] },
  }
}

function newToken(createdAt: Date): { token: NewToken; record: TokenRecord } {
  const token = { id: newId(), secret: newSecret() }
  return { token, record: { id: token.id, hash: hashSecret(token.secret), createdAt } }
}

/** As it is, in lower case, in capitals, and with a capital. */
function spellingsOf(text: string): string[] {
  const lower = text.toLowerCase()
  return [...new Set([text, lower, text.toUpperCase(), `${lower.charAt(0).toUpperCase()}${lower.slice(1)}`])]
}

function assertName(name: string): void {
  if (name === '' || name.length > MAX_NAME || !isStorable(name)) {
    throw new PlugboardError('INVALID', `"name" must have 1 to ${MAX_NAME} characters`)
  }
}
