import { assertEnabled } from '@plugboard/hub'
import type { FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import { z } from 'zod'
import { withListSlot } from '../dialects/list-slots.js'
import { parsePart } from '../dialects/parse-part.js'
import { pathParams } from '../http/path-params.js'
import { networkOf } from '../http/trusted-proxies.js'
import { errorsOf, type Status, security, TAG } from './description.js'
import type { Origin } from './origins.js'
import type { Scope } from './scope.js'
import type { Site } from './sites.js'
import type { Visitor } from './visitors.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** The site of a request, the origin of its page, and the visitor; null outside of this API. */
    web: { site: Site; origin: Origin; visitor?: Visitor } | null
  }
}

const nothing = z.object({})
type Nothing = typeof nothing

/** A route of a site. */
interface Route<B extends z.ZodType, P extends z.ZodObject, Q extends z.ZodType> {
  method: HTTPMethods
  /** Below the site. */
  path: string
  summary: string
  /** Its name in the API document, for generated clients. */
  operationId: string
  body?: B
  /** Of the path below the site. */
  params?: P
  query?: Q
  headers?: z.ZodObject
  /** Default: 200. */
  status?: number
  /** Default: an answer without a body. */
  response?: z.ZodType | object
  /** Statuses of failures in the API document, beside those of every route of its kind. */
  errors?: readonly Status[]
  /** It returns a list, whose concurrency is limited. */
  isList?: true
}

interface Input<B, P, Q> {
  site: Site
  origin: Origin
  body: B
  params: P
  query: Q
  request: FastifyRequest
  reply: FastifyReply
}

/** A route that anybody may call from a page of the site. */
export interface OpenRoute<B extends z.ZodType, P extends z.ZodObject, Q extends z.ZodType>
  extends Route<B, P, Q> {
  isOpen: true
  handle(input: Input<z.output<B>, z.output<P>, z.output<Q>>): Promise<unknown>
}

/** A route of a visitor. */
export interface VisitorRoute<B extends z.ZodType, P extends z.ZodObject, Q extends z.ZodType>
  extends Route<B, P, Q> {
  isOpen?: undefined
  handle(input: Input<z.output<B>, z.output<P>, z.output<Q>> & { visitor: Visitor }): Promise<unknown>
}

const SITE_PARAMS = z.object({
  client: z
    .string()
    .describe(
      'The id or the name of the client; `CLIENT~NAME` for an integration of another name than `web`.',
    ),
})

/** Defines a route: the site, the origin and the visitor are known before the body is read. */
export function defineRoute<
  B extends z.ZodType = Nothing,
  P extends z.ZodObject = Nothing,
  Q extends z.ZodType = Nothing,
>({ app, sites, origins, visitors }: Scope, route: OpenRoute<B, P, Q> | VisitorRoute<B, P, Q>): void {
  const { method, path, summary, operationId, status = 200, response } = route
  app.route({
    method,
    url: `/:client${path}`,
    schema: {
      tags: [TAG],
      summary,
      operationId,
      security: route.isOpen ? [] : security,
      errors: errorsOf(route),
      ...(route.headers && { headers: route.headers }),
      ...(route.body && { body: route.body }),
      params: SITE_PARAMS.extend((route.params ?? nothing).shape),
      ...(route.query && { querystring: route.query }),
      response: { [status]: response ?? z.void() },
    },
    onRequest: async (request, reply) => {
      const { client = '' } = pathParams(request)
      const site = await sites.get(client)
      const origin = origins.admit(site, request, reply)
      // After the origin, so that the page can read why.
      assertEnabled(site.client)
      request.web = { site, origin }
      if (!route.isOpen) request.web.visitor = await visitors.authenticate({ site, origin, request })
    },
    handler: async (request, reply) => {
      if (!request.web) throw new Error('the site was not loaded')
      const { site, origin, visitor } = request.web
      const input = {
        ...{ site, origin, request, reply },
        params: parsePart(route.params ?? nothing, request.params) as z.output<P>,
        query: parsePart(route.query ?? nothing, request.query) as z.output<Q>,
        body: parsePart(route.body ?? nothing, request.body) as z.output<B>,
      }
      const handle = async (): Promise<unknown> => {
        if (route.isOpen) return route.handle(input)
        if (!visitor) throw new Error('the visitor was not identified')
        return route.handle({ ...input, visitor })
      }
      const answer = await (route.isList
        ? withListSlot(app.visitorListSlots, site.client.id, reply.raw, handle, networkOf(request.ip))
        : handle())
      if (reply.sent) return reply
      return reply.code(answer === undefined ? 204 : status).send(answer)
    },
  })
}
