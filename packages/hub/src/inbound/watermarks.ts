import type { Id } from '@plugboard/core'
import type { ClientView } from '../clients/directory.js'
import type { Conversations } from '../conversations/conversations.js'
import { dedupeOf } from '../log/dedupe.js'
import type { ChannelRef } from '../log/endpoint-record.js'
import type { Entry } from '../log/entry.js'
import { hasReceived } from '../log/progress.js'
import { endpointTarget } from '../log/target.js'
import type { Place, Store } from '../ports/store.js'

export interface WatermarksOptions {
  store: Store
  conversations: Pick<Conversations, 'note'>
}

/** A report of the provider: everything that was sent up to a time has this status. */
export interface Watermark {
  status: 'delivered' | 'read'
  until: Date
}

/** Maximum messages of one report. The person has long seen what is older. */
const MAX_MESSAGES = 100
/** Messages whose status is looked up at once. If all of them have it, older ones have it too. */
const CHUNK = 10

/** Turns watermarks of a provider into statuses of messages. */
export class Watermarks {
  readonly #options: WatermarksOptions

  constructor(options: WatermarksOptions) {
    this.#options = options
  }

  /**
   * Notes the status of each message that was sent to the endpoint and accepted up to that time, oldest first, once. A
   * message that was read was delivered.
   */
  async apply(
    client: ClientView,
    place: Place,
    channel: ChannelRef,
    { status, until }: Watermark,
  ): Promise<void> {
    if (Number.isNaN(until.getTime())) return
    const { conversationId, endpointId } = place
    const key = (which: string, messageId: Id) =>
      dedupeOf(channel, `watermark ${which} ${messageId}-${endpointId}`)
    const fresh = await this.#without(client, place, until, (id) =>
      (status === 'read' ? ['read'] : ['read', 'delivered']).map((which) => key(which, id)),
    )
    for (const { id: messageId } of fresh.reverse()) {
      const activity = { type: 'delivery', messageId, status } as const
      await this.#options.conversations.note(client, conversationId, activity, {
        dedupe: key(status, messageId),
      })
    }
  }

  /** Messages without an entry of one of these keys, newest first. */
  async #without(
    client: ClientView,
    place: Place,
    until: Date,
    keysOf: (messageId: Id) => string[],
  ): Promise<Entry[]> {
    const { store } = this.#options
    const { conversationId } = place
    const sent = await this.#sent(client, place, until)
    const fresh: Entry[] = []
    for (let i = 0; i < sent.length; i += CHUNK) {
      const chunk = sent.slice(i, i + CHUNK)
      const known = await Promise.all(
        chunk.map(({ id }) =>
          Promise.all(keysOf(id).map((key) => store.findByDedupe(client.id, conversationId, key))),
        ),
      )
      const without = chunk.filter((_, j) => known[j]?.every((entry) => entry === undefined))
      if (without.length === 0) break
      fresh.push(...without)
    }
    return fresh
  }

  /** Messages that the provider accepted for the endpoint up to that time, newest first. */
  async #sent(
    { id: clientId }: ClientView,
    { conversationId, endpointId }: Place,
    until: Date,
  ): Promise<Entry[]> {
    const { store } = this.#options
    const target = endpointTarget(endpointId)
    const [messages = [], progress] = await Promise.all([
      store.listMessages(clientId, conversationId, { until, limit: MAX_MESSAGES }),
      store.findProgress({ clientId, streamId: conversationId }),
    ])
    return messages.filter(
      (message) => message.owes.includes(target) && hasReceived(message, target, progress),
    )
  }
}
