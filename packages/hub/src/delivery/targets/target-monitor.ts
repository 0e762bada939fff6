import { type Failure, type Id, isPlugboardError, type Logger } from '@plugboard/core'
import type { Directory } from '../../clients/directory.js'
import { Collection } from '../../documents/collection.js'
import type { Store } from '../../ports/store.js'

/** Working state of a webhook or an integration. */
export interface TargetState {
  /** Of integrations. */
  lastInboundAt?: Date
  lastOutboundAt?: Date
  lastFailure?: TargetFailure
  /** Failures of the target or of its credentials since the last success; absent if there was none. */
  outage?: TargetOutage
  /** Failures of the target or of its credentials since the last success, to be shown. A circuit counts for itself. */
  consecutiveFailures: number
  /** Of webhooks: deliveries, failed attempts and dead letters since the webhook was created. */
  counts?: DeliveryCounts
  /** Its circuit is open, or was until then: after repeated failures nothing is sent to it. */
  circuit?: { since: Date; until: Date }
  /** Of webhooks: attempts in the newest hours in which there were some, the newest first. */
  hours?: readonly AttemptsOfHour[]
  /** Of integrations: requests with a wrong signature since the last authentic one. */
  refusals?: Refusals
}

/** Requests that were not authentic. */
export interface Refusals {
  count: number
  /** Of the first and the last one. */
  since: Date
  at: Date
}

/** Attempts at a webhook in one hour. */
export interface AttemptsOfHour {
  /** Hours since the epoch. */
  hour: number
  succeeded: number
  failed: number
  /** Their durations together, in milliseconds. */
  durationMs: number
  /** Their durations, see {@link durationAt}. Absent: counted by a version that did not measure it. */
  durations?: number[]
}

/** `nextAttemptAt`: when what failed is tried again; absent if it became a dead letter, or is not known. */
export interface TargetFailure {
  kind: Failure['kind']
  message: string
  at: Date
  nextAttemptAt?: Date
}

/** The last failure of a target that does not work, and when the first one was. */
export interface TargetOutage extends TargetFailure {
  since: Date
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
  /** Called after the state of a target was stored. `hasDied`: a delivery became a dead letter. */
  stored?(target: TargetOfClient, state: TargetState, hasDied: boolean): Promise<void>
  log: Logger
  now(): Date
}

/** Observations of this process since the last flush. */
interface Seen extends TargetState {
  hours?: readonly Counted[]
  /** A success resets the stored failure count. */
  hasSucceeded: boolean
  /** Its circuit was closed. */
  isClosed?: boolean
  /** A request was authentic. */
  isVerified?: boolean
}

type Counted = { -readonly [Name in keyof AttemptsOfHour]: AttemptsOfHour[Name] }

/** Per client, by id of the target. */
type States = Readonly<Record<string, TargetState>>

const FLUSH_MS = 5000
const HOUR_MS = 3_600_000
/** Hours of attempts that are kept: enough to tell how a webhook works now, also at the start of an hour. */
const KEPT_HOURS = 2
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
    const hour = Math.floor(this.#options.now().getTime() / HOUR_MS)
    // Changed in place, since there is one for each delivery.
    let newest = seen.hours?.[0]
    if (newest?.hour !== hour) {
      newest = { hour, succeeded: 0, failed: 0, durationMs: 0 }
      seen.hours = [newest, ...(seen.hours ?? [])].slice(0, KEPT_HOURS)
    }
    if (hasFailed) newest.failed += 1
    else newest.succeeded += 1
    const ms = Math.max(0, Math.round(durationMs))
    newest.durationMs += ms
    const range = rangeOf(ms)
    newest.durations ??= []
    newest.durations[range] = (newest.durations[range] ?? 0) + 1
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
  // A process may write a success after another one has written a later failure.
  const hasEnded = seen.hasSucceeded && outageNow({ ...stored, ...lastOutboundOf(seen) }) === undefined
  const outage = outageOf(hasEnded ? undefined : stored.outage, seen.outage)
  const earlier = seen.isClosed ? undefined : stored.circuit
  const circuit = seen.circuit ? { ...seen.circuit, since: earlier?.since ?? seen.circuit.since } : earlier
  const hours = mergedHours(stored.hours, seen.hours)
  const refusals = sumOfRefusals(
    seen.lastInboundAt || seen.isVerified ? undefined : stored.refusals,
    seen.refusals,
  )
  return {
    ...(lastInboundAt && { lastInboundAt }),
    ...(lastOutboundAt && { lastOutboundAt }),
    ...(lastFailure && { lastFailure }),
    ...(outage && { outage }),
    consecutiveFailures: (seen.hasSucceeded ? 0 : stored.consecutiveFailures) + seen.consecutiveFailures,
    ...(counts && { counts }),
    ...(circuit && { circuit }),
    ...(hours.length > 0 && { hours }),
    ...(refusals && { refusals }),
  }
}

/** Of both, unless one came long before the other. */
function sumOfRefusals(a: Refusals | undefined, b: Refusals): Refusals
function sumOfRefusals(a: Refusals | undefined, b: Refusals | undefined): Refusals | undefined
function sumOfRefusals(a: Refusals | undefined, b: Refusals | undefined): Refusals | undefined {
  if (!a || !b) return a ?? b
  const [first, second] = a.since < b.since ? [a, b] : [b, a]
  if (second.since.getTime() - first.at.getTime() > REFUSALS_MS) return second
  const at = new Date(Math.max(first.at.getTime(), second.at.getTime()))
  return { count: a.count + b.count, since: first.since, at }
}

/** So many requests with a wrong signature in a row are no accident, until nothing comes for so long. */
const MANY_REFUSALS = 5
const REFUSALS_MS = HOUR_MS

