import { type Id, invalid, toUuid } from '@plugboard/core'
import {
  type ClientView,
  changeOf,
  type DeadLetter,
  type Delivery,
  eventOf,
  type Hub,
  isFeed,
  parseTarget,
  type Target,
  type TargetKind,
  webhookTarget,
} from '@plugboard/hub'
import type { z } from 'zod'
import { channelJson } from './map.js'
import type { deadLetter } from './schemas.js'

/** Dead letters and deliveries in the API. */

/** A delivery's id: the entry, the kind of the target, the target. */
export function deliveryIdOf(entryId: Delivery['entryId'], target: Target): string {
  const { kind, id } = parseTarget(target)
  return `${toUuid(entryId)}.${kind}.${toUuid(id)}`
}

export function deadLetterJson(
  hub: Hub,
  client: ClientView,
  { entry, target, dead }: DeadLetter,
): z.infer<typeof deadLetter> {
  const { kind, id } = parseTarget(target)
  const change = changeOf(entry)
  const messageId = entry.type === 'message' ? entry.id : change?.messageId
  return {
    id: deliveryIdOf(entry.id, target),
    ...(messageId && { messageId: toUuid(messageId), conversationId: toUuid(entry.streamId) }),
    ...(change && { change: change.type }),
    event: eventOf(entry.type),
    target: targetJson(hub, client, { kind, id }, dead),
    reason: dead.reason,
    ...(dead.error !== undefined && { error: dead.error }),
    ...(dead.code !== undefined && { code: dead.code }),
    attempts: dead.attempts,
    diedAt: dead.at.toISOString(),
  }
}

/** What can still be said of a target that may have been removed. */
function targetJson(
  hub: Hub,
  client: ClientView,
  { kind, id }: { kind: TargetKind; id: Id },
  { channel, integrationId }: DeadLetter['dead'],
): z.infer<typeof deadLetter>['target'] {
  const url = client.webhooks.find((hook) => hook.id === id)?.url
  if (kind === 'webhook') return { type: kind, id: toUuid(id), ...(url !== undefined && { url }) }
  const name = [...client.integrations.values()].find((each) => each.id === integrationId)?.name
  return {
    ...{ type: kind, id: toUuid(id) },
    ...(channel !== undefined && { channel: channelJson(hub, { name: channel, custom: false }) }),
    ...(name !== undefined && name !== channel && { integration: name }),
  }
}

/** The webhook with this id or URL, as the target of a replay. @throws INVALID */
export function findWebhook(client: ClientView, name: string): Target {
  const webhook = client.webhooks.find(
    (hook) => !isFeed(hook) && (hook.url === name || toUuid(hook.id) === name),
  )
  if (!webhook)
    throw invalid({
      path: ['body', 'target'],
      message: 'must be the id or the URL of a webhook of the client',
    })
  return webhookTarget(webhook.id)
}
