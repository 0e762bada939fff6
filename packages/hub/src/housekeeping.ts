import type { Logger } from '@plugboard/core'
import type { Clients } from './clients.js'
import type { Idempotency } from './idempotency.js'
import type { Store } from './store.js'

export interface HousekeepingOptions {
  store: Store
  clients: Clients
  idempotency: Idempotency
  log: Logger
}

const EVERY_MS = 60_000
const PURGE_AT_ONCE = 500

/** Removes in the background what was deleted or is too old, in slices. */
export class Housekeeping {
  readonly #options: HousekeepingOptions
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> = Promise.resolve()

  constructor(options: HousekeepingOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#round = this.#round.then(() => this.run())
    }, EVERY_MS)
    this.#timer.unref()
  }

  /** Waits for what it is at. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#round
  }

  /** One round. A failure is for the next round. */
  async run(): Promise<void> {
    const { store, clients, idempotency, log } = this.#options
    try {
      while ((await store.purgeDeleted(PURGE_AT_ONCE)) === PURGE_AT_ONCE);
      await clients.purge()
      await idempotency.purge()
    } catch (err) {
      log.error({ err }, 'housekeeping failed')
    }
  }
}
