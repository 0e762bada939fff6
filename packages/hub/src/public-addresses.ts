import type { Id } from '@plugboard/core'

/** Addresses of this installation, as they are seen from outside. The host provides them, since the hub knows no HTTP. */
export interface PublicAddresses {
  /** Where the provider of this channel calls for the client. */
  webhook(clientId: Id, channel: string): string
  /** Where a file is shown that a person sent. */
  media(token: string): string
}
