import { type Failure, type Id, isId, type Logger } from '@plugboard/core'
import { type Dead, type Entry, eventOf } from '../log/entry.js'
import type { Claimed } from '../log/progress.js'
import { nameOf, parseTarget, type Target, type TargetKind } from '../log/target.js'
import { rareLog } from '../rare-log.js'
import type { Effect } from './streams/stream.js'
import type { TargetConfig } from './targets/target-config.js'
import type { TargetMonitor } from './targets/target-monitor.js'

/** A target, as far as metrics distinguish targets. */
export interface ObservedTarget {
  kind: TargetKind
  /** Of an endpoint or an integration, if it is known: the name of the channel. */
  channel?: string
}

/** Notifications about deliveries, for metrics. */
export interface DeliveryObserver {
  /** `ageMs`: time since the entry was accepted. */
  delivered(target: ObservedTarget, ageMs: number): void
  retried(target: ObservedTarget): void
  died(target: ObservedTarget): void
}

export interface OutcomeReportsOptions {
  observer: DeliveryObserver
  /** Of the webhooks. */
  monitor: Pick<TargetMonitor, 'delivered' | 'failed' | 'died' | 'circuitOpened' | 'circuitClosed'>
  /** The id that the creator of a client gave it, for logs; undefined if it has none, or is not in memory. */
  externalIdOf(clientId: Id): string | undefined
  log: Logger
  now(): Date
}

/** What metrics, the log and the state of a target say of deliveries. No delivery depends on it. */
export class OutcomeReports {
  readonly #options: OutcomeReportsOptions
  /** For an outage of the store, which all streams meet. */
  readonly #rareLog: Logger

  constructor(options: OutcomeReportsOptions) {
    this.#options = options
    this.#rareLog = rareLog(options.log, options.now)
  }

  delivered(config: TargetConfig, { clientId, at }: Entry): void {
    const { webhook, isForReaders } = config
    // It is delivered once a reader has it.
    if (isForReaders) return
    this.#options.observer.delivered(config, this.#options.now().getTime() - at.getTime())
    if (webhook) this.#options.monitor.delivered({ clientId, targetId: webhook })
  }

  /** `pausedUntil`: the circuit of the target is open until then. */
  retried(
    { config, entry, attempts, failure, nextAt }: Effect & { do: 'report-retry' },
    pausedUntil: Date | undefined,
  ): void {
    const { observer, monitor, log } = this.#options
    observer.retried(config)
    const { clientId, streamId, id: entryId, type } = entry
    const { kind, message: error } = failure
    const nextAttemptAt = pausedUntil && pausedUntil > nextAt ? pausedUntil : nextAt
    if (config.webhook)
      monitor.failed({ clientId, targetId: config.webhook }, { kind, message: error, nextAttemptAt })
    log.warn(
      {
        ...this.#names(clientId),
        streamId,
        entryId,
        event: eventOf(type),
        target: config.label,
        attempts,
        kind,
        error,
        nextAttemptAt,
      },
      'delivery failed; will retry',
    )
  }

  died(target: Target, { clientId, streamId, id: entryId, type }: Entry, dead: Dead): void {
    const { observer, monitor, log } = this.#options
    const { kind, id: targetId } = parseTarget(target)
    const { label, ...why } = dead
    const { channel, integrationId } = dead
    observer.died({ kind, ...(channel !== undefined && { channel }) })
    if (kind === 'webhook') monitor.died({ clientId, targetId }, lastAttemptOf(dead))
    // Its failed attempts were reported by its transport.
    else if (kind === 'endpoint' && integrationId)
      monitor.died({ clientId, targetId: integrationId }, undefined)
    log.error(
      { ...this.#names(clientId), streamId, entryId, event: eventOf(type), target: label, ...why },
      'delivery given up',
    )
  }

  /** A target cannot be resolved, or an entry cannot be rendered, now. It is tried again. */
  faulted({ clientId, streamId }: Claimed, target: Target, err: unknown): void {
    this.#options.log.error(
      { err, ...this.#names(clientId), streamId, target: nameOf(target) },
      'cannot prepare a delivery to this target; will retry',
    )
  }

  /** An effect of a stream threw. */
  broke({ clientId, streamId }: Claimed, err: unknown): void {
    this.#options.log.error(
      { err, ...this.#names(clientId), streamId },
      'delivering a stream failed; it continues when its lease ends',
    )
  }

  storeFailed({ clientId, streamId }: Claimed, err: unknown): void {
    this.#rareLog.error(
      { err, ...this.#names(clientId), streamId },
      'the store failed while delivering; will retry',
    )
  }

  claimFailed(err: unknown): void {
    this.#rareLog.error({ err }, 'cannot claim due streams; will retry')
  }

  lostLease({ clientId, streamId }: Claimed): void {
    this.#options.log.warn(
      { ...this.#names(clientId), streamId },
      'lost the lease of a stream while delivering it',
    )
  }

  /** Calls to the target stop. */
  circuitOpened(gate: string, { clientId }: Claimed, { label }: TargetConfig, pausedUntil?: Date): void {
    const { log, monitor } = this.#options
    log.warn(
      { ...this.#names(clientId), target: label, pausedUntil },
      'pausing all deliveries to this target',
    )
    if (pausedUntil && isId(gate)) monitor.circuitOpened({ clientId, targetId: gate }, pausedUntil)
  }

  /** Calls to the target continue. */
  circuitClosed(gate: string, { clientId }: Claimed, { label }: TargetConfig): void {
    const { log, monitor } = this.#options
    log.info({ ...this.#names(clientId), target: label }, 'this target answers again; deliveries continue')
    // The gate of the provider of an integration is named otherwise.
    if (isId(gate)) monitor.circuitClosed({ clientId, targetId: gate })
  }

  /** How a log line names a client. */
  #names(clientId: Id): { clientId: Id; externalId?: string } {
    const externalId = this.#options.externalIdOf(clientId)
    return externalId === undefined ? { clientId } : { clientId, externalId }
  }
}

/** The attempt that a dead letter ended with; undefined if there was none. */
function lastAttemptOf({ reason, error }: Dead): { kind: Failure['kind']; message: string } | undefined {
  if (error === undefined || reason === 'target-removed') return undefined
  if (reason === 'window-closed') return { kind: 'window', message: error }
  const isOfEntry = reason === 'invalid' || reason === 'recipient'
  return { kind: isOfEntry ? reason : 'transient', message: error }
}
