import { invalid, isPlugboardError, toUuid } from '@plugboard/core'
import {
  type ClientView,
  type Dead,
  type DeadFilter,
  type DeadLetter,
  eventOf,
  type PendingDelivery,
  type PendingFilter,
  parseTarget,
  type Target,
} from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { deadFilter, deadFilterOf } from '../dead-letter-filter.js'
import type { AdminDeps } from '../deps.js'
import { cursorOf, idIn, idSchema, placeIn, timeSchema } from '../ids.js'
import { listOf, pageQuery } from '../pages.js'
import { defineAdminRoute } from '../route.js'
import { targetLabel } from '../target-label.js'

const time = z.string().meta({ format: 'date-time' })

const query = z.strictObject({
  ...pageQuery,
  state: z
    .enum(['dead', 'retrying', 'pending'])
    .default('dead')
    .describe(
      '`dead`: given up, newest first. `retrying`, `pending`: the next one of each target of a conversation, longest due first',
    ),
  ...deadFilter,
  reason: deadFilter.reason.describe('Why it was given up'),
  since: deadFilter.since.describe('Given up at this time or later; or if it is pending, accepted'),
  until: deadFilter.until.describe('Given up at this time or earlier; or if it is pending, accepted'),
})

const deliverySchema = z.object({
  entryId: z.string(),
  conversationId: z.string().describe('Of an entry about a user or an integration: its id'),
  type: z.string().describe('Of the event, such as `message.new`'),
  at: time.describe('When the entry was accepted'),
  target: z.object({
    kind: z.enum(['webhook', 'endpoint', 'integration']),
    id: z.string(),
    label: z.string().describe('URL of a webhook, with parts that may be secret masked; or the channel'),
    channel: z.string().optional(),
    integration: z.string().optional().describe('Its name'),
  }),
  state: z.enum(['dead', 'retrying', 'pending']),
  reason: z.string().optional().describe('Why it was given up'),
  code: z.string().optional().describe("The provider's code of the error"),
  attempts: z.number().describe('Failed attempts'),
  error: z.string().optional().describe('Of the last attempt'),
  nextAttemptAt: time.optional(),
  diedAt: time.optional(),
})
type DeliveryJson = z.infer<typeof deliverySchema>

const somebody = z.strictObject({
  items: z
    .array(z.strictObject({ entryId: z.string().max(100), targetId: z.string().max(100) }))
    .min(1)
    .max(100),
})

const dealt = z.object({
  done: z.number(),
  refused: z
    .array(z.object({ entryId: z.string(), targetId: z.string(), code: z.string(), message: z.string() }))
    .describe(
      'Those that are no dead letters any more, whose target was removed, or of whose conversation too many replays wait',
    ),
})

const deadPlace = z.strictObject({ at: timeSchema, entryId: idSchema, target: z.custom<Target>(isTarget) })
const owingPlace = z.strictObject({ nextAt: timeSchema, streamId: idSchema })

