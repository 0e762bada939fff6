import { IncomingMessage } from 'node:http'

/** The only path at which requests leave HTTP: clients of the Messaging API connect there. */
export const SOCKET_PATH = '/socket.io/'

/** A request for a tunnel (CONNECT) names no path. Node ends it. */
const HAS_PATH = /^(?:\/|\*|[a-z][a-z0-9+.-]*:\/\/)/i

const asked = Symbol('asked')

/**
 * Requests of which only those to `path` may leave HTTP. Once a server listens for `upgrade`, Node takes each request with
 * an `Upgrade` header out of HTTP, also that of a client which only offers HTTP/2 (`h2c`), and expects an answer in
 * HTTP/1.1 from a server that does not take it up (RFC 9110 §7.8). Node reads `upgrade` after the URL, and asks for it
 * before it decides.
 */
export function upgradableAt(path: string): typeof IncomingMessage {
  return class UpgradableRequest extends IncomingMessage {
    declare [asked]: unknown

    get upgrade(): unknown {
      return this[asked]
    }

    set upgrade(value: unknown) {
      this[asked] = value && HAS_PATH.test(this.url ?? '') ? isAt(this.url, path) : value
    }
  }
}

const isAt = (url: string | undefined, path: string): boolean => url?.split('?', 1)[0] === path
