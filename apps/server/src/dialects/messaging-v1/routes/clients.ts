import { toUuid } from '@plugboard/core'
import type { ClientView, Hub } from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import { withMaskedUrls } from '../../../masked-urls.js'
import { refuseKey } from '../../idempotent.js'
import { idOf } from '../ids.js'
import { tokenText, webhookJson } from '../map.js'
import { defineRoute, ok } from '../route.js'
import * as schemas from '../schemas.js'
import { FORMAT_NAME } from '../webhook-format.js'

/** A client about itself: that it exists, its channels, its tokens. */
export function clientRoutes(app: FastifyInstance, hub: Hub): void {
  defineRoute(app, {
    method: 'GET',
    url: '/clients',
    operationId: 'messagingCheckCredentials',
    tag: 'clients',
    summary: 'Check the credentials',
    responses: { 200: schemas.okResponse },
    handle: async ({ reply }) => ok(reply),
  })
  defineRoute(app, {
    method: 'GET',
    url: '/health',
    operationId: 'messagingGetHealth',
    tag: 'clients',
    summary: 'Get the webhooks with their state, and the enabled channels with their recent events',
    responses: { 200: schemas.healthResponse },
    handle: async ({ client }) => {
      const [hooks, integrations] = await Promise.all([webhooksOf(hub, client), hub.health.list(client)])
      // Health is often shown on a dashboard, and the URL of a webhook may hold a secret.
      const webhooks = hooks.map(({ url, ...health }) => ({ ...health, url: withMaskedUrls(url) }))
      const channels = integrations.map(({ name, ...health }) => [name, health] as const)
      return { webhooks, channels: Object.fromEntries(channels) }
    },
  })
  defineRoute(app, {
    method: 'GET',
    url: '/webhooks',
    operationId: 'messagingListWebhooks',
    tag: 'clients',
    summary: 'List the webhooks with their state: whether they work, the last failure, counts',
    responses: { 200: schemas.webhooksResponse },
    handle: async ({ client }) => ({ webhooks: await webhooksOf(hub, client) }),
  })
  defineRoute(app, {
    method: 'POST',
    url: '/clients/tokens',
    operationId: 'messagingCreateToken',
    errors: [409],
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
    operationId: 'messagingListTokens',
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
    operationId: 'messagingRevokeToken',
    errors: [409],
    tag: 'clients',
    summary: 'Revoke a token; the last one cannot be revoked',
    params: schemas.idParams,
    responses: { 204: undefined },
    handle: ({ client, params }) => hub.clients.revokeToken(client.id, idOf(params.id)),
  })
}

/** The webhooks of the sync. */
async function webhooksOf(hub: Hub, client: ClientView) {
  const webhooks = await hub.health.ofWebhooks(client, FORMAT_NAME)
  return webhooks.map(webhookJson)
}
