import type { Id } from '@plugboard/core'
import { Collection } from '../documents/collection.js'
import type { Store } from '../ports/store.js'
import { NO_CLIENT } from '../ports/stored-document.js'

export interface EndedSessionsOptions {
  store: Store
  now(): Date
}

/** A session whose tokens must not be accepted any more. */
export interface EndedSession {
  /** When the last of its tokens has expired, ISO 8601: then nothing need be remembered. */
  until: string
  /** Who goes on with what it had, in the terms of the caller. Absent: it was signed out. */
  heir?: string
}

/**
 * Sessions that ended before their tokens expire. Tokens are signed and not stored, so only those that were revoked are
 * kept.
 */
export class EndedSessions {
  readonly #options: EndedSessionsOptions
  readonly #ended: Collection<EndedSession>

  constructor(options: EndedSessionsOptions) {
    this.#options = options
    this.#ended = new Collection<EndedSession>(options.store, 'ended-session')
  }

  /** Ends a session, once: returns how it ended, which is another end if that came first. */
  async end(id: Id, { until, heir }: { until: Date; heir?: string }): Promise<EndedSession> {
    const ended: EndedSession = { until: until.toISOString(), ...(heir !== undefined && { heir }) }
    if (await this.#ended.insert(NO_CLIENT, id, ended)) return ended
    return (await this.find(id)) ?? ended
  }

  /** Undefined if the session has not ended. */
  async find(id: Id): Promise<EndedSession | undefined> {
    return (await this.#ended.find(NO_CLIENT, { id }))?.data
  }

  /** Forgets those whose tokens have expired, while `mayGoOn` returns true. */
  async purge(mayGoOn: () => boolean = () => true): Promise<void> {
    for await (const { id, data } of this.#ended.walk(NO_CLIENT)) {
      if (!mayGoOn()) return
      if (Date.parse(data.until) <= this.#options.now().getTime()) await this.#ended.remove(NO_CLIENT, id)
    }
  }
}
