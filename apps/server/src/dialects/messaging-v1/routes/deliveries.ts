import { fromUuid, type Id, PlugboardError, toUuid } from '@plugboard/core'
import {
  type ClientView,
  type Delivery,
  endpointTarget,
  eventOf,
  type Hub,
  integrationTarget,
  parseTarget,
  type Target,
  type TargetKind,
  webhookTarget,
} from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import { deadLetterJson, deliveryIdOf, findWebhook } from '../dead-letter.js'
import { idOf } from '../ids.js'
import { endpointJson } from '../map.js'
import { defineRoute } from '../route.js'
import * as schemas from '../schemas.js'

/** Deliveries and dead letters. These routes are additions of Plugboard. */
export function deliveryRoutes(app: FastifyInstance, hub: Hub): void {
  defineRoute(app, {
    method: 'GET',
    url: '/messages/:id/deliveries',
    operationId: 'messagingListDeliveries',
    tag: 'deliveries',
    summary: 'Get the delivery status of a message for each target',
    params: schemas.idParams,
    responses: { 200: schemas.deliveriesResponse },
    handle: async ({ client, params }) => {
      const deliveries = await hub.deliveries.ofMessage(client, idOf(params.id))
      return { deliveries: deliveries.map((delivery) => deliveryJson(hub, client, delivery)) }
    },
  })
  defineRoute(app, {
    method: 'GET',
    url: '/dead-letters',
    operationId: 'messagingListDeadLetters',
    tag: 'deliveries',
    summary: 'List dead letters, newest entry first',
    isList: true,
    query: schemas.deadLetterPage,
    responses: { 200: schemas.deadLettersResponse },
    handle: async ({ client, query }) => {
      const before = query.before === undefined ? {} : { before: parseId(query.before).entryId }
      const limit = Math.min(query.limit || MAX_PAGE, MAX_PAGE)
      const letters = await hub.deliveries.listDead(client, { limit, ...before })
      return { deadLetters: letters.map((letter) => deadLetterJson(hub, client, letter)) }
    },
  })
  defineRoute(app, {
    method: 'POST',
    url: '/dead-letters/:id/replay',
    operationId: 'messagingReplayDeadLetter',
    tag: 'deliveries',
    summary: 'Replay a dead letter, to its own target or to a webhook given by id or URL',
    params: schemas.deadLetterParams,
    body: schemas.replayBody,
    responses: { 202: schemas.replayResponse },
    handle: async ({ client, params, body }) => {
      const { entryId, target } = parseId(params.id)
      const to = body.target === undefined ? target : findWebhook(client, body.target)
      await hub.deliveries.replay(client, entryId, target, to)
      return { id: params.id }
    },
  })
}

const MAX_PAGE = 500

const TARGETS: Readonly<Record<TargetKind, (id: Id) => Target>> = {
  webhook: webhookTarget,
  endpoint: endpointTarget,
  integration: integrationTarget,
}

/** @throws NOT_FOUND for any other text */
function parseId(text: string): { entryId: Delivery['entryId']; target: Target } {
  const [entry = '', kind, guid = ''] = text.split('.')
  const id = fromUuid(guid)
  const targetOf = Object.hasOwn(TARGETS, kind ?? '') ? TARGETS[kind as TargetKind] : undefined
  if (!id || !targetOf) throw new PlugboardError('NOT_FOUND', 'Not Found')
  return { entryId: idOf(entry), target: targetOf(id) }
}

function deliveryJson(
  hub: Hub,
  client: ClientView,
  { entryId, target, webhook, endpoint, blockedBy, changes, ...rest }: Delivery,
): object {
  const { kind, id } = parseTarget(target)
  return {
    id: deliveryIdOf(entryId, target),
    target: {
      type: kind,
      id: toUuid(id),
      ...(webhook && { url: webhook.url }),
      ...(endpoint && endpointJson(hub, client, endpoint)),
    },
    ...rest,
    ...(blockedBy && { blockedBy: blockedByJson(blockedBy, target) }),
    ...(changes && {
      changes: changes.map(({ webhook: _, endpoint: __, blockedBy: before, ...change }) => ({
        ...change,
        ...(before && { blockedBy: blockedByJson(before, target) }),
      })),
    }),
  }
}

const blockedByJson = ({ id, type }: NonNullable<Delivery['blockedBy']>, target: Target): object => ({
  id: deliveryIdOf(id, target),
  ...(type === 'message' && { messageId: toUuid(id) }),
  event: eventOf(type),
})
