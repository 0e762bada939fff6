import { invalid, toUuid } from '@plugboard/core'
import { type ChannelRef, type ClientView, channelRefOf, type Hub, integrationOf } from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import type { z } from 'zod'
import { idOf } from '../ids.js'
import { endpointJson } from '../map.js'
import { defineRoute } from '../route.js'
import * as schemas from '../schemas.js'

/** Where conversations live at providers. */
export function endpointRoutes(app: FastifyInstance, hub: Hub): void {
  defineRoute(app, {
    method: 'POST',
    url: '/endpoints/map',
    operationId: 'messagingMapEndpoint',
    errors: [507],
    tag: 'endpoints',
    summary: 'Get the conversation of an endpoint; creates it and its user if they are new',
    body: schemas.mapBody,
    responses: { 200: schemas.mapResponse },
    handle: async ({ client, body }) => {
      const { channel, integration, ...endpoint } = body
      const ref = refOf(hub, client, { channel, integration })
      const mapped = await hub.endpoints.conversationOf(client, ref, endpoint)
      return { conversationId: toUuid(mapped.conversationId) }
    },
  })
  defineRoute(app, {
    method: 'GET',
    url: '/endpoints/conversation/:conversationId',
    operationId: 'messagingListEndpoints',
    tag: 'endpoints',
    summary: 'List the endpoints of a conversation',
    params: schemas.conversationParams,
    responses: { 200: schemas.endpointListResponse },
    handle: async ({ client, params }) => {
      const endpoints = await hub.endpoints.list(client, idOf(params.conversationId))
      return endpoints.map((endpoint) => endpointJson(hub, client, endpoint))
    },
  })
}

/**
 * A text is a custom channel, an object a loaded channel. Without `integration`, the integration is the one that has the
 * name of the channel or had it when it was made, else the only one of the channel.
 * @throws INVALID if the channel is not loaded, for an integration that is none of this channel, and if there are several
 */
function refOf(
  hub: Hub,
  client: ClientView,
  { channel, integration: name }: Pick<z.infer<typeof schemas.mapBody>, 'channel' | 'integration'>,
): ChannelRef {
  if (typeof channel === 'string') {
    if (name === undefined) return { name: channel, custom: true }
    throw invalid({ path: ['body', 'integration'], message: 'is not allowed: a custom channel has none' })
  }
  const known = hub.channels.find(channel.name)
  if (!known)
    throw invalid({ path: ['body', 'channel', 'name'], message: 'must be the name of an installed channel' })
  if (known.version !== channel.version) {
    throw invalid({ path: ['body', 'channel', 'version'], message: `must be ${known.version}` })
  }
  const usual = { name: channel.name, custom: false }
  const ofChannel = [...client.integrations.values()].filter((each) => each.channel === channel.name)
  if (name !== undefined) {
    const found = ofChannel.find((each) => each.name === name)
    if (found) return channelRefOf(found)
    throw invalid({
      path: ['body', 'integration'],
      message: `must be the name of an integration of ${channel.name}`,
    })
  }
  const [only, ...others] = ofChannel
  if (!only || integrationOf(client, usual)) return usual
  if (others.length === 0) return channelRefOf(only)
  throw invalid({ path: ['body', 'integration'], message: 'is required: several are of this channel' })
}
