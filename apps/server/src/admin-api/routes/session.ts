import { isPlugboardError, newId, PlugboardError, toUuid } from '@plugboard/core'
import { FIRST_OPERATOR, type Operator, type OperatorSession } from '@plugboard/hub'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { hashPassword, MAX_PASSWORD } from '../../http/passwords/password-hash.js'
import { version } from '../../version.js'
import { type Actor, auditedActor, ROLES } from '../actor.js'
import { recorded } from '../audited-action.js'
import type { AdminDeps } from '../deps.js'
import { endSession, listedSession, listSessions, operatorEmail, operatorPassword } from '../operators.js'
import { defineAdminRoute } from '../route.js'
import { assertOn, signInState } from '../sign-in/console-sign-in.js'
import { isFromOwnPage } from '../sign-in/cookies.js'
import { linkIsVoid, type OpenLink } from '../sign-in/links.js'

const actorSchema = z.object({
  kind: z.enum(['operator', 'key', 'tenant']),
  id: z.string(),
  name: z.string(),
  role: z.enum(ROLES),
  clientId: z.string().optional().describe('The only client that a link allows'),
})

const sessionSchema = z.object({
  actor: actorSchema,
  version: z.string().describe('Version of the server'),
  csrfToken: z
    .string()
    .optional()
    .describe('For the header `x-csrf-token` of every change; absent for the admin key'),
  expiresAt: z.string().meta({ format: 'date-time' }).optional(),
})

const signInSchema = z.object({
  isOn: z.boolean().describe('Whether the console is on'),
  reason: z.string().optional().describe('Why nobody can sign in, and what to do'),
  password: z.boolean(),
  oidc: z.object({ label: z.string() }).optional(),
})

const ownSessions = z.object({ items: z.array(listedSession.extend({ isCurrent: z.boolean() })) })

/** How long a browser is known after a sign-in. Browsers keep no cookie for longer than 400 days. */
const DEVICE_MS = 365 * 24 * 60 * 60 * 1000

