import { type Failure, type Id, isPlugboardError, type Logger } from '@plugboard/core'
import type { Directory } from '../../clients/directory.js'
import { Collection } from '../../documents/collection.js'
import type { Store } from '../../ports/store.js'
import { withAttempt } from './attempt-hours.js'
import {
  type DeliveryCounts,
  fromJson,
  merge,
  type Seen,
  type States,
  type TargetFailure,
  type TargetState,
} from './target-state.js'
import { sumOfRefusals } from './wrong-signatures.js'

/** A webhook or an integration. */
export interface TargetOfClient {
  clientId: Id
  targetId: Id
}

export interface TargetMonitorOptions {
  store: Store
  directory: Pick<Directory, 'get'>
  /** Called after the state of a target was stored. `hasDied`: a delivery became a dead letter. */
  stored?(target: TargetOfClient, state: TargetState, hasDied: boolean): Promise<void>
  log: Logger
  now(): Date
}

const FLUSH_MS = 5000
/** These failures concern one person or message; the target works. */
const OF_ONE: ReadonlySet<Failure['kind']> = new Set(['recipient', 'invalid', 'window', 'rate-limited'])

/**
 * Tracks the working state of webhooks and integrations in memory, and merges it into the store every few seconds: one
 * document per client, without targets that were removed. A crash may lose some seconds.
 */
export class TargetMonitor {
  readonly #options: TargetMonitorOptions
  readonly #stored: Collection<States>
  readonly #seen = new Map<Id, Map<Id, Seen>>()
  #flushing: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: TargetMonitorOptions) {
    this.#options = options
    this.#stored = new Collection(options.store, 'target-state')
  }

  start(): void {
    this.#timer = setInterval(() => void this.flush(), FLUSH_MS)
    this.#timer.unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.flush()
  }

  /** An integration received a request with events. */
  received(target: TargetOfClient): void {
    const seen = this.#of(target)
    seen.lastInboundAt = this.#options.now()
    delete seen.refusals
  }

  /** An integration received an authentic request without events. */
  verified(target: TargetOfClient): void {
    const seen = this.#of(target)
    seen.isVerified = true
    delete seen.refusals
  }

  /** An integration received a request with a wrong signature. */
  refused(target: TargetOfClient): void {
    const seen = this.#of(target)
    const at = this.#options.now()
    seen.refusals = sumOfRefusals(seen.refusals, { count: 1, since: at, at })
  }

  /** An entry was delivered. */
  delivered(target: TargetOfClient): void {
    const seen = this.#of(target)
    seen.lastOutboundAt = this.#options.now()
    seen.hasSucceeded = true
    seen.consecutiveFailures = 0
    delete seen.outage
    this.#count(seen).delivered += 1
  }

  /** An attempt failed. */
  failed(target: TargetOfClient, { kind, message, nextAttemptAt }: Omit<TargetFailure, 'at'>): void {
    const seen = this.#of(target)
    const failure = { kind, message, at: this.#options.now(), ...(nextAttemptAt && { nextAttemptAt }) }
    seen.lastFailure = failure
    if (!OF_ONE.has(kind)) {
      seen.consecutiveFailures += 1
      seen.outage = { ...failure, since: seen.outage?.since ?? failure.at }
    }
    this.#count(seen).failed += 1
  }

  /** A delivery became a dead letter. `failure`: its last attempt, unless there was none. */
  died(target: TargetOfClient, failure: Omit<TargetFailure, 'at'> | undefined): void {
    if (failure) this.failed(target, failure)
    this.#count(this.#of(target)).dead += 1
  }

  /** An attempt at a webhook has ended. */
  attempted(target: TargetOfClient, durationMs: number, hasFailed: boolean): void {
    const seen = this.#of(target)
    seen.hours = withAttempt(seen.hours, { now: this.#options.now(), durationMs, hasFailed })
  }

  /** Calls to the target stop until this time. */
  circuitOpened(target: TargetOfClient, until: Date): void {
    const seen = this.#of(target)
    seen.isClosed = false
    seen.circuit = { since: seen.circuit?.since ?? this.#options.now(), until }
  }

  /** Calls to the target continue. */
  circuitClosed(target: TargetOfClient): void {
    const seen = this.#of(target)
    seen.isClosed = true
    delete seen.circuit
  }

  #of({ clientId, targetId }: TargetOfClient): Seen {
    const known = this.#seen.get(clientId)
    const ofClient = known ?? new Map<Id, Seen>()
    if (!known) this.#seen.set(clientId, ofClient)
    const found = ofClient.get(targetId)
    if (found) return found
    const seen: Seen = { consecutiveFailures: 0, hasSucceeded: false }
    ofClient.set(targetId, seen)
    return seen
  }

  #count(seen: Seen): DeliveryCounts {
    seen.counts ??= { delivered: 0, failed: 0, dead: 0 }
    return seen.counts
  }

  /** The stored states of all processes, merged with those of this process. Targets without any have no entry. */
  async read(clientId: Id): Promise<ReadonlyMap<Id, TargetState>> {
    const kept = await this.#stored.find(clientId, { id: clientId })
    const states = new Map(Object.entries(fromJson(kept?.data)) as [Id, TargetState][])
    for (const [id, seen] of this.#seen.get(clientId) ?? []) states.set(id, merge(states.get(id), seen))
    return states
  }

  /** Stores new observations, one flush at a time. After a failure, the next flush retries. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined
    })
    return this.#flushing
  }

  async #flush(): Promise<void> {
    for (const [clientId, seen] of [...this.#seen]) {
      this.#seen.delete(clientId)
      try {
        await this.#write(clientId, seen)
      } catch (err) {
        // The client was deleted.
        if (isPlugboardError(err, 'NOT_FOUND')) continue
        this.#keep(clientId, seen)
        this.#options.log.warn(
          { err, clientId },
          'cannot store the health of webhooks and channels; retrying',
        )
        return
      }
    }
  }

  /** Observations during a failed write are newer. */
  #keep(clientId: Id, older: ReadonlyMap<Id, Seen>): void {
    const ofClient = new Map(older)
    for (const [id, seen] of this.#seen.get(clientId) ?? []) {
      const before = ofClient.get(id)
      const hasSucceeded = seen.hasSucceeded || before?.hasSucceeded === true
      const isVerified = seen.isVerified || before?.isVerified === true
      ofClient.set(id, before ? { ...merge(before, seen), hasSucceeded, isVerified } : seen)
    }
    this.#seen.set(clientId, ofClient)
  }

  async #write(clientId: Id, seen: ReadonlyMap<Id, Seen>): Promise<void> {
    const { record } = await this.#options.directory.get(clientId)
    const current = new Set([...record.webhooks, ...record.integrations].map(({ id }) => id))
    let states = new Map<Id, TargetState>()
    await this.#stored.change(clientId, clientId, (stored) => {
      states = new Map(Object.entries(fromJson(stored)) as [Id, TargetState][])
      for (const [id, each] of seen) states.set(id, merge(states.get(id), each))
      return Object.fromEntries([...states].filter(([id]) => current.has(id)))
    })
    for (const [targetId, { counts }] of seen) {
      const state = current.has(targetId) && states.get(targetId)
      if (state) await this.#options.stored?.({ clientId, targetId }, state, (counts?.dead ?? 0) > 0)
    }
  }
}
