import type { Id } from '@plugboard/core'
import { LRUCache } from 'lru-cache'
import { atMost } from '../cache.js'
import { channelOf } from '../delivery/recipients.js'
import type { EndpointRecord } from '../log/endpoint-record.js'
import type { StreamRef } from '../log/entry.js'
import type { Store } from '../ports/store.js'

/** Whose a conversation is, and where it is. */
export interface Owner {
  /** Not of a group, nor of what is no conversation. */
  userId?: Id
  endpoints: readonly EndpointRecord[]
  channel: string
}

const MAX_OWNERS = 20_000

/** How old what is known of a conversation may be, in milliseconds. */
const MAX_AGE_MS = 10_000

/** The owners of conversations, from a short-lived cache. */
export class Owners {
  readonly #store: Pick<Store, 'findConversation'>
  readonly #known = new LRUCache<string, Owner & { clientId: Id }>({
    ...{ ...atMost(MAX_OWNERS), ttl: MAX_AGE_MS },
    dispose: (owner, key) => this.#disposed(owner, key),
  })
  /** The known conversations of each user. */
  readonly #ofUsers = new Map<string, Set<string>>()

  constructor(store: Pick<Store, 'findConversation'>) {
    this.#store = store
  }

  /** Also of a stream that is no conversation, or is deleted: that has no owner. */
  async of({ clientId, streamId }: StreamRef): Promise<Owner> {
    const key = clientId + streamId
    const known = this.#known.get(key)
    if (known) return known
    const record = await this.#store.findConversation(clientId, streamId)
    const { userId, endpoints = [] } = record ?? {}
    const owner = { clientId, ...(userId && { userId }), endpoints, channel: channelOf(endpoints) }
    // It may be a conversation in a moment.
    if (!record) return owner
    this.#known.set(key, owner)
    if (!userId) return owner
    const ofUser = this.#ofUsers.get(clientId + userId) ?? new Set()
    this.#ofUsers.set(clientId + userId, ofUser.add(key))
    return owner
  }

  /** Something happened to a stream. If it is that of a user, its conversations may be those of another one now. */
  changed({ clientId, streamId }: StreamRef): void {
    if (this.#ofUsers.size === 0) return
    for (const key of [...(this.#ofUsers.get(clientId + streamId) ?? [])]) this.#known.delete(key)
  }

  #disposed({ clientId, userId }: Owner & { clientId: Id }, key: string): void {
    const keys = userId && this.#ofUsers.get(clientId + userId)
    if (keys?.delete(key) && keys.size === 0) this.#ofUsers.delete(clientId + userId)
  }
}
