import { fromUuid, type Id, isPlugboardError, PlugboardError } from '@plugboard/core'
import { z } from 'zod'
import { idempotencyKeySchema, requiredKeyIn } from '../idempotency-key.js'
import { storedPayload, visitorPayload } from '../payloads.js'
import { defineRoute } from '../route.js'
import type { Scope } from '../scope.js'
import type { Site } from '../sites.js'
import { messageJson, messageSchema } from '../wire.js'
import { conversationParams } from './conversations.js'

/** Most messages of a page. */
const MAX_PAGE = 100

const id = z.string().transform((uuid, context): Id => {
  const found = fromUuid(uuid)
  if (found) return found
  context.addIssue('must be the id of a message')
  return z.NEVER
})

const page = z
  .strictObject({
    before: id.optional().describe('Messages before this one.'),
    after: id.optional().describe('The next messages after this one.'),
    limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(50),
  })
  .refine(({ before, after }) => before === undefined || after === undefined, {
    path: ['after'],
    error: 'must not be together with before',
  })

const post = z.strictObject({ payload: visitorPayload })
const feedbackBody = z.strictObject({
  feedback: z.union([z.literal(1), z.literal(-1)], { error: 'must be 1 or -1' }),
})

/** Messages of a visitor's conversation. */
export function messageRoutes(scope: Scope): void {
  const { hub, conversations, tokens, limits } = scope

  defineRoute(scope, {
    method: 'GET',
    path: '/conversations/:id/messages',
    operationId: 'webListMessages',
    summary: 'List the messages of a conversation, newest first',
    params: conversationParams,
    query: page,
    response: z.object({ messages: z.array(messageSchema) }),
    isList: true,
    handle: async ({ site, visitor, params, query: { before, after, limit } }) => {
      const { view } = await conversations.get({ site, visitor }, params.id)
      const at = { ...(before && { before }), ...(after && { after }) }
      const messages = await hub.messages.list(site.client, view.id, { limit, ...at })
      return { messages: messages.map((message) => messageJson(message, view.facts.businessReadAt)) }
    },
  })

  defineRoute(scope, {
    method: 'POST',
    path: '/conversations/:id/messages',
    operationId: 'webPostMessage',
    summary:
      'Send a message of the visitor. A repetition with the same `Idempotency-Key` returns the first one',
    headers: idempotencyKeySchema(true),
    params: conversationParams,
    body: post,
    status: 201,
    errors: [422],
    response: messageSchema,
    handle: async ({ site, visitor, params, body, request }) => {
      const key = requiredKeyIn(request)
      const { client, integration } = site
      const { userId } = visitor
      const { view, endpoint } = await conversations.get({ site, visitor }, params.id)
      const conversationId = view.id
      const payload = await storedPayload(body.payload, {
        upload: (id) => tokens.verifyUpload(id, site, { userId, conversationId }),
        payloadOf: (id) => payloadOf(site, conversationId, id),
      })
      limits.admitMessage(userId, Buffer.byteLength(JSON.stringify(payload)))
      // A repetition of what was sent before the end does not begin the conversation again.
      const isClosed =
        view.facts.closed && !(await hub.ingest.hasWritten(client, integration, { conversationId, key }))
      if (isClosed) await hub.conversations.reopen(client, conversationId)
      const place = { conversationId, endpointId: endpoint.id, userId }
      const message = await hub.ingest.write(client, integration, { ...place, key, payload })
      return messageJson(message, view.facts.businessReadAt)
    },
  })

  defineRoute(scope, {
    method: 'POST',
    path: '/conversations/:id/messages/:messageId/feedback',
    operationId: 'webRateMessage',
    summary: 'What the visitor thinks of a message: 1 is good, -1 is bad',
    params: conversationParams.extend({ messageId: z.string() }),
    body: feedbackBody,
    status: 204,
    handle: async ({ site, visitor, params, body }) => {
      limits.admitSignal(visitor.userId, 'feedback')
      const { view } = await conversations.get({ site, visitor }, params.id)
      const id = fromUuid(params.messageId)
      const isThere = id && (await payloadOf(site, view.id, id)) !== undefined
      if (!isThere) throw new PlugboardError('NOT_FOUND', 'Not found')
      await hub.messages.rate(site.client, visitor.userId, id, body.feedback)
    },
  })

  /** The payload of a message of the conversation. */
  async function payloadOf({ client }: Site, conversationId: Id, id: Id): Promise<string | undefined> {
    try {
      const message = await hub.messages.get(client, id)
      return message.conversationId === conversationId ? message.payload : undefined
    } catch (error) {
      if (isPlugboardError(error, 'NOT_FOUND')) return undefined
      throw error
    }
  }
}
