import type { Id } from '@plugboard/core'

/** The parts of an attachment URL. */
export interface AttachmentPlace {
  clientId: Id
  id: Id
  /** Proves that this server created the URL. */
  mac: string
}

/** Public URLs of this installation. Provided by the host, because the hub does not know HTTP. */
export interface PublicAddresses {
  /** Whether providers on the internet can call these URLs, as far as the configuration says. */
  readonly isPublic: boolean
  /** Webhook URL for the provider of the client's integration of this name. */
  webhook(clientId: Id, integration: string): string
  /** The one URL that the provider of a channel may call for all integrations of an app. */
  sharedWebhook(channel: string): string
  /** URL of a file that a person sent. */
  media(token: string): string
  /** URL of an uploaded file; the name is for display. */
  attachment(place: AttachmentPlace, name?: string): string
  /** Parses a URL of {@link attachment}. `isHere`: it has the current base URL of this installation. */
  attachmentAt(url: string): { place: AttachmentPlace; isHere: boolean } | undefined
}
