import { setTimeout as sleep } from 'node:timers/promises'
import type { Id, Logger } from '@plugboard/core'
import { errorShape } from '../channels/loggable-error.js'
import type { ClientView } from '../clients/directory.js'
import type { Feed } from '../clients/feed.js'
import type { QueueBell } from '../delivery/to-readers/queue-bell.js'
import type { Activity } from '../log/activity.js'
import type { StreamRef } from '../log/entry.js'
import { type FeedChannel, type FeedParts, FeedTail } from './feed-tail.js'
import { Follower } from './topic.js'

export interface FeedsOptions extends FeedParts {
  feed: Pick<Feed, 'find' | 'open'>
  bell: Pick<QueueBell, 'listen'>
  /** How long other processes may not know of a change of a client, in milliseconds. 0: there are none. */
  cacheAgeMs: number
  log: Logger
}

/**
 * How often those who follow one user learn how far the feed is, in milliseconds: the position that they have may be too
 * old to be kept.
 */
export const MOVE_MS = 60 * 60 * 1000

/** One who follows a feed. */
export type FeedFollower = Follower<FeedChannel> & { readonly tail: FeedTail }

interface Open {
  tail: FeedTail
  ready: Promise<void>
  close(): void
}

/** The feeds that this process follows: of whole clients, and of single users. */
export class Feeds {
  readonly #options: FeedsOptions
  /** By client. */
  readonly #open = new Map<Id, Open>()
  readonly #timer: NodeJS.Timeout
  #isClosed = false

  constructor(options: FeedsOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.#move(), MOVE_MS).unref()
  }

  /** Follows the feed of a client, which is made if it has none. Everything that is added from then on wakes the follower. */
  async join(client: ClientView, userId?: Id): Promise<FeedFollower> {
    const { feed, cacheAgeMs } = this.#options
    const isNew = feed.find(client) === undefined
    const { queueId } = await feed.open(client)
    // Other processes add to it once they know of it.
    if (isNew && cacheAgeMs > 0) await sleep(cacheAgeMs)
    const open = this.#open.get(client.id) ?? this.#begin(client.id, queueId)
    const { tail } = open
    const follower = Object.assign(new Follower(tail.channel(userId)), { tail })
    if (this.#isClosed) follower.end()
    try {
      await open.ready
      return follower
    } catch (error) {
      this.leave(follower, userId)
      throw error
    }
  }

  #begin(clientId: Id, queueId: Id): Open {
    const { bell, log } = this.#options
    const tail = new FeedTail(this.#options, { clientId, queueId })
    const follow = () =>
      void tail
        .follow()
        .catch((error) => log.warn({ ...errorShape(error), clientId }, 'cannot read a feed; retrying'))
    const close = bell.listen(queueId, follow)
    const ready = tail.begin().then(follow)
    const open = { tail, ready, close }
    this.#open.set(clientId, open)
    return open
  }

  leave(follower: FeedFollower, userId?: Id): void {
    follower.end()
    const { tail } = follower
    tail.forget(userId)
    const { clientId } = tail.feed
    const open = this.#open.get(clientId)
    if (!tail.isUnused || open?.tail !== tail) return
    open.close()
    this.#open.delete(clientId)
  }

  /** Notifications may have been lost, or there are none. */
  async look(): Promise<void> {
    for (const { tail } of this.#open.values()) await tail.follow()
  }

  show(stream: StreamRef, activity: Activity): void {
    const { clientId, streamId: conversationId } = stream
    const tail = this.#open.get(clientId)?.tail
    if (!tail) return
    this.#options.owners.of(stream).then(
      ({ userId, channel }) => {
        const event = { ephemeral: { conversationId, activity }, ...(userId && { userId }), channel }
        for (const each of new Set([undefined, userId]))
          for (const follower of tail.find(each)?.followers ?? []) follower.push(event)
      },
      () => undefined,
    )
  }

  #move(): void {
    for (const { tail } of this.#open.values()) for (const channel of tail.channels()) channel.wake()
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#timer)
    for (const { tail, close } of this.#open.values()) {
      close()
      for (const channel of tail.channels()) for (const follower of [...channel.followers]) follower.end()
    }
  }
}
