import { isId, type JsonObject } from '@plugboard/core'
import {
  type ClientView,
  type ConversationView,
  type EndpointRecord,
  integrationOf,
  type UserView,
} from '@plugboard/hub'
import { z } from 'zod'
import { badRequest, notFound } from '../errors.js'
import { findUser } from '../find.js'
import { known } from '../map.js'
import { anyQuery, cut, linksOf, pageOf, rangeOf } from '../pages.js'
import { defineRoute, type Scope } from '../route.js'
import * as schemas from '../schemas.js'
import { sdkClientJson, sdkClientOf } from '../sdk-client.js'

/** Maximum channels of a user. */
const MAX_CONVERSATIONS = 1000

/** Where users are: the endpoints of their conversations. */
export function clientRoutes(scope: Scope): void {
  const { hub, baseUrl } = scope
  const url = '/apps/:appId/users/:userIdOrExternalId/clients'
  const common = { tag: 'clients', access: 'integration' } as const

  async function endpointsOf(app: ClientView, { id }: UserView) {
    const conversations = await hub.participants.walk(app, id, { limit: MAX_CONVERSATIONS })
    return conversations.flatMap((conversation) =>
      conversation.endpoints.map((endpoint) => ({ id: endpoint.id, endpoint, conversation })),
    )
  }

  defineRoute(scope, {
    ...common,
    method: 'GET',
    url,
    summary: 'List the clients (links to channels) of a user',
    operationId: 'ListClients',
    query: anyQuery,
    response: z.object({ clients: z.array(z.looseObject({ id: z.string() })), ...schemas.page }),
    handle: async ({ client, params, query, request }) => {
      const page = pageOf(query)
      const { after, before, fromEnd, limit } = rangeOf(page)
      const user = await findUser(hub, client, params.userIdOrExternalId)
      const endpoints = await endpointsOf(client, user)
      const sdk = sdkClientOf(user)
      const all = [
        ...(sdk ? [{ id: sdk.id, json: sdkClientJson(sdk) }] : []),
        ...endpoints.map(({ id, endpoint, conversation }) => ({
          ...{ id, json: endpointJson(client, endpoint, conversation) },
        })),
      ]
      const items = all
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .filter(({ id }) => (!after || id > after) && (!before || id < before))
      const found = cut(fromEnd ? items.slice(-limit) : items.slice(0, limit), page)
      return {
        clients: found.items.map(({ json }) => json),
        ...linksOf(found, page, request, baseUrl(request)),
      }
    },
  })
  defineRoute(scope, {
    ...common,
    method: 'DELETE',
    url: `${url}/:clientId`,
    summary: 'Remove a client (link to a channel) of a user',
    operationId: 'RemoveClient',
    response: schemas.empty,
    missing: 'client',
    handle: async ({ client, params }) => {
      const { clientId = '' } = params
      const user = await findUser(hub, client, params.userIdOrExternalId)
      if (sdkClientOf(user)?.id === clientId) throw badRequest('a client of type sdk cannot be removed')
      const all = await endpointsOf(client, user)
      const found = isId(clientId) ? all.find(({ id }) => id === clientId) : undefined
      if (!found) throw notFound('client')
      await hub.endpoints.remove(client, found.conversation.id, found.id)
      return {}
    },
  })
}

/** Where a user can be reached: a client, in the words of this API. */
export function endpointJson(
  app: ClientView,
  endpoint: EndpointRecord,
  conversation: ConversationView,
): JsonObject {
  const integration = integrationOf(app, endpoint.channel)
  return {
    id: endpoint.id,
    type: endpoint.channel.custom ? 'custom' : endpoint.channel.name,
    status: integration?.status === 'paused' || !integration ? 'inactive' : 'active',
    ...known({ integrationId: integration?.id }),
    externalId: endpoint.sender,
    linkedAt: conversation.createdAt.toISOString(),
    ...known({ lastSeen: conversation.lastMessageAt?.toISOString() }),
  }
}
