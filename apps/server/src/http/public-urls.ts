import type { Server } from 'node:http'
import { isId, toUuid } from '@plugboard/core'
import type { AttachmentPlace, PublicAddresses } from '@plugboard/hub'
import type { Config } from '../config/read-config.js'
import { parseAllowance, refusal } from '../outbound/guard.js'

const NOTHING_PRIVATE = parseAllowance('none', false)
const HOST = /^[\w.-]{1,255}(:\d{1,5})?$|^\[[\da-f:.]{2,45}\](:\d{1,5})?$/i
const ATTACHMENT = /^(https?:\/\/[^?#]+)\/attachments\/v1\/([^/?#]+)\/([^/?#]+)\/([\w-]+)(?:\/[^/?#]*)?$/

/** Public URLs of this server, in one place, because some providers sign these URLs. */
export class PublicUrls implements PublicAddresses {
  readonly #config: Pick<Config, 'host' | 'port' | 'externalUrl'>
  #server: Server | undefined

  constructor(config: Pick<Config, 'host' | 'port' | 'externalUrl'>) {
    this.#config = config
  }

  /** Sets the server that determines the port, if the configuration has port 0. */
  listensAt(server: Server): void {
    this.#server = server
  }

  /** Whether EXTERNAL_URL is set, to an address that may be reachable from the internet. */
  get isPublic(): boolean {
    const { externalUrl } = this.#config
    if (externalUrl === undefined) return false
    const { hostname } = new URL(externalUrl)
    return (
      (hostname.includes('.') || hostname.includes(':')) &&
      refusal(externalUrl, NOTHING_PRIVATE) === undefined
    )
  }

  /** Without a trailing slash. Never derived from the Host header, which callers can forge. */
  get base(): string {
    const { externalUrl, host, port } = this.#config
    if (externalUrl !== undefined) return externalUrl
    const bound = this.#server?.address()
    const portNow = typeof bound === 'object' && bound ? bound.port : port
    return `http://${host.includes(':') ? `[${host}]` : host}:${portNow}`
  }

  /**
   * As {@link PublicUrls.base}, or the address that a browser has called the server at, if none is configured: for what is
   * shown to that browser alone, because the Host header may be forged.
   */
  baseFor(host = ''): string {
    return this.#config.externalUrl === undefined && HOST.test(host)
      ? `http://${host.toLowerCase()}`
      : this.base
  }

  /** Contains the client's id, not its name, because providers store this URL and names can change. */
  webhook(clientId: Parameters<PublicAddresses['webhook']>[0], integration: string): string {
    return `${this.base}/webhooks/v1/${toUuid(clientId)}/${integration}`
  }

  sharedWebhook(channel: string): string {
    return `${this.base}/webhooks/v1/${channel}`
  }

  media(token: string): string {
    return `${this.base}/media/v1/${token}`
  }

  attachment({ clientId, id, mac }: AttachmentPlace, name?: string): string {
    const end = name === undefined ? '' : `/${encodeURIComponent(name)}`
    return `${this.base}/attachments/v1/${clientId}/${id}/${mac}${end}`
  }

  attachmentAt(url: string): ReturnType<PublicAddresses['attachmentAt']> {
    const [, base, clientId = '', id = '', mac = ''] = ATTACHMENT.exec(url) ?? []
    if (!isId(clientId) || !isId(id)) return undefined
    return { place: { clientId, id, mac }, isHere: base === this.base }
  }
}
