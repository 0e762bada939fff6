import type { Id, Logger } from '@plugboard/core'
import { errorShape } from '../channels/loggable-error.js'
import type { StreamRef } from '../log/entry.js'
import type { Store } from '../ports/store.js'
import { Follower, Topic } from './topic.js'

export interface TopicsOptions {
  store: Store
  log: Logger
  now(): Date
}

/** How often the heads of followed streams are polled if the store sends no notifications, in milliseconds. */
const POLL_MS = 500

/** The same if it sends them: polling then only covers lost ones. */
const SELDOM_POLL_MS = 30_000

/** Streams whose heads are asked for at once, so that no call takes long. */
const HEADS_AT_ONCE = 500

/** How long the store still notifies of appends after the last follower left, in milliseconds: many come back. */
const LINGER_MS = 30_000

/** The streams that this process follows, and how it learns that they grew. */
export class Topics {
  readonly #options: TopicsOptions
  readonly #topics = new Map<string, Topic>()
  /** Settled once the store notifies of appends, or is known not to. */
  #watching: Promise<void> | undefined
  #isNotified = false
  #poll: NodeJS.Timeout | undefined
  #linger: NodeJS.Timeout | undefined
  /** Followers that are not of a topic here, see {@link hold}. */
  #holds = 0
  #isClosed = false
  /** Called with each look, for what has no topic. `isWhole`: notifications may have been lost, or there are none. */
  looked: (isWhole: boolean) => Promise<void> = async () => undefined

  constructor(options: TopicsOptions) {
    this.#options = options
  }

  /** Whether the store notifies of what other processes append. */
  get isNotified(): boolean {
    return this.#isNotified
  }

  find({ clientId, streamId }: StreamRef): Topic | undefined {
    return this.#topics.size === 0 ? undefined : this.#topics.get(clientId + streamId)
  }

  /** Follows a stream until {@link leave}. Everything that is appended after it resolves wakes the follower. */
  async join(clientId: Id, streamId: Id): Promise<Follower<Topic>> {
    const key = clientId + streamId
    const topic =
      this.#topics.get(key) ??
      new Topic({ clientId, streamId }, this.#options.store, () => this.#options.now().getTime())
    this.#topics.set(key, topic)
    const follower = new Follower(topic)
    if (this.#isClosed) follower.end()
    try {
      await this.watched()
      return follower
    } catch (error) {
      this.leave(follower)
      throw error
    }
  }

  leave(follower: Follower<Topic>): void {
    follower.end()
    const { topic } = follower
    if (topic.followers.size > 0) return
    topic.close()
    const key = topic.stream.clientId + topic.stream.streamId
    // It may have ended long before it leaves, so that others have left and come since.
    if (this.#topics.get(key) === topic) this.#topics.delete(key)
    this.#rest()
  }

  /** Keeps the notifications until the returned function is called, for who follows without a topic. */
  hold(): () => void {
    this.#holds += 1
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      this.#holds -= 1
      this.#rest()
    }
  }

  /** Resolves once everything that is appended from then on is notified, or polled for. */
  watched(): Promise<void> {
    clearTimeout(this.#linger)
    this.#linger = undefined
    this.#watching ??= this.#watch().catch((error) => {
      this.#watching = undefined
      throw error
    })
    return this.#watching
  }

  async #watch(): Promise<void> {
    this.#isNotified = await this.#options.store.watchAppends(true)
    this.#schedule()
  }

  /** The store may notify by now. */
  async watchAgain(): Promise<void> {
    if (!this.#watching || this.#isClosed) return
    this.#watching = undefined
    await this.watched()
    await this.look()
  }

  /** Notifications may have been lost: looks at all streams once. */
  async look(isWhole = true): Promise<void> {
    const { store } = this.#options
    const topics = [...this.#topics.values()]
    for (let start = 0; start < topics.length; start += HEADS_AT_ONCE) {
      const some = topics.slice(start, start + HEADS_AT_ONCE)
      const heads = await store.findHeads(some.map(({ stream }) => stream))
      for (const [i, topic] of some.entries()) {
        const head = heads[i]
        topic.isGone = head === undefined
        if (head !== topic.head) topic.notify(head)
      }
    }
    await this.looked(isWhole)
  }

  #schedule(): void {
    clearTimeout(this.#poll)
    if (this.#isClosed) return
    this.#poll = setTimeout(
      () => {
        this.look(!this.#isNotified)
          .catch((error) => this.#options.log.warn(errorShape(error), 'cannot look for new events; retrying'))
          .finally(() => {
            if (this.#watching) this.#schedule()
          })
      },
      this.#isNotified ? SELDOM_POLL_MS : POLL_MS,
    ).unref()
  }

  /** Nobody follows: the notifications cost something with each append. */
  #rest(): void {
    if (this.#topics.size > 0 || this.#holds > 0 || !this.#watching || this.#linger) return
    this.#linger = setTimeout(() => {
      this.#linger = undefined
      this.#watching = undefined
      clearTimeout(this.#poll)
      this.#options.store.watchAppends(false).catch(() => undefined)
    }, LINGER_MS).unref()
  }

  /** Ends all followers. */
  close(): void {
    this.#isClosed = true
    clearTimeout(this.#poll)
    clearTimeout(this.#linger)
    for (const topic of this.#topics.values()) for (const follower of topic.followers) follower.end()
  }
}
