import type { CallOptions, Transport } from './transport.js'

/** Something that happened to a channel of the client. */
export interface HealthEvent {
  /**
   * `create`, `configure`, `start`, `initialize` (the provider was told), `pause`, `delete`; more may come.
   */
  type: string
  /** ISO 8601 with milliseconds, UTC. */
  time: string
  data?: unknown
}

/** How a configured channel does. */
export interface ChannelHealth {
  /** `pending`: the provider is yet to be told of it. `paused`: the credentials stopped working; sync again. */
  status: 'active' | 'pending' | 'paused'
  /** The provider's words, when it is not active. */
  reason?: string
  /** Whether the provider knows of it. */
  configured: boolean
  /** Where the provider calls. */
  webhookUrl: string
  /** What has to be done at the provider by hand. */
  setup?: string
  /** Times are ISO 8601. */
  lastInboundAt?: string
  lastOutboundAt?: string
  lastFailure?: { kind: string; message: string; at: string }
  consecutiveFailures: number
  /** Newest first. */
  events: HealthEvent[]
}

/** The configured channels by name. */
export interface Health {
  channels: Record<string, ChannelHealth>
}

/** Reads the health of the client's channels. */
export function health(http: Transport, options?: CallOptions): Promise<Health> {
  return http.get({ path: ['health'] }, options)
}
