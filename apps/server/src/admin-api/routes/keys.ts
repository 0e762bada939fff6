import { fromUuid, invalid, isId } from '@plugboard/core'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import {
  createAccountKey,
  createKey,
  keyList,
  listKeys,
  madeKey,
  revokeKey,
} from '../../dialects/messaging-v1/admin-keys.js'
import type { AdminDeps } from '../deps.js'
import { listOf, pageQuery } from '../pages.js'
import { defineAdminRoute } from '../route.js'

const keySchema = keyList.shape.keys.element
const clientOrNew = z.string().min(1).max(200)

/** Keys of the Sunshine API. */
export function keyRoutes(app: FastifyInstance, deps: AdminDeps): void {
  const { hub } = deps
  defineAdminRoute(app, deps, {
    method: 'GET',
    url: '/keys',
    operationId: 'adminListKeys',
    tag: 'admin-clients',
    summary: 'List the keys of the Sunshine API, of all clients or of one, without their secrets',
    role: 'admin',
    tenant: false,
    query: z.strictObject({
      ...pageQuery,
      client: z.string().max(200).optional().describe('Id of a client'),
    }),
    responses: { 200: listOf(keySchema) },
    errors: [404],
    handle: async ({ query: { limit, cursor, client } }) => {
      const { keys, after } = await listKeys(hub, { limit, after: cursor, app: client })
      return { items: keys, ...(after !== undefined && { next: after }) }
    },
  })
  defineAdminRoute(app, deps, {
    method: 'POST',
    url: '/keys',
    operationId: 'adminCreateKey',
    tag: 'admin-clients',
    summary: 'Create a key of the Sunshine API; its secret is only in this answer',
    role: 'admin',
    tenant: false,
    audit: 'key.create',
    body: z.strictObject({
      client: clientOrNew
        .optional()
        .describe('Id of a client, or `new` to create one. Required, except for the scope `account`'),
      scope: z.enum(['app', 'account', 'integration']),
      integrationId: z.string().min(1).optional().describe('For a key of the scope `integration`'),
      displayName: z.string().min(1).max(100).optional(),
    }),
    responses: { 201: madeKey.partial({ appId: true }) },
    errors: [404, 409],
    handle: async ({ body: { client, ...wanted }, note }) => {
      const { scope, displayName } = wanted
      const integrationId = wanted.integrationId && (fromUuid(wanted.integrationId) ?? wanted.integrationId)
      if (client === undefined) {
        if (scope !== 'account') throw invalid({ path: ['client'], message: 'is required for this scope' })
        if (integrationId)
          throw invalid({ path: ['integrationId'], message: 'needs the scope "integration"' })
        const made = await createAccountKey(hub, displayName)
        note({ keyId: made.keyId, scope })
        return made
      }
      const made = await createKey(hub, { app: client, ...wanted, integrationId })
      note({ keyId: made.keyId, scope }, isId(made.appId) ? made.appId : undefined)
      return made
    },
  })
  defineAdminRoute(app, deps, {
    method: 'DELETE',
    url: '/keys/:keyId',
    operationId: 'adminRevokeKey',
    tag: 'admin-clients',
    summary: 'Revoke a key of the Sunshine API',
    role: 'admin',
    tenant: false,
    audit: 'key.revoke',
    params: z.object({ keyId: z.string().max(100) }),
    responses: { 204: undefined },
    handle: ({ params }) => revokeKey(hub, params.keyId),
  })
}
