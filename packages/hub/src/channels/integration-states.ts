import { hash } from 'node:crypto'
import { type Id, type IntegrationState, invalid, type JsonObject, parseJsonObject } from '@plugboard/core'
import { LRUCache } from 'lru-cache'
import { atMost } from '../cache.js'
import type { Keyring } from '../clients/keyring.js'
import type { OpenIntegration } from '../clients/open-integration.js'
import { Collection, type Kept } from '../documents/collection.js'
import type { Sealed } from '../ports/client-record.js'
import type { Store } from '../ports/store.js'

/** Maximum size of a state as JSON, in bytes. */
const MAX_BYTES = 16 * 1024
/** How long a state is read from memory, in milliseconds. */
const FRESH_MS = 10_000

/** A stored state. `sealed` contains a {@link SealedState}. */
interface StoredState {
  version: number
  sealed: Sealed
}

interface SealedState {
  /** Digest of the configuration that it belongs to. */
  config: string
  value: JsonObject
}

const COLLECTION = 'integration-state'

const collectionOf = (store: Store): Collection<StoredState> => new Collection(store, COLLECTION)

const digestOf = (config: JsonObject): string => hash('sha256', JSON.stringify(config))

/** Bound to its integration, so that it cannot be opened for another one. */
const stateContext = (integrationId: Id): string => `state ${integrationId}`

export interface IntegrationStatesOptions {
  store: Store
  keyring: Keyring
  /** Maximum number of cached states. */
  maxCached: number
}

/** What channels remember about integrations: one sealed document per integration, changed by compare-and-set. */
export class IntegrationStates {
  readonly #store: Store
  readonly #keyring: Keyring
  readonly #states: Collection<StoredState>
  readonly #cache: LRUCache<Id, { found: Kept<StoredState> | undefined }>

  constructor({ store, keyring, maxCached }: IntegrationStatesOptions) {
    this.#store = store
    this.#keyring = keyring
    this.#states = collectionOf(store)
    this.#cache = new LRUCache({ ...atMost(maxCached), ttl: FRESH_MS })
  }

  /** The state of an integration with this configuration. */
  of(clientId: Id, { id, config }: Pick<OpenIntegration, 'id' | 'config'>): IntegrationState {
    const digest = digestOf(config)
    return {
      read: async ({ isFresh } = { isFresh: false }) => {
        if (isFresh) this.#cache.delete(id)
        const stored = await this.#find(clientId, id)
        const { config: of, value } = stored ? this.#open(id, stored) : {}
        return stored && value && of === digest ? { value, version: stored.version } : undefined
      },
      write: (value, version) => this.#write(clientId, id, { config: digest, value }, version),
    }
  }

  /** Forgets the state of an integration that was deleted. */
  async remove(clientId: Id, integrationId: Id): Promise<void> {
    this.#cache.delete(integrationId)
    await this.#states.remove(clientId, integrationId)
  }

  async #find(clientId: Id, id: Id): Promise<StoredState | undefined> {
    const known = this.#cache.get(id)
    if (known) return known.found?.data
    const found = await this.#states.find(clientId, { id })
    this.#cache.set(id, { found })
    return found?.data
  }

  async #write(clientId: Id, id: Id, state: SealedState, version: number | undefined): Promise<boolean> {
    const text = JSON.stringify(state)
    if (Buffer.byteLength(text) > MAX_BYTES)
      throw invalid({ path: ['state'], message: `must have at most ${MAX_BYTES} bytes` })
    this.#cache.delete(id)
    const before = (await this.#states.find(clientId, { id }))?.data
    const current = before && this.#open(id, before).config === state.config ? before.version : undefined
    if (current !== version) return false
    // A call may still have a former configuration. Read after the state, so that a newer one prevents the change below.
    if (current === undefined && !(await this.#isCurrent(clientId, id, state.config))) return false
    const sealed = this.#keyring.seal(text, stateContext(id))
    let isMine = false
    await this.#states.change(clientId, id, (known) => {
      isMine = known?.version === before?.version
      return isMine ? { version: (known?.version ?? 0) + 1, sealed } : undefined
    })
    return isMine
  }

  /** Whether the integration has the configuration with this digest. */
  async #isCurrent(clientId: Id, id: Id, digest: string): Promise<boolean> {
    const client = await this.#store.findClient({ id: clientId })
    const stored = client?.integrations.find((integration) => integration.id === id)
    return (
      stored !== undefined &&
      digestOf(parseJsonObject(this.#keyring.open(stored.config, clientId))) === digest
    )
  }

  /** Empty if it was sealed with another key. */
  #open(id: Id, { sealed }: StoredState): Partial<SealedState> {
    try {
      return parseJsonObject(this.#keyring.open(sealed, stateContext(id))) as Partial<SealedState>
    } catch {
      return {}
    }
  }
}

/** The state of a configuration that is not stored. */
export const NO_STATE: IntegrationState = {
  read: async () => undefined,
  write: async () => false,
}

/** Encrypts the states of a client's integrations anew. `again` gets what is sealed, and what it is bound to. */
export async function resealIntegrationStates(
  store: Store,
  clientId: Id,
  again: (sealed: Sealed, context: string) => Sealed,
): Promise<void> {
  const states = collectionOf(store)
  for await (const { id } of states.walk(clientId))
    await states.change(
      clientId,
      id,
      (known) => known && { ...known, sealed: again(known.sealed, stateContext(id)) },
    )
}
