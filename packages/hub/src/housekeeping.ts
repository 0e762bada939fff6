import type { Logger } from '@plugboard/core'
import type { Audit } from './administration/audit.js'
import type { Jobs } from './administration/dead-letter-jobs.js'
import type { OperatorSessions } from './administration/operator-sessions.js'
import type { Clients } from './clients/clients.js'
import type { Idempotency } from './clients/idempotency.js'
import type { EndedSessions } from './conversations/ended-sessions.js'
import type { Merges } from './conversations/merges.js'
import type { AttemptLog } from './delivery/attempts.js'
import type { BlobStore } from './ports/blob-store.js'
import type { Store } from './ports/store.js'
import type { PullSweep } from './pull/unacknowledged.js'

export interface HousekeepingOptions {
  store: Store
  blobs: Pick<BlobStore, 'sweep'>
  clients: Clients
  idempotency: Idempotency
  merges: Pick<Merges, 'sweep'>
  endedSessions: Pick<EndedSessions, 'purge'>
  operatorSessions: Pick<OperatorSessions, 'purge'>
  audit: Pick<Audit, 'purge'>
  pullSweep: Pick<PullSweep, 'run'>
  attempts: Pick<AttemptLog, 'purge'>
  jobs: Pick<Jobs, 'purge'>
  log: Logger
}

const EVERY_MS = 60_000
const PURGE_AT_ONCE = 500
/** Age of an abandoned upload. */
const HALF_WRITTEN_MS = 24 * 60 * 60 * 1000

/** Removes deleted and expired data in the background, in slices, and finishes what a process left unfinished. */
export class Housekeeping {
  readonly #options: HousekeepingOptions
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> | undefined
  #isStopping = false

  constructor(options: HousekeepingOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#round ??= this.run().finally(() => {
        this.#round = undefined
      })
    }, EVERY_MS)
    this.#timer.unref()
  }

  /** Waits for the current slice. */
  async stop(): Promise<void> {
    this.#isStopping = true
    clearInterval(this.#timer)
    await this.#round
  }

  /** One round. After a failure, the next round retries. */
  async run(): Promise<void> {
    const {
      store,
      blobs,
      clients,
      idempotency,
      merges,
      endedSessions,
      operatorSessions,
      audit,
      pullSweep,
      attempts,
      jobs,
      log,
    } = this.#options
    try {
      const mayGoOn = (): boolean => !this.#isStopping
      while (mayGoOn() && (await store.purgeDeleted(PURGE_AT_ONCE)) === PURGE_AT_ONCE);
      await merges.sweep(mayGoOn)
      await pullSweep.run(mayGoOn)
      await clients.purge(mayGoOn)
      await idempotency.purge(mayGoOn)
      await endedSessions.purge(mayGoOn)
      await operatorSessions.purge(mayGoOn)
      await audit.purge(mayGoOn)
      await attempts.purge(mayGoOn)
      await jobs.purge(mayGoOn)
      if (mayGoOn()) await blobs.sweep(new Date(Date.now() - HALF_WRITTEN_MS))
    } catch (err) {
      log.error({ err }, 'housekeeping failed')
    }
  }
}
