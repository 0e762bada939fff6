import { type Id, type Message, PlugboardError } from '@plugboard/core'
import type { ClientView } from '../clients/directory.js'
import { isFull } from '../log/page.js'
import type { Store } from '../ports/store.js'
import { asMessage, type Messages, type Post } from './messages.js'

export interface CollectOptions {
  store: Store
  messages: Messages
  now(): Date
  /** The longest that a request may wait. */
  maxMs: number
}

/** Time between two looks of a request that waits and is not told. */
const LOOK_MS = 100
/** Replies that are read at once. */
const PAGE = 100

interface Waiter {
  end(): void
  /** Ends if the turn has ended meanwhile. */
  look(): void
}

/** What a collect request is answered with. */
export interface Collected {
  message: Message
  /** Oldest first; read as they are asked for. */
  responses: AsyncIterable<Message>
}

/** Posts a message and waits for what the business replies to it, until its turn ends or the time is over. */
export class Collect {
  readonly #options: CollectOptions
  /** Requests that wait, by the id of their message. */
  readonly #waiting = new Map<Id, Set<Waiter>>()
  #isClosed = false
  /** Whether turns that end at another process are told; if not, who waits looks by itself. */
  isTold = true

  constructor(options: CollectOptions) {
    this.#options = options
  }

  /** `timeoutMs` 0: as long as it may be. `id` must be chosen by the caller. @throws NOT_FOUND */
  async run(client: ClientView, post: Post & { id: Id }, timeoutMs: number): Promise<Collected> {
    const { store, messages, now, maxMs } = this.#options
    const waitMs = Math.min(timeoutMs || maxMs, maxMs)
    // Before the message is there, so that no end of its turn is missed.
    const turn = this.#wait(client, post.id)
    try {
      const message = await messages.post(client, {
        ...post,
        collectUntil: new Date(now().getTime() + waitMs),
      })
      // A repeated request waits as long as the first one would have.
      const entry = await store.findEntry(client.id, post.id)
      const leftMs = (entry?.collectUntil ?? now()).getTime() - now().getTime()
      if (!entry?.turnEndedAt && leftMs > 0 && !this.#isClosed) await turn.ended(leftMs)
      return { message, responses: this.#replies(message) }
    } finally {
      turn.cancel()
    }
  }

  /** The business has said all that it has to say to a message. @throws NOT_FOUND */
  async endTurn(client: ClientView, messageId: Id): Promise<void> {
    const { store, now } = this.#options
    if (!(await store.endTurn(client.id, messageId, now()))) {
      throw new PlugboardError('NOT_FOUND', 'message not found')
    }
    this.turnEnded(messageId)
  }

  /** The turn of a message ended, here or at another process. */
  turnEnded(messageId: Id): void {
    for (const { end } of this.#waiting.get(messageId) ?? []) end()
  }

  /** Something may have been missed: everybody who waits looks once. */
  look(): void {
    for (const waiting of this.#waiting.values()) for (const { look } of waiting) look()
  }

  /** Answers everybody who waits, with what is there, and lets nobody wait any more. */
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
      // A store that fails now is asked again, or the time is over.
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
