import {
  type DeliveryContext,
  isStorable,
  type JsonObject,
  type Part,
  retryAfterMs,
  type Sent,
} from '@plugboard/core'
import { z } from 'zod'
import type { Config, Session } from './config.js'
import { Refusal } from './failure.js'

/** Longest answer that is read, in characters; only its id is used. */
const MAX_ANSWER = 64 * 1024

/** Posts one part. A retry has the same id, but a new time and signature. */
export function deliver(fetch: typeof globalThis.fetch) {
  return async (part: Part, context: DeliveryContext<Config, Session>): Promise<Sent> => {
    const { endpoint, integration, deliveryId, signal } = context
    // `render` made the args.
    const { payload } = part.args as { payload: JsonObject }
    const { identity, sender, thread } = endpoint
    const body = JSON.stringify({ type: 'message', id: deliveryId, identity, sender, thread, payload })
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
    if (!response.ok)
      throw new Refusal(response.status, retryAfterMs(response.headers.get('retry-after'), now))
    return { providerMessageIds: [idIn(answer) ?? deliveryId] }
  }
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
