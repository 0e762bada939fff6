import { fromUuid, PlugboardError, toUuid } from '@plugboard/core'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { AdminDeps } from '../deps.js'
import { defineAdminRoute } from '../route.js'
import { assertOn } from '../sign-in/console-sign-in.js'
import { linkSchema, MAX_LINK_SECONDS, wantedLink } from '../sign-in/links.js'

/** Links that open the console for one client. */
export function linkRoutes(app: FastifyInstance, deps: AdminDeps): void {
  const { hub, config, links } = deps
  defineAdminRoute(app, deps, {
    method: 'POST',
    url: '/clients/:clientId/link',
    operationId: 'adminCreateLink',
    tag: 'admin-access',
    summary: 'Create a link that opens the console for this client alone, without a password',
    role: 'admin',
    tenant: false,
    audit: 'link.create',
    body: wantedLink,
    responses: { 201: linkSchema },
    handle: async ({ client, body: { role, expiresIn, name }, note }) => {
      await assertOn(hub, config)
      const purpose = { use: 'client', clientId: client.id, role, name } as const
      const { id, url, expiresAt } = links.make(purpose, expiresIn * 1000)
      note({ link: toUuid(id), role, name, expiresAt: expiresAt.toISOString() })
      return { id: toUuid(id), url, expiresAt: expiresAt.toISOString() }
    },
  })
  defineAdminRoute(app, deps, {
    method: 'DELETE',
    url: '/clients/:clientId/links/:linkId',
    operationId: 'adminRevokeLink',
    tag: 'admin-access',
    summary: 'Revoke a link and end its sessions',
    role: 'admin',
    tenant: false,
    audit: 'link.revoke',
    params: z.strictObject({ linkId: z.string().max(100) }),
    responses: { 204: undefined },
    handle: async ({ params }) => {
      const linkId = fromUuid(params.linkId)
      if (!linkId) throw new PlugboardError('NOT_FOUND', 'link not found')
      // Links are not stored, so any of this id is void from now on, until the longest-lived one has expired.
      await hub.endedSessions.end(linkId, { until: new Date(Date.now() + MAX_LINK_SECONDS * 1000) })
      await hub.operatorSessions.endAll({ linkId })
    },
  })
}
