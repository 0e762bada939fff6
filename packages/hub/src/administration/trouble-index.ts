import type { Id, Logger } from '@plugboard/core'
import { LRUCache } from 'lru-cache'
import { atMost } from '../cache.js'
import { errorShape } from '../channels/loggable-error.js'
import type { TargetOfClient } from '../delivery/targets/target-monitor.js'
import { outageNow, type TargetState } from '../delivery/targets/target-state.js'
import { refusalsNow } from '../delivery/targets/wrong-signatures.js'
import { Collection, type Kept } from '../documents/collection.js'
import type { ClientRecord } from '../ports/client-record.js'
import type { Store } from '../ports/store.js'
import { NO_CLIENT } from '../ports/stored-document.js'

/** A webhook, an integration or a client with which something may be wrong. Its document has its id. */
export interface TroubleMark {
  clientId: Id
  /** When it was marked, ISO 8601. */
  since: string
}

export interface TroubleIndexOptions {
  store: Store
  log: Logger
  now(): Date
}

const COLLECTION = 'trouble'
const MAX_RECENT = 10_000
/** When a target that still fails is marked again, in case another process took it for one that works. */
const AGAIN_MS = 15_000

/**
 * The clients, webhooks and integrations with which something may be wrong: one document each. It is written where
 * troubles begin and may name some that are over, so what is wrong is then read from the client and the state of the
 * target. A mark is written before the change of a client that causes it, and after the state of a target, so that a
 * crash in between loses none.
 */
export class TroubleIndex {
  readonly #options: TroubleIndexOptions
  readonly #marks: Collection<TroubleMark>
  /** Targets that this process marked just now. */
  readonly #recent = new LRUCache<Id, true>({ ...atMost(MAX_RECENT), ttl: AGAIN_MS })

  constructor(options: TroubleIndexOptions) {
    this.#options = options
    this.#marks = new Collection(options.store, COLLECTION, { termsOf: ({ clientId }) => [clientId] })
  }

  /** Marks a target. It keeps the time of its first mark. */
  async mark({ clientId, targetId }: TargetOfClient): Promise<void> {
    await this.#marks.insert(NO_CLIENT, targetId, { clientId, since: this.#options.now().toISOString() })
  }

  /** As {@link mark}, for callers that cannot wait. A failure is logged: what goes on being wrong is marked again. */
  async note(target: TargetOfClient): Promise<void> {
    const { log } = this.#options
    await this.mark(target).catch((err) =>
      log.warn({ ...errorShape(err), ...target }, 'cannot store that a target has a trouble'),
    )
  }

  /** The state of a target was stored. What goes on being wrong is not marked with each state. */
  async stored(target: TargetOfClient, state: TargetState, hasDied: boolean): Promise<void> {
    const { targetId } = target
    const isWrong =
      hasDied || outageNow(state) !== undefined || refusalsNow(state, this.#options.now()) !== undefined
    if (!isWrong) this.#recent.delete(targetId)
    if (isWrong) await this.goesOn(target)
  }

  /** As {@link note}, for what is noticed again and again. */
  async goesOn(target: TargetOfClient): Promise<void> {
    if (this.#recent.has(target.targetId)) return
    this.#recent.set(target.targetId, true)
    await this.note(target)
  }

  /** A client is about to be changed, or was changed. @throws if it cannot be stored */
  async changing(before: ClientRecord, after: ClientRecord): Promise<void> {
    if (after.deletedAt) return
    const known = new Set(troubledOf(before))
    for (const targetId of troubledOf(after))
      if (!known.has(targetId)) await this.mark({ clientId: after.id, targetId })
  }

  /** In order of id; of one client, or of all. */
  list({ clientId, ...range }: { limit: number; after?: Id; clientId?: Id }): Promise<Kept<TroubleMark>[]> {
    return this.#marks.list(NO_CLIENT, { ...range, ...(clientId && { term: clientId }) })
  }

  async remove(targetId: Id): Promise<void> {
    await this.#marks.remove(NO_CLIENT, targetId)
  }
}

/** What the record of a client says is in trouble. */
const troubledOf = ({ integrations, webhooks }: ClientRecord): Id[] => [
  ...integrations
    .filter(({ status, reason, pausedAt }) => status === 'paused' || reason !== undefined || pausedAt)
    .map(({ id }) => id),
  ...webhooks.filter(({ isGone, pausedAt }) => isGone || pausedAt).map(({ id }) => id),
]
