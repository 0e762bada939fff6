import { hash } from 'node:crypto'
import { type Id, newId, PlugboardError } from '@plugboard/core'
import type { Channels } from '../channels/channels.js'
import type { ClientView, Directory } from '../clients/directory.js'
import type { OpenIntegration } from '../clients/open-integration.js'
import type { Store } from '../ports/store.js'

export interface AccountsOptions {
  store: Store
  directory: Directory
  channels: Channels
  now(): Date
}

/** An account at a provider that only one client may use. */
export interface Account {
  channel: string
  /** As returned by the channel; not secret, but not shown either. */
  name: string
}

/** Validity of a claim without a configuration: longer than a sync may take. */
const FRESH_MS = 30_000
const MAX_TRIES = 10
/** Not claimed. */
const FREE = ''

/**
 * Assigns accounts to clients: one meta text per account, `client time claim`, changed by compare-and-set. A claim
 * expires if the client's configuration does not contain the account soon after.
 */
export class AccountClaims {
  readonly #options: AccountsOptions

  constructor(options: AccountsOptions) {
    this.#options = options
  }

  /** The exclusive account of a configuration, if its channel declares one. */
  of(channel: string, config: unknown): Account | undefined {
    const name = this.#options.channels.find(channel)?.account?.(config)
    return name === undefined ? undefined : { channel, name }
  }

  /** The accounts in a client's configuration. */
  ofClient({ integrations }: ClientView): Account[] {
    return this.ofAll([...integrations.values()])
  }

  ofAll(integrations: readonly { channel: string; config: unknown }[]): Account[] {
    return integrations.flatMap(({ channel, config }) => this.of(channel, config) ?? [])
  }

  /**
   * Claims an account for the client's integration of this name. Returns a function that reverts it.
   * @throws CONFLICT if another client has it
   */
  async claim(clientId: Id, account: Account, integration: string): Promise<() => Promise<unknown>> {
    const { store, now } = this.#options
    const key = keyOf(account)
    const mine = `${clientId} ${now().getTime()} ${newId()}`
    // A concurrent change of the same client may have used it.
    const takeBack = async () => {
      if (!(await this.#has(clientId, account))) await store.replaceMeta(key, mine, FREE)
    }
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const known = await store.putMetaIfAbsent(key, mine)
      if (known === mine) return takeBack
      const holder = holderOf(known)
      if (holder && holder.id !== clientId && (await this.#isHeld(holder, account))) break
      if (await store.replaceMeta(key, known, mine)) return takeBack
    }
    throw new PlugboardError(
      'CONFLICT',
      `"channels.${integration}" is an account that another client already uses`,
    )
  }

  /** Releases an account of the client, unless one of its integrations has it now. */
  async release(clientId: Id, account: Account): Promise<void> {
    if (await this.#has(clientId, account)) return
    const key = keyOf(account)
    const known = await this.#options.store.getMeta(key)
    if (known && holderOf(known)?.id === clientId) await this.#options.store.replaceMeta(key, known, FREE)
  }

  /** Whether a client has it now. For this client, only its configuration counts. */
  async isTaken(clientId: Id, account: Account): Promise<boolean> {
    const known = await this.#options.store.getMeta(keyOf(account))
    const holder = known && holderOf(known)
    if (!holder) return false
    return holder.id === clientId ? this.#has(clientId, account) : this.#isHeld(holder, account)
  }

  /** The integration that has this account now, of whichever client. */
  async find(account: Account): Promise<{ client: ClientView; integration: OpenIntegration } | undefined> {
    const known = await this.#options.store.getMeta(keyOf(account))
    const holder = known && holderOf(known)
    const client = holder ? await this.#options.directory.find({ id: holder.id }) : undefined
    for (const integration of client?.integrations.values() ?? []) {
      const other = this.of(integration.channel, integration.config)
      if (client && other && isSame(other, account)) return { client, integration }
    }
    return undefined
  }

  async #isHeld({ id, at }: Holder, account: Account): Promise<boolean> {
    return at + FRESH_MS > this.#options.now().getTime() || this.#has(id, account)
  }

  async #has(clientId: Id, account: Account): Promise<boolean> {
    const { directory } = this.#options
    // Another process may have just changed it.
    directory.forget(clientId)
    const client = await directory.find({ id: clientId })
    return client !== undefined && this.ofClient(client).some((other) => isSame(other, account))
  }
}

export const isSame = (a: Account, b: Account): boolean => a.channel === b.channel && a.name === b.name

/** Hashed, because a name may have any length. */
const keyOf = ({ channel, name }: Account): string => `account:${channel}:${hash('sha256', name)}`

interface Holder {
  id: Id
  at: number
}

function holderOf(text: string): Holder | undefined {
  const [id, at] = text.split(' ')
  return text === FREE ? undefined : { id: id as Id, at: Number(at) }
}
