import { fromUuid, isPlugboardError, PlugboardError, toUuid } from '@plugboard/core'
import type { ClientView, Hub } from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import { refuseKey } from '../../idempotent.js'
import { createKey, madeKey, wantedKey } from '../admin-keys.js'
import { createOwner, madeOwner, wantedOwner } from '../admin-owners.js'
import { clientIdOf, namedClient, tokenText } from '../map.js'
import { defineRoute, ok } from '../route.js'
import * as schemas from '../schemas.js'

const PAGE = 20
const MAX_PAGE = 500

/** Clients, for the operator. */
export function adminRoutes(app: FastifyInstance, hub: Hub): void {
  defineRoute(app, {
    method: 'POST',
    url: '/admin/clients',
    operationId: 'messagingCreateClient',
    errors: [403],
    tag: 'admin',
    summary: 'Create a client, with a given or a new id',
    body: schemas.createClientBody,
    responses: { 201: schemas.clientResponse },
    handle: async (input) => {
      refuseKey(input)
      const { client, token } = await create(hub, input.body.id)
      return { id: clientIdOf(client.record), token: tokenText(token) }
    },
  })
  defineRoute(app, {
    method: 'POST',
    url: '/admin/keys',
    operationId: 'messagingCreateKey',
    errors: [404, 409],
    tag: 'admin',
    summary: 'Create a key of the Sunshine API, for an existing or a new app',
    body: wantedKey,
    responses: { 201: madeKey },
    handle: (input) => {
      refuseKey(input)
      return createKey(hub, input.body)
    },
  })
  defineRoute(app, {
    method: 'POST',
    url: '/admin/owners',
    operationId: 'messagingCreateOwner',
    errors: [404, 409],
    tag: 'admin',
    summary: 'Create an owner of an existing or a new client, who signs in with e-mail and password',
    body: wantedOwner,
    responses: { 201: madeOwner },
    handle: (input) => {
      refuseKey(input)
      return createOwner(hub, input.body)
    },
  })
  defineRoute(app, {
    method: 'PUT',
    url: '/admin/clients/name',
    operationId: 'messagingRenameClient',
    errors: [404],
    tag: 'admin',
    summary: "Name a client; the name stands in its channels' webhook addresses",
    body: schemas.renameBody,
    responses: { 200: schemas.okResponse, 204: undefined },
    handle: async ({ body, reply }) => {
      const client = await get(hub, body.id)
      if (await hub.clients.rename(client.id, body.name)) return ok(reply)
      return reply.code(204).send()
    },
  })
  defineRoute(app, {
    method: 'GET',
    url: '/admin/clients',
    operationId: 'messagingListClients',
    tag: 'admin',
    summary: 'List clients, oldest first',
    query: schemas.clientPage,
    responses: { 200: schemas.clientListResponse },
    handle: async ({ query }) => {
      const after = query.after === undefined ? undefined : (await get(hub, query.after)).id
      const limit = Math.min(query.limit ?? PAGE, MAX_PAGE) || MAX_PAGE
      const records = await hub.clients.list({ limit, ...(after && { after }) })
      return {
        clients: records.map((record) => ({
          id: clientIdOf(record),
          ...(record.name !== undefined && { name: record.name }),
          createdOn: record.createdAt.toISOString(),
        })),
      }
    },
  })
  defineRoute(app, {
    method: 'GET',
    url: '/admin/clients/:id',
    operationId: 'messagingGetClientLimits',
    tag: 'admin',
    summary: 'Get the limits of a client',
    params: schemas.clientParams,
    responses: { 200: schemas.clientPolicyResponse },
    handle: async ({ params }) => policyJson(await get(hub, params.id)),
  })
  defineRoute(app, {
    method: 'PATCH',
    url: '/admin/clients/:id',
    operationId: 'messagingUpdateClientLimits',
    tag: 'admin',
    summary: 'Change the limits of a client; omitted members stay unchanged',
    params: schemas.clientParams,
    body: schemas.clientPolicyBody,
    responses: { 200: schemas.clientPolicyResponse },
    handle: async ({ params, body: { guests: acceptsGuests, maxStoredBytes } }) => {
      const { id } = await get(hub, params.id)
      return policyJson(await hub.clients.configure(id, { acceptsGuests, maxStoredBytes }))
    },
  })
  defineRoute(app, {
    method: 'DELETE',
    url: '/admin/clients/:id',
    operationId: 'messagingDeleteClient',
    tag: 'admin',
    summary: 'Delete a client with all of its data',
    params: schemas.clientParams,
    responses: { 204: undefined },
    handle: async ({ params }) => hub.clients.delete((await get(hub, params.id)).id),
  })
  defineRoute(app, {
    method: 'POST',
    url: '/admin/clients/:id/tokens',
    operationId: 'messagingCreateClientToken',
    errors: [409],
    tag: 'admin',
    summary: 'Create another token for a client that lost its own',
    params: schemas.clientParams,
    responses: { 201: schemas.clientResponse },
    handle: async (input) => {
      refuseKey(input)
      const token = await hub.clients.addToken((await get(hub, input.params.id)).id)
      return { id: toUuid(token.id), token: tokenText(token) }
    },
  })
}

const policyJson = ({ record }: ClientView): object => ({
  id: clientIdOf(record),
  guests: record.acceptsGuests ?? false,
  maxStoredBytes: record.maxStoredBytes ?? null,
})

async function get(hub: Hub, wireId: string): Promise<ClientView> {
  const client = await hub.clients.find(namedClient(wireId))
  if (!client) throw new PlugboardError('NOT_FOUND', 'Not Found')
  return client
}

/** A given id in the format of generated ids becomes the client's id, so that there is one way to find it. */
async function create(hub: Hub, wireId: string | undefined) {
  if (wireId === undefined) return hub.clients.create()
  const id = fromUuid(wireId)
  try {
    return await hub.clients.create(id ? { id } : { externalId: wireId.toLowerCase() })
  } catch (error) {
    if (!isPlugboardError(error, 'CONFLICT')) throw error
    throw new PlugboardError('FORBIDDEN', `client with id "${wireId}" already exists`, { cause: error })
  }
}
