import type { Id } from '@plugboard/core'
import type { Entry } from '../log/entry.js'
import type { TargetKind } from '../log/target.js'
import type { RetrySchedule } from './retry.js'
import type { DeliveryFailure } from './transport.js'

/** How the entries of a lane go to its target, by the client's configuration as it is now. */
export interface TargetConfig {
  /** Lanes with the same key share a gate: a webhook, or an integration. */
  gate: string
  kind: TargetKind
  /** The integration that pauses when the credentials are refused. */
  integration?: Id
  /** The target in words, for dead letters and logs: holds no secret. */
  label: string
  schedule: RetrySchedule
  /** Whether no other attempt is made after an answer with this HTTP status. Default: never. */
  isFinal?(status: number): boolean
  /** Differs after the configuration of the integration was changed, so that a refusal of an old one is told apart. */
  credentials?: string
  /** Puts entries in the form of the target. Rejects where that is not possible now: the store cannot be reached. */
  render(entries: readonly Entry[], head: Head): Batch | Promise<Batch>
  /** See {@link Transport}. */
  renew(lane: number, leaseEndsAt: number): void
  cancel(lane: number, generation: number): void
}

/** The state of the first of some entries: parts of it that have arrived, and attempts that failed. */
export interface Head {
  part: number
  attempt: number
}

/** Entries in the form of their target. */
export interface Batch {
  /** How many of the entries are in it, from the first on. */
  count: number
  /** Why the next one is not: it cannot be put in this form, now or ever. */
  unrendered?: { seq: number; failure: DeliveryFailure }
  /** Hands them to the transport. */
  push(lane: number, generation: number, leaseEndsAt: number): void
}

/** `gone`: the target is not there any more. `paused`: it is, and nothing may be tried now. */
export type Resolved = TargetConfig | 'gone' | 'paused'
