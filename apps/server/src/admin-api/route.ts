import type { ServerResponse } from 'node:http'
import { type Id, isPlugboardError, PlugboardError } from '@plugboard/core'
import type { AuditDetails, ClientView } from '@plugboard/hub'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { idempotencyHeader } from '../dialects/idempotency-header.js'
import { namedClient } from '../dialects/messaging-v1/map.js'
import { parsePart } from '../dialects/parse-part.js'
import { type Actor, type AdminRole, actorOf } from './actor.js'
import { type Noted, recorded } from './audited-action.js'
import { assertMay } from './callers.js'
import type { AdminDeps } from './deps.js'
import { type AdminStatus, type AdminTag, errorsOf, security } from './description.js'
import { whileOpen } from './recheck-while-open.js'

declare module 'fastify' {
  interface FastifySchema {
    /** Who may use a route of the admin API, in its document. */
    'x-access'?: object
  }
  interface FastifyRequest {
    /** The client in the path of a route of the admin API. */
    adminClient: ClientView | null
  }
}

/** How often it is checked whether the caller of an answer that goes on is still allowed to read it. */
const STREAM_CHECK_MS = 2_000

const nothing = z.strictObject({})
type Nothing = typeof nothing

/** A route of the admin API: who may use it, schemas for validation and for the API document, and its handler. */
export interface AdminRoute<
  U extends string,
  B extends z.ZodType,
  P extends z.ZodObject,
  Q extends z.ZodType,
> {
  /** Below `/admin/v1`. The client of a path with `:clientId` is read before the handler is called. */
  url: U
  /** `admin…`: its name in the API document, for generated clients. */
  operationId: `admin${string}`
  tag: AdminTag
  summary: string
  /** The least role that may use it. `anyone`: without credentials. */
  role: AdminRole | 'anyone'
  /**
   * Whether a link to one client allows it: below `/clients/:clientId` for this client only. Elsewhere, the handler
   * answers with what concerns `actor.clientId`.
   */
  tenant: boolean
  body?: B
  /** Of the path, except `clientId`. */
  params?: P
  query?: Q
  /** By status; undefined: an answer without a body. The first one is the status of success. */
  responses: Record<number, z.ZodType | undefined>
  /** Statuses of failures in the API document, beside those of every route of its kind. */
  errors?: readonly AdminStatus[]
  /** It takes an `Idempotency-Key`. */
  takesKey?: true
  /** Of a route that makes the server call somebody at once: whom, for the limits on it. @throws NOT_FOUND */
  calls?(client: ClientView, params: z.output<P>): Id
  /** Its answer may not end, so that there is none without a body (`HEAD`). */
  isStream?: true
  /** Returns the body. Undefined: the status is 204, or the answer was sent. */
  handle(input: AdminInput<U, z.output<B>, z.output<P>, z.output<Q>>): Promise<unknown>
}

/** A route that changes nothing, or one that does, with the name of the action in the audit log. */
type Effect =
  | { method: 'GET'; audit?: undefined }
  /** `false`: the handler writes to the audit log itself. */
  | { method: 'POST' | 'PUT' | 'PATCH' | 'DELETE'; audit: string | false }

type AdminInput<U, B, P, Q> = {
  actor: Actor
  body: B
  params: P
  query: Q
  request: FastifyRequest
  reply: FastifyReply
  /**
   * Adds to the entry of the audit log: no secrets, and no text of messages. The names of the body's members are there
   * already. `clientId`: of a client that is not in the path.
   */
  note(details: AuditDetails, clientId?: Id): void
} & (U extends `${string}:clientId${string}` ? { client: ClientView } : unknown)

const clientId = z
  .string()
  .max(200)
  .describe('Id of the client, as in the Messaging API, or its 24 hexadecimal characters')

const clientParams = z.object({ clientId })

/** Registers a route. Unknown keys are rejected. */
export function defineAdminRoute<
  const U extends string,
  B extends z.ZodType = Nothing,
  P extends z.ZodObject = Nothing,
  Q extends z.ZodType = Nothing,
