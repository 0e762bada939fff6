import { hash } from 'node:crypto'
import { type Id, newId, PlugboardError } from '@plugboard/core'
import type { Channels } from '../channels/channels.js'
import type { ClientView, Directory } from '../clients/directory.js'
import type { Store } from '../ports/store.js'

export interface AccountsOptions {
  store: Store
  directory: Directory
  channels: Channels
  now(): Date
}

/** An account at a provider that one client alone may use, as it is wanted in a configuration. */
export interface Account {
  channel: string
  /** As the channel names it; not secret, and not shown either. */
  name: string
}

/** How long a claim holds that has not led to a configuration yet: longer than a sync may take. */
const FRESH_MS = 30_000
const MAX_TRIES = 10
/** Nobody has it. */
const FREE = ''

/**
 * Which client has which account: a meta text for each, `client time claim`, changed by compare-and-set. It is no more than a
 * claim: the client that does not have the account in its configuration, and did not claim it just now, has lost it.
 */
export class AccountClaims {
  readonly #options: AccountsOptions

  constructor(options: AccountsOptions) {
    this.#options = options
  }

  /** The account of a configuration, where its channel says that it is one client's alone. */
  of(channel: string, config: unknown): Account | undefined {
    const name = this.#options.channels.find(channel)?.account?.(config)
    return name === undefined ? undefined : { channel, name }
  }

  /** Those that a client has in its configuration. */
  ofClient({ integrations }: ClientView): Account[] {
    return [...integrations.values()].flatMap(({ channel, config }) => this.of(channel, config) ?? [])
  }

  /** Answers how to take the claim back. @throws CONFLICT when another client has it. */
  async claim(clientId: Id, account: Account): Promise<() => Promise<unknown>> {
    const { store, now } = this.#options
    const key = keyOf(account)
    const mine = `${clientId} ${now().getTime()} ${newId()}`
    const takeBack = () => store.replaceMeta(key, mine, FREE)
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const known = await store.putMetaIfAbsent(key, mine)
      if (known === mine) return takeBack
      const holder = holderOf(known)
      if (holder && holder.id !== clientId && (await this.#isHeld(holder, account))) break
      if (await store.replaceMeta(key, known, mine)) return takeBack
    }
    const { channel } = account
    throw new PlugboardError(
      'CONFLICT',
      `"channels.${channel}" is an account that another client already uses`,
    )
  }

  /** Gives an account up, if it is the client's. */
  async release(clientId: Id, account: Account): Promise<void> {
    const key = keyOf(account)
    const known = await this.#options.store.getMeta(key)
    if (known && holderOf(known)?.id === clientId) await this.#options.store.replaceMeta(key, known, FREE)
  }

  /** Whether some client has it now; of this one its configuration counts alone. */
  async isTaken(clientId: Id, account: Account): Promise<boolean> {
    const known = await this.#options.store.getMeta(keyOf(account))
    const holder = known && holderOf(known)
    if (!holder) return false
    return holder.id === clientId ? this.#has(clientId, account) : this.#isHeld(holder, account)
  }

  async #isHeld({ id, at }: Holder, account: Account): Promise<boolean> {
    return at + FRESH_MS > this.#options.now().getTime() || this.#has(id, account)
  }

  async #has(clientId: Id, account: Account): Promise<boolean> {
    const { directory } = this.#options
    // Another process may just have changed it.
    directory.forget(clientId)
    const client = await directory.find({ id: clientId })
    return client !== undefined && this.ofClient(client).some((other) => isSame(other, account))
  }
}

export const isSame = (a: Account, b: Account): boolean => a.channel === b.channel && a.name === b.name

/** Hashed, since a name may be of any length. */
const keyOf = ({ channel, name }: Account): string => `account:${channel}:${hash('sha256', name)}`

interface Holder {
  id: Id
  at: number
}

function holderOf(text: string): Holder | undefined {
  const [id, at] = text.split(' ')
  return text === FREE ? undefined : { id: id as Id, at: Number(at) }
}
