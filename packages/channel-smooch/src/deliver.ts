import { type DeliveryContext, FailureError, type Part, type Sent, type SentPart } from '@plugboard/core'
import { z } from 'zod'
import type { CallApi, Session } from './api.js'
import type { Config } from './config.js'
import { RefusedError } from './failure.js'
import type { MessageArgs } from './outbound.js'

type Context = DeliveryContext<Config, Session>

const answerSchema = z.object({
  messages: z
    .array(z.object({ id: z.string().min(1).max(200) }))
    .min(1)
    .max(100),
})

/** @throws FailureError for an endpoint that is not in a conversation */
function pathOf({ endpoint: { thread } }: Context): string {
  if (thread !== '*') return `/conversations/${encodeURIComponent(thread)}`
  const message = 'the thread of the endpoint has to be the id of a conversation'
  throw new FailureError({ kind: 'invalid', message })
}

/** Posts one message of the business. https://developer.zendesk.com/api-reference/conversations/#operation/PostMessage */
export const deliver =
  (call: CallApi) =>
  async (part: Part, context: Context): Promise<Sent> => {
    // `render` made the args.
    const args = part.args as MessageArgs
    const answer = await call(
      {
        method: 'POST',
        path: `${pathOf(context)}/messages`,
        body: { author: { type: 'business' }, ...args },
        idempotencyKey: context.deliveryId,
      },
      context,
    )
    const { data } = answerSchema.safeParse(answer)
    if (data) return { providerMessageIds: data.messages.map(({ id }) => id) }
    throw new FailureError({ kind: 'ambiguous', message: 'Sunshine answered without the id of the message' })
  }

/** Removes the message from the conversation. Channels that it went to may still show it. */
export const remove =
  (call: CallApi) =>
  async ({ providerMessageIds }: SentPart, context: Context): Promise<void> => {
    for (const id of providerMessageIds) {
      const path = `${pathOf(context)}/messages/${encodeURIComponent(id)}`
      await call({ method: 'DELETE', path }, context).catch((error: unknown) => {
        if (!isGone(error)) throw error
      })
    }
  }

const isGone = (error: unknown): boolean =>
  error instanceof RefusedError && error.status === 404 && error.code !== 'app_not_found'

/** https://developer.zendesk.com/api-reference/conversations/#operation/PostActivity */
const does = (call: CallApi, type: string) => async (context: Context) => {
  const body = { author: { type: 'business' }, type }
  await call({ method: 'POST', path: `${pathOf(context)}/activity`, body }, context)
}

export const indicateTyping = (call: CallApi) => does(call, 'typing:start')
export const markRead = (call: CallApi) => does(call, 'conversation:read')
