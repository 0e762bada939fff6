import { type Id, newId, PlugboardError } from '@plugboard/core'
import type { ClientView } from '../clients/directory.js'
import type { Keyring } from '../clients/keyring.js'
import type { Usage } from '../clients/storage-usage.js'
import type { BlobOwner, BlobStore, OpenBlob } from '../ports/blob-store.js'
import type { AttachmentPlace, PublicAddresses } from '../ports/public-addresses.js'
import type { Store } from '../ports/store.js'
import { fileNameOf } from './file-name.js'
import { withMediaType } from './media-type.js'

export interface AttachmentsOptions {
  store: Store
  blobs: BlobStore
  keyring: Keyring
  urls: PublicAddresses
  usage: Usage
  /** Maximum file size, in bytes. */
  maxBytes: number
}

/** A file to upload. */
export interface Upload {
  /** The file is deleted with this conversation. */
  conversationId?: Id
  name?: string
  /** Type given by the sender. Used if the content does not reveal the type. */
  type?: string
  body: AsyncIterable<Uint8Array>
}

/** An uploaded file. */
export interface Attachment {
  id: Id
  /** Anyone who has this URL can read the file until it is deleted. */
  url: string
  /** As others may see it: without paths and controls. */
  name?: string
  type: string
  size: number
}

const MAC_BYTES = 24

/** Uploaded files for messages. Ids are guessable, so URLs are signed. */
export class Attachments {
  readonly #options: AttachmentsOptions

  constructor(options: AttachmentsOptions) {
    this.#options = options
  }

  /** Maximum file size, in bytes. */
  get maxBytes(): number {
    return this.#options.maxBytes
  }

  /** Stores a file. @throws NOT_FOUND for the conversation, TOO_LARGE, NO_SPACE */
  async upload(client: ClientView, { conversationId, name, type, body }: Upload): Promise<Attachment> {
    const { blobs, urls, usage, maxBytes } = this.#options
    await usage.take(client, 0)
    if (conversationId) await this.#assertConversation(client.id, conversationId)
    const typed = await withMediaType(atMost(maxBytes, body), type)
    const id = newId()
    const shown = fileNameOf(name)
    const blob = {
      ...{ clientId: client.id, id, type: typed.type },
      ...(conversationId && { conversationId }),
      ...(shown !== undefined && { name: shown }),
    }
    const { size } = await blobs.put(blob, typed.body)
    await this.#assertRoom(client, id, size)
    await this.#assertOwner(blob, size)
    const mac = this.#options.keyring.mac(signedText(client.id, id), MAC_BYTES).toString('base64url')
    const place = { clientId: client.id, id, mac }
    const named = shown === undefined ? {} : { name: shown }
    return { id, url: urls.attachment(place, shown), ...named, type: typed.type, size }
  }

  /** Opens the file of a URL. @throws NOT_FOUND */
  async open(place: AttachmentPlace): Promise<OpenBlob> {
    const blob = this.#isSigned(place) && (await this.#options.blobs.open(place.clientId, place.id))
    if (!blob) throw new PlugboardError('NOT_FOUND', 'Not Found')
    return blob
  }

  /** Deletes the file of a URL. @throws INVALID if it is not a URL of this server, NOT_FOUND */
  async remove(client: ClientView, url: string): Promise<void> {
    const { urls, blobs } = this.#options
    const found = urls.attachmentAt(url)
    // The URL may be older than the current address of this installation.
    const isSigned = found !== undefined && this.#isSigned(found.place)
    if (!found?.isHere && !isSigned)
      throw new PlugboardError('INVALID', 'not an attachment URL of this server')
    const isOwn = isSigned && found.place.clientId === client.id
    const size = isOwn ? await blobs.remove(client.id, found.place.id) : undefined
    if (size !== undefined) return this.#options.usage.add(client.id, -size)
    throw new PlugboardError('NOT_FOUND', 'attachment not found')
  }

  /** Deletes all files of a conversation or a client. */
  async removeOf(owner: BlobOwner): Promise<void> {
    const size = await this.#options.blobs.removeAll(owner)
    if (owner.conversationId) this.#options.usage.add(owner.clientId, -size)
  }

  /** Checked after the upload, because the size is unknown before. */
  async #assertRoom(client: ClientView, id: Id, size: number): Promise<void> {
    try {
      await this.#options.usage.take(client, size)
    } catch (error) {
      await this.#options.blobs.remove(client.id, id)
      throw error
    }
  }

  /** The owner may have been deleted during the upload; then nothing would delete the file. */
  async #assertOwner({ clientId, conversationId, id }: BlobOwner & { id: Id }, size: number): Promise<void> {
    const { store, blobs, usage } = this.#options
    try {
      const client = await store.findClient({ id: clientId })
      if (!client || client.deletedAt) throw new PlugboardError('NOT_FOUND', 'client not found')
      if (conversationId) await this.#assertConversation(clientId, conversationId)
    } catch (error) {
      await blobs.remove(clientId, id)
      usage.add(clientId, -size)
      throw error
    }
  }

  async #assertConversation(clientId: Id, id: Id): Promise<void> {
    if (!(await this.#options.store.findConversation(clientId, id)))
      throw new PlugboardError('NOT_FOUND', 'conversation not found')
  }

  #isSigned({ clientId, id, mac }: AttachmentPlace): boolean {
    const bytes = Buffer.from(mac, 'base64url')
    return bytes.byteLength === MAC_BYTES && this.#options.keyring.isMac(bytes, signedText(clientId, id))
  }
}

/** Starts with its purpose. */
const signedText = (clientId: Id, id: Id): string => `attachment ${clientId} ${id}`

async function* atMost(maxBytes: number, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const piece of body) {
    bytes += piece.byteLength
    if (bytes > maxBytes) {
      const message = `an attachment may have ${maxBytes} bytes at most (ATTACHMENT_MAX_SIZE)`
      throw new PlugboardError('TOO_LARGE', message)
    }
    yield piece
  }
}
