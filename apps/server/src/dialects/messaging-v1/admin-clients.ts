import type { Id } from '@plugboard/core'
import { type ClientView, type Hub, isFeed } from '@plugboard/hub'
import { z } from 'zod'
import { withMaskedUrls } from '../../masked-urls.js'
import { existingClient } from './admin-lists.js'
import { clientIdOf, webhookJson } from './map.js'
import { type clientListResponse, clientPolicyResponse, webhookHealth } from './schemas.js'
import { FORMAT_NAME } from './webhook-format.js'

/** A client as its operator sees it. */
export const clientDetails = clientPolicyResponse.extend({
  hexId: z.string().meta({ description: 'Its id in the Sunshine and Smartify APIs, and in file names' }),
  name: z.string().optional(),
  createdOn: z.iso.datetime(),
  tokens: z.number().meta({ description: 'Number of its tokens' }),
  webhooks: z.array(webhookHealth),
  otherWebhooks: z.number().meta({ description: 'Number of its webhooks of the other APIs' }),
  channels: z.record(z.string(), z.enum(['active', 'pending', 'paused'])),
})

export const policyOf = ({ record }: ClientView): z.infer<typeof clientPolicyResponse> => ({
  id: clientIdOf(record),
  guests: record.acceptsGuests ?? false,
  maxStoredBytes: record.maxStoredBytes ?? null,
})

export async function detailsOf(hub: Hub, client: ClientView): Promise<z.infer<typeof clientDetails>> {
  const { record, integrations } = client
  const webhooks = await hub.health.ofWebhooks(client, FORMAT_NAME)
  return {
    ...policyOf(client),
    hexId: client.id,
    ...(record.name !== undefined && { name: record.name }),
    createdOn: record.createdAt.toISOString(),
    tokens: record.tokens.length,
    webhooks: webhooks.map((webhook) => webhookJson({ ...webhook, url: withMaskedUrls(webhook.url) })),
    otherWebhooks: record.webhooks.filter((hook) => !isFeed(hook)).length - webhooks.length,
    channels: Object.fromEntries([...integrations].map(([channel, { status }]) => [channel, status])),
  }
}

const PAGE = 20
const MAX_PAGE = 500

/** Lists clients, oldest first. `limit`: 0 is the maximum. @throws NOT_FOUND for the client of `after` */
export async function listClients(
  hub: Hub,
  { limit = PAGE, after }: { limit?: number | undefined; after?: string | undefined },
): Promise<z.infer<typeof clientListResponse>> {
  const from = after === undefined ? undefined : (await existingClient(hub, after)).id
  const records = await hub.clients.list({
    limit: Math.min(limit, MAX_PAGE) || MAX_PAGE,
    ...(from && { after: from }),
  })
  return {
    clients: records.map((record) => ({
      id: clientIdOf(record),
      ...(record.name !== undefined && { name: record.name }),
      createdOn: record.createdAt.toISOString(),
    })),
  }
}

/** Deletes a client with all of its data, and returns its id. @throws NOT_FOUND */
export async function deleteClient(hub: Hub, wireId: string): Promise<Id> {
  const { id } = await existingClient(hub, wireId)
  await hub.clients.delete(id)
  return id
}
