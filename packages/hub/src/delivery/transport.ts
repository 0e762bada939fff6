import type { Failure, Id } from '@plugboard/core'

/**
 * Sends the entries of lanes to their targets, those of one lane strictly one after another. It knows nothing of order
 * between attempts, of retries or of storage: the dispatcher decides these. Its one duty beside sending: no attempt is
 * under way after the lane's lease has ended, since another process may have the lane by then.
 */
export interface Transport<Address, Item> {
  start(listener: TransportListener): void
  /**
   * Adds items to a lane. After a failure, or the end of the lease, the transport forgets what is left in the lane and
   * ignores pushes of that generation or an older one.
   *
   * `leaseEndsAt`: a time of `monotonicMs()`; every attempt is over by then. A later time than that of the push before
   * holds for the whole lane. Infinity: the lease never ends.
   */
  push(lane: number, generation: number, address: Address, items: readonly Item[], leaseEndsAt: number): void
  /** The lease of the lane was renewed, and now ends at this time of `monotonicMs()`. */
  renew(lane: number, leaseEndsAt: number): void
  /** Forgets what is queued in a lane. Reports how the attempt under way ends, then reports `cancelled`. */
  cancel(lane: number, generation: number): void
  /** Starts nothing more; resolves when what is under way has ended, after `graceMs` at the latest. */
  close(graceMs: number): Promise<void>
}

/** What a transport reports. `lane` and `generation` are those of the push. */
export interface TransportListener {
  /** Everything pushed up to this number has arrived. */
  delivered(lane: number, generation: number, seq: number): void
  /** This number of parts of the entry have arrived, and more will follow. */
  progressed(lane: number, generation: number, seq: number, parts: number): void
  /** This entry failed; everything before it has arrived. */
  failed(lane: number, generation: number, seq: number, failure: DeliveryFailure): void
  /** Nothing of the lane is under way any more, as `cancel` asked. */
  cancelled(lane: number, generation: number): void
  /**
   * The lease ended: nothing of this generation starts any more, nothing is under way, and what was not started is
   * forgotten. Everything that has arrived was reported before.
   */
  expired(lane: number, generation: number): void
}

/** A failure, and what the target asked for. */
export type DeliveryFailure = Failure & {
  /** Parts of the entry that have arrived, in this attempt and earlier ones together. */
  parts?: number
  /** The HTTP status that the target answered with. */
  status?: number
}

/**
 * Milliseconds of a clock that never jumps and is the same in every thread of this process. Ends of leases are given on
 * it, since a change of the system's time must not make a lease longer.
 */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6

/** Where the requests of a webhook go, and the headers that each carries. */
export interface WebhookAddress {
  id: string
  url: string
  headers: Readonly<Record<string, string>>
  /** Standard Webhooks secret, base64; signs each request. */
  signingSecret?: string
  /** Timeout of one attempt in milliseconds. Default: that of the sender. */
  timeoutMs?: number
}

/** One request: `seq` orders it in its lane; `id` is its webhook-id, the same in every attempt. */
export interface WebhookItem {
  seq: number
  id: string
  /** JSON text. Empty: nothing is sent, and the item counts as delivered. */
  body: string
}

/** Makes the HTTP requests of webhooks. The host provides it, since the hub has no HTTP. */
export type WebhookSender = Transport<WebhookAddress, WebhookItem>

/** The integration that a provider is notified of. It may be gone: then only what was there before is taken back. */
export interface IntegrationAddress {
  clientId: Id
  integrationId: Id
}

/** Something that happened to the integration. */
export interface IntegrationItem {
  seq: number
  channel: string
  /** Of an entry of the integration's stream: JSON text. */
  payload: string
}
