import { type Id, type Message, PlugboardError } from '@plugboard/core'
import type { ClientView } from './directory.js'
import { asMessage, type Messages, type Post } from './messages.js'
import type { Store } from './store.js'

export interface CollectOptions {
  store: Store
  messages: Messages
  now(): Date
  /** The longest that a request may wait. */
  maxMs: number
}

/** What a collect request is answered with. */
export interface Collected {
  message: Message
  responses: Message[]
}

/** Posts a message and waits for what the business replies to it, until its turn ends or the time is over. */
export class Collect {
  readonly #options: CollectOptions
  /** Requests that wait, by the id of their message. */
  readonly #waiting = new Map<Id, Set<() => void>>()
  #isClosed = false

  constructor(options: CollectOptions) {
    this.#options = options
  }

  /** `timeoutMs` 0: as long as it may be. `id` must be chosen by the caller. @throws NOT_FOUND */
  async run(client: ClientView, post: Post & { id: Id }, timeoutMs: number): Promise<Collected> {
    const { store, messages, now, maxMs } = this.#options
    const waitMs = Math.min(timeoutMs || maxMs, maxMs)
    // Before the message is there, so that no end of its turn is missed.
    const turn = this.#wait(post.id)
    try {
      const message = await messages.post(client, {
        ...post,
        collectUntil: new Date(now().getTime() + waitMs),
      })
      // A repeated request waits as long as the first one would have.
      const entry = await store.findEntry(client.id, post.id)
      const leftMs = (entry?.collectUntil ?? now()).getTime() - now().getTime()
      if (!entry?.turnEndedAt && leftMs > 0 && !this.#isClosed) await turn.ended(leftMs)
      const replies = await store.listReplies(client.id, message.conversationId, message.id)
      return { message, responses: replies.map(asMessage) }
    } finally {
      turn.cancel()
    }
  }

  /** The business has said all that it has to say to a message. @throws NOT_FOUND */
  async endTurn(client: ClientView, messageId: Id): Promise<void> {
    const { store, now } = this.#options
    if (!(await store.endTurn(client.id, messageId, now()))) {
      throw new PlugboardError('NOT_FOUND', 'there is no such message')
    }
    for (const end of this.#waiting.get(messageId) ?? []) end()
  }

  /** Answers everybody who waits, with what is there, and lets nobody wait any more. */
  close(): void {
    this.#isClosed = true
    for (const waiting of this.#waiting.values()) for (const end of waiting) end()
  }

  #wait(id: Id): { ended(ms: number): Promise<void>; cancel(): void } {
    let end = (): void => undefined
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    let timer: NodeJS.Timeout | undefined
    const waiting = this.#waiting.get(id) ?? new Set()
    this.#waiting.set(id, waiting.add(end))
    return {
      ended(ms) {
        timer = setTimeout(end, ms)
        return ended
      },
      cancel: () => {
        clearTimeout(timer)
        waiting.delete(end)
        if (waiting.size === 0) this.#waiting.delete(id)
      },
    }
  }
}
