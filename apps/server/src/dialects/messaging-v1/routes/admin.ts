import { fromUuid, isPlugboardError, PlugboardError, toUuid } from '@plugboard/core'
import type { Hub } from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { refuseKey } from '../../idempotent.js'
import { clientDetails, deleteClient, detailsOf, listClients, policyOf } from '../admin-clients.js'
import {
  adminDeadLetters,
  deadLettersQuery,
  listDeadLetters,
  replayDeadLetters,
  replayed,
  replayRequest,
} from '../admin-dead-letters.js'
import { createKey, keyList, keysQuery, listKeys, madeKey, revokeKey, wantedKey } from '../admin-keys.js'
import { existingClient } from '../admin-lists.js'
import {
  createOwner,
  listOwners,
  madeOwner,
  ownerList,
  ownersQuery,
  ownerToRemove,
  removedOwner,
  removeOwner,
  wantedOwner,
} from '../admin-owners.js'
import { clientIdOf, namedClient, tokenText } from '../map.js'
import { defineRoute, ok } from '../route.js'
import * as schemas from '../schemas.js'

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
    method: 'GET',
    url: '/admin/keys',
    operationId: 'messagingListKeys',
    errors: [404],
    tag: 'admin',
    summary: 'List the keys of the Sunshine API, without their secrets',
    query: keysQuery,
    responses: { 200: keyList },
    handle: ({ query }) => listKeys(hub, query),
  })
  defineRoute(app, {
    method: 'DELETE',
    url: '/admin/keys/:keyId',
    operationId: 'messagingRevokeKey',
    errors: [404],
    tag: 'admin',
    summary: 'Revoke a key of the Sunshine API',
    params: z.strictObject({ keyId: z.string().max(100) }),
    responses: { 204: undefined },
    handle: ({ params }) => revokeKey(hub, params.keyId),
  })
  defineRoute(app, {
    method: 'GET',
    url: '/admin/owners',
    operationId: 'messagingListOwners',
    errors: [404],
    tag: 'admin',
    summary: 'List the people who own a project of the Smartify API',
    query: ownersQuery,
    responses: { 200: ownerList },
    handle: ({ query }) => listOwners(hub, query),
  })
  defineRoute(app, {
    method: 'POST',
    url: '/admin/owners/remove',
    operationId: 'messagingRemoveOwner',
    errors: [404],
    tag: 'admin',
    summary: 'Take a project, or all projects, from their owner; an account without projects is deleted',
    body: ownerToRemove,
    responses: { 200: removedOwner },
    handle: ({ body }) => removeOwner(hub, body),
  })
  defineRoute(app, {
    method: 'GET',
    url: '/admin/dead-letters',
    operationId: 'messagingListAllDeadLetters',
    errors: [404],
    tag: 'admin',
    summary: 'List dead letters of one client or of all, by filter',
    query: deadLettersQuery,
    responses: { 200: adminDeadLetters },
    handle: ({ query }) => listDeadLetters(hub, query),
  })
  defineRoute(app, {
    method: 'POST',
    url: '/admin/dead-letters/replay',
    operationId: 'messagingReplayDeadLetters',
    errors: [404],
    tag: 'admin',
    summary:
      'Replay dead letters by filter, page by page: repeat it with `after` until the response has none',
    body: replayRequest,
    responses: { 200: replayed },
    handle: ({ body }) => replayDeadLetters(hub, body),
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
      const client = await hub.clients.find(namedClient(body.id))
      if (!client) throw new PlugboardError('NOT_FOUND', 'Not Found')
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
    handle: ({ query }) => listClients(hub, query),
  })
  defineRoute(app, {
    method: 'GET',
    url: '/admin/clients/:id',
    operationId: 'messagingGetClientLimits',
    tag: 'admin',
    summary: 'Get a client: its names and limits, its webhooks and channels with their state',
    params: schemas.clientParams,
    responses: { 200: clientDetails },
    handle: async ({ params }) => detailsOf(hub, await existingClient(hub, params.id)),
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
      const { id } = await existingClient(hub, params.id)
      return policyOf(await hub.clients.configure(id, { acceptsGuests, maxStoredBytes }))
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
    handle: ({ params }) => deleteClient(hub, params.id),
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
      const token = await hub.clients.addToken((await existingClient(hub, input.params.id)).id)
      return { id: toUuid(token.id), token: tokenText(token) }
    },
  })
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
