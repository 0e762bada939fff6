import { type Issue, invalid, PlugboardError } from '@plugboard/core'
import { assertEnabled, type ClientView, type Hub } from '@plugboard/hub'
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema, HTTPMethods } from 'fastify'
import { z } from 'zod'
import { doubledPrefixFault } from '../../http/doubled-prefix.js'
import { pathParams } from '../../http/path-params.js'
import { isTooLarge } from '../bounded-schemas.js'
import { idempotencyHeader } from '../idempotency-header.js'
import { withListSlot } from '../list-slots.js'
import type { Credentials } from './credentials.js'
import { errorsOf, security, TAG } from './description.js'
import { notAMember, roleTooLow } from './errors.js'
import { type Caller, isEnough, type Role, roleIn } from './roles.js'
import { nothing, projectIdIn } from './schemas.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** The caller and the project; null outside of projects. */
    smartify: Inside | null
  }
}

/** The caller and the project. */
interface Inside {
  project: ClientView
  caller: Caller
  role: Role
}

type Nothing = typeof nothing
type NoParams = typeof noParams

/** Schemas of a route. */
interface Route<B extends z.ZodType, P extends z.ZodObject, Q extends z.ZodType> {
  method: HTTPMethods
  summary: string
  /** Its name in the API document, for generated clients. */
  operationId: string
  body?: B
  params?: P
  query?: Q
}

interface Input<B, P, Q> {
  body: B
  params: P
  query: Q
  request: FastifyRequest
  reply: FastifyReply
}

export interface ProjectRoute<B extends z.ZodType, P extends z.ZodObject, Q extends z.ZodType>
  extends Route<B, P, Q> {
  /** Below the project. */
  path: string
  /** The least role that may call it. */
  asks: Role
  /** Asked before the body is read. @throws what the caller is answered with */
  admit?(caller: Caller, request: FastifyRequest): void
  /** It takes an `Idempotency-Key`. */
  takesKey?: true
  /** It returns a list of the project, whose concurrency is limited. */
  isList?: true
  handle(input: Input<z.output<B>, z.output<P>, z.output<Q>> & Inside): Promise<unknown>
}

export interface OpenRoute<B extends z.ZodType, A> extends Route<B, NoParams, Nothing> {
  url: string
  /** It needs no credentials in headers. */
  isOpen?: true
  /** Who calls, or whether anybody may now: before the body is read. What it finds is handed on as `admitted`. */
  admit?(request: FastifyRequest): A | Promise<A>
  handle(input: Input<z.output<B>, unknown, unknown> & { admitted: A }): Promise<unknown>
}

/** For the document: the peer's objects have no schema of their own. */
const ANSWER: Pick<FastifySchema, 'response'> = { response: { 200: z.unknown() } }

/** A route outside of projects, which authenticates the caller itself. */
export function defineOpenRoute<B extends z.ZodType = Nothing, A = undefined>(
  app: FastifyInstance,
  { method, url, summary, operationId, isOpen, body, admit, handle }: OpenRoute<B, A>,
): void {
  const admissions = new WeakMap<FastifyRequest, A>()
  app.route({
    method,
    url,
    schema: {
      tags: [TAG],
      summary,
      operationId,
      security: isOpen ? [] : security,
      errors: errorsOf({ isInProject: false, body }),
      ...(body && { body }),
      ...ANSWER,
    },
    onRequest: async (request) => {
      if (admit) admissions.set(request, await admit(request))
    },
    handler: (request, reply) =>
      handle({
        body: parse(body ?? nothing, 'body', request.body) as z.output<B>,
        params: undefined,
        query: undefined,
        admitted: admissions.get(request) as A,
        request,
        reply,
      }),
  })
}

/** Any id, also one that is none, save what begins the path of the Messaging API. */
const BELOW_PROJECT = '/:projectId(^(?!v1$)[^/]+$)'

const PROJECT = z.object({ projectId: z.string() })
const noParams = z.object({})

/** Defines routes below a project: it, the caller and the caller's role are known before the body is read. */
export function projectRoutes(app: FastifyInstance, hub: Hub, credentials: Credentials) {
  return function define<
    B extends z.ZodType = Nothing,
    P extends z.ZodObject = NoParams,
    Q extends z.ZodType = Nothing,
  >(route: ProjectRoute<B, P, Q>): void {
    const { method, path, summary, operationId, asks, admit, handle } = route
    app.route({
      method,
      url: `${BELOW_PROJECT}${path}`,
      schema: {
        tags: [TAG],
        summary,
        operationId,
        security,
        errors: errorsOf({ ...route, isInProject: true }),
        ...(route.takesKey && { headers: idempotencyHeader }),
        ...(route.body && { body: route.body }),
        params: PROJECT.extend((route.params ?? noParams).shape),
        ...ANSWER,
        ...(route.query && { querystring: route.query }),
      },
      onRequest: async (request, reply) => {
        const { projectId = '' } = pathParams(request)
        const id = projectIdIn(projectId)
        if (!id) {
          const fault = doubledPrefixFault(request.url, app.prefix)
          return reply.code(400).send({ error: fault ?? `Invalid project id: ${projectId}` })
        }
        const caller = await credentials.identify(request)
        // An unknown project gets the same response as one of others, so that callers cannot detect which exist.
        const project = await hub.clients.find({ id })
        const role = project && (await roleIn(hub, project, caller))
        if (!project || !role) throw notAMember()
        if (!isEnough(role, asks)) throw roleTooLow()
        assertEnabled(project)
        admit?.(caller, request)
        request.smartify = { project, caller, role }
      },
      handler: (request, reply) => {
        if (!request.smartify) throw notAMember()
        const params = parse(route.params ?? noParams, 'params', request.params) as z.output<P>
        const query = parse(route.query ?? nothing, 'query', request.query) as z.output<Q>
        const body = parse(route.body ?? nothing, 'body', request.body) as z.output<B>
        const input = { params, query, body, request, reply, ...request.smartify }
        if (!route.isList) return handle(input)
        void reply.type('application/json; charset=utf-8')
        return withListSlot(app.listSlots, input.project.id, reply.raw, () => handle(input))
      },
    })
  }
}

/** The client that anybody may become a guest of, or the answer where there is none, or it accepts no guests. */
export async function findOpenProject(hub: Hub, text: string): Promise<ClientView | { error: string }> {
  const id = projectIdIn(text)
  if (!id) return { error: `Invalid project id: ${text}` }
  const project = await hub.clients.find({ id })
  if (project) assertEnabled(project)
  return project?.record.acceptsGuests ? project : { error: `Project not found with id: ${text}` }
}

const MAX_FAULTS = 10

/** @throws INVALID that names the first faults, in the words of the peer; TOO_LARGE */
function parse<T extends z.ZodType>(schema: T, part: string, value: unknown): z.output<T> {
  const result = schema.safeParse(value ?? {})
  if (result.success) return result.data
  const large = result.error.issues.find(isTooLarge)
  if (large) throw new PlugboardError('TOO_LARGE', `${part}.${large.path.join('.')} ${large.message}`)
  throw invalid(
    ...result.error.issues.slice(0, MAX_FAULTS).map(({ path, message, code }): Issue => {
      const own = code === 'invalid_format' && !message.startsWith('Invalid')
      return { path: [part, ...path.map(String)], message: own ? message : 'Invalid value' }
    }),
  )
}
