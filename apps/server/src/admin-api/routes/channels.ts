import type { Channel, Id, IntegrationMode } from '@plugboard/core'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { existingClient } from '../../dialects/messaging-v1/admin-lists.js'
import { formOf, titleOf } from '../channel-forms.js'
import type { AdminDeps } from '../deps.js'
import { defineAdminRoute } from '../route.js'

const modeSchema = z.enum(['webhook', 'listen', 'direct'])

const channelSchema = z.object({
  name: z.string(),
  title: z.string().describe('Name for people'),
  version: z.string(),
  config: z
    .record(z.string(), z.unknown())
    .describe(
      'JSON schema of the configuration of one integration. `title` and `description` of each member are for people; `writeOnly` marks secrets. A channel whose schema cannot be described has an empty object',
    ),
  secrets: z.array(z.string()).describe('Members of the configuration that are never returned'),
  modes: z
    .array(
      z.object({
        mode: modeSchema,
        needs: z
          .array(z.array(z.string()))
          .describe('Members that it needs beside those that the schema requires: one of each list'),
        setup: z
          .string()
          .optional()
          .describe('Manual steps at the provider, at the default name of the integration'),
      }),
    )
    .describe('How it can get the events of its provider, the default of this server first'),
  capabilities: z.object({
    content: z
      .union([z.literal('any'), z.array(z.string())])
      .describe('Content types that it shows natively'),
    maxTextLength: z.number().optional().describe('Absent: no limit'),
    buttons: z.object({ max: z.number(), maxLabel: z.number() }).optional(),
    replyWindowHours: z.number().optional(),
  }),
})

/** The channels that the server has loaded. */
export function channelRoutes(app: FastifyInstance, deps: AdminDeps): void {
  const { hub, urls } = deps
  defineAdminRoute(app, deps, {
    method: 'GET',
    url: '/channels',
    operationId: 'adminListChannels',
    tag: 'admin-channels',
    summary: 'The channels that the server loads: the form of their configuration, and what they can',
    role: 'viewer',
    tenant: true,
    query: z.strictObject({
      clientId: z
        .string()
        .max(200)
        .optional()
        .describe('A client: `setup` has the address of its integration. Default: a placeholder'),
    }),
    responses: { 200: z.object({ items: z.array(channelSchema) }) },
    errors: [404],
    handle: async ({ actor, query }) => {
      const wanted = actor.kind === 'tenant' ? actor.clientId : query.clientId
      const client = wanted === undefined ? undefined : await existingClient(hub, wanted)
      const channels = hub.channels.names.flatMap((name) => hub.channels.find(name) ?? [])
      return { items: await Promise.all(channels.map((channel) => channelJson(channel, client?.id))) }
    },
  })

  async function channelJson(
    channel: Channel,
    clientId: Id | undefined,
  ): Promise<z.infer<typeof channelSchema>> {
    const { name, version, secrets, capabilities, modes: declared = { webhook: [] } } = channel
    const { content, maxTextLength, buttons, window } = capabilities
    const order: readonly IntegrationMode[] = urls.isPublic
      ? ['webhook', 'listen', 'direct']
      : ['listen', 'webhook', 'direct']
    const webhookUrl = clientId ? urls.webhook(clientId, name) : `${urls.base}/webhooks/v1/CLIENT_ID/${name}`
    const known = order.flatMap((mode) => {
      const needs = declared[mode]?.map((fields) => [fields].flat())
      return needs ? [{ mode, needs }] : []
    })
    const modes = await Promise.all(
      known.map(async ({ mode, needs }) => {
        const setup = await channel.setup?.(webhookUrl, mode, urls.sharedWebhook(name))
        return { mode, needs, ...(setup !== undefined && { setup }) }
      }),
    )
    return {
      ...{ name, title: titleOf(channel), version, secrets: [...secrets], modes, config: formOf(channel) },
      capabilities: {
        content: content === 'any' ? content : [...content],
        ...(maxTextLength < Number.MAX_SAFE_INTEGER && { maxTextLength }),
        ...(buttons && { buttons }),
        ...(window && { replyWindowHours: window.hours }),
      },
    }
  }
}
