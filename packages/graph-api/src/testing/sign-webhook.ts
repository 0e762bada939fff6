import { createHmac } from 'node:crypto'
import type { InboundRequest } from '@plugboard/core'

/**
 * Signs a notification as Meta does, without the code that verifies it. A GET is not signed.
 * https://developers.facebook.com/docs/graph-api/webhooks/getting-started#validate-payloads
 */
export function signWebhook(request: InboundRequest, appSecret: string): InboundRequest {
  if (request.method === 'GET') return request
  const hex = createHmac('sha256', appSecret).update(request.body).digest('hex')
  return { ...request, headers: { ...request.headers, 'x-hub-signature-256': `sha256=${hex}` } }
}

/** The address of the GET with which Meta checks a new webhook URL. */
export function handshakeUrl(webhookUrl: string, verifyToken: string, challenge = '1158201444'): string {
  const url = new URL(webhookUrl)
  url.searchParams.set('hub.mode', 'subscribe')
  url.searchParams.set('hub.challenge', challenge)
  url.searchParams.set('hub.verify_token', verifyToken)
  return url.href
}
