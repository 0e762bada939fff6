import { invalid, toUuid } from '@plugboard/core'
import {
  type ClientView,
  type DeadLetter,
  type Delivery,
  eventOf,
  parseTarget,
  type Target,
  webhookTarget,
} from '@plugboard/hub'
import type { z } from 'zod'
import type { deadLetter } from './schemas.js'

/** Dead letters and deliveries in the API. */

/** A delivery's id: the entry, the kind of the target, the target. */
export function deliveryIdOf(entryId: Delivery['entryId'], target: Target): string {
  const { kind, id } = parseTarget(target)
  return `${toUuid(entryId)}.${kind}.${toUuid(id)}`
}

export function deadLetterJson(
  client: ClientView,
  { entry, target, dead }: DeadLetter,
): z.infer<typeof deadLetter> {
  const { kind, id } = parseTarget(target)
  const url = client.webhooks.find((hook) => hook.id === id)?.url
  const isMessage = entry.type === 'message'
  return {
    id: deliveryIdOf(entry.id, target),
    ...(isMessage && { messageId: toUuid(entry.id), conversationId: toUuid(entry.streamId) }),
    event: eventOf(entry.type),
    target:
      kind === 'webhook'
        ? { type: kind, id: toUuid(id), ...(url !== undefined && { url }) }
        : { type: kind, id: toUuid(id) },
    reason: dead.reason,
    ...(dead.error !== undefined && { error: dead.error }),
    ...(dead.code !== undefined && { code: dead.code }),
    attempts: dead.attempts,
    diedAt: dead.at.toISOString(),
  }
}

/** The webhook with this id or URL, as the target of a replay. @throws INVALID */
export function findWebhook(client: ClientView, name: string): Target {
  const webhook = client.webhooks.find(({ id, url }) => url === name || toUuid(id) === name)
  if (!webhook)
    throw invalid({
      path: ['body', 'target'],
      message: 'must be the id or the URL of a webhook of the client',
    })
  return webhookTarget(webhook.id)
}
