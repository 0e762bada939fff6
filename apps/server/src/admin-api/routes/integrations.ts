import {
  channelNamePattern,
  type Id,
  invalid,
  isPlugboardError,
  type JsonObject,
  PlugboardError,
  toUuid,
} from '@plugboard/core'
import type { ClientView, Hub, IntegrationHealth, IntegrationView, OpenIntegration } from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { assertMay } from '../callers.js'
import type { AdminDeps } from '../deps.js'
import { integrationIdOf, integrationNotFound } from '../integration-id.js'
import { troubleJson, troubleSchema } from '../overview.js'
import { defineAdminRoute } from '../route.js'

const time = z.string().meta({ format: 'date-time' })
const modeSchema = z.enum(['webhook', 'listen', 'direct'])
const failure = z.object({
  kind: z.string(),
  message: z.string(),
})

const integrationSchema = z.object({
  id: z.string(),
  name: z.string().describe('Key in `channels` of sync; unique for the client'),
  displayName: z.string().optional(),
  channel: z.string(),
  status: z.enum(['active', 'pending', 'paused']),
  reason: z.string().optional().describe("The provider's message, if it is paused or pending"),
  paused: z.boolean().describe('An operator holds its deliveries; it still gets events'),
  mode: modeSchema.describe('How it gets the events of its provider'),
  webhookUrl: z
    .string()
    .optional()
    .describe('Address that the provider calls, in the mode `webhook`; absent in `direct`'),
  setup: z.string().optional().describe('Manual steps at the provider'),
  config: z.record(z.string(), z.unknown()).describe('Without its secrets'),
  secrets: z.array(z.string()).describe('Secrets that it has'),
  listening: z
    .object({
      state: z.enum(['starting', 'connecting', 'connected', 'failing']),
      since: time.optional(),
      failure: failure.optional(),
      nextAttemptAt: time.optional(),
    })
    .optional()
    .describe('Its connection, in the mode `listen`'),
  lastInboundAt: time.optional(),
  lastOutboundAt: time.optional(),
  lastFailure: failure.extend({ at: time, nextAttemptAt: time.optional() }).optional(),
  consecutiveFailures: z.number(),
  counts: z.object({ delivered: z.number(), failed: z.number(), dead: z.number() }),
  events: z
    .array(z.object({ type: z.string(), at: time, data: z.unknown().optional() }))
    .describe('What happened to it, newest first'),
  trouble: troubleSchema.optional(),
})

const params = z.object({ integrationId: z.string().max(100) })
const config = z.record(z.string().max(200), z.json())
const displayName = z.string().trim().min(1).max(200)

const createBody = z.strictObject({
  channel: z.string().max(100),
  name: z
    .string()
    .regex(
      channelNamePattern,
      'must be 2 to 31 lower-case letters, digits and dashes, and start with a letter',
    )
    .optional()
    .describe(
      '2 to 31 lower-case letters, digits and dashes. Default: that of the channel, with a number if it is used',
    ),
  displayName: displayName.optional(),
  mode: modeSchema
    .optional()
    .describe('Default: `webhook` if the server is public, otherwise `listen`, as far as the channel can'),
  config,
})

const changeBody = z.strictObject({
  displayName: displayName.nullable().optional(),
  mode: modeSchema.optional(),
  config: config
    .optional()
    .describe(
      'The whole configuration, except that secrets that are omitted stay, and those that are null are removed',
    ),
  paused: z
    .boolean()
    .optional()
    .describe('Whether its deliveries are held. The role operator is enough to change this alone'),
})

const checkSchema = z.object({
  ok: z.boolean(),
  failure: failure.extend({ field: z.string().optional() }).optional(),
  durationMs: z.number(),
})

