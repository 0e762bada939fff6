import type { Id } from '@plugboard/core'
import type { Entry } from '../../log/entry.js'
import type { TargetKind } from '../../log/target.js'
import type { RetrySchedule } from '../retry.js'
import type { DeliveryFailure } from '../transport.js'

/** How the entries of a lane are sent to its target, from the client's current configuration. */
export interface TargetConfig {
  /** Lanes with the same key share a gate: a webhook, or an integration. */
  gate: string
  kind: TargetKind
  /** The webhook, if it is one. */
  webhook?: Id
  /** Entries are stored for readers: that they are is no delivery yet. */
  isForReaders?: true
  /** The integration that is paused if the credentials are refused. */
  integration?: Id
  /** Of an endpoint or an integration: the name of the channel. */
  channel?: string
  /** Readable name of the target for dead letters and logs. Contains no secret. */
  label: string
  schedule: RetrySchedule
  /** Whether a response with this HTTP status is final: no retry. Default: never. */
  isFinal?(status: number): boolean
  /** Whether a response with this HTTP status means that the target is gone. Default: never. */
  isGone?(status: number): boolean
  /** Changes with the configuration of the integration, so that a refusal of the old credentials does not pause the new ones. */
  credentials?: string
  /** Converts entries to the format of the target. Rejects if that is not possible now, such as during a store failure. */
  render(entries: readonly Entry[], head: Head): Batch | Promise<Batch>
  /** See {@link Transport}. */
  renew(lane: number, leaseEndsAt: number): void
  cancel(lane: number, generation: number): void
}

/** The state of the first entry: its delivered parts, and its failed attempts. */
export interface Head {
  part: number
  attempt: number
}

/** Entries in the format of their target. */
export interface Batch {
  /** How many of the entries it contains, from the first on. */
  count: number
  /** Why the next entry is not in it: it cannot be rendered, now or later. */
  unrendered?: { seq: number; failure: DeliveryFailure }
  /** Hands the entries to the transport. */
  push(lane: number, generation: number, leaseEndsAt: number): void
}

/** `gone`: the target was removed. `paused`: nothing may be sent to it now. `unloaded`: this process lacks its channel. */
export type Resolved = TargetConfig | 'gone' | 'paused' | 'unloaded'
