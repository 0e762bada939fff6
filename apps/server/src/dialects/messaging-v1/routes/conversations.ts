import type { Conversation } from '@plugboard/core'
import type { Hub } from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import { idempotent } from '../../idempotent.js'
import { idOf } from '../ids.js'
import { conversationJson } from '../map.js'
import { jsonList } from '../pages.js'
import { defineRoute } from '../route.js'
import * as schemas from '../schemas.js'

/** Conversations with the people of a client. */
export function conversationRoutes(app: FastifyInstance, hub: Hub): void {
  defineRoute(app, {
    method: 'POST',
    url: '/conversations',
    operationId: 'messagingCreateConversation',
    errors: [404],
    takesKey: true,
    tag: 'conversations',
    summary: 'Create a conversation of a user',
    body: schemas.createConversationBody,
    responses: { 201: schemas.conversationResponse },
    handle: async (input) => {
      const userId = idOf(input.body.userId)
      const conversation = await idempotent(hub, input, (id) =>
        hub.conversations.create(input.client, { id, userId }),
      )
      return conversationJson(input.client, conversation)
    },
  })
  defineRoute(app, {
    method: 'GET',
    url: '/conversations/:id',
    operationId: 'messagingGetConversation',
    tag: 'conversations',
    summary: 'Get a conversation',
    params: schemas.idParams,
    responses: { 200: schemas.conversationResponse },
    handle: async ({ client, params }) =>
      conversationJson(client, await hub.conversations.get(client, idOf(params.id))),
  })
  defineRoute(app, {
    method: 'DELETE',
    url: '/conversations/:id',
    operationId: 'messagingDeleteConversation',
    tag: 'conversations',
    summary: 'Delete a conversation with all of its messages',
    params: schemas.idParams,
    responses: { 204: undefined },
    handle: ({ client, params }) => hub.conversations.delete(client, idOf(params.id)),
  })
  defineRoute(app, {
    method: 'POST',
    url: '/conversations/:id/typing',
    operationId: 'messagingShowTyping',
    tag: 'conversations',
    summary: 'Show the user that the bot writes, or stopped',
    params: schemas.idParams,
    body: schemas.typingBody,
    responses: { 204: undefined },
    handle: ({ client, params, body }) => hub.typing.show(client, idOf(params.id), 'business', body.isTyping),
  })
  defineRoute(app, {
    method: 'POST',
    url: '/conversations/:id/read',
    operationId: 'messagingMarkRead',
    tag: 'conversations',
    summary: 'Show the user that the bot has read everything up to now',
    params: schemas.idParams,
    responses: { 204: undefined },
    handle: ({ client, params }) => hub.participants.read(client, idOf(params.id), 'business'),
  })
  defineRoute(app, {
    method: 'GET',
    url: '/conversations/user/:userId',
    operationId: 'messagingListConversations',
    tag: 'conversations',
    summary: 'List the conversations of a user: those without messages first, then by newest message',
    isList: true,
    params: schemas.userParams,
    query: schemas.page,
    responses: { 200: schemas.conversationListResponse },
    handle: ({ client, params, query }) => {
      const userId = idOf(params.userId)
      const before = query.before === undefined ? undefined : idOf(query.before)
      return jsonList<Conversation>(query.limit, before, {
        read: (page) => hub.conversations.listByUser(client, userId, page),
        print: (conversation) => JSON.stringify(conversationJson(client, conversation)),
      })
    },
  })
}
