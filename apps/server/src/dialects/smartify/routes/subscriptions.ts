import { type Id, isId, PlugboardError } from '@plugboard/core'
import type { Hub } from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import type { Credentials } from '../credentials.js'
import { subscriptionJson } from '../map-project.js'
import { FORMAT_NAME } from '../names.js'
import { projectRoutes } from '../route.js'
import { subscriptionBody, subscriptionParams } from '../schemas.js'
import { callerId } from '../speaker.js'
import { secretOf } from '../tokens.js'

/** Subscriptions of one project. */
const MAX_SUBSCRIPTIONS = 100

const scope = { format: FORMAT_NAME }

/** Webhooks with one event each. */
export function subscriptionRoutes(app: FastifyInstance, hub: Hub, credentials: Credentials): void {
  const define = projectRoutes(app, hub, credentials)

  define({
    method: 'POST',
    path: '/subscriptions',
    operationId: 'smartifyCreateSubscription',
    summary: 'Subscribe a URL to an event; repeating it returns the same subscription',
    asks: 'admin',
    body: subscriptionBody,
    handle: async ({ project, caller, body: { event, target }, reply }) => {
      const webhook = await hub.webhooks.create(
        project,
        {
          ...{ ...scope, url: target, events: [event], isLocatable: true },
          settings: { createdBy: callerId(caller) },
          path: ['body', 'target'],
        },
        {
          max: MAX_SUBSCRIPTIONS,
          isSame: ({ url, events }) => url === target && events?.[0] === event,
        },
      )
      const secret = secretOf(webhook)
      void reply.header('x-hook-secret', secret)
      return { secret, ...subscriptionJson(project.id, webhook) }
    },
  })

  define({
    method: 'GET',
    path: '/subscriptions',
    operationId: 'smartifyListSubscriptions',
    summary: 'List the subscriptions of the project, without their secrets',
    asks: 'admin',
    handle: async ({ project }) =>
      hub.webhooks.list(project, scope).map((webhook) => subscriptionJson(project.id, webhook)),
  })

  define({
    method: 'GET',
    path: '/subscriptions/:subscriptionId',
    operationId: 'smartifyGetSubscription',
    summary: 'Get a subscription, without its secret',
    asks: 'admin',
    params: subscriptionParams,
    handle: async ({ project, params }) =>
      subscriptionJson(project.id, hub.webhooks.get(project, scope, idIn(params.subscriptionId))),
  })

  define({
    method: 'DELETE',
    path: '/subscriptions/:subscriptionId',
    operationId: 'smartifyDeleteSubscription',
    summary: 'Delete a subscription; its pending deliveries can be replayed to another',
    asks: 'admin',
    params: subscriptionParams,
    handle: async ({ project, params }) => {
      const webhook = hub.webhooks.get(project, scope, idIn(params.subscriptionId))
      await hub.webhooks.delete(project, scope, webhook.id)
      return subscriptionJson(project.id, webhook)
    },
  })
}

/** @throws NOT_FOUND for what can be no id */
function idIn(text: string): Id {
  if (isId(text)) return text
  throw new PlugboardError('NOT_FOUND', 'subscription not found')
}
