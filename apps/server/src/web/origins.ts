import type { FastifyReply, FastifyRequest } from 'fastify'
import type { PublicUrls } from '../http/public-urls.js'
import { Refusal } from './errors.js'
import type { Site } from './sites.js'

/** Where a page is: an origin that the site allows, or `self` for the pages of this server. */
export type Origin = string

/** The pages of this server, and programs that are no browser. */
const SELF = 'self'

/** How long a browser remembers what it may send, in seconds. */
const MAX_AGE_SECONDS = 7_200

const CORS_HEADERS = {
  'access-control-allow-methods': 'GET, POST, PATCH, DELETE',
  'access-control-allow-headers': 'authorization, content-type, idempotency-key, last-event-id, x-file-name',
  'access-control-max-age': MAX_AGE_SECONDS,
}

/** Decides which pages may use a site: exactly the configured origins, and those of this server. */
export class Origins {
  readonly #urls: Pick<PublicUrls, 'base' | 'baseFor'>

  constructor(urls: Pick<PublicUrls, 'base' | 'baseFor'>) {
    this.#urls = urls
  }

  /**
   * The origin of a request, and the headers by which its page may read the answer. Browsers name the origin of every
   * request that another origin could not make anyway; without the header, it is this server's page or no browser.
   * @throws ORIGIN_FORBIDDEN
   */
  admit(site: Site, request: FastifyRequest, reply: FastifyReply): Origin {
    void reply.header('vary', 'Origin')
    const { origin } = request.headers
    if (origin === undefined || this.#isOwn(origin, request)) return SELF
    if (!site.config.allowedOrigins.includes(origin))
      throw new Refusal('ORIGIN_FORBIDDEN', 'the origin of this page is not one of allowedOrigins')
    void reply.headers({
      'access-control-allow-origin': origin,
      'access-control-expose-headers': 'content-disposition, retry-after, x-request-id',
    })
    return origin
  }

  /** The answer to a preflight request. @throws ORIGIN_FORBIDDEN */
  preflight(site: Site, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    this.admit(site, request, reply)
    return reply.code(204).headers(CORS_HEADERS).send()
  }

  /** A page with the name that the request is for can only be a page of this server. */
  #isOwn(origin: string, { headers }: FastifyRequest): boolean {
    return [this.#urls.base, this.#urls.baseFor(headers.host)].some((base) => new URL(base).origin === origin)
  }
}
