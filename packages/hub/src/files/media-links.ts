import {
  type Id,
  isPlugboardError,
  type Json,
  type MediaRef,
  type OpenMedia,
  PlugboardError,
} from '@plugboard/core'
import { withTimeout } from '../channels/call-timeout.js'
import type { Channels, Runtime } from '../channels/channels.js'
import { classify } from '../channels/classify-error.js'
import type { ClientView, Directory } from '../clients/directory.js'
import type { Keyring } from '../clients/keyring.js'
import { integrationOf } from '../clients/open-integration.js'
import { type ChannelRef, decodeChannel, encodeChannel } from '../log/endpoint-record.js'
import type { PublicAddresses } from '../ports/public-addresses.js'
import type { Store } from '../ports/store.js'
import { fileNameOf } from './file-name.js'

export interface MediaLinksOptions {
  store: Store
  keyring: Keyring
  directory: Directory
  channels: Channels
  urls: PublicAddresses
  /** Validity of a URL, in milliseconds. */
  ttlMs: number
  /** Time limit to open a file, in milliseconds. */
  timeoutMs: number
  now(): Date
}

/** Position of a file in an entry. */
export interface MediaPlace {
  clientId: Id
  channel: ChannelRef
  entryId: Id
  part: number
}

/** A file of a provider, with its display data. */
export interface LinkedMedia extends OpenMedia {
  name?: string
}

/** The content of a sealed URL. */
type Ticket = [
  clientId: Id,
  /** See {@link encodeChannel}. */
  channel: string,
  entryId: Id,
  part: number,
  expiresAt: number,
  ref: Json,
  mime: string | null,
  name: string | null,
]

/** Context of the encryption, so that no other secret of the store can be used as a URL. */
const CONTEXT = 'media'

/**
 * URLs of files that people sent. Each contains, encrypted, the channel's reference to the file and the message. The
 * credentials stay on this server.
 */
export class MediaLinks {
  readonly #options: MediaLinksOptions

  constructor(options: MediaLinksOptions) {
    this.#options = options
  }

  /** The URL of a file; valid until it expires, or the entry is deleted. */
  urlOf({ clientId, channel, entryId, part }: MediaPlace, media: MediaRef): string {
    const { keyring, urls, ttlMs, now } = this.#options
    const { ref, mime = null } = media
    const name = fileNameOf(media.name) ?? null
    const expiresAt = now().getTime() + ttlMs
    const ticket: Ticket = [clientId, encodeChannel(channel), entryId, part, expiresAt, ref, mime, name]
    return urls.media(keyring.seal(JSON.stringify(ticket), CONTEXT))
  }

  /**
   * Opens the file of a URL at its provider. `signal` aborts it. @throws NOT_FOUND for an invalid or expired URL, a
   * deleted file, or one that the provider will never return, with its reason; UNAVAILABLE if it may return it later
   */
  async open(token: string, signal: AbortSignal): Promise<LinkedMedia> {
    const ticket = this.#read(token)
    const [clientId, channel, entryId, , expiresAt, ref, mime, name] = ticket ?? throwNotFound()
    const { store, directory, now } = this.#options
    if (expiresAt <= now().getTime()) throwNotFound()
    const client = (await directory.find({ id: clientId })) ?? throwNotFound()
    const entry = await store.findEntry(clientId, entryId)
    if (!entry || entry.deletedAt) throwNotFound()
    const opened = await this.#openMedia(client, decodeChannel(channel, false), ref, signal)
    const type = opened.mime ?? mime
    return {
      body: opened.body,
      ...(type && { mime: type }),
      ...(opened.size !== undefined && { size: opened.size }),
      ...(name !== null && { name }),
    }
  }

  #read(token: string): Ticket | undefined {
    try {
      return JSON.parse(this.#options.keyring.open(token, CONTEXT)) as Ticket
    } catch (error) {
      if (isPlugboardError(error, 'INTERNAL')) return undefined
      throw error
    }
  }

  async #openMedia(
    client: ClientView,
    channel: ChannelRef,
    ref: Json,
    outer: AbortSignal,
  ): Promise<OpenMedia> {
    const { channels, urls, timeoutMs } = this.#options
    const open = integrationOf(client, channel)
    if (!open || !channels.find(open.channel)) throwNotFound()
    let runtime: Runtime | undefined
    // The file is read after this call: the time limit of the opening must not abort the reading.
    const reading = new AbortController()
    outer.addEventListener('abort', () => reading.abort())
    try {
      return await withTimeout(timeoutMs, outer, async (opening) => {
        const connected = await channels.connect(client.id, open)
        runtime = connected.runtime
        const { openMedia } = runtime
        if (!openMedia) throwNotFound()
        opening.addEventListener('abort', () => reading.abort())
        const { integration, state } = connected
        const context = {
          integration,
          state,
          webhookUrl: urls.webhook(client.id, open.name),
          signal: reading.signal,
        }
        return await openMedia.call(runtime, ref, context)
      })
    } catch (error) {
      if (isPlugboardError(error)) throw error
      const { kind, message } = classify(runtime, error)
      if (kind === 'invalid' || kind === 'recipient')
        throw new PlugboardError('NOT_FOUND', `the provider does not return the file: ${message}`)
      throw new PlugboardError('UNAVAILABLE', `the provider did not return the file: ${message}`)
    }
  }
}

function throwNotFound(): never {
  throw new PlugboardError('NOT_FOUND', 'Not Found')
}
