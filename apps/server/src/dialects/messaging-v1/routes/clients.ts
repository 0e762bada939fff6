import { toUuid } from '@plugboard/core'
import type { Hub } from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import { refuseKey } from '../../idempotent.js'
import { idOf } from '../ids.js'
import { tokenText } from '../map.js'
import { defineRoute, ok } from '../route.js'
import * as schemas from '../schemas.js'

/** A client about itself: that it exists, its channels, its tokens. */
export function clientRoutes(app: FastifyInstance, hub: Hub): void {
  defineRoute(app, {
    method: 'GET',
    url: '/clients',
    tag: 'clients',
    summary: 'Check the credentials',
    responses: { 200: schemas.okResponse },
    handle: async ({ reply }) => ok(reply),
  })
  defineRoute(app, {
    method: 'GET',
    url: '/health',
    tag: 'clients',
    summary: 'Get the enabled channels with their recent events',
    responses: { 200: schemas.healthResponse },
    handle: async ({ client }) => {
      const integrations = await hub.health.list(client)
      return { channels: Object.fromEntries(integrations.map(({ channel, ...health }) => [channel, health])) }
    },
  })
  defineRoute(app, {
    method: 'POST',
    url: '/clients/tokens',
    tag: 'clients',
    summary: 'Create another token, to replace one without downtime',
    responses: { 201: schemas.clientResponse },
    handle: async (input) => {
      refuseKey(input)
      const token = await hub.clients.addToken(input.client.id)
      return { id: toUuid(token.id), token: tokenText(token) }
    },
  })
  defineRoute(app, {
    method: 'GET',
    url: '/clients/tokens',
    tag: 'clients',
    summary: 'List the tokens, without their secrets',
    responses: { 200: schemas.tokensResponse },
    handle: async ({ client }) => ({
      tokens: client.record.tokens.map(({ id, createdAt }) => ({
        id: toUuid(id),
        createdAt: createdAt.toISOString(),
      })),
    }),
  })
  defineRoute(app, {
    method: 'DELETE',
    url: '/clients/tokens/:id',
    tag: 'clients',
    summary: 'Revoke a token; the last one cannot be revoked',
    params: schemas.idParams,
    responses: { 204: undefined },
    handle: ({ client, params }) => hub.clients.revokeToken(client.id, idOf(params.id)),
  })
}
