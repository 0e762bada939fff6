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

/** State of a configured channel. */
export interface ChannelHealth {
  /** `pending`: the provider is not set up yet. `paused`: the credentials stopped working; sync again. */
  status: 'active' | 'pending' | 'paused'
  /** The provider's message, if the channel is not active. */
  reason?: string
  /** Whether the provider is set up for it. */
  configured: boolean
  /** URL that the provider calls. */
  webhookUrl: string
  /** Manual steps at the provider. */
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
