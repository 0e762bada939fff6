import { createHash, createHmac } from 'node:crypto'
import type { InboundRequest } from '@plugboard/core'
import { type Taken, uuid } from './fake-vonage.js'

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A signed token of Vonage about a body, from its documentation and without a library. */
export function tokenOf(
  body: Uint8Array,
  { apiKey, signatureSecret }: { apiKey: string; signatureSecret: string },
  at: Date,
  claims: object = {},
): string {
  const payload = {
    iat: Math.floor(at.getTime() / 1000),
    jti: 'c5ba8f24-1a14-4c10-bfdf-3fbe8ce511b5',
    iss: 'Vonage',
    payload_hash: createHash('sha256').update(body).digest('hex'),
    api_key: apiKey,
    application_id: '11111111-aaaa-4bbb-8ccc-222222222222',
    ...claims,
  }
  const data = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(payload)}`
  return `${data}.${createHmac('sha256', signatureSecret).update(data).digest('base64url')}`
}

/** Signs a request as Vonage does: https://developer.vonage.com/en/getting-started/concepts/webhooks#decoding-signed-webhooks */
export function sign(
  request: InboundRequest,
  credentials: { apiKey: string; signatureSecret: string },
  at = new Date(),
): InboundRequest {
  const authorization = `Bearer ${tokenOf(request.body, credentials, at)}`
  return { ...request, headers: { ...request.headers, authorization } }
}

/** The unsigned request with which Vonage hands on a person's message. */
export function inboundMessage(fields: Readonly<Record<string, unknown>>): InboundRequest {
  return jsonRequest({
    ...{ channel: 'whatsapp', message_uuid: uuid('inbound'), to: '447700900000', from: '447700900001' },
    ...{ timestamp: '2026-11-22T13:00:00Z', message_type: 'text', profile: { name: 'Ada' } },
    ...fields,
  })
}

/** The unsigned request with which Vonage tells what became of a message. */
export function statusWebhook(
  { message_uuid, to, from, channel, client_ref }: Taken,
  status: string,
  code?: string,
): InboundRequest {
  return jsonRequest({
    ...{ message_uuid, to, from, channel, client_ref, status, timestamp: '2026-11-22T13:00:01.000Z' },
    ...(code !== undefined && {
      error: {
        type: `https://developer.vonage.com/api-errors/messages#${code}`,
        title: Number(code),
        detail: 'as the test asks',
        instance: 'bf0ca0bf927b3b52e3cb03217e1a1ddf',
      },
    }),
  })
}

function jsonRequest(body: object): InboundRequest {
  return {
    method: 'POST',
    publicUrl: 'https://hub.example/webhooks/v1/acme/vonage',
    headers: { 'content-type': 'application/json', 'user-agent': 'Apache-HttpClient/4.5.13', accept: '*/*' },
    body: Buffer.from(JSON.stringify(body)),
  }
}
