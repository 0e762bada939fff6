import { fromUuid, type Id, isId, PlugboardError, toUuid } from '@plugboard/core'
import {
  type AttemptReport,
  type ClientView,
  COUNTED_BACKLOG,
  durationAt,
  isFeed,
  type OpenWebhook,
  sumOfDurations,
  type WebhookState,
} from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { withMaskedUrls } from '../../masked-urls.js'
import type { AdminDeps } from '../deps.js'
import { defineAdminRoute } from '../route.js'

const time = z.string().meta({ format: 'date-time' })
const params = z.object({ webhookId: z.string().max(100) })

const webhookSchema = z.object({
  id: z.string(),
  url: z.string().optional().describe('With parts that may be secret masked; absent if its events are read'),
  label: z.string(),
  format: z.string().describe('Name of the API that made it'),
  state: z
    .enum(['active', 'retrying', 'failing', 'gone'])
    .describe(
      '`active`: the last attempt succeeded, or there was none. `retrying`, `failing`: it failed, and is repeated or not. `gone`: the webhook answered 410',
    ),
  paused: z.boolean().describe('An operator holds its deliveries'),
  pausedAt: time.optional(),
  successRate: z
    .number()
    .optional()
    .describe('Share of attempts of the last one to two hours that succeeded, from 0 to 1'),
  latencyMs: z.number().optional().describe('Mean duration of these attempts'),
  latencyP50Ms: z.number().optional().describe('Half of these attempts took no longer, to a quarter of it'),
  latencyP95Ms: z
    .number()
    .optional()
    .describe('95 of 100 of these attempts took no longer, to a quarter of it'),
  circuit: z
    .enum(['open', 'closed'])
    .describe('`open`: it failed several times in a row, so that nothing is sent for a while'),
  circuitUntil: time.optional(),
  lastDeliveredAt: time.optional(),
  lastFailure: z
    .object({ at: time, kind: z.string(), message: z.string(), nextAttemptAt: time.optional() })
    .optional(),
  consecutiveFailures: z.number(),
  counts: z
    .object({ delivered: z.number(), failed: z.number(), dead: z.number() })
    .describe('Since it was created'),
  waiting: z
    .object({
      conversations: z.number().describe(`Counted up to ${COUNTED_BACKLOG}`),
      isMore: z.boolean().describe('There are more'),
      oldestAt: time.optional(),
    })
    .optional()
    .describe('Of a pull webhook: what waits for its readers'),
  formerSecretUntil: time.optional().describe('Until then the secret before the last rotation signs too'),
})

const testSchema = z.object({
  outcome: z.string().describe('`delivered`, or the kind of the failure'),
  durationMs: z.number(),
  status: z.number().optional(),
  error: z.string().optional(),
  response: z.string().optional().describe('Start of an answer that is no 2xx'),
})

const HOUR_MS = 3_600_000
const MAX_OVERLAP_HOURS = 168

/** Webhooks: where the events of a client go. */
export function targetRoutes(app: FastifyInstance, deps: AdminDeps): void {
  const { hub } = deps
  defineAdminRoute(app, deps, {
    method: 'GET',
    url: '/clients/:clientId/webhooks',
    operationId: 'adminListWebhooks',
    tag: 'admin-webhooks',
    summary: 'The webhooks of a client with how they work',
    role: 'viewer',
    tenant: true,
    responses: { 200: z.object({ items: z.array(webhookSchema) }) },
    handle: async ({ client }) => ({ items: await listed(client) }),
  })
  defineAdminRoute(app, deps, {
    method: 'PATCH',
    url: '/clients/:clientId/webhooks/:webhookId',
    operationId: 'adminUpdateWebhook',
    tag: 'admin-webhooks',
    summary: 'Hold the deliveries to a webhook, or let them continue in order',
    role: 'operator',
    tenant: true,
    audit: 'webhook.update',
    params,
    body: z.strictObject({ paused: z.boolean() }),
    responses: { 200: webhookSchema },
    errors: [409],
    handle: async ({ client, params, body: { paused }, note }) => {
      const { id } = webhookOf(client, params.webhookId)
      note({ paused })
      return one(await hub.targetControls.pauseWebhook(client.id, id, paused), id)
    },
  })
  defineAdminRoute(app, deps, {
    method: 'POST',
    url: '/clients/:clientId/webhooks/:webhookId/test',
    operationId: 'adminTestWebhook',
    tag: 'admin-webhooks',
    summary: 'Send a test event to a webhook at once, and return what came of it',
    role: 'operator',
    tenant: true,
    audit: 'webhook.test',
    params,
    calls: (client, { webhookId }) => webhookOf(client, webhookId).id,
    body: z.strictObject({}),
    responses: { 200: testSchema },
    errors: [409],
    handle: async ({ client, params, note }) => {
      const { id } = webhookOf(client, params.webhookId)
      const report = await hub.targetControls.test(client, id)
      const result = testJson(report)
      note({ outcome: result.outcome, ...(result.status !== undefined && { status: result.status }) })
      return result
    },
  })
  defineAdminRoute(app, deps, {
    method: 'POST',
    url: '/clients/:clientId/webhooks/:webhookId/rotate-secret',
    operationId: 'adminRotateWebhookSecret',
    tag: 'admin-webhooks',
    summary:
      'Give a webhook a new secret. The one before signs too for a while, so that the receiver can change',
    role: 'admin',
    tenant: false,
    audit: 'webhook.rotate-secret',
    params,
    body: z.strictObject({
      overlapHours: z
        .number()
        .min(0)
        .max(MAX_OVERLAP_HOURS)
        .default(24)
        .describe('How long both sign, in hours'),
    }),
    responses: {
      200: z.object({
        secret: z.string().describe('Standard Webhooks secret. It is shown only once'),
        formerUntil: time.describe('Until then the one before signs too'),
      }),
    },
    errors: [409],
    handle: async ({ client, params, body: { overlapHours } }) => {
      const { id } = webhookOf(client, params.webhookId)
      const { secret, formerUntil } = await hub.targetControls.rotateSecret(
        client.id,
        id,
        overlapHours * HOUR_MS,
      )
      return { secret, formerUntil: formerUntil.toISOString() }
    },
  })

  async function listed(client: ClientView): Promise<z.infer<typeof webhookSchema>[]> {
    const states = await hub.health.webhookStates(client)
    return states.flatMap((health) => {
      const webhook = client.webhooks.find(({ id }) => id === health.id)
      return webhook ? [webhookJson(webhook, health, new Date())] : []
    })
  }

  async function one(client: ClientView, id: Id): Promise<z.infer<typeof webhookSchema>> {
    const found = (await listed(client)).find((each) => each.id === toUuid(id))
    if (!found) throw notFound()
    return found
  }
}

