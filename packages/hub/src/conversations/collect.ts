import { type Id, type Message, PlugboardError } from '@plugboard/core'
import type { ClientView } from '../clients/directory.js'
import { isFull } from '../log/page.js'
import type { Store } from '../ports/store.js'
import { asMessage, type Messages, type Post } from './messages.js'

export interface CollectOptions {
  store: Store
  messages: Messages
  now(): Date
  /** Maximum wait of a request, in milliseconds. */
  maxMs: number
}

/** Polling interval of a waiting request, without change notifications. */
const LOOK_MS = 100
/** Replies per page. */
const PAGE = 100

interface Waiter {
  end(): void
  /** Checks whether the turn has ended. */
  look(): void
}

/** Result of a collect request. */
export interface Collected {
  message: Message
  /** Oldest first; read lazily. */
  responses: AsyncIterable<Message>
}

/** Posts a message and waits for the replies of the business, until its turn ends or the time is over. */
export class Collect {
  readonly #options: CollectOptions
  /** Waiting requests by the id of their message. */
  readonly #waiting = new Map<Id, Set<Waiter>>()
  #isClosed = false
  /** Whether the store reports turns that end in other processes. If not, waiting requests poll. */
  isTold = true

  constructor(options: CollectOptions) {
    this.#options = options
  }

  /** `timeoutMs` 0: the maximum. The caller must set `id`. @throws NOT_FOUND */
  async run(client: ClientView, post: Post & { id: Id }, timeoutMs: number): Promise<Collected> {
    const { store, messages, now, maxMs } = this.#options
    const waitMs = Math.min(timeoutMs || maxMs, maxMs)
    // Registered before the message exists, so that no end of its turn is missed.
    const turn = this.#wait(client, post.id)
    try {
      const message = await messages.post(client, {
        ...post,
        collectUntil: new Date(now().getTime() + waitMs),
      })
      // A repeated request waits until the deadline of the first one.
      const entry = await store.findEntry(client.id, post.id)
      const leftMs = (entry?.collectUntil ?? now()).getTime() - now().getTime()
      if (!entry?.turnEndedAt && leftMs > 0 && !this.#isClosed) await turn.ended(leftMs)
      return { message, responses: this.#replies(message) }
    } finally {
      turn.cancel()
    }
  }

  /** Marks the replies of the business to a message as complete. @throws NOT_FOUND */
  async endTurn(client: ClientView, messageId: Id): Promise<void> {
    const { store, now } = this.#options
    if (!(await store.endTurn(client.id, messageId, now()))) {
      throw new PlugboardError('NOT_FOUND', 'message not found')
    }
    this.turnEnded(messageId)
  }

  /** The turn of a message ended, in this or another process. */
  turnEnded(messageId: Id): void {
    for (const { end } of this.#waiting.get(messageId) ?? []) end()
  }

  /** A notification may have been missed: every waiting request checks once. */
  look(): void {
    for (const waiting of this.#waiting.values()) for (const { look } of waiting) look()
  }

  /** Answers all waiting requests with the replies so far, and stops further waiting. */
  close(): void {
    this.#isClosed = true
    for (const waiting of this.#waiting.values()) for (const { end } of waiting) end()
  }

  async *#replies({ clientId, conversationId, id }: Message): AsyncIterable<Message> {
    for (let after = 0; ; ) {
      const replies = await this.#options.store.listReplies(clientId, conversationId, id, {
        after,
        limit: PAGE,
      })
      yield* replies.map(asMessage)
      after = replies.at(-1)?.seq ?? after
      if (!isFull(replies, PAGE)) return
    }
  }

  #wait(client: ClientView, id: Id): { ended(ms: number): Promise<void>; cancel(): void } {
    let end = (): void => undefined
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    const look = (): void => {
      const found = this.#options.store.findEntry(client.id, id)
      // If the store fails, the next poll retries until the time is over.
      found.then((entry) => entry?.turnEndedAt && end()).catch(() => undefined)
    }
    const waiter = { end, look }
    const timers: NodeJS.Timeout[] = []
    const waiting = this.#waiting.get(id) ?? new Set()
    this.#waiting.set(id, waiting.add(waiter))
    return {
      ended: (ms) => {
        timers.push(setTimeout(end, ms))
        if (!this.isTold) timers.push(setInterval(look, LOOK_MS))
        return ended
      },
      cancel: () => {
        for (const timer of timers) clearTimeout(timer)
        waiting.delete(waiter)
        if (waiting.size === 0) this.#waiting.delete(id)
      },
    }
  }
}
