import type { FastifyInstance } from 'fastify'
import type { AdminDeps } from '../deps.js'
import { overviewOf, overviewOfClient, overviewSchema } from '../overview.js'
import { defineAdminRoute } from '../route.js'

/** How the whole installation is: the same answer from every replica. */
export function overviewRoutes(app: FastifyInstance, deps: AdminDeps): void {
  const { hub, config } = deps
  defineAdminRoute(app, deps, {
    method: 'GET',
    url: '/overview',
    operationId: 'adminGetOverview',
    tag: 'admin-overview',
    summary: 'Whether people are answered; if not: who, since when, why, and what ends it',
    role: 'viewer',
    tenant: true,
    responses: { 200: overviewSchema },
    handle: ({ actor }) =>
      actor.kind === 'tenant' ? overviewOfClient(hub, actor.clientId) : overviewOf(hub, config),
  })
}