/** The webhook with this id, in the form of any API. @throws NOT_FOUND */
function webhookOf({ webhooks }: ClientView, text: string): OpenWebhook {
  const id = isId(text) ? text : fromUuid(text)
  const found = webhooks.find((hook) => hook.id === id && !isFeed(hook))
  if (!found) throw notFound()
  return found
}

const notFound = (): PlugboardError => new PlugboardError('NOT_FOUND', 'webhook not found')

function webhookJson(webhook: OpenWebhook, health: WebhookState, now: Date): z.infer<typeof webhookSchema> {
  const { id, url, mode, format, pausedAt, former } = webhook
  const {
    state,
    hours = [],
    circuit,
    lastDeliveredAt,
    lastFailure,
    consecutiveFailures,
    counts,
    waiting,
  } = health
  const shown = withMaskedUrls(url)
  const succeeded = hours.reduce((sum, hour) => sum + hour.succeeded, 0)
  const made = hours.reduce((sum, hour) => sum + hour.succeeded + hour.failed, 0)
  const durationMs = hours.reduce((sum, hour) => sum + hour.durationMs, 0)
  const durations = sumOfDurations(hours.map((hour) => hour.durations))
  const [p50, p95] = [durationAt(0.5, durations), durationAt(0.95, durations)]
  const isOpen = circuit !== undefined && circuit.until > now
  return {
    ...{ id: toUuid(id), label: shown, format, state, paused: pausedAt !== undefined },
    ...(!mode && { url: shown }),
    ...(pausedAt && { pausedAt: pausedAt.toISOString() }),
    ...(made > 0 && { successRate: succeeded / made, latencyMs: Math.round(durationMs / made) }),
    ...(p50 !== undefined && { latencyP50Ms: p50 }),
    ...(p95 !== undefined && { latencyP95Ms: p95 }),
    circuit: isOpen ? 'open' : 'closed',
    ...(isOpen && { circuitUntil: circuit.until.toISOString() }),
    ...(lastDeliveredAt && { lastDeliveredAt: lastDeliveredAt.toISOString() }),
    ...(lastFailure && {
      lastFailure: {
        ...{ at: lastFailure.at.toISOString(), kind: lastFailure.kind, message: lastFailure.message },
        ...(lastFailure.nextAttemptAt && { nextAttemptAt: lastFailure.nextAttemptAt.toISOString() }),
      },
    }),
    ...{ consecutiveFailures, counts },
    ...(waiting && {
      waiting: {
        conversations: waiting.conversations,
        isMore: waiting.isMore,
        ...(waiting.oldest && { oldestAt: waiting.oldest.toISOString() }),
      },
    }),
    ...(former && former.until > now && { formerSecretUntil: former.until.toISOString() }),
  }
}

const testJson = ({ durationMs, status, response, failure }: AttemptReport): z.infer<typeof testSchema> => ({
  ...{ outcome: failure?.kind ?? 'delivered', durationMs: Math.round(durationMs) },
  ...(status !== undefined && { status }),
  ...(failure && { error: failure.message }),
  ...(response !== undefined && { response }),
})