/** Integrations: channels that are enabled for a client. */
export function integrationRoutes(app: FastifyInstance, deps: AdminDeps): void {
  const { hub } = deps
  defineAdminRoute(app, deps, {
    method: 'GET',
    url: '/clients/:clientId/integrations',
    operationId: 'adminListIntegrations',
    tag: 'admin-channels',
    summary: 'The integrations of a client with their health',
    role: 'viewer',
    tenant: true,
    responses: { 200: z.object({ items: z.array(integrationSchema) }) },
    handle: async ({ client }) => ({ items: await listed(client) }),
  })
  defineAdminRoute(app, deps, {
    method: 'GET',
    url: '/clients/:clientId/integrations/:integrationId',
    operationId: 'adminGetIntegration',
    tag: 'admin-channels',
    summary: 'An integration with its health',
    role: 'viewer',
    tenant: true,
    params,
    responses: { 200: integrationSchema },
    handle: async ({ client, params }) => one(client, integrationIdOf(client, params.integrationId)),
  })
  defineAdminRoute(app, deps, {
    method: 'POST',
    url: '/clients/:clientId/integrations',
    operationId: 'adminCreateIntegration',
    tag: 'admin-channels',
    summary: 'Enable a channel for a client; its provider checks the credentials at once',
    role: 'admin',
    tenant: false,
    audit: 'integration.create',
    body: createBody,
    responses: { 201: integrationSchema },
    errors: [409],
    handle: async ({ client, body, note }) => {
      const { channel, displayName, ...how } = body
      if (!hub.channels.find(channel))
        throw invalid({ path: ['channel'], message: `must be one of ${hub.channels.names.join(', ')}` })
      const facts = displayName === undefined ? {} : { displayName }
      const made = await inForm(hub.integrations.enable(client, channel, { ...how, facts }))
      note({ integrationId: toUuid(made.id), channel })
      return one(await current(client), made.id)
    },
  })
  defineAdminRoute(app, deps, {
    method: 'PATCH',
    url: '/clients/:clientId/integrations/:integrationId',
    operationId: 'adminUpdateIntegration',
    tag: 'admin-channels',
    summary:
      'Change the configuration of an integration, of which its provider checks new credentials at once; or hold its deliveries',
    role: 'operator',
    tenant: false,
    audit: 'integration.update',
    params,
    body: changeBody,
    responses: { 200: integrationSchema },
    errors: [409],
    handle: async ({ actor, client, params, body: { paused, ...configuration }, note }) => {
      const id = integrationIdOf(client, params.integrationId)
      if (Object.keys(configuration).length > 0) {
        assertMay(actor, { role: 'admin', tenant: false })
        await inForm(hub.integrations.configure(client, id, configuration))
      }
      if (paused !== undefined) {
        note({ paused })
        await hub.targetControls.pauseIntegration(client.id, id, paused)
      }
      return one(await current(client), id)
    },
  })
  defineAdminRoute(app, deps, {
    method: 'DELETE',
    url: '/clients/:clientId/integrations/:integrationId',
    operationId: 'adminDeleteIntegration',
    tag: 'admin-channels',
    summary: 'Disable a channel of a client. Its conversations stay, and continue once it is enabled again',
    role: 'admin',
    tenant: false,
    audit: 'integration.delete',
    params,
    responses: { 204: undefined },
    errors: [409],
    handle: async ({ client, params, note }) => {
      const id = integrationIdOf(client, params.integrationId)
      note({ channel: integrationOf(client, id).channel })
      await hub.integrations.delete(client, id)
    },
  })
  defineAdminRoute(app, deps, {
    method: 'POST',
    url: '/clients/:clientId/integrations/:integrationId/check',
    operationId: 'adminCheckIntegration',
    tag: 'admin-channels',
    summary: 'Ask the provider now whether the credentials work',
    role: 'operator',
    tenant: true,
    audit: 'integration.check',
    params,
    calls: (client, { integrationId }) => integrationIdOf(client, integrationId),
    responses: { 200: checkSchema },
    handle: async ({ client, params }): Promise<z.infer<typeof checkSchema>> => {
      const startedAt = performance.now()
      const found = await hub.integrations.check(client, integrationIdOf(client, params.integrationId))
      const durationMs = Math.round(performance.now() - startedAt)
      if (!found) return { ok: true, durationMs }
      const { kind, message } = found
      const field = 'field' in found ? found.field : undefined
      return { ok: false, failure: { kind, message, ...(field !== undefined && { field }) }, durationMs }
    },
  })
  defineAdminRoute(app, deps, {
    method: 'POST',
    url: '/clients/:clientId/integrations/:integrationId/provision',
    operationId: 'adminProvisionIntegration',
    tag: 'admin-channels',
    summary: 'Set the provider up once more, in the background; a paused integration is tried again',
    role: 'operator',
    tenant: true,
    audit: 'integration.provision',
    params,
    calls: (client, { integrationId }) => integrationIdOf(client, integrationId),
    responses: { 202: integrationSchema },
    errors: [409],
    handle: async ({ client, params }) => {
      const id = integrationIdOf(client, params.integrationId)
      await hub.integrations.provision(client, id)
      return one(await current(client), id)
    },
  })

  /** The client after a change. @throws NOT_FOUND */
  async function current({ id }: ClientView): Promise<ClientView> {
    const client = await hub.clients.find({ id })
    if (!client) throw new PlugboardError('NOT_FOUND', 'client not found')
    return client
  }

  async function one(client: ClientView, id: Id): Promise<z.infer<typeof integrationSchema>> {
    const wanted = toUuid(id)
    const found = (await listed(client)).find((integration) => integration.id === wanted)
    if (!found) throw integrationNotFound()
    return found
  }

  async function listed(client: ClientView): Promise<z.infer<typeof integrationSchema>[]> {
    const [healths, views, { troubles }] = await Promise.all([
      hub.health.list(client),
      hub.integrations.list(client, { limit: MAX_INTEGRATIONS }, { custom: false }),
      hub.overview.troublesOf(client.id),
    ])
    const byId = new Map(views.map((view) => [view.id, view]))
    return healths.flatMap((health) => {
      const open = client.integrations.get(health.name)
      const view = open && byId.get(open.id)
      const trouble = troubles.find(({ target }) => target.id === open?.id)
      if (!open || !view) return []
      return [
        {
          ...integrationJson(hub, { health, open, view }),
          ...(trouble && { trouble: troubleJson(trouble) }),
        },
      ]
    })
  }
}

