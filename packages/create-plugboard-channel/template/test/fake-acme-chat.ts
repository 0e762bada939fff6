import { createHmac } from 'node:crypto'
import type { InboundRequest } from '@plugboard/core'
import type { Answer, ProviderCall } from '@plugboard/core/testing'
import { z } from 'zod'

/** A file that the fake Acme Chat has. */
export const file = { ref: 'file_1', body: 'the bytes of a picture' }

/** What Acme Chat takes, by its own documentation and not by our code: whatever else is sent to it, it refuses. */
const messageSchema = z
  .strictObject({
    chat: z.string().min(1),
    text: z.string().min(1).max(4000).optional(),
    format: z.literal('markdown').optional(),
    image: z.url().optional(),
    caption: z.string().min(1).max(1000).optional(),
    buttons: z
      .array(z.strictObject({ label: z.string().min(1).max(20), value: z.string().min(1).max(40) }))
      .min(1)
      .max(3)
      .optional(),
  })
  .refine(({ text, image }) => (text === undefined) !== (image === undefined), 'one of text and image')

/** Answers as Acme Chat does to a call that goes well, and with 422 to what it would not take. */
export function answerOf({ method, path, body, headers }: ProviderCall): Answer {
  switch (`${method} ${path}`) {
    case 'GET /v1/me':
      return { body: '{"id":"bot_1"}' }
    case `GET /v1/files?id=${file.ref}`:
      return { headers: { 'content-type': 'image/png' }, body: file.body }
    case 'POST /v1/messages':
      return messageSchema.safeParse(JSON.parse(body)).success
        ? { status: 201, body: JSON.stringify({ id: `msg of ${headers['idempotency-key']}` }) }
        : { status: 422, body: '{"error":"invalid_message"}' }
    default:
      return { status: 404, body: '{"error":"not_found"}' }
  }
}

/** Signs a request as Acme Chat does at that time. */
export function sign(request: InboundRequest, signingSecret: string, at: Date): InboundRequest {
  const timestamp = String(Math.floor(at.getTime() / 1000))
  const hmac = createHmac('sha256', signingSecret).update(`${timestamp}.`).update(request.body)
  const signature = { 'x-acme-chat-timestamp': timestamp, 'x-acme-chat-signature': hmac.digest('hex') }
  return { ...request, headers: { ...request.headers, ...signature } }
}
