import type { Id } from '@plugboard/core'
import { Collection, type Kept } from '../documents/collection.js'
import type { Store } from '../ports/store.js'
import { NO_CLIENT } from '../ports/stored-document.js'

/** A webhook whose events wait in the store: a feed, or a pull webhook. */
export interface EventQueue {
  clientId: Id
  /** When it was made, ISO 8601. The client's record has it a moment later. */
  at: string
}

/** All webhooks whose events wait in the store, also those that a client no longer has: housekeeping needs them. */
export class EventQueues {
  readonly #queues: Collection<EventQueue>
  readonly #now: () => Date

  constructor({ store, now }: { store: Store; now(): Date }) {
    this.#queues = new Collection(store, 'event-queue')
    this.#now = now
  }

  /** To be called before the client's record has the webhook. */
  async add(webhookId: Id, clientId: Id): Promise<void> {
    await this.#queues.insert(NO_CLIENT, webhookId, { clientId, at: this.#now().toISOString() })
  }

  async remove(webhookId: Id): Promise<void> {
    await this.#queues.remove(NO_CLIENT, webhookId)
  }

  /** Their ids are those of the webhooks. */
  walk(): AsyncGenerator<Kept<EventQueue>, void> {
    return this.#queues.walk(NO_CLIENT)
  }
}