/** A client has fewer. */
const MAX_INTEGRATIONS = 1000

function integrationJson(
  hub: Hub,
  { health, open, view }: { health: IntegrationHealth; open: OpenIntegration; view: IntegrationView },
): z.infer<typeof integrationSchema> {
  const { id, name, channel, config } = open
  const { displayName } = view.facts
  const secrets = hub.channels.find(channel)?.secrets
  const { lastInboundAt, lastOutboundAt, lastFailure, listening } = health
  return {
    ...{ id: toUuid(id), name, channel, status: health.status, mode: health.mode },
    ...(displayName !== undefined && { displayName }),
    ...(health.reason !== undefined && { reason: health.reason }),
    paused: open.pausedAt !== undefined,
    ...(health.webhookUrl !== undefined && { webhookUrl: health.webhookUrl }),
    ...(health.setup !== undefined && { setup: health.setup }),
    // Of a channel that is not loaded nobody knows what is secret.
    config: secrets ? withoutSecrets(config, secrets) : {},
    secrets: (secrets ?? []).filter((field) => config[field] !== undefined),
    ...(listening && {
      listening: {
        state: listening.state,
        ...(listening.since && { since: listening.since.toISOString() }),
        ...(listening.failure && { failure: listening.failure }),
        ...(listening.nextAttemptAt && { nextAttemptAt: listening.nextAttemptAt.toISOString() }),
      },
    }),
    ...(lastInboundAt && { lastInboundAt: lastInboundAt.toISOString() }),
    ...(lastOutboundAt && { lastOutboundAt: lastOutboundAt.toISOString() }),
    ...(lastFailure && {
      lastFailure: {
        ...{ kind: lastFailure.kind, message: lastFailure.message, at: lastFailure.at.toISOString() },
        ...(lastFailure.nextAttemptAt && { nextAttemptAt: lastFailure.nextAttemptAt.toISOString() }),
      },
    }),
    ...{ consecutiveFailures: health.consecutiveFailures, counts: health.counts },
    events: health.events.map(({ type, time, data }) => ({
      ...{ type, at: time.toISOString() },
      ...(data && { data }),
    })),
  }
}

const withoutSecrets = (config: JsonObject, secrets: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(config).filter(([field]) => !secrets.includes(field)))

function integrationOf({ integrations }: ClientView, id: Id): OpenIntegration {
  const found = [...integrations.values()].find((each) => each.id === id)
  if (!found) throw integrationNotFound()
  return found
}

/** Faults of the hub name members of `channels.NAME` of a sync; here it is a form with one configuration. */
async function inForm<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!isPlugboardError(error, 'INVALID') || error.issues.length === 0) throw error
    throw invalid(...error.issues.map(({ path, message }) => ({ path: inFormPath(path), message })))
  }
}

function inFormPath([first, , ...rest]: readonly (string | number)[]): (string | number)[] {
  if (first !== 'channels') return [...(first === undefined ? [] : [first]), ...rest]
  return rest[0] === 'mode' || rest[0] === 'channel' ? rest : ['config', ...rest]
}
