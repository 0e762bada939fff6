import type { CallOptions, Transport } from './transport.js'

/** Something that happened to a channel of the client. */
export interface HealthEvent {
  /**
   * `create`, `configure`, `start`, `initialize` (the provider was set up), `pause`, `delete`; others may be added.
   */
  type: string
  /** ISO 8601 with milliseconds, UTC. */
  time: string
  data?: unknown
}

/** The last failed attempt. `nextAttemptAt` is absent if what failed became a dead letter. Times are ISO 8601, UTC. */
export interface TargetFailure {
  kind: string
  message: string
  at: string
  nextAttemptAt?: string
}

/** A webhook of the client with its state. Times are ISO 8601, UTC. */
export interface WebhookHealth {
  id: string
  url: string
  /**
   * `active`: the last attempt succeeded, or there was none. `retrying`: it failed and will be repeated. `failing`: it
   * failed and became a dead letter. `gone`: it answered 410, and gets nothing before the next sync.
   */
  state: 'active' | 'retrying' | 'failing' | 'gone'
  lastDeliveredAt?: string
  lastFailure?: TargetFailure
  /** Failed attempts since the last success. */
  consecutiveFailures: number
  /** Deliveries, failed attempts and dead letters since the webhook was created. */
  counts: { delivered: number; failed: number; dead: number }
  /**
   * Of a pull webhook: what is not acknowledged yet. Counted up to a limit: with `isMore` there are more conversations.
   * `oldest` is ISO 8601, UTC.
   */
  waiting?: { conversations: number; isMore?: boolean; oldest?: string }
}

/** State of an integration. */
export interface ChannelHealth {
  /** Name of the channel. */
  channel: string
  /** `pending`: the provider is not set up yet. `paused`: the credentials stopped working; sync again. */
  status: 'active' | 'pending' | 'paused'
  /** The provider's message, if the channel is not active. */
  reason?: string
  /** Whether the provider is set up for it. */
  configured: boolean
  /** URL that the provider calls. Absent if there is no provider, as with the web chat. */
  webhookUrl?: string
  /** Manual steps at the provider. */
  setup?: string
  /** Times are ISO 8601. */
  lastInboundAt?: string
  lastOutboundAt?: string
  lastFailure?: TargetFailure
  consecutiveFailures: number
  /** Deliveries, failed attempts and dead letters since the integration was created. */
  counts: { delivered: number; failed: number; dead: number }
  /** Newest first. */
  events: HealthEvent[]
}

/** The webhooks, and the integrations by name. */
export interface Health {
  webhooks: WebhookHealth[]
  channels: Record<string, ChannelHealth>
}

/** Calls under `/webhooks`. `sync` sets the webhooks. */
export interface Webhooks {
  /** The webhooks of the client, with their state. */
  list(options?: CallOptions): Promise<WebhookHealth[]>
}

/** Creates the calls for a server. */
export const webhooks = (http: Transport): Webhooks => ({
  list: async (options) =>
    (await http.get<{ webhooks: WebhookHealth[] }>({ path: ['webhooks'] }, options)).webhooks,
})

/** Reads the health of the client's webhooks and channels. */
export function health(http: Transport, options?: CallOptions): Promise<Health> {
  return http.get({ path: ['health'] }, options)
}