/** Signing in and out. */
export function sessionRoutes(app: FastifyInstance, deps: AdminDeps): void {
  const { hub, config, urls, cookies, sessions, passwords, links } = deps

  defineAdminRoute(app, deps, {
    method: 'GET',
    url: '/sign-in',
    operationId: 'adminGetSignIn',
    tag: 'admin-access',
    summary: 'Whether the console is on, and how to sign in',
    role: 'anyone',
    tenant: true,
    responses: { 200: signInSchema },
    handle: () => signInState(hub, config),
  })
  defineAdminRoute(app, deps, {
    method: 'GET',
    url: '/session',
    operationId: 'adminGetSession',
    tag: 'admin-access',
    summary: 'Who the caller is, and what the caller may do',
    role: 'viewer',
    tenant: true,
    responses: { 200: sessionSchema },
    handle: async ({ actor, request }) => sessionJson(actor, request.operatorSession),
  })
  defineAdminRoute(app, deps, {
    method: 'POST',
    url: '/session',
    operationId: 'adminSignIn',
    tag: 'admin-access',
    summary: 'Sign in with e-mail and password: the answer sets the cookie of the session',
    role: 'anyone',
    tenant: true,
    audit: false,
    body: z.strictObject({ email: z.string().max(320), password: z.string().max(MAX_PASSWORD) }),
    responses: { 200: sessionSchema },
    errors: [401, 403],
    handle: async ({ body, request, reply }) => {
      await assertMaySignIn(request)
      const device = cookies.read(request, 'device')
      const operator = await passwords.check({ ...body, from: request.ip, device })
      if (operator) return signIn(operator, request, reply)
      const known = await hub.operators.find({ email: body.email })
      // Not of any address that a stranger thinks of, which would fill the log. Nor does the answer wait for it, because
      // strangers would notice which addresses are known.
      if (known) sessions.refused(known, request)
      throw new PlugboardError('UNAUTHORIZED', 'the e-mail address or the password is wrong')
    },
  })
  defineAdminRoute(app, deps, {
    method: 'POST',
    url: '/session/link',
    operationId: 'adminOpenLink',
    tag: 'admin-access',
    summary: 'Open a link: that to one client, or that which creates the first operator',
    role: 'anyone',
    tenant: true,
    audit: false,
    body: z.strictObject({
      token: z.string().max(4_000),
      email: operatorEmail.optional().describe('Of the first operator'),
      password: operatorPassword.optional().describe('Of the first operator'),
    }),
    responses: { 200: sessionSchema },
    errors: [401, 403, 404],
    handle: async ({ body, request, reply }) => {
      await assertMaySignIn(request)
      const link = await links.open(body.token)
      if (!link) {
        const refusal = deps.refusals.of(request, 'UNAUTHORIZED')
        throw refusal.code === 'RATE_LIMITED' ? refusal : linkIsVoid()
      }
      return link.use === 'client'
        ? openClient(link, request, reply)
        : signIn(await createFirst(link, body, request), request, reply)
    },
  })
  defineAdminRoute(app, deps, {
    method: 'DELETE',
    url: '/session',
    operationId: 'adminSignOut',
    tag: 'admin-access',
    summary: 'Sign out',
    role: 'viewer',
    tenant: true,
    audit: 'session.end',
    responses: { 204: undefined },
    handle: async ({ request, reply }) => {
      if (request.operatorSession) await hub.operatorSessions.end(request.operatorSession.id)
      cookies.clear(reply, 'session')
    },
  })
  defineAdminRoute(app, deps, {
    method: 'GET',
    url: '/sessions',
    operationId: 'adminListSessions',
    tag: 'admin-access',
    summary: 'List the sessions of the operator who asks, newest first',
    role: 'viewer',
    tenant: false,
    responses: { 200: ownSessions },
    handle: async ({ actor, request }) => {
      const items = actor.kind === 'operator' ? await listSessions(hub, actor.id) : []
      const current = request.operatorSession && toUuid(request.operatorSession.id)
      return { items: items.map((session) => ({ ...session, isCurrent: session.id === current })) }
    },
  })
  defineAdminRoute(app, deps, {
    method: 'DELETE',
    url: '/sessions/:sessionId',
    operationId: 'adminEndSession',
    tag: 'admin-access',
    summary: 'End one session of the operator who asks',
    role: 'viewer',
    tenant: false,
    audit: 'session.end-one',
    params: z.strictObject({ sessionId: z.string().max(100) }),
    responses: { 204: undefined },
    handle: async ({ actor, params: { sessionId } }) => {
      if (actor.kind !== 'operator') throw new PlugboardError('NOT_FOUND', 'session not found')
      await endSession(hub, actor.id, sessionId)
    },
  })
  defineAdminRoute(app, deps, {
    method: 'DELETE',
    url: '/sessions',
    operationId: 'adminSignOutEverywhere',
    tag: 'admin-access',
    summary: 'End all sessions of the operator who asks, this one too',
    role: 'viewer',
    tenant: false,
    audit: 'session.end-all',
    responses: { 204: undefined },
    handle: async ({ actor, reply, note }) => {
      if (actor.kind === 'operator')
        note({ ended: await hub.operatorSessions.endAll({ operatorId: actor.id }) })
      cookies.clear(reply, 'session')
    },
  })
  defineAdminRoute(app, deps, {
    method: 'PUT',
    url: '/session/password',
    operationId: 'adminChangePassword',
    tag: 'admin-access',
    summary: 'Change the own password: ends all other sessions',
    role: 'viewer',
    tenant: false,
    audit: 'operator.change-password',
    body: z.strictObject({ current: z.string().max(MAX_PASSWORD), password: operatorPassword }),
    responses: { 204: undefined },
    handle: async ({ actor, body: { current, password }, request, reply }) => {
      if (actor.kind !== 'operator') throw new PlugboardError('FORBIDDEN', 'only operators have a password')
      const { id, name: email } = actor
      const device = cookies.read(request, 'device')
      const isRight = await passwords.check({ email, password: current, from: request.ip, device })
      if (!isRight) throw new PlugboardError('FORBIDDEN', 'the current password is wrong')
      const passwordHash = await hashPassword(password)
      const changed = await hub.operators.change(id, (known) => ({ ...known, passwordHash }))
      keepDevice(changed, request, reply)
      await hub.operatorSessions.endAll({ operatorId: id, except: request.operatorSession?.id })
    },
  })

  /** @throws FORBIDDEN if the console is off, or if another page tries to sign its visitor in as somebody else */
  async function assertMaySignIn(request: FastifyRequest): Promise<void> {
    await assertOn(hub, config)
    if (isFromOwnPage(request, urls, { otherwise: true })) return
    throw new PlugboardError('FORBIDDEN', 'the request was made by a page of another site')
  }

  async function signIn(operator: Operator, request: FastifyRequest, reply: FastifyReply) {
    const { actor, session } = await sessions.ofOperator(operator, request, reply)
    keepDevice(operator, request, reply)
    return sessionJson(actor, session)
  }

  /** From then on, nobody's wrong passwords keep this operator from signing in with this browser. */
  function keepDevice(operator: Operator, request: FastifyRequest, reply: FastifyReply): void {
    const device = passwords.deviceOf(operator.email, operator, cookies.read(request, 'device'))
    cookies.set(reply, 'device', device, new Date(Date.now() + DEVICE_MS))
  }

  async function openClient(
    link: Extract<OpenLink, { use: 'client' }>,
    request: FastifyRequest,
    reply: FastifyReply,
  ) {
    if (await hub.endedSessions.find(link.id)) throw linkIsVoid()
    const { actor, session } = await sessions.ofLink(link, request, reply)
    return sessionJson(actor, session)
  }

  /**
   * The first of these links that is used makes the operator, whichever process printed it: all others are void then,
   * whatever comes at the same time.
   */
  async function createFirst(
    { id, expiresAt: until }: OpenLink,
    { email, password }: { email?: string | undefined; password?: string | undefined },
    request: FastifyRequest,
  ): Promise<Operator> {
    if (await hub.operators.isAny()) throw linkIsVoid()
    const missing = Object.entries({ email, password }).flatMap(([name, value]) =>
      value === undefined ? [{ path: [name], message: 'is required' }] : [],
    )
    if (email === undefined || password === undefined)
      throw new PlugboardError('INVALID', 'email and password are required', { issues: missing })
    const passwordHash = await hashPassword(password)
    const heir = toUuid(newId())
    if ((await hub.endedSessions.end(id, { until, heir })).heir !== heir) throw linkIsVoid()
    return recorded(
      hub,
      {
        ...{
          action: 'operator.create',
          request,
          actor: { kind: 'operator', id: FIRST_OPERATOR, name: email },
        },
        noted: { details: { email, role: 'admin', operatorId: toUuid(FIRST_OPERATOR), with: 'first link' } },
      },
      () => hub.operators.createFirst({ email, passwordHash }),
    ).catch((error) => {
      throw isPlugboardError(error, 'CONFLICT') ? linkIsVoid() : error
    })
  }

  const sessionJson = (actor: Actor, session: OperatorSession | null): z.infer<typeof sessionSchema> => ({
    ...{ actor: actorJson(actor), version },
    ...(session && {
      csrfToken: cookies.csrfTokenOf(session.id),
      expiresAt: session.expiresAt.toISOString(),
    }),
  })
}

function actorJson(actor: Actor): z.infer<typeof actorSchema> {
  return {
    ...{ ...auditedActor(actor), role: actor.role },
    ...(actor.kind === 'tenant' && { clientId: toUuid(actor.clientId) }),
  }
}
