import type { Id } from '@plugboard/core'

/** What the address of an attachment says. */
export interface AttachmentPlace {
  clientId: Id
  id: Id
  /** Proves that the address was made here. */
  mac: string
}

/** Addresses of this installation, as they are seen from outside. The host provides them, since the hub knows no HTTP. */
export interface PublicAddresses {
  /** Where the provider of this channel calls for the client. */
  webhook(clientId: Id, channel: string): string
  /** Where a file is shown that a person sent. */
  media(token: string): string
  /** Where a file is shown that a client keeps here; the name is for people. */
  attachment(place: AttachmentPlace, name?: string): string
  /** What {@link attachment} made an address of; `isHere`: it begins as addresses of this installation do now. */
  attachmentAt(url: string): { place: AttachmentPlace; isHere: boolean } | undefined
}
