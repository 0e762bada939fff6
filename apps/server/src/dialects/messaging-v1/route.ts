import { PlugboardError } from '@plugboard/core'
import type { ClientView } from '@plugboard/hub'
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import { z } from 'zod'
import { idempotencyHeader } from '../idempotency-header.js'
import { withListSlot } from '../list-slots.js'
import { type ErrorStatus, errorsOf, securityOf } from './description.js'
import { nothing } from './schemas.js'
import { parsePart } from './validate.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** The authenticated client; null on routes without credentials. */
    client: ClientView | null
  }
}

/** A route: schemas for validation and for the API document, and its handler. */
export interface Route<B extends z.ZodType, P extends z.ZodType, Q extends z.ZodType> {
  method: HTTPMethods
  url: string
  tag: string
  summary: string
  /** Its name in the API document, for generated clients. */
  operationId: string
  body?: B
  /** Replaces `body` in the API document, if the validation of the body depends on other input. */
  documentedBody?: z.ZodType
  params?: P
  query?: Q
  /** By status; undefined: an answer without a body. */
  responses: Record<number, z.ZodType | undefined>
  /** Returns the body: an object, JSON text, or a stream of JSON text. The status is the first of `responses`. */
  handle(input: RouteInput<z.infer<B>, z.infer<P>, z.infer<Q>>): Promise<unknown>
  /** Statuses of failures in the API document, beside those of every route of its kind. */
  errors?: readonly ErrorStatus[]
  /** It takes an `Idempotency-Key`. */
  takesKey?: true
  /** It returns a list of the client, whose concurrency is limited. */
  isList?: true
  /** Its answer may not end, or takes what is then with nobody else. So there is none without a body (`HEAD`). */
  isStream?: true
}

/** Input of a route. A class, because creating an object with a getter per request is slow. */
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

/** Registers a route. Unknown keys are rejected. */
export function defineRoute<
  B extends z.ZodType = Nothing,
  P extends z.ZodType = Nothing,
  Q extends z.ZodType = Nothing,
>(app: FastifyInstance, route: Route<B, P, Q>): void {
  const { method, url, tag, summary, operationId, responses, handle } = route
  const status = Number(Object.keys(responses)[0])
  const body = route.body ?? nothing
  const params = route.params ?? nothing
  const query = route.query ?? nothing
  const documentedBody = route.documentedBody ?? route.body
  app.route({
    method,
    url,
    ...(route.isStream && { exposeHeadRoute: false }),
    schema: {
      tags: [tag],
      summary,
      operationId,
      security: securityOf(tag),
      errors: errorsOf(route, route.errors),
      ...(route.takesKey && { headers: idempotencyHeader }),
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