/**
 * Requests with a wrong signature, if there are many, and none is authentic since: the provider and the integration have
 * different secrets, or a stranger makes requests.
 */
export function refusalsNow(
  { refusals, lastInboundAt }: Pick<TargetState, 'refusals' | 'lastInboundAt'>,
  now: Date,
): Refusals | undefined {
  if (!refusals || refusals.count < MANY_REFUSALS) return undefined
  if (now.getTime() - refusals.at.getTime() > REFUSALS_MS) return undefined
  // Another process may have received an authentic one.
  return lastInboundAt && lastInboundAt >= refusals.at ? undefined : refusals
}

const NO_ATTEMPTS: Omit<AttemptsOfHour, 'hour'> = { succeeded: 0, failed: 0, durationMs: 0 }

/** Ranges of durations: four for each power of two, up to four minutes. */
const RANGES = 72

/** Durations from here on are in the last range. */
const LONGEST_MS = 2 ** (RANGES / 4) - 1

/** Index of the range of a duration in whole milliseconds. With integers alone, because each delivery comes here. */
function rangeOf(ms: number): number {
  const whole = Math.min(Math.max(1, ms), LONGEST_MS)
  const octave = 31 - Math.clz32(whole)
  return 4 * octave + ((4 * whole) >>> octave) - 4
}

/** Where a range begins, in milliseconds. */
const startOf = (range: number): number => 2 ** Math.floor(range / 4) * (1 + (range % 4) / 4)

/**
 * The duration that this share of attempts did not exceed, in milliseconds, to a quarter of it. `durations`: how many were
 * in each of {@link RANGES}. Undefined if there were none.
 */
export function durationAt(share: number, durations: readonly number[]): number | undefined {
  const total = durations.reduce((sum, count) => sum + (count ?? 0), 0)
  let left = share * total
  for (const [range, count = 0] of durations.entries()) {
    if (count > 0 && left <= count) {
      const [start, end] = [range === 0 ? 0 : startOf(range), startOf(range + 1)]
      return Math.round(start + ((end - start) * left) / count)
    }
    left -= count
  }
  return undefined
}

/** The newest hours of both. */
function mergedHours(
  a: readonly AttemptsOfHour[] = [],
  b: readonly AttemptsOfHour[] = [],
): readonly AttemptsOfHour[] {
  const hours = new Map<number, AttemptsOfHour>()
  for (const each of [...a, ...b]) {
    const { succeeded, failed, durationMs, durations } = hours.get(each.hour) ?? NO_ATTEMPTS
    hours.set(each.hour, {
      hour: each.hour,
      succeeded: each.succeeded + succeeded,
      failed: each.failed + failed,
      durationMs: each.durationMs + durationMs,
      durations: sumOfDurations([durations, each.durations]),
    })
  }
  return [...hours.values()].sort((x, y) => y.hour - x.hour).slice(0, KEPT_HOURS)
}

/** Of several hours, say, the number of attempts in each range. */
export function sumOfDurations(all: readonly (readonly number[] | undefined)[]): number[] {
  const length = Math.max(0, ...all.map((each) => each?.length ?? 0))
  return Array.from({ length }, (_, range) => all.reduce((sum, each) => sum + (each?.[range] ?? 0), 0))
}

const lastOutboundOf = ({ lastOutboundAt }: TargetState) => (lastOutboundAt ? { lastOutboundAt } : {})

/** The newer failure, since the first one. */
function outageOf(a: TargetOutage | undefined, b: TargetOutage | undefined): TargetOutage | undefined {
  if (!a || !b) return a ?? b
  return { ...(a.at > b.at ? a : b), since: new Date(Math.min(a.since.getTime(), b.since.getTime())) }
}

/** Why a target does not work. Undefined if it does: a process may have had a success after the failure of another. */
export function outageNow({
  outage,
  lastOutboundAt,
}: Pick<TargetState, 'outage' | 'lastOutboundAt'>): TargetOutage | undefined {
  return outage && lastOutboundAt && lastOutboundAt >= outage.at ? undefined : outage
}

function sum(a: DeliveryCounts | undefined, b: DeliveryCounts | undefined): DeliveryCounts | undefined {
  if (!a || !b) return a ?? b
  return { delivered: a.delivered + b.delivered, failed: a.failed + b.failed, dead: a.dead + b.dead }
}

const later = (a: Date | undefined, b: Date | undefined): Date | undefined => (a && b && a > b ? a : (b ?? a))

/** Times are texts within JSON. */
const fromJson = (states: States = {}): States =>
  Object.fromEntries(Object.entries(states).map(([id, state]) => [id, withDates(state)]))

function withDates({
  lastInboundAt,
  lastOutboundAt,
  lastFailure,
  outage,
  circuit,
  refusals,
  ...rest
}: TargetState): TargetState {
  return {
    ...(lastInboundAt && { lastInboundAt: new Date(lastInboundAt) }),
    ...(lastOutboundAt && { lastOutboundAt: new Date(lastOutboundAt) }),
    ...(lastFailure && { lastFailure: failureWithDates(lastFailure) }),
    ...(outage && { outage: { ...failureWithDates(outage), since: new Date(outage.since) } }),
    ...(circuit && { circuit: { since: new Date(circuit.since), until: new Date(circuit.until) } }),
    ...(refusals && {
      refusals: { ...refusals, since: new Date(refusals.since), at: new Date(refusals.at) },
    }),
    ...rest,
  }
}

const failureWithDates = ({ at, nextAttemptAt, ...failure }: TargetFailure): TargetFailure => ({
  ...failure,
  at: new Date(at),
  ...(nextAttemptAt && { nextAttemptAt: new Date(nextAttemptAt) }),
})
