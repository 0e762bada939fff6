import {
  type Capabilities,
  type Endpoint,
  type Id,
  type JsonObject,
  type Logger,
  parseJsonObject,
} from '@plugboard/core'
import type { Keyring } from '../../clients/keyring.js'
import { Collection, type Measure } from '../../documents/collection.js'
import type { Sealed } from '../../ports/client-record.js'
import type { Store } from '../../ports/store.js'
import { hasWindow } from './reply-window.js'

/** What events of an endpoint say that deliveries to it need. */
export interface EndpointState {
  /** When the person last did something that opens the reply window. Undefined if that is unknown. */
  lastInboundAt?: Date
  /** The newest context that an event carried. */
  context?: { value: JsonObject; at: Date }
}

/** As it is stored: times are ISO 8601. */
interface StoredState {
  conversationId: Id
  lastInboundAt?: string
  context?: {
    sealed: Sealed
    at: string
    /** The number of the entry, which orders two events of the same time. */
    seq: number
  }
}

/** The endpoint of an event, and the conversation that it belongs to. */
export interface StatePlace {
  clientId: Id
  conversationId: Id
  endpointId: Id
}

/** What an event changes. */
export interface StateChange {
  /** When it happened. */
  at: Date
  /** The number of its entry. */
  seq: number
  /** Whether it opens the reply window. */
  opensWindow: boolean
  context?: JsonObject
}

export interface EndpointStatesOptions {
  store: Store
  keyring: Keyring
  measure: Measure
  log: Logger
}

/** Maximum size of a context, in bytes of its JSON. */
const MAX_CONTEXT_BYTES = 4096
const PAGE = 100

const collectionOf = (store: Store, measure?: Measure): Collection<StoredState> =>
  new Collection(
    store,
    'endpoint',
    { termsOf: ({ conversationId }) => [conversationTerm(conversationId)] },
    measure,
  )

const conversationTerm = (id: Id): string => `conversation ${id}`

/** Bound to its endpoint, so that it cannot be opened for another one. */
const sealContextOf = (clientId: Id, endpointId: Id): string => `endpoint ${clientId} ${endpointId}`

/** Whether deliveries to an endpoint need its state. */
export const needsState = (capabilities: Capabilities, endpoint: Endpoint): boolean =>
  capabilities.context === true || hasWindow(capabilities, endpoint)

/**
 * The states of endpoints: one document per endpoint, and only for channels that need it. Each read asks the store, so
 * that a context is never older than the newest event of any replica.
 */
export class EndpointStates {
  readonly #options: EndpointStatesOptions
  readonly #states: Collection<StoredState>

  constructor(options: EndpointStatesOptions) {
    this.#options = options
    this.#states = collectionOf(options.store, options.measure)
  }

  /** @throws UNAVAILABLE */
  async read(clientId: Id, endpointId: Id): Promise<EndpointState> {
    const { data } = (await this.#states.find(clientId, { id: endpointId })) ?? {}
    const context = data?.context && this.#open(clientId, endpointId, data.context)
    return {
      ...(data?.lastInboundAt !== undefined && { lastInboundAt: new Date(data.lastInboundAt) }),
      ...(context && { context }),
    }
  }

  #open(
    clientId: Id,
    endpointId: Id,
    { sealed, at }: NonNullable<StoredState['context']>,
  ): EndpointState['context'] {
    const { keyring, log } = this.#options
    try {
      const value = parseJsonObject(keyring.open(sealed, sealContextOf(clientId, endpointId)))
      return { value, at: new Date(at) }
    } catch (err) {
      // The next event of the endpoint replaces it.
      log.error({ err, clientId, endpointId }, 'cannot decrypt the context of an endpoint')
      return undefined
    }
  }

  /**
   * Records what an event changes. An older event that is repeated, or arrives late, changes nothing. A context above
   * {@link MAX_CONTEXT_BYTES} is logged and left out.
   */
  async record({ clientId, conversationId, endpointId }: StatePlace, change: StateChange): Promise<void> {
    const { keyring, log } = this.#options
    const { seq, opensWindow } = change
    const at = change.at.toISOString()
    const text = change.context && JSON.stringify(change.context)
    const isTooLarge = text !== undefined && Buffer.byteLength(text) > MAX_CONTEXT_BYTES
    if (isTooLarge)
      log.error({ clientId, endpointId }, `a channel set a context of more than ${MAX_CONTEXT_BYTES} bytes`)
    const context = isTooLarge ? undefined : text
    if (!opensWindow && context === undefined) return
    let isNew = false
    await this.#states.change(clientId, endpointId, (known) => {
      isNew = known === undefined
      const isLast = opensWindow && !(known?.lastInboundAt !== undefined && known.lastInboundAt >= at)
      const isNewer = context !== undefined && isAfter({ at, seq }, known?.context)
      if (!isLast && !isNewer) return known
      const sealed = isNewer && keyring.seal(context, sealContextOf(clientId, endpointId))
      return {
        ...(known ?? { conversationId }),
        ...(isLast && { lastInboundAt: at }),
        ...(sealed && { context: { sealed, at, seq } }),
      }
    })
    if (isNew) await this.#removeOrphan({ clientId, conversationId, endpointId })
  }

  /** The conversation may have been deleted between the append of the entry and the write of the state. */
  async #removeOrphan({ clientId, conversationId, endpointId }: StatePlace): Promise<void> {
    const conversation = await this.#options.store.findConversation(clientId, conversationId)
    if (conversation?.endpoints.some(({ id }) => id === endpointId)) return
    await this.remove(clientId, endpointId)
  }

  async remove(clientId: Id, endpointId: Id): Promise<void> {
    await this.#states.remove(clientId, endpointId)
  }

  /** Removes the states of all endpoints of a conversation. */
  async removeOf(clientId: Id, conversationId: Id): Promise<void> {
    for (;;) {
      const page = await this.#states.list(clientId, { term: conversationTerm(conversationId), limit: PAGE })
      for (const { id } of page) await this.remove(clientId, id)
      if (page.length < PAGE) return
    }
  }
}

/** Whether an event is newer than the one that a context is of. */
const isAfter = (
  event: { at: string; seq: number },
  known: { at: string; seq: number } | undefined,
): boolean => !known || event.at > known.at || (event.at === known.at && event.seq > known.seq)

/** Encrypts the contexts of a client's endpoints anew. `again` gets what is sealed, and what it is bound to. */
export async function resealEndpointStates(
  store: Store,
  clientId: Id,
  again: (sealed: Sealed, context: string) => Sealed,
): Promise<void> {
  const states = collectionOf(store)
  for await (const { id, data } of states.walk(clientId)) {
    if (!data.context) continue
    await states.change(clientId, id, (known) =>
      known?.context
        ? {
            ...known,
            context: { ...known.context, sealed: again(known.context.sealed, sealContextOf(clientId, id)) },
          }
        : undefined,
    )
  }
}