/** Deliveries of a client: what is pending, and what was given up. */
export function deliveryRoutes(app: FastifyInstance, deps: AdminDeps): void {
  const { hub } = deps
  defineAdminRoute(app, deps, {
    method: 'GET',
    url: '/clients/:clientId/deliveries',
    operationId: 'adminListDeliveries',
    tag: 'admin-deliveries',
    summary:
      'List dead letters or pending deliveries by filter; a page with `next` may have fewer items than `limit`',
    role: 'viewer',
    tenant: true,
    query,
    responses: { 200: listOf(deliverySchema) },
    handle: ({ client, query: { state, limit, cursor, ...wanted } }) => {
      const filter = deadFilterOf(client, wanted)
      if (state === 'dead') return dead(client, filter, limit, cursor)
      const { reason, ...ofPending } = filter
      if (reason !== undefined)
        throw invalid({ path: ['reason'], message: 'is of deliveries that were given up: state "dead"' })
      return pending(client, { ...ofPending, state }, limit, cursor)
    },
  })
  for (const action of ['replay', 'discard'] as const)
    defineAdminRoute(app, deps, {
      method: 'POST',
      url: `/clients/:clientId/deliveries/${action}`,
      operationId: action === 'replay' ? 'adminReplayDeliveries' : 'adminDiscardDeliveries',
      tag: 'admin-deliveries',
      summary:
        action === 'replay'
          ? 'Replay up to 100 dead letters at once; for many, and to keep the order of conversations, start a job'
          : 'Take up to 100 dead letters from the list; their entries still say why they were given up',
      role: 'operator',
      tenant: true,
      audit: `delivery.${action}`,
      body: somebody,
      responses: { 200: dealt },
      handle: async ({ client, body: { items }, note }) => {
        const refused: z.infer<typeof dealt>['refused'] = []
        // All of them first, so that a request that is refused has changed nothing.
        const wanted = items.map((item, index) => ({
          item,
          id: {
            entryId: idIn(item.entryId, ['items', `${index}`, 'entryId'], 'an entry'),
            targetId: idIn(item.targetId, ['items', `${index}`, 'targetId'], 'a target'),
          },
        }))
        for (const { item, id } of wanted) {
          try {
            await hub.deliveryList.deal(client, action, id)
          } catch (error) {
            if (!isPlugboardError(error) || !['NOT_FOUND', 'RATE_LIMITED'].includes(error.code)) throw error
            refused.push({ ...item, code: error.code, message: error.message })
          }
        }
        const done = items.length - refused.length
        note({ done, refused: refused.length })
        return { done, refused }
      },
    })

  async function dead(client: ClientView, filter: DeadFilter, limit: number, cursor: string | undefined) {
    const before = placeIn(cursor, deadPlace)
    const { letters, next } = await hub.deliveryList.dead(client, {
      ...filter,
      limit,
      ...(before && { before }),
    })
    return { items: letters.map((letter) => deadJson(client, letter)), ...(next && { next: cursorOf(next) }) }
  }

  async function pending(
    client: ClientView,
    filter: PendingFilter,
    limit: number,
    cursor: string | undefined,
  ) {
    const after = placeIn(cursor, owingPlace)
    const { deliveries, next } = await hub.deliveryList.pending(client, filter, {
      limit,
      ...(after && { after }),
    })
    return {
      items: deliveries.map((delivery) => pendingJson(client, delivery)),
      ...(next && { next: cursorOf(next) }),
    }
  }
}

function deadJson(client: ClientView, { entry, target, dead }: DeadLetter): DeliveryJson {
  return {
    ...entryJson(entry),
    target: targetJson(client, target, dead, dead.label),
    state: 'dead',
    reason: dead.reason,
    ...(dead.code !== undefined && { code: dead.code }),
    attempts: dead.attempts,
    ...(dead.error !== undefined && { error: dead.error }),
    diedAt: dead.at.toISOString(),
  }
}

function pendingJson(client: ClientView, delivery: PendingDelivery): DeliveryJson {
  const { entry, target, state, attempts, error, nextAttemptAt } = delivery
  return {
    ...entryJson(entry),
    target: targetJson(client, target, delivery, delivery.channel ?? 'removed'),
    ...{ state, attempts },
    ...(error !== undefined && { error }),
    ...(nextAttemptAt && { nextAttemptAt: nextAttemptAt.toISOString() }),
  }
}

const entryJson = ({ id, streamId, type, at }: PendingDelivery['entry']) => ({
  entryId: toUuid(id),
  conversationId: toUuid(streamId),
  type: eventOf(type),
  at: at.toISOString(),
})

/** A removed target is called as it was when its delivery was given up. */
function targetJson(
  client: ClientView,
  target: Target,
  { channel, integrationId }: Pick<Dead, 'channel' | 'integrationId'>,
  label: string,
): DeliveryJson['target'] {
  const { kind, id } = parseTarget(target)
  const url = client.webhooks.find((hook) => hook.id === id)?.url
  const integration = [...client.integrations.values()].find((each) => each.id === integrationId)?.name
  return {
    ...{ kind, id: toUuid(id), label: targetLabel(url ?? label) },
    ...(channel !== undefined && { channel }),
    ...(integration !== undefined && { integration }),
  }
}

function isTarget(value: unknown): boolean {
  return typeof value === 'string' && /^[wei][0-9a-f]{24}$/.test(value)
}
