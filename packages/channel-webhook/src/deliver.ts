import {
  type DeliveryContext,
  isStorable,
  type JsonObject,
  type Part,
  retryAfterMs,
  type Sent,
  type SentPart,
} from '@plugboard/core'
import { z } from 'zod'
import type { Session } from './api.js'
import type { Config } from './config.js'
import { Refusal } from './failure.js'

/** Longest answer that is read, in characters; only its id is used. */
const MAX_ANSWER = 64 * 1024

type Context = DeliveryContext<Config, Session>

/** Sends one part. A retry has the same id, but a new time and signature. */
export const deliver =
  (fetch: typeof globalThis.fetch) =>
  async (part: Part, context: Context): Promise<Sent> => {
    const answer = await post(fetch, { type: 'message', payload: payloadOf(part) }, context)
    return { providerMessageIds: [idIn(answer) ?? context.deliveryId] }
  }

/** Sends what a part is now. The message keeps its id, whatever the receiver answers. */
export const edit =
  (fetch: typeof globalThis.fetch) =>
  async ({ providerMessageIds: [messageId] }: SentPart, part: Part, context: Context): Promise<Sent> => {
    await post(fetch, { type: 'edited', messageId, payload: payloadOf(part) }, context)
    return { providerMessageIds: [] }
  }

/** Sends that a message is gone. */
export const remove =
  (fetch: typeof globalThis.fetch) =>
  async ({ providerMessageIds: [messageId] }: SentPart, context: Context): Promise<void> => {
    await post(fetch, { type: 'removed', messageId }, context)
  }

/** `render` made the args. */
const payloadOf = ({ args }: Part): JsonObject => (args as { payload: JsonObject }).payload

/** Returns the start of the answer. @throws Refusal, and what `fetch` throws */
async function post(
  fetch: typeof globalThis.fetch,
  {
    type,
    ...content
  }: { type: 'message' | 'edited' | 'removed'; messageId?: string | undefined; payload?: JsonObject },
  { endpoint, integration, deliveryId, signal }: Context,
): Promise<string> {
  const { identity, sender, thread } = endpoint
  const body = JSON.stringify({ type, id: deliveryId, identity, sender, thread, ...content })
  const now = new Date()
  const response = await fetch(integration.config.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'webhook-id': deliveryId,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': integration.session.map((key) => key.sign(deliveryId, now, body)).join(' '),
    },
    body,
    redirect: 'manual',
    signal,
  })
  const answer = await readStart(response)
  if (!response.ok) throw new Refusal(response.status, retryAfterMs(response.headers.get('retry-after'), now))
  return answer
}

/** Reads an answer up to the limit. An incomplete one is not a failure: the status says what happened. */
async function readStart(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  try {
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true })
      if (text.length > MAX_ANSWER) break
    }
  } catch {
    // Use what was received.
  }
  return text
}

const answerSchema = z.object({ id: z.string().min(1).max(200).refine(isStorable) })

/** The receiver's id of the message, if the answer has one. */
function idIn(answer: string): string | undefined {
  try {
    return answerSchema.safeParse(JSON.parse(answer)).data?.id
  } catch {
    return undefined
  }
}
