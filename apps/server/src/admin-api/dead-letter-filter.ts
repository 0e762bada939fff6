import { isUrl, PlugboardError } from '@plugboard/core'
import {
  type ClientView,
  type DeadFilter,
  isFeed,
  type Target,
  targetOf,
  webhookTarget,
} from '@plugboard/hub'
import { z } from 'zod'
import { deathReason } from '../dialects/messaging-v1/schemas.js'
import { idIn } from './ids.js'
import { integrationIdOf } from './integration-id.js'

const time = z.iso.datetime({ offset: true })

/** Types of entries by what webhooks call them. */
const EVENTS = {
  'message.new': 'message',
  'user.new': 'user.new',
  'user.updated': 'user.updated',
  'user.merged': 'user.merged',
  'user.deleted': 'user.deleted',
  'conversation.new': 'conversation.new',
  'conversation.started': 'conversation.started',
  'conversation.deleted': 'conversation.deleted',
  'health.new': 'health.new',
  activity: 'activity',
} as const satisfies Record<string, DeadFilter['type']>

const events = z.enum(Object.keys(EVENTS) as (keyof typeof EVENTS)[])

/** Selects dead letters, in a query or in the body of a job. */
export const deadFilter = {
  target: z
    .string()
    .max(8192)
    .optional()
    .describe('Id of a webhook, an endpoint or an integration; or the URL of a webhook'),
  integration: z.string().max(200).optional().describe('Id or name of an integration'),
  channel: z.string().max(100).optional().describe('Name of a channel'),
  reason: deathReason.optional(),
  event: events.optional().describe('Type of the event'),
  since: time.optional().describe('Given up at this time or later'),
  until: time.optional().describe('Given up at this time or earlier'),
}

const _filter = z.object(deadFilter)
/** A filter as it comes. */
export type WantedDead = z.infer<typeof _filter>

/** @throws INVALID, NOT_FOUND for the integration and the URL */
export function deadFilterOf(
  client: ClientView,
  { target, integration, channel, reason, event, since, until }: WantedDead,
): DeadFilter {
  return {
    ...(target !== undefined && { target: targetNamed(client, target) }),
    ...(integration !== undefined && { integrationId: integrationIdOf(client, integration) }),
    ...(channel !== undefined && { channel }),
    ...(reason !== undefined && { reason }),
    ...(event !== undefined && { type: EVENTS[event] }),
    ...(since !== undefined && { since: new Date(since) }),
    ...(until !== undefined && { until: new Date(until) }),
  }
}

/** @throws INVALID, NOT_FOUND */
function targetNamed(client: ClientView, text: string): Target {
  if (!isUrl(text)) return targetOf(client, idIn(text, ['target'], 'a target, or the URL of a webhook'))
  const webhook = client.webhooks.find((hook) => hook.url === text && !isFeed(hook))
  if (!webhook) throw new PlugboardError('NOT_FOUND', 'webhook not found')
  return webhookTarget(webhook.id)
}
