import type { WebhookAddress, WebhookItem } from '@plugboard/hub'

export type { WebhookItem }
/** Where a webhook's requests go, and what each carries. */
export type WebhookTarget = WebhookAddress

export interface SendFailure {
  status?: number
  /** Free of credentials and of message text. */
  message: string
  retryAfterMs?: number
  /** It may have arrived (timeout, reset after the request was written). */
  ambiguous: boolean
}

export interface SenderListener {
  /** Everything pushed to this lane in this generation, up to and including `seq`, has been delivered. */
  delivered(lane: number, generation: number, seq: number): void
  /** What was pushed before `seq` has been delivered; what came after it is forgotten. */
  failed(lane: number, generation: number, seq: number, failure: SendFailure): void
  /** A cancel of this lane has taken effect: nothing that was pushed before it will be reported any more. */
  cancelled(lane: number): void
  /** The lease ended: nothing of this generation starts any more, and what was queued is forgotten. */
  expired(lane: number, generation: number): void
}

/** Performs the requests of each lane one after another. Order, retries and progress are the hub's. */
export interface WebhookSender {
  start(listener: SenderListener): void
  /**
   * Adds items to a lane; they are requested strictly one after another, each after the answer of the one before. After
   * a failure the rest of the lane's queue is forgotten, and pushes that still carry the old generation are ignored.
   * `seq` rises within a generation. A higher generation replaces what is queued of a lower one. A target that differs
   * from the one of the push before (same id, new url or headers) holds for all that is still queued.
   * A request starts only if its timeout ends before `leaseEndsAt`, a time of `monotonicMs()`; a later time than that of
   * the push before holds for all that is queued.
   */
  push(
    lane: number,
    generation: number,
    target: WebhookTarget,
    items: readonly WebhookItem[],
    leaseEndsAt: number,
  ): void
  /** The lease of a lane was renewed, and now ends at this time. */
  renew(lane: number, leaseEndsAt: number): void
  /** Forgets what is queued in a lane; a request in flight completes and is reported, then `cancelled` is. */
  cancel(lane: number): void
  /**
   * No new requests; resolves when those in flight have ended, at the latest after graceMs (then they are aborted and
   * not reported).
   */
  close(graceMs: number): Promise<void>
}
