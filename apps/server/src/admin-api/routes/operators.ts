import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { AdminDeps } from '../deps.js'
import {
  changeOperator,
  createOperator,
  endSession,
  findOperators,
  idOfOperator,
  listedSession,
  listSessions,
  operatorChange,
  operatorList,
  operatorSchema,
  removeOperator,
  wantedOperator,
} from '../operators.js'
import { pageQuery } from '../pages.js'
import { defineAdminRoute } from '../route.js'

const params = z.strictObject({ operatorId: z.string().max(100) })

/** The people who run the server. */
export function operatorRoutes(app: FastifyInstance, deps: AdminDeps): void {
  const { hub } = deps
  defineAdminRoute(app, deps, {
    method: 'GET',
    url: '/operators',
    operationId: 'adminListOperators',
    tag: 'admin-access',
    summary: 'List operators, oldest first, or the one with an e-mail address',
    role: 'admin',
    tenant: false,
    query: z.strictObject({ ...pageQuery, email: z.string().max(320).optional() }),
    responses: { 200: operatorList },
    handle: ({ query }) => findOperators(hub, query),
  })
  defineAdminRoute(app, deps, {
    method: 'POST',
    url: '/operators',
    operationId: 'adminCreateOperator',
    tag: 'admin-access',
    summary: 'Create an operator, who signs in with e-mail and password or with OpenID Connect',
    role: 'admin',
    tenant: false,
    audit: 'operator.create',
    body: wantedOperator,
    responses: { 201: operatorSchema },
    errors: [409],
    handle: async ({ body, note }) => {
      note({ email: body.email, role: body.role })
      const operator = await createOperator(hub, body)
      note({ operatorId: operator.id })
      return operator
    },
  })
  defineAdminRoute(app, deps, {
    method: 'PATCH',
    url: '/operators/:operatorId',
    operationId: 'adminUpdateOperator',
    tag: 'admin-access',
    summary: 'Change the role, the name or the password of an operator',
    role: 'admin',
    tenant: false,
    audit: 'operator.update',
    params,
    body: operatorChange,
    responses: { 200: operatorSchema },
    errors: [409],
    handle: async ({ params: { operatorId }, body, note }) => {
      const changed = await changeOperator(hub, idOfOperator(operatorId), body)
      note({ email: changed.email, ...(body.role !== undefined && { role: body.role }) })
      return changed
    },
  })
  defineAdminRoute(app, deps, {
    method: 'DELETE',
    url: '/operators/:operatorId',
    operationId: 'adminDeleteOperator',
    tag: 'admin-access',
    summary: 'Remove an operator, and end all sessions of the operator',
    role: 'admin',
    tenant: false,
    audit: 'operator.delete',
    params,
    responses: { 204: undefined },
    errors: [409],
    handle: async ({ params: { operatorId }, note }) => {
      const removed = await removeOperator(hub, idOfOperator(operatorId))
      note({ email: removed.email })
    },
  })
  defineAdminRoute(app, deps, {
    method: 'GET',
    url: '/operators/:operatorId/sessions',
    operationId: 'adminListOperatorSessions',
    tag: 'admin-access',
    summary: 'List the sessions of an operator, newest first',
    role: 'admin',
    tenant: false,
    params,
    responses: { 200: z.object({ items: z.array(listedSession) }) },
    handle: async ({ params: { operatorId } }) => ({
      items: await listSessions(hub, idOfOperator(operatorId)),
    }),
  })
  defineAdminRoute(app, deps, {
    method: 'DELETE',
    url: '/operators/:operatorId/sessions',
    operationId: 'adminEndOperatorSessions',
    tag: 'admin-access',
    summary: 'End all sessions of an operator',
    role: 'admin',
    tenant: false,
    audit: 'operator.end-sessions',
    params,
    responses: { 200: z.object({ ended: z.int() }) },
    handle: async ({ params: { operatorId }, note }) => {
      const ended = await hub.operatorSessions.endAll({ operatorId: idOfOperator(operatorId) })
      note({ ended })
      return { ended }
    },
  })
  defineAdminRoute(app, deps, {
    method: 'DELETE',
    url: '/operators/:operatorId/sessions/:sessionId',
    operationId: 'adminEndOperatorSession',
    tag: 'admin-access',
    summary: 'End one session of an operator',
    role: 'admin',
    tenant: false,
    audit: 'operator.end-session',
    params: params.extend({ sessionId: z.string().max(100) }),
    responses: { 204: undefined },
    handle: ({ params: { operatorId, sessionId } }) => endSession(hub, idOfOperator(operatorId), sessionId),
  })
}
