import { assertEnabled, type ClientView, type Hub } from '@plugboard/hub'
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import { z } from 'zod'
import { pathParams } from '../../http/path-params.js'
import { idempotencyHeader } from '../idempotency-header.js'
import { withListSlot } from '../list-slots.js'
import {
  type Access,
  assertMay,
  type Caller,
  type Credentials,
  findApp,
  isEnough,
  recallApp,
} from './credentials.js'
import { errorsOf, security, type Tag, tagOf } from './description.js'
import { type Missing, notFound, orNotFound } from './errors.js'
import { parseInput } from './validate.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** The caller and the app of the request; null before authentication. */
    sunshine: { caller: Caller; app: ClientView | undefined } | null
  }
}

/** Dependencies of the routes of this dialect. */
export interface Scope {
  app: FastifyInstance
  hub: Hub
  credentials: Credentials
  /** Where the API is called from outside, up to and without the path of a route; without a slash at its end. */
  baseUrl(request: FastifyRequest): string
}

/** A route: who may call it, what it takes and gives, and what it does. */
export interface Route<B extends z.ZodType, Q extends z.ZodType> {
  method: HTTPMethods
  /** From `/apps` on. */
  url: string
  tag: Tag
  summary: string
  /** That of the published document; for what is only ours, one in the same style. */
  operationId: string
  access: Access
  body?: B
  /** Of a form, for the API document: its fields. */
  form?: z.ZodType
  query?: Q
  /** The status of success. Default: 200. */
  status?: 200 | 201
  response: z.ZodType
  /** Kind of object of a not-found error, if the error does not name it. */
  missing?: Missing
  /** It takes an `Idempotency-Key`. */
  takesKey?: true
  /** It returns a list of the app, whose concurrency is limited. */
  isList?: true
  handle(input: RouteInput<z.infer<B>, z.infer<Q>>): Promise<unknown>
}

/** Input of a route. A class, because creating an object with getters per request is slow. */
export class RouteInput<B, Q> {
  readonly body: B
  readonly query: Q
  readonly request: FastifyRequest
  readonly reply: FastifyReply

  constructor(parts: { body: B; query: Q }, request: FastifyRequest, reply: FastifyReply) {
    this.body = parts.body
    this.query = parts.query
    this.request = request
    this.reply = reply
  }

  get params(): Readonly<Record<string, string>> {
    return pathParams(this.request)
  }

  get caller(): Caller {
    if (!this.request.sunshine) throw new Error('the request was not authenticated yet')
    return this.request.sunshine.caller
  }

  /** The app of the path. */
  get client(): ClientView {
    const client = this.request.sunshine?.app
    if (!client) throw notFound('app')
    return client
  }
}

const nothing = z.unknown()
type Nothing = typeof nothing

const JSON_TYPE = 'application/json; charset=utf-8'

/** Registers a route. Unknown keys are dropped, as in the original API. */
export function defineRoute<B extends z.ZodType = Nothing, Q extends z.ZodType = Nothing>(
  scope: Scope,
  route: Route<B, Q>,
): void {
  const { app, hub, credentials } = scope
  const { method, url, tag, summary, operationId, access, response, missing, handle, status = 200 } = route

  async function admit(request: FastifyRequest, appId: string | undefined): Promise<void> {
    const caller = credentials.recall(request.headers.authorization) ?? (await credentials.require(request))
    assertMay(caller, access, appId)
    const found = appId === undefined ? undefined : await findApp(hub, appId)
    if (appId !== undefined && !found) throw notFound('app')
    if (found) assertEnabled(found)
    request.sunshine = { caller, app: found }
  }

  app.route({
    method,
    url,
    schema: {
      tags: [tagOf(tag)],
      summary,
      operationId,
      security,
      errors: errorsOf(route),
      ...(route.takesKey && { headers: idempotencyHeader }),
      ...(route.body && { body: route.body }),
      ...(route.form && { body: route.form, consumes: ['multipart/form-data'] }),
      ...(route.query && { querystring: route.query }),
      response: { [status]: response },
      ...(response instanceof z.ZodNever && { hide: true }),
    },
    // In this order, whatever else is wrong: who, what they may, whether the app is there, and only then the rest.
    onRequest: (request, _, done) => {
      const { appId } = pathParams(request)
      const caller = credentials.recall(request.headers.authorization)
      // Most are of a key that was here before, for its own app: that needs no wait.
      const known = caller && caller.key.clientId === appId ? recallApp(hub, appId) : undefined
      if (!caller || !known || known.record.disabled || !isEnough(caller, access)) {
        admit(request, appId).then(() => done(), done)
        return
      }
      request.sunshine = { caller, app: known }
      done()
    },
    handler: async (request, reply) => {
      const parts = {
        body: (route.body ? parseInput(route.body, request.body ?? {}) : undefined) as z.infer<B>,
        query: (route.query ? parseInput(route.query, request.query) : undefined) as z.infer<Q>,
      }
      const input = new RouteInput(parts, request, reply)
      const answer = await (route.isList
        ? withListSlot(app.listSlots, input.client.id, reply.raw, () => orNotFound(missing, handle(input)))
        : orNotFound(missing, handle(input)))
      void reply.code(status).header('content-type', JSON_TYPE)
      return answer
    },
  })
}
