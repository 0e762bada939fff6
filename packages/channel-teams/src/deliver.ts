import { type DeliveryContext, FailureError, isJsonObject, type Part, type Sent } from '@plugboard/core'
import { z } from 'zod'
import type { Session, TeamsApi } from './api.js'
import type { Config } from './config.js'
import { messageKey } from './endpoint.js'

type Context = DeliveryContext<Config, Session>

const resourceSchema = z.object({ id: z.string().min(1).max(400) })

/** Posts one message. Teams has no idempotency key. */
export const deliver =
  (api: TeamsApi) =>
  async ({ args }: Part, context: Context): Promise<Sent> => {
    const conversation = await conversationOf(api, context)
    const body = isJsonObject(args) ? args : {}
    const answer = await api.call(context, { method: 'POST', path: activitiesOf(conversation), body })
    const { data } = resourceSchema.safeParse(answer)
    if (!data)
      throw new FailureError({ kind: 'ambiguous', message: 'Teams answered without the id of the message' })
    return {
      providerMessageIds: [messageKey(conversation, data.id)],
      ...(context.endpoint.thread === '*' && { movedTo: { ...context.endpoint, thread: conversation } }),
    }
  }

/** Shown for some seconds, or until a message is sent. */
export const indicateTyping =
  (api: TeamsApi) =>
  async (context: Context): Promise<void> => {
    const conversation = await conversationOf(api, context)
    await api.call(context, { method: 'POST', path: activitiesOf(conversation), body: { type: 'typing' } })
  }

export const activitiesOf = (conversation: string): string =>
  `/v3/conversations/${encodeURIComponent(conversation)}/activities`

/**
 * The conversation of an endpoint. Without one, it is the chat of the bot with the person, which Teams creates; for the
 * same person it answers the same chat each time.
 * https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/send-proactive-messages
 */
async function conversationOf(api: TeamsApi, context: Context): Promise<string> {
  const { endpoint, integration, context: known } = context
  if (endpoint.thread !== '*') return endpoint.thread
  const tenantId =
    typeof known?.value.tenantId === 'string' ? known.value.tenantId : integration.config.tenantId
  if (tenantId === undefined)
    throw new FailureError({
      kind: 'invalid',
      message: 'a chat with a person who has not written needs tenantId in the configuration',
    })
  const body = { isGroup: false, members: [{ id: endpoint.sender }], tenantId }
  const { data } = resourceSchema.safeParse(
    await api.call(context, { method: 'POST', path: '/v3/conversations', body }),
  )
  // Nobody sees a chat without a message.
  if (!data)
    throw new FailureError({ kind: 'transient', message: 'Teams answered without the id of the chat' })
  return data.id
}
