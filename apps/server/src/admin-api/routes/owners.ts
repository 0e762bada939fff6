import { isId, PlugboardError } from '@plugboard/core'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import {
  createOwner,
  listOwners,
  madeOwner,
  ownerList,
  removedOwner,
  removeOwner,
  wantedOwner,
} from '../../dialects/messaging-v1/admin-owners.js'
import type { AdminDeps } from '../deps.js'
import { listOf, pageQuery } from '../pages.js'
import { defineAdminRoute } from '../route.js'

const ownerSchema = ownerList.shape.owners.element
const oneClient = z.string().max(200).optional()
const { project: _, ...person } = wantedOwner.shape

/** People who own projects of the Smartify API. */
export function ownerRoutes(app: FastifyInstance, deps: AdminDeps): void {
  const { hub } = deps
  defineAdminRoute(app, deps, {
    method: 'GET',
    url: '/owners',
    operationId: 'adminListOwners',
    tag: 'admin-clients',
    summary: 'List the people who own a project of the Smartify API, of all clients or of one',
    role: 'admin',
    tenant: false,
    query: z.strictObject({ ...pageQuery, client: oneClient.describe('Id of a client') }),
    responses: { 200: listOf(ownerSchema) },
    errors: [404],
    handle: async ({ query: { limit, cursor, client } }) => {
      const { owners, after } = await listOwners(hub, { limit, after: cursor, project: client })
      return { items: owners, ...(after !== undefined && { next: after }) }
    },
  })
  defineAdminRoute(app, deps, {
    method: 'POST',
    url: '/owners',
    operationId: 'adminCreateOwner',
    tag: 'admin-clients',
    summary: 'Make a person the owner of a client; a person with this e-mail address gets the new password',
    role: 'admin',
    tenant: false,
    audit: 'owner.create',
    body: z.strictObject({
      client: z.string().min(1).max(200).describe('Id of a client, or `new` to create one'),
      ...person,
    }),
    responses: { 201: madeOwner },
    errors: [404, 409],
    handle: async ({ body: { client, ...wanted }, note }) => {
      const made = await createOwner(hub, { project: client, ...wanted })
      note({ userId: made.userId }, isId(made.projectId) ? made.projectId : undefined)
      return made
    },
  })
  defineAdminRoute(app, deps, {
    method: 'DELETE',
    url: '/owners/:userId',
    operationId: 'adminRemoveOwner',
    tag: 'admin-clients',
    summary: 'Take a client, or all clients, from their owner; an account without any is deleted',
    role: 'admin',
    tenant: false,
    audit: 'owner.remove',
    params: z.object({ userId: z.string().max(100) }),
    query: z.strictObject({ client: oneClient.describe('Id of a client. Default: all') }),
    responses: { 200: removedOwner },
    handle: async ({ params: { userId }, query: { client }, note }) => {
      const owner = isId(userId) ? await hub.accounts.findPerson({ id: userId }) : undefined
      if (!owner) throw new PlugboardError('NOT_FOUND', 'owner not found')
      const removed = await removeOwner(hub, { email: owner.email, project: client })
      note({ clients: removed.projects })
      return removed
    },
  })
}
