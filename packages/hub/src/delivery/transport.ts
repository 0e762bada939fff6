import type { Failure } from '@plugboard/core'

/**
 * Carries the entries of lanes to their targets, those of one lane strictly one after another. It knows nothing of
 * order between attempts, of retries or of storage: the dispatcher decides these.
 */
export interface Transport<Address, Item> {
  start(listener: TransportListener): void
  /**
   * Adds items to a lane. After a failure what is left in the lane is forgotten, and pushes of that generation or an
   * older one are ignored.
   */
  push(lane: number, generation: number, address: Address, items: readonly Item[]): void
  /** Forgets what is queued in a lane; what is under way ends and is reported, then `cancelled` is. */
  cancel(lane: number, generation: number): void
  /** Nothing new goes out; resolves when what is under way has ended, at the latest after `graceMs`. */
  close(graceMs: number): Promise<void>
}

/** What a transport tells. `lane` and `generation` are those of the push. */
export interface TransportListener {
  /** Everything pushed up to this number has arrived. */
  delivered(lane: number, generation: number, seq: number): void
  /** So many parts of this entry have arrived, and more will follow. */
  progressed(lane: number, generation: number, seq: number, parts: number): void
  /** This entry failed; everything before it has arrived. */
  failed(lane: number, generation: number, seq: number, failure: DeliveryFailure): void
  /** Nothing of the lane is under way any more, as `cancel` asked. */
  cancelled(lane: number, generation: number): void
}

/** A failure, and what the target asked for. */
export type DeliveryFailure = Failure & {
  /** Parts of the entry that arrived, these attempts and earlier ones together. */
  parts?: number
  /** The HTTP status that the target answered with. */
  status?: number
}
