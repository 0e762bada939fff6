import { createHmac } from 'node:crypto'
import type { Id } from '@plugboard/core'
import { parse, serialize } from 'cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { isSame } from '../../dialects/same-secret.js'
import type { PublicUrls } from '../../http/public-urls.js'

/** A session, a sign-in that is under way at a provider of OpenID Connect, and that a browser has signed in before. */
type CookieName = 'session' | 'oidc' | 'device'

/** The way back from the provider is a request that another site caused. */
const SAME_SITE = { session: 'strict', oidc: 'lax', device: 'strict' } as const

export interface CookiesOptions {
  urls: Pick<PublicUrls, 'base'>
  /** Makes the CSRF tokens of sessions. The same for all processes. */
  key: Uint8Array
}

/**
 * Cookies of the console, and the CSRF tokens of sessions. The prefix `__Host-` binds a cookie to the very host
 * (RFC 6265bis §4.1.3), so that no sibling domain can set one.
 */
export class Cookies {
  readonly #options: CookiesOptions

  constructor(options: CookiesOptions) {
    this.#options = options
  }

  /** The value of a cookie of a request; undefined if it has none. */
  read({ headers }: FastifyRequest, name: CookieName): string | undefined {
    return headers.cookie === undefined ? undefined : parse(headers.cookie)[this.#nameOf(name)]
  }

  set(reply: FastifyReply, name: CookieName, value: string, expires: Date): void {
    const options = { path: '/', httpOnly: true, secure: this.#isSecure, expires, sameSite: SAME_SITE[name] }
    const cookies = [reply.getHeader('set-cookie') ?? []].flat().map(String)
    void reply.removeHeader('set-cookie')
    void reply.header('set-cookie', [...cookies, serialize(this.#nameOf(name), value, options)])
  }

  clear(reply: FastifyReply, name: CookieName): void {
    this.set(reply, name, '', new Date(0))
  }

  /** What a page sends back in `x-csrf-token`. */
  csrfTokenOf(sessionId: Id): string {
    return createHmac('sha256', this.#options.key).update(`csrf ${sessionId}`).digest('base64url')
  }

  isCsrfToken(given: unknown, sessionId: Id): boolean {
    return isSame(given, this.csrfTokenOf(sessionId))
  }

  get #isSecure(): boolean {
    return this.#options.urls.base.startsWith('https:')
  }

  #nameOf(name: CookieName): string {
    return `${this.#isSecure ? '__Host-' : ''}plugboard-${name}`
  }
}

/** Origins that a browser may name for a page of this server. */
function ownOrigins({ headers }: FastifyRequest, { base }: Pick<PublicUrls, 'base'>): string[] {
  const { host = '' } = headers
  return [new URL(base).origin, `http://${host}`, `https://${host}`]
}

/**
 * Whether a request comes from a page of this server, by what the browser says of it. `otherwise`: what is returned for
 * requests that say nothing, as of programs.
 */
export function isFromOwnPage(
  request: FastifyRequest,
  urls: Pick<PublicUrls, 'base'>,
  { otherwise }: { otherwise: boolean },
): boolean {
  const { 'sec-fetch-site': site, origin } = request.headers
  if (site !== undefined) return site === 'same-origin'
  return origin === undefined ? otherwise : ownOrigins(request, urls).includes(origin)
}
