import type { CallOptions, Transport } from './transport.js'

/** Something that happened to a channel of the client. */
export interface HealthEvent {
  /**
   * `create`, `configure`, `start`, `start-failure`, `initialize`, `initialize-failure`, `sleep`, `delete`;
   * more may come.
   */
  type: string
  /** ISO 8601 with milliseconds, UTC. */
  time: string
  data?: unknown
}

/** The latest events of each configured channel, newest first. */
export interface Health {
  channels: Record<string, { events: HealthEvent[] }>
}

/** Reads the health of the client's channels. */
export function health(http: Transport, options?: CallOptions): Promise<Health> {
  return http.get({ path: ['health'] }, options)
}
