import { fromUuid, isPlugboardError, PlugboardError, toUuid } from '@plugboard/core'
import type { AuditDetails, ClientView, Hub } from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Noted } from '../../../admin-api/audited-action.js'
import { lazyModule } from '../../../lazy.js'
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
import {
  createKey,
  keyList,
  keysQuery,
  listKeys,
  madeKey,
  ofKey,
  revokeKey,
  wantedKey,
} from '../admin-keys.js'
import { existingClient } from '../admin-lists.js'
import {
  createOwner,
  listOwners,
  madeOwner,
  ofOwner,
  ownerList,
  ownersQuery,
  ownerToRemove,
  removedOwner,
  removeOwner,
  wantedOwner,
} from '../admin-owners.js'
import { clientIdOf, namedClient, tokenText } from '../map.js'
import { defineRoute, ok, type Route } from '../route.js'
import * as schemas from '../schemas.js'

/** Adds to the entry of the audit log: no secrets. `clientId`: the client that the change is about. */
type Note = (details: AuditDetails, clientId?: ClientView['id']) => void

/** Few servers are administered over this API. */
const log = lazyModule(() => import('../../../admin-api/audited-action.js'))

type Input<B extends z.ZodType, P extends z.ZodType, Q extends z.ZodType> = Parameters<
  Route<B, P, Q>['handle']
>[0]

/** Clients, for the operator. */
export function adminRoutes(app: FastifyInstance, hub: Hub): void {
  /** A route that changes something, with the name of the action in the audit log. */
  function defineChange<
    B extends z.ZodType = typeof schemas.nothing,
    P extends z.ZodType = typeof schemas.nothing,
    Q extends z.ZodType = typeof schemas.nothing,
  >({
    audit: action,
    handle,
    ...route
  }: Omit<Route<B, P, Q>, 'handle'> & {
    audit: string
    handle(input: Input<B, P, Q>, note: Note): Promise<unknown>
  }): void {
    defineRoute<B, P, Q>(app, {
      ...route,
      handle: async (input) => {
        const { recordedForKey } = await log()
        const { request, params, body } = input
        const noted: Noted = { details: {} }
        const note: Note = (details, clientId) => {
          Object.assign(noted.details, details)
          if (clientId) noted.clientId = clientId
        }
        return recordedForKey(
          hub,
          {
            ...{ action, request, noted },
            ...{ target: { ...Object(params) }, fields: Object.keys(Object(body)) },
          },
          () => handle(input, note),
        )
      },
    })
  }

  defineChange({
    method: 'POST',
    url: '/admin/clients',
    operationId: 'messagingCreateClient',
    audit: 'client.create',
    errors: [403],
    tag: 'admin',
    summary: 'Create a client, with a given or a new id',
    body: schemas.createClientBody,
    responses: { 201: schemas.clientResponse },
    handle: async (input, note) => {
      refuseKey(input)
      const { client, token } = await create(hub, input.body.id)
      note({}, client.id)
      return { id: clientIdOf(client.record), token: tokenText(token) }
    },
  })
  defineChange({
    method: 'POST',
    url: '/admin/keys',
    operationId: 'messagingCreateKey',
    audit: 'key.create',
    errors: [404, 409],
    tag: 'admin',
    summary: 'Create a key of the Sunshine API, for an existing or a new app',
    body: wantedKey,
    responses: { 201: madeKey },
    handle: async (input, note) => {
      refuseKey(input)
      const made = await createKey(hub, input.body)
      note(...ofKey(made))
      return made
    },
  })
  defineChange({
    method: 'POST',
    url: '/admin/owners',
    operationId: 'messagingCreateOwner',
    audit: 'owner.create',
    errors: [404, 409],
    tag: 'admin',
    summary: 'Create an owner of an existing or a new client, who signs in with e-mail and password',
    body: wantedOwner,
    responses: { 201: madeOwner },
    handle: async (input, note) => {
      refuseKey(input)
      const made = await createOwner(hub, input.body)
      note(...ofOwner(made))
      return made
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
  defineChange({
    method: 'DELETE',
    url: '/admin/keys/:keyId',
    operationId: 'messagingRevokeKey',
    audit: 'key.revoke',
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
  defineChange({
    method: 'POST',
    url: '/admin/owners/remove',
    operationId: 'messagingRemoveOwner',
    audit: 'owner.remove',
    errors: [404],
    tag: 'admin',
    summary: 'Take a project, or all projects, from their owner; an account without projects is deleted',
    body: ownerToRemove,
    responses: { 200: removedOwner },
    handle: async ({ body }, note) => {
      const removed = await removeOwner(hub, body)
      note({ clients: removed.projects })
      return removed
    },
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
  defineChange({
    method: 'POST',
    url: '/admin/dead-letters/replay',
    operationId: 'messagingReplayDeadLetters',
    audit: 'delivery.replay',
    errors: [404],
    tag: 'admin',
    summary:
      'Replay dead letters by filter, page by page: repeat it with `after` until the response has none',
    body: replayRequest,
    responses: { 200: replayed },
    handle: async ({ body }, note) => {
      const { replayed: done, refused, ...rest } = await replayDeadLetters(hub, body)
      note({ done, refused })
      return { replayed: done, refused, ...rest }
    },
  })
  defineChange({
    method: 'PUT',
    url: '/admin/clients/name',
    operationId: 'messagingRenameClient',
    audit: 'client.update',
    errors: [404],
    tag: 'admin',
    summary: "Name a client; the name stands in its channels' webhook addresses",
    body: schemas.renameBody,
    responses: { 200: schemas.okResponse, 204: undefined },
    handle: async ({ body, reply }, note) => {
      const client = await hub.clients.find(namedClient(body.id))
      if (!client) throw new PlugboardError('NOT_FOUND', 'Not Found')
      note({ name: body.name }, client.id)
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
  defineChange({
    method: 'PATCH',
    url: '/admin/clients/:id',
    operationId: 'messagingUpdateClientLimits',
    audit: 'client.update',
    tag: 'admin',
    summary: 'Change the limits of a client; omitted members stay unchanged',
    params: schemas.clientParams,
    body: schemas.clientPolicyBody,
    responses: { 200: schemas.clientPolicyResponse },
    handle: async ({ params, body: { guests: acceptsGuests, maxStoredBytes } }, note) => {
      const { id } = await existingClient(hub, params.id)
      note({}, id)
      return policyOf(await hub.clients.configure(id, { acceptsGuests, maxStoredBytes }))
    },
  })
  defineChange({
    method: 'DELETE',
    url: '/admin/clients/:id',
    operationId: 'messagingDeleteClient',
    audit: 'client.delete',
    tag: 'admin',
    summary: 'Delete a client with all of its data',
    params: schemas.clientParams,
    responses: { 204: undefined },
    handle: async ({ params }, note) => note({}, await deleteClient(hub, params.id)),
  })
  defineChange({
    method: 'POST',
    url: '/admin/clients/:id/tokens',
    operationId: 'messagingCreateClientToken',
    audit: 'client.token.create',
    errors: [409],
    tag: 'admin',
    summary: 'Create another token for a client that lost its own',
    params: schemas.clientParams,
    responses: { 201: schemas.clientResponse },
    handle: async (input, note) => {
      refuseKey(input)
      const { id: clientId } = await existingClient(hub, input.params.id)
      note({}, clientId)
      const token = await hub.clients.addToken(clientId)
      note({ tokenId: toUuid(token.id) })
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