>(
  app: FastifyInstance,
  { hub, callers, outboundLimits, actionLimits }: AdminDeps,
  route: AdminRoute<U, B, P, Q> & Effect,
): void {
  const { method, url, tag, summary, operationId, role, tenant, responses, handle } = route
  const status = Number(Object.keys(responses)[0])
  const isOpen = role === 'anyone'
  const hasClient = url.split('/').includes(':clientId')
  const ownParams = route.params ?? nothing
  const params = hasClient ? ownParams.extend({ clientId }) : ownParams
  const { body, query, takesKey } = route
  const documented = { isOpen, body, query, takesKey, params: url.includes(':') || undefined }
  app.route({
    method,
    url,
    ...(route.isStream && { exposeHeadRoute: false }),
    schema: {
      ...{ tags: [tag], summary, operationId },
      security: isOpen ? [] : security,
      errors: errorsOf(documented, route.errors),
      'x-access': { role, tenant, ...(route.audit && { audit: route.audit }) },
      ...(route.takesKey && { headers: idempotencyHeader }),
      ...(route.body && { body: route.body }),
      ...(url.includes(':') && { params }),
      ...(route.query && { querystring: route.query }),
      response: Object.fromEntries(
        Object.entries(responses).map(([code, schema]) => [code, schema ?? z.void()]),
      ),
    },
    onRequest: async (request) => {
      if (isOpen) return
      const { actor, session } = await callers.identify(request)
      assertMay(actor, { role, tenant })
      request.actor = actor
      request.operatorSession = session ?? null
      if (hasClient) request.adminClient = await clientOf(actor, request)
    },
    handler: async (request, reply) => {
      const wholeParams = parsePart(params, request.params)
      const body = parsePart(route.body ?? nothing, request.body)
      const query = parsePart(route.query ?? nothing, request.query)
      const client = request.adminClient
      const noted: Noted = { details: {}, ...(client && { clientId: client.id }) }
      const input = {
        get actor() {
          return actorOf(request)
        },
        ...{ body, query, request, reply, params: wholeParams },
        ...(client && { client }),
        note(details: AuditDetails, clientId?: Id) {
          Object.assign(noted.details, details)
          if (clientId) noted.clientId = clientId
        },
      } as AdminInput<U, z.output<B>, z.output<P>, z.output<Q>>
      const { clientId: _, ...target } = wholeParams
      // Before the audit log, which would be flooded too.
      if (route.audit) actionLimits.countAction(actorOf(request))
      if (route.calls && client) outboundLimits.count(actorOf(request), route.calls(client, input.params))
      if (route.isStream && !isOpen) endUnlessAllowed(request, reply.raw, role)
      const act = (): Promise<unknown> => handle(input)
      const answer = await (route.audit
        ? recorded(
            hub,
            {
              ...{ action: route.audit, actor: actorOf(request), request, target, noted },
              fields: Object.keys(Object(body)),
            },
            act,
          )
        : act())
      if (reply.sent) return reply
      return reply.code(answer === undefined ? 204 : status).send(answer)
    },
  })

  /** Ends an answer that goes on when its caller may no longer read it: after a sign-out, say. */
  function endUnlessAllowed(request: FastifyRequest, response: ServerResponse, least: AdminRole): void {
    // Event streams drop the headers of their request.
    const asked: FastifyRequest = Object.create(request, { headers: { value: { ...request.headers } } })
    whileOpen(response, STREAM_CHECK_MS, async () => {
      try {
        assertMay((await callers.identify(asked)).actor, { role: least, tenant })
        return true
      } catch (error) {
        // If it cannot be told now, it is asked again.
        return isPlugboardError(error, 'UNAVAILABLE')
      }
    })
  }

  /** @throws NOT_FOUND, also for a client that the link of the caller is not for */
  async function clientOf(actor: Actor, { params }: FastifyRequest): Promise<ClientView> {
    const client = await hub.clients.find(namedClient(parsePart(clientParams, params).clientId))
    if (client && (actor.kind !== 'tenant' || actor.clientId === client.id)) return client
    throw new PlugboardError('NOT_FOUND', 'client not found')
  }
}
