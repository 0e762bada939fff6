import type { Failure } from '@plugboard/core'
import { type AttemptsOfHour, type CountedHour, mergedHours } from './attempt-hours.js'
import { type Refusals, sumOfRefusals } from './wrong-signatures.js'

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

/** Observations of this process since the last flush. */
export interface Seen extends TargetState {
  hours?: readonly CountedHour[]
  /** A success resets the stored failure count. */
  hasSucceeded: boolean
  /** Its circuit was closed. */
  isClosed?: boolean
  /** A request was authentic. */
  isVerified?: boolean
}

/** Per client, by id of the target. */
export type States = Readonly<Record<string, TargetState>>

/**
 * `gone`: it answered that it is gone, and gets nothing before the next sync. `retrying`: the last attempt failed and is repeated. `failing`: the last attempt failed and is not repeated.
 * `active`: the last attempt succeeded, or there was none.
 */
export type WorkingState = 'active' | 'retrying' | 'failing' | 'gone'

export function workingState({ lastFailure, lastOutboundAt }: Partial<TargetState>): WorkingState {
  if (!lastFailure || (lastOutboundAt && lastOutboundAt >= lastFailure.at)) return 'active'
  return lastFailure.nextAttemptAt ? 'retrying' : 'failing'
}

/** The state, with what this process has seen since. */
export function merge(stored: TargetState = { consecutiveFailures: 0 }, seen: Seen): TargetState {
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
export const fromJson = (states: States = {}): States =>
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
