import { type Failure, type Id, isPlugboardError, type Logger } from '@plugboard/core'
import type { Directory } from '../clients/directory.js'
import { Collection } from '../documents/collection.js'
import type { Store } from '../ports/store.js'

/** Working state of a webhook or an integration. */
export interface TargetState {
  /** Of integrations. */
  lastInboundAt?: Date
  lastOutboundAt?: Date
  lastFailure?: TargetFailure
  /** Failures of the target or of its credentials since the last success, to be shown. A circuit counts for itself. */
  consecutiveFailures: number
  /** Of webhooks: deliveries, failed attempts and dead letters since the webhook was created. */
  counts?: DeliveryCounts
}

/** `nextAttemptAt`: when what failed is tried again; absent if it became a dead letter, or is not known. */
export interface TargetFailure {
  kind: Failure['kind']
  message: string
  at: Date
  nextAttemptAt?: Date
}

export interface DeliveryCounts {
  delivered: number
  failed: number
  dead: number
}

/** A webhook or an integration. */
export interface TargetOfClient {
  clientId: Id
  targetId: Id
}

export interface TargetMonitorOptions {
  store: Store
  directory: Pick<Directory, 'get'>
  log: Logger
  now(): Date
}

/** Observations of this process since the last flush. */
interface Seen extends TargetState {
  /** A success resets the stored failure count. */
  hasSucceeded: boolean
}

/** Per client, by id of the target. */
type States = Readonly<Record<string, TargetState>>

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
    this.#of(target).lastInboundAt = this.#options.now()
  }

  /** An entry was delivered. */
  delivered(target: TargetOfClient): void {
    const seen = this.#of(target)
    seen.lastOutboundAt = this.#options.now()
    seen.hasSucceeded = true
    seen.consecutiveFailures = 0
    this.#count(seen).delivered += 1
  }

  /** An attempt failed. */
  failed(target: TargetOfClient, { kind, message, nextAttemptAt }: Omit<TargetFailure, 'at'>): void {
    const seen = this.#of(target)
    seen.lastFailure = {
      ...{ kind, message, at: this.#options.now() },
      ...(nextAttemptAt && { nextAttemptAt }),
    }
    if (!OF_ONE.has(kind)) seen.consecutiveFailures += 1
    this.#count(seen).failed += 1
  }

  /** A delivery became a dead letter. `failure`: its last attempt, unless there was none. */
  died(target: TargetOfClient, failure: Omit<TargetFailure, 'at'> | undefined): void {
    if (failure) this.failed(target, failure)
    this.#count(this.#of(target)).dead += 1
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
      ofClient.set(id, before ? { ...merge(before, seen), hasSucceeded } : seen)
    }
    this.#seen.set(clientId, ofClient)
  }

  async #write(clientId: Id, seen: ReadonlyMap<Id, Seen>): Promise<void> {
    const { record } = await this.#options.directory.get(clientId)
    const current = new Set([...record.webhooks, ...record.integrations].map(({ id }) => id))
    await this.#stored.change(clientId, clientId, (stored) => {
      const states = new Map(Object.entries(fromJson(stored)) as [Id, TargetState][])
      for (const [id, each] of seen) states.set(id, merge(states.get(id), each))
      return Object.fromEntries([...states].filter(([id]) => current.has(id)))
    })
  }
}

/**
 * `gone`: it answered that it is gone, and gets nothing before the next sync. `retrying`: the last attempt failed and is repeated. `failing`: the last attempt failed and is not repeated.
 * `active`: the last attempt succeeded, or there was none.
 */
export type WorkingState = 'active' | 'retrying' | 'failing' | 'gone'

export function workingState({ lastFailure, lastOutboundAt }: Partial<TargetState>): WorkingState {
  if (!lastFailure || (lastOutboundAt && lastOutboundAt >= lastFailure.at)) return 'active'
  return lastFailure.nextAttemptAt ? 'retrying' : 'failing'
}

function merge(stored: TargetState = { consecutiveFailures: 0 }, seen: Seen): TargetState {
  const lastInboundAt = later(stored.lastInboundAt, seen.lastInboundAt)
  const lastOutboundAt = later(stored.lastOutboundAt, seen.lastOutboundAt)
  const isNewer = (seen.lastFailure?.at ?? 0) >= (stored.lastFailure?.at ?? 0)
  const lastFailure = isNewer ? seen.lastFailure : stored.lastFailure
  const counts = sum(stored.counts, seen.counts)
  return {
    ...(lastInboundAt && { lastInboundAt }),
    ...(lastOutboundAt && { lastOutboundAt }),
    ...(lastFailure && { lastFailure }),
    consecutiveFailures: (seen.hasSucceeded ? 0 : stored.consecutiveFailures) + seen.consecutiveFailures,
    ...(counts && { counts }),
  }
}

function sum(a: DeliveryCounts | undefined, b: DeliveryCounts | undefined): DeliveryCounts | undefined {
  if (!a || !b) return a ?? b
  return { delivered: a.delivered + b.delivered, failed: a.failed + b.failed, dead: a.dead + b.dead }
}

const later = (a: Date | undefined, b: Date | undefined): Date | undefined => (a && b && a > b ? a : (b ?? a))

/** Times are texts within JSON. */
const fromJson = (states: States = {}): States =>
  Object.fromEntries(Object.entries(states).map(([id, state]) => [id, withDates(state)]))

function withDates({ lastInboundAt, lastOutboundAt, lastFailure, ...rest }: TargetState): TargetState {
  return {
    ...(lastInboundAt && { lastInboundAt: new Date(lastInboundAt) }),
    ...(lastOutboundAt && { lastOutboundAt: new Date(lastOutboundAt) }),
    ...(lastFailure && { lastFailure: failureWithDates(lastFailure) }),
    ...rest,
  }
}

const failureWithDates = ({ at, nextAttemptAt, ...failure }: TargetFailure): TargetFailure => ({
  ...failure,
  at: new Date(at),
  ...(nextAttemptAt && { nextAttemptAt: new Date(nextAttemptAt) }),
})
