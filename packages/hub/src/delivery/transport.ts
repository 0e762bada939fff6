import type { Failure, Id } from '@plugboard/core'

/**
 * Sends the entries of lanes to their targets, those of one lane strictly one after another. Order between attempts,
 * retries and storage are decided elsewhere (`transition.ts`). Its one duty besides sending: no attempt is under way after the
 * lane's lease has ended, because another process may have the lane then. `lane` is the handle of the dispatcher.
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
  /** Starts nothing more. Resolves when everything under way has ended, after `graceMs` at the latest. */
  close(graceMs: number): Promise<void>
}

/** What a transport reports. `lane` and `generation` are those of the push. */
export interface TransportListener {
  /** An attempt at this entry has ended. Reported before its outcome, which alone decides what follows. */
  attempted(lane: number, seq: number, attempt: AttemptReport): void
  /** Everything pushed up to this number was delivered. */
  delivered(lane: number, generation: number, seq: number): void
  /** This number of parts of the entry were delivered, and more will follow. */
  progressed(lane: number, generation: number, seq: number, parts: number): void
  /** This entry failed; everything before it was delivered. */
  failed(lane: number, generation: number, seq: number, failure: DeliveryFailure): void
  /** Nothing of the lane is under way any more, as requested by `cancel`. */
  cancelled(lane: number, generation: number): void
  /**
   * The lease is over, or too short for another attempt: nothing of this generation is under way or will start. Every
   * delivery was reported before.
   */
  expired(lane: number, generation: number): void
}

/** A failure, and what is known of the attempt. */
export type DeliveryFailure = Failure & {
  /** Delivered parts of the entry, in this attempt and earlier ones together. */
  parts?: number
  /** The HTTP status of the response. */
  status?: number
}

/** What is known of an attempt that has ended. */
export interface AttemptReport {
  /** When its first call began, in milliseconds of the epoch. */
  startedAt: number
  durationMs: number
  /** The HTTP status of the response. */
  status?: number
  /** The start of a response that is not a 2xx. */
  response?: string
  /** Absent: it was delivered. */
  failure?: DeliveryFailure
}

/**
 * Milliseconds of a clock that never jumps and is the same in every thread of this process. The end of a lease is given
 * on it, because a change of the system clock must not make a lease longer.
 */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6

/** URL and headers of the requests of a webhook. */
export interface WebhookAddress {
  id: string
  url: string
  headers: Readonly<Record<string, string>>
  /** Standard Webhooks secret, base64; signs each request. */
  signingSecret?: string
  /** Another secret, which signs too until then, in milliseconds of the epoch. */
  former?: { secret: string; until: number }
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
export interface WebhookSender extends Transport<WebhookAddress, WebhookItem> {
  /** Makes one request that belongs to no lane, and returns what came of it. Never rejects. */
  request(address: WebhookAddress, item: WebhookItem): Promise<AttemptReport>
}

/** The integration whose webhook is registered at the provider. If it was removed, its registration is removed. */
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
