import type { Id } from '@plugboard/core'

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
