import { invalid, toUuid } from '@plugboard/core'
import type { ChannelRef, Hub } from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import type { z } from 'zod'
import { idOf } from '../ids.js'
import { channelJson } from '../map.js'
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
      const { channel, ...endpoint } = body
      const mapped = await hub.endpoints.conversationOf(client, channelRefOf(hub, channel), endpoint)
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
      return endpoints.map(({ channel, identity, sender, thread }) => ({
        channel: channelJson(channel, hub.channels.find(channel.name)?.version ?? '1.0.0'),
        identity,
        sender,
        thread,
      }))
    },
  })
}

/** A text is a custom channel, an object a loaded channel. @throws INVALID if it is not loaded */
function channelRefOf(hub: Hub, channel: z.infer<typeof schemas.mapBody>['channel']): ChannelRef {
  if (typeof channel === 'string') return { name: channel, custom: true }
  const known = hub.channels.find(channel.name)
  if (!known)
    throw invalid({ path: ['body', 'channel', 'name'], message: 'must be the name of an installed channel' })
  if (known.version !== channel.version) {
    throw invalid({ path: ['body', 'channel', 'version'], message: `must be ${known.version}` })
  }
  return { name: channel.name, custom: false }
}
