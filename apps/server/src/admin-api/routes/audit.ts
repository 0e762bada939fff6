import { type Id, toUuid } from '@plugboard/core'
import type { AuditEntry } from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { existingClient } from '../../dialects/messaging-v1/admin-lists.js'
import type { AdminDeps } from '../deps.js'
import { idOfCursor, listOf, pageQuery } from '../pages.js'
import { defineAdminRoute } from '../route.js'

const query = z.strictObject({
  ...pageQuery,
  actor: z.string().max(100).optional().describe('Id of who did it; `admin-key` for programs'),
  action: z.string().max(100).optional().describe('Such as `client.update`'),
  clientId: z.string().max(200).optional().describe('Id of a client'),
  since: z.iso.datetime({ offset: true }).optional().describe('Entries from this time on'),
  until: z.iso.datetime({ offset: true }).optional().describe('Entries before this time'),
})

const entrySchema = z.object({
  id: z.string(),
  at: z.string().meta({ format: 'date-time' }),
  action: z.string(),
  actor: z.object({ kind: z.enum(['operator', 'key', 'tenant']), id: z.string(), name: z.string() }),
  from: z.string().describe('Address of the caller'),
  requestId: z.string(),
  clientId: z.string().optional(),
  target: z.record(z.string(), z.string()).optional().describe('Ids of what it was about'),
  fields: z.array(z.string()).readonly().optional().describe('Members of the request'),
  details: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string()).readonly()]))
    .optional(),
  outcome: z
    .enum(['started', 'done', 'refused', 'failed'])
    .describe('`started`: in progress, or its process ended before the result was known'),
  code: z.string().optional().describe('Code of the error'),
})

/** The audit log. */
export function auditRoutes(app: FastifyInstance, deps: AdminDeps): void {
  const { hub } = deps
  defineAdminRoute(app, deps, {
    method: 'GET',
    url: '/audit',
    operationId: 'adminListAudit',
    tag: 'admin-access',
    summary: 'List the changes that operators and programs made, newest first',
    role: 'admin',
    tenant: false,
    query,
    responses: { 200: listOf(entrySchema) },
    errors: [404],
    handle: async ({ query: { limit, cursor, actor, action, clientId, since, until } }) => {
      const client = clientId === undefined ? undefined : await existingClient(hub, clientId)
      const filter = { actor, action, clientId: client?.id, since: timeOf(since), until: timeOf(until) }
      const entries = await hub.audit.list(filter, { limit, before: idOfCursor(cursor) })
      const last = entries.at(-1)
      return { items: entries.map(entryJson), ...(last && entries.length === limit && { next: last.id }) }
    },
  })
}

const timeOf = (text: string | undefined): Date | undefined =>
  text === undefined ? undefined : new Date(text)

const entryJson = ({ id, clientId, ...entry }: AuditEntry & { id: Id }): z.infer<typeof entrySchema> => ({
  id: toUuid(id),
  ...(clientId && { clientId: toUuid(clientId) }),
  ...entry,
})
