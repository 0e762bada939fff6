import type { Claimed, Lease } from '@plugboard/hub'
import { Types } from 'mongoose'
import type { DatabaseClock } from '../database/clock.js'
import type { ObjectId } from '../database/document-types.js'

/** A holder is told of an earlier end than others, for what clocks and networks differ. */
const MARGIN_MS = 1000

/** The leases of this process: whose they are, and how long they last. */
export class Leases {
  /** Names this process, for as long as the store is open. */
  readonly owner: ObjectId = new Types.ObjectId()
  readonly #clock: DatabaseClock
  readonly #leaseMs: number

  constructor(clock: DatabaseClock, leaseMs: number) {
    this.#clock = clock
    this.#leaseMs = leaseMs
  }

  /** The end of a lease that begins now, by the database's clock. */
  until(now: Date): Date {
    return new Date(now.getTime() + this.#leaseMs)
  }

  leaseOf(fence: number, until: Date): Lease {
    return { fence, until: this.#told(until) }
  }

  /** Moves the end of a lease that was renewed. */
  renew(lease: Claimed['lease'], until: Date): void {
    lease.until = this.#told(until)
  }

  #told(until: Date): Date {
    return new Date(this.#clock.fromDatabase(until).getTime() - MARGIN_MS)
  }
}

const isMissing = (field: string) => ({ $eq: [{ $type: field }, 'missing'] })

/** Whether a lease can be had by that time: it is nobody's, or over. A part of an update. */
export const isFree = (now: Date) => ({ $or: [isMissing('$owner'), { $lte: ['$nextAt', now] }] })

/** What an update sets so that this owner has the lease, where `given` is true. */
export const taking = (owner: ObjectId, until: Date, given: object) => ({
  owner: { $cond: [given, owner, '$owner'] },
  fence: { $cond: [given, { $add: ['$fence', 1] }, '$fence'] },
  reclaimedFrom: { $cond: [given, '$$REMOVE', '$reclaimedFrom'] },
  nextAt: { $cond: [given, until, '$nextAt'] },
  woken: { $cond: [given, '$$REMOVE', '$woken'] },
})

/** What an update sets so that the stream is due at that time, or once its holder gives it back. */
export const waking = (at: unknown) => ({
  nextAt: { $cond: [isMissing('$owner'), { $min: ['$nextAt', at] }, '$nextAt'] },
  wakeAt: { $cond: [isMissing('$owner'), { $min: ['$nextAt', at] }, '$wakeAt'] },
})

export { isMissing }
