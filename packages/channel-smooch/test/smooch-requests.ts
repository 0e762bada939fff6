import type { InboundRequest } from '@plugboard/core'
import { objectId } from './fake-smooch.js'

export const APP_ID = '5d8cff3cd55b040010928b5b'
export const ADA = { id: '42589ad070d43be9b00ff7e5', authenticated: false }
export const CONVERSATION = { id: 'c93bb9c14dde8ffb94564eae', type: 'personal' }

/** The secret of a webhook in each of its requests. */
export const sign = (
  request: InboundRequest,
  { webhookSecret }: { webhookSecret: string },
): InboundRequest => ({
  ...request,
  headers: { ...request.headers, 'x-api-key': webhookSecret },
})

/** An unsigned request with events, each of a type and with a payload. */
export function webhookRequest(
  events: readonly { id?: string; type: string; createdAt?: string; payload: object }[],
  appId = APP_ID,
): InboundRequest {
  const body = {
    app: { id: appId },
    webhook: { id: '5d8cff3cd55b040010928b5c', version: 'v2' },
    events: events.map((event, i) => ({
      ...{ id: objectId(`event ${i} ${JSON.stringify(event)}`), createdAt: '2026-11-22T13:00:00.123Z' },
      ...event,
    })),
  }
  return {
    method: 'POST',
    publicUrl: 'https://hub.example/webhooks/v1/acme/smooch',
    headers: { 'content-type': 'application/json', 'user-agent': 'smooch-webhook' },
    body: Buffer.from(JSON.stringify(body)),
  }
}

/** A message of a person, as an event. */
export const messageEvent = (content: object, more: object = {}) => ({
  type: 'conversation:message',
  payload: {
    conversation: CONVERSATION,
    message: {
      ...{ id: objectId(JSON.stringify(content)), received: '2026-11-22T13:00:00.100Z' },
      author: { type: 'user', userId: ADA.id, user: ADA, displayName: 'Ada' },
      content,
      source: { type: 'web', integrationId: '5d8cff3cd55b040010928b5d' },
      ...more,
    },
  },
})
