import { PlugboardError } from '@plugboard/core'
import type { ClientView } from '@plugboard/hub'
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import { z } from 'zod'
import { withListSlot } from '../list-slots.js'
import { nothing } from './schemas.js'
import { parsePart } from './validate.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose credentials the request has; null on routes that need none. */
    client: ClientView | null
  }
}

/** A route: what it takes and gives, for the check of requests and for the API's document, and what it does. */
export interface Route<B extends z.ZodType, P extends z.ZodType, Q extends z.ZodType> {
  method: HTTPMethods
  url: string
  tag: string
  summary: string
  body?: B
  /** Told of in place of `body`, where the form that a body must have depends on more than the body. */
  documentedBody?: z.ZodType
  params?: P
  query?: Q
  /** By status; undefined: an answer without a body. */
  responses: Record<number, z.ZodType | undefined>
  /** Answers the body: an object, JSON text, or a stream of JSON text. Its status is the first of `responses`. */
  handle(input: RouteInput<z.infer<B>, z.infer<P>, z.infer<Q>>): Promise<unknown>
  /** It answers a list of the client's: of these a few are under way at once. */
  isList?: true
}

/** What a route gets. A class, since an object with a getter of its own for each request costs more than the rest. */
class RouteInput<B, P, Q> {
  readonly body: B
  readonly params: P
  readonly query: Q
  readonly request: FastifyRequest
  readonly reply: FastifyReply

  constructor(parts: { body: B; params: P; query: Q }, request: FastifyRequest, reply: FastifyReply) {
    this.body = parts.body
    this.params = parts.params
    this.query = parts.query
    this.request = request
    this.reply = reply
  }

  /** @throws UNAUTHORIZED on a route that is not behind credentials. */
  get client(): ClientView {
    if (this.request.client) return this.request.client
    throw new PlugboardError('UNAUTHORIZED', 'Unauthorized')
  }
}

type Nothing = typeof nothing

const JSON_TYPE = 'application/json; charset=utf-8'

/** Registers a route. Every key that its schemas do not name is refused. */
export function defineRoute<
  B extends z.ZodType = Nothing,
  P extends z.ZodType = Nothing,
  Q extends z.ZodType = Nothing,
>(app: FastifyInstance, route: Route<B, P, Q>): void {
  const { method, url, tag, summary, responses, handle } = route
  const status = Number(Object.keys(responses)[0])
  const body = route.body ?? nothing
  const params = route.params ?? nothing
  const query = route.query ?? nothing
  const documentedBody = route.documentedBody ?? route.body
  app.route({
    method,
    url,
    schema: {
      tags: [tag],
      summary,
      ...(documentedBody && { body: documentedBody }),
      ...(route.params && { params: route.params }),
      ...(route.query && { querystring: route.query }),
      response: Object.fromEntries(
        Object.entries(responses).map(([code, schema]) => [code, schema ?? z.void()]),
      ),
    },
    handler: async (request, reply) => {
      const parts = {
        params: parsePart(params, 'params', request.params) as z.infer<P>,
        query: parsePart(query, 'query', request.query) as z.infer<Q>,
        body: parsePart(body, 'body', request.body) as z.infer<B>,
      }
      const input = new RouteInput(parts, request, reply)
      const answer = await (route.isList
        ? withListSlot(app.listSlots, input.client.id, reply.raw, () => handle(input))
        : handle(input))
      void reply.code(status)
      if (answer !== undefined && !reply.hasHeader('content-type'))
        void reply.header('content-type', JSON_TYPE)
      return answer
    },
  })
}

/** A plain `OK`. */
export function ok(reply: FastifyReply): string {
  void reply.type('text/plain; charset=utf-8')
  return 'OK'
}
