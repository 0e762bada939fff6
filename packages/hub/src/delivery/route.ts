import type { Id } from '@plugboard/core'
import type { Entry } from '../log/entry.js'
import type { TargetKind } from '../log/target.js'
import type { RetrySchedule } from './retry.js'
import type { DeliveryFailure } from './transport.js'

/** How the entries of a lane go to its target, by the client's configuration as it is now. */
export interface Route {
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
  /** Hands entries to the transport. */
  push(lane: number, generation: number, entries: readonly Entry[], head: Head): void
  cancel(lane: number, generation: number): void
}

/** How far the first of some entries is: parts of it that have arrived, and attempts that failed. */
interface Head {
  part: number
  attempt: number
}

/** What a route reports beside its transport. */
export interface RouteListener {
  /**
   * This entry cannot be put in the form of its target, now or ever. What comes before it may still be under way; what
   * comes after it was not handed to the transport.
   */
  unrendered(lane: number, generation: number, seq: number, failure: DeliveryFailure): void
}

/** `gone`: the target is not there any more. `paused`: it is, and nothing may be tried now. */
export type Routing = Route | 'gone' | 'paused'
