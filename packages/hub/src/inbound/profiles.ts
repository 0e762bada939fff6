import type { Endpoint, Id, Logger } from '@plugboard/core'
import { LRUCache } from 'lru-cache'
import { atMost } from '../cache.js'
import { withTimeout } from '../channels/call-timeout.js'
import type { Channels } from '../channels/channels.js'
import { errorShape } from '../channels/loggable-error.js'
import type { ClientView } from '../clients/directory.js'
import type { OpenIntegration } from '../clients/open-integration.js'
import { factsOf, type Users } from '../conversations/users.js'
import type { PublicAddresses } from '../ports/public-addresses.js'
import { userDataOf } from './inbound-content.js'

interface ProfilesOptions {
  channels: Channels
  users: Pick<Users, 'view' | 'change'>
  urls: PublicAddresses
  /** Time limit of a provider call, in milliseconds. */
  timeoutMs: number
  /** Maximum number of users that are remembered as looked up. */
  maxCached: number
  log: Logger
}

/** Most people of one integration who wait for a lookup. One more is looked up when the process starts again. */
const MAX_WAITING = 100

/**
 * Looks up the names of people whose events have none, once per process. Nobody waits for it, and failures are ignored.
 * One person of an integration at a time, so that a provider that hangs delays no other.
 */
export class Profiles {
  readonly #options: ProfilesOptions
  readonly #asked: LRUCache<Id, true>
  readonly #waiting = new Map<string, Promise<void>[]>()
  readonly #abort = new AbortController()

  constructor(options: ProfilesOptions) {
    this.#options = options
    this.#asked = new LRUCache(atMost(options.maxCached))
  }

  look(client: ClientView, integration: OpenIntegration, endpoint: Endpoint, userId: Id): void {
    if (this.#asked.has(userId) || this.#abort.signal.aborted) return
    const queue = this.#waiting.get(integration.id) ?? []
    if (queue.length >= MAX_WAITING) return
    this.#asked.set(userId, true)
    const before = queue.at(-1)
    const work = (async () => {
      await before
      await this.#look(client, integration, endpoint, userId).catch((error) => {
        this.#options.log.debug({ ...errorShape(error), clientId: client.id }, 'cannot look up a person')
      })
      queue.shift()
      if (queue.length === 0) this.#waiting.delete(integration.id)
    })()
    queue.push(work)
    this.#waiting.set(integration.id, queue)
  }

  close(): void {
    this.#abort.abort()
  }

  async #look(client: ClientView, open: OpenIntegration, endpoint: Endpoint, userId: Id): Promise<void> {
    const { channels, users, urls, timeoutMs } = this.#options
    if (open.status === 'paused' || this.#abort.signal.aborted) return
    const { runtime, integration, state } = await channels.connect(client.id, open)
    if (!runtime.describePerson) return
    if ((await users.view(client, userId)).facts.givenName !== undefined) return
    const webhookUrl = urls.webhook(client.id, open.name)
    const person = await withTimeout(timeoutMs, this.#abort.signal, async (signal) =>
      runtime.describePerson?.(endpoint, { integration, state, webhookUrl, signal }),
    )
    const data = userDataOf(person)
    if (data) await users.change(client, userId, (facts) => ({ ...factsOf({ data }), ...facts }))
  }
}
